"""parse and parse-where, from the reference's text and against a slow model of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqlmagic_ext import Query, UnsupportedError
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer, plain

Open = Callable[..., LocalConnection]


@pytest.mark.parametrize(
    ("value", "operator", "expected"),
    [
        ("'ab.cd.ef'", "parse s with a '.' *", ("ab",)),
        ("'12=b'", "parse s with k:long '=' v", (12, "b")),
        ("'zz=b'", "parse s with k:long '=' v", (None, "")),
        ("'zz=b'", "parse kind=relaxed s with k:long '=' v", (None, "b")),
        ("'a=b=c'", "parse kind=regex s with k '=' v", ("a=b", "c")),
        ("'a=b=c'", "parse kind=regex flags=U s with k '=' v '$'", ("a", "b=c")),
        ("'é=ü'", "parse s with ['the key'] '=' ['a \"value\"']", ("é", "ü")),
        ("''", "parse s with k '=' v", ("", "")),
        ("dynamic({'a': 'x=1'})", "parse s.a with 'x=' v:long", (1,)),
        ("dynamic(null)", "parse kind=relaxed s with k '=' v", ("", "")),
        ("'a=1'", "parse strcat(s, '0') with * 'a=' ['n']:long *", (10,)),
    ],
)
def test_parse_reads(opened: Open, value: str, operator: str, expected: tuple[Any, ...]) -> None:
    made = answer(opened("local://"), f"print s={value} | {operator} | project-away s")
    assert plain(made) == [expected]


def test_parse_where_leaves_out_what_does_not_fit(opened: Open) -> None:
    text = "datatable(s: string)['1=a', 'x=b', 'c', ''] | parse-where s with ['a number']:long '=' v | project-away s"
    assert answer(opened("local://"), text) == [(1, "a")]


def test_a_column_in_brackets_takes_the_place_of_its_namesake(opened: Open) -> None:
    text = "print ['a b']='old', s='x=new' | parse s with * '=' ['a b']"
    frame = opened("local://").run(Query(text)).frame
    assert list(frame.columns) == ["a b", "s"]
    assert frame.iloc[0].tolist() == ["new", "x=new"]


def test_parse_reads_inside_let_mv_apply_and_join(opened: Open) -> None:
    text = (
        "let f = (t: string) { print s = t | parse s with ['k k'] '=' v }; "
        "f('a=1') | join kind=inner (print l=dynamic(['a=2', 'b=3']) "
        "| mv-apply e = l to typeof(string) on (parse e with ['k k'] '=' w)) on ['k k'] | project ['k k'], v, w"
    )
    assert answer(opened("local://"), text) == [("a", "1", "2")]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text("ab=. ", max_size=6), max_size=6))
def test_a_leading_column_ends_at_the_first_mark(shared: LocalConnection, texts: list[str]) -> None:
    listed = ", ".join(f"{at}, '{text}'" for at, text in enumerate(texts))
    query = f"datatable(i: long, s: string)[{listed}] | parse s with k '=' v | project k, v"
    split = [text.partition("=") for text in texts]
    assert answer(shared, query) == [(before, after) if mark else ("", "") for before, mark, after in split]


def test_two_columns_with_nothing_between_them_are_refused(opened: Open) -> None:
    with pytest.raises(UnsupportedError, match="empty string literal"):
        answer(opened("local://"), "print s='a' | parse s with k '' v")
