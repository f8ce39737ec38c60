"""`parse-kv`, from the reference's text: delimiters, quotes, escapes, greedy values, patterns; what is not there is null or empty."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqlmagic_ext import KqlMagicError, Query, connect
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]


@pytest.mark.parametrize(
    ("text", "clause", "expected"),
    [
        ("a=1 b=two", "with (pair_delimiter=' ', kv_delimiter='=')", (1, "two")),
        ("b=two", "with (pair_delimiter=' ', kv_delimiter='=')", (None, "two")),
        ("", "with (pair_delimiter=' ', kv_delimiter='=')", (None, "")),
        ("a=x, b=é ü", "with (pair_delimiter=',', kv_delimiter='=')", (None, "é ü")),
        ("a=1;;b='x;y'", "with (pair_delimiter=';', kv_delimiter='=', quote=\"'\")", (1, "x;y")),
        ("a=1,b=[x,y]", "with (pair_delimiter=',', kv_delimiter='=', quote='[]')", (1, "x,y")),
        (
            r"a=1,b='x\'y'",
            r"with (pair_delimiter=',', kv_delimiter='=', quote=\"'\", escape='\\')",
            (1, "x'y"),
        ),
        ("a=1 b=two three", "with (pair_delimiter=' ', kv_delimiter='=', greedy=true)", (1, "two three")),
        ("<a:1><b:two>", r"with (regex=@'<(\w+):([^>]*)>')", (1, "two")),
        ("noise a:1, b:two", "", (1, "two")),
    ],
)
def test_pairs_become_columns(opened: Open, text: str, clause: str, expected: tuple[object, ...]) -> None:
    query = (
        f"print s = s | parse-kv s as (a: long, b: string) {clause} | project isnull(a), coalesce(a, 0), b"
    )
    number, word = expected
    rows = answer(opened("local://"), query.replace('\\"', '"'), s=text)
    assert rows == [(number is None, number or 0, word)]


def test_a_name_in_brackets_replaces_a_column_of_that_name(opened: Open) -> None:
    rows = answer(
        opened("local://"),
        "datatable (s: string, ['a b']: long) ['a b:5|c:x', 1] "
        "| parse-kv s as (['a b']: long, c: string) with (pair_delimiter='|', kv_delimiter=':')",
    )
    assert rows == [("a b:5|c:x", 5, "x")]


def test_it_stands_in_lets_unions_and_mv_apply(opened: Open) -> None:
    query = (
        "let T = datatable (s: string) ['k=1', 'k=2'] | parse-kv s as (k: long) with (pair_delimiter=' ', kv_delimiter='='); "
        "union T, (T | where k == 2) | summarize sum(k)"
    )
    assert answer(opened("local://"), query) == [(5,)]


@pytest.mark.parametrize(
    "clause",
    [
        "with (regex='no groups')",
        "with (pair_delimiter=',')",
        "with (kv_delimiter=':', pair_delimiter=':')",
        "with (unknown='x')",
        "with (quote='xyz', pair_delimiter=',', kv_delimiter=':')",
    ],
)
def test_what_makes_no_sense_is_refused(opened: Open, clause: str) -> None:
    with pytest.raises(KqlMagicError, match="parse-kv"):
        answer(opened("local://"), f"print s = 'a' | parse-kv s as (a: string) {clause}")


WORDS = st.text(
    st.characters(codec="utf-8", exclude_characters="=;", exclude_categories=("Cs", "Cc", "Z")), min_size=1
)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", "other"]), WORDS), max_size=5))
def test_the_first_of_a_key_counts(pairs: list[tuple[str, str]]) -> None:
    text = ";".join(f"{key}={value}" for key, value in pairs)
    expected = [next((value for key, value in pairs if key == name), "") for name in ("a", "b")]
    connection = connect("local://")
    try:
        query = "print s | parse-kv print_0 as (a: string, b: string) with (pair_delimiter=';', kv_delimiter='=') | project a, b"
        frame = connection.run(Query(query, {"s": text})).frame
    finally:
        connection.close()
    assert frame.iloc[0].tolist() == expected
