"""Where words and patterns stand, query strings, paths and sets, from the reference's text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqlmagic_ext import Query, QueryError, connect
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer
from tests.local.test_text_functions import first

Open = Callable[..., LocalConnection]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("indexof_regex('abcabc', @'a.c')", 0),
        ("indexof_regex('abcabcdefg', @'a.c', 0, 9, 2)", 3),
        ("indexof_regex('abcabc', @'a.c', 1, -1, 2)", -1),
        ("indexof_regex('ababaa', @'a.a', 0, -1, 2)", -1),
        ("indexof_regex('abab', '^ab', 0, -1, 2)", -1),
        ("indexof_regex('äöc', '(c)')", 2),
        ("indexof_regex('', 'c')", -1),
        ("indexof_regex('abcabc', 'a|ab', -1)", None),
        ("indexof_regex('abc', 'c', 0, -5)", None),
        ("indexof_regex(dynamic('abc'), 'c')", 2),
        ("has_any_index('this is an example', dynamic(['this', 'example']))", 0),
        ("has_any_index('this is an example', dynamic(['not', 'EXAMPLE']))", 1),
        ("has_any_index('this is an example', dynamic(['not', 'exam']))", -1),
        ("has_any_index('example number 2', dynamic([1, 2, 3]))", 1),
        ("has_any_index('this', dynamic([]))", -1),
        ("has_any_index('this', dynamic(null))", None),
        ("regex_quote('(so$me.Te^xt)')", r"\(so\$me\.Te\^xt\)"),
        ("regex_quote('')", ""),
        ("'a(b' matches regex regex_quote('(b')", True),
        ("parse_urlquery('k1=v1&k2=v2')", {"Query Parameters": {"k1": "v1", "k2": "v2"}}),
        ("parse_urlquery('')", {"Query Parameters": {}}),
        ('treepath(parse_json(\'{"a":"b", "c":123}\'))', ["['a']", "['c']"]),
        ('treepath(parse_json(\'{"a":[1,2,{"x":"y"}]}\'))', ["['a']", "['a'][0]", "['a'][0]['x']"]),
        ("treepath(dynamic(5))", None),
        ("treepath(dynamic([]))", []),
        ("jaccard_index(dynamic([1,2,3]), dynamic([1,2,3,4]))", 0.75),
        ("jaccard_index(dynamic([1,1]), dynamic([1]))", 1.0),
        ("jaccard_index(dynamic([]), dynamic(['é']))", 0.0),
        ("isnull(jaccard_index(dynamic(null), dynamic([1])))", True),
        ("isnull(jaccard_index(dynamic('x'), dynamic([1])))", True),
    ],
)
def test_what_is_found_is_what_the_reference_says(opened: Open, call: str, expected: Any) -> None:
    assert first(opened("local://"), call) == expected


@pytest.mark.parametrize("call", ["indexof_regex('abc', 'x*')", "jaccard_index(dynamic([]), dynamic([]))"])
def test_what_the_reference_leaves_open_is_refused(opened: Open, call: str) -> None:
    with pytest.raises(QueryError, match=call.split("(", maxsplit=1)[0]):
        first(opened("local://"), call)


def test_they_work_over_the_lists_of_a_summary_and_over_columns_that_are_null(opened: Open) -> None:
    rows = answer(
        opened("local://"),
        "datatable(t: string, s: string) ['a', 'b', 'b', '(', 'a', ''] "
        "| summarize l = make_list(t), m = make_set(t), s = take_any(s), i = make_list(indexof_regex(t, strcat(s, 'x'))) "
        "| project jaccard_index(l, m), treepath(l), has_any_index('b', l), i",
    )
    assert rows == [(1.0, ["[0]"], 1, [-1, -1, -1])]


@settings(max_examples=30)
@given(st.text("aäb", max_size=8), st.integers(0, 4), st.integers(-1, 6), st.integers(1, 3))
def test_the_place_of_a_pattern_is_that_of_a_letter_by_letter_search(
    text: str, start: int, length: int, occurrence: int
) -> None:
    end = len(text) if length < 0 else min(len(text), start + length)
    at, places = start, []
    while at + 2 <= end:
        hit = text[at] == "a"
        places += [at] if hit else []
        at += 2 if hit else 1
    connection = connect("local://")
    try:
        asked = Query(f"print indexof_regex(x, 'a.', {start}, {length}, {occurrence})", {"x": text})
        ((found,),) = connection.run(asked).frame.itertuples(index=False)
    finally:
        connection.close()
    assert found == (places[occurrence - 1] if occurrence <= len(places) else -1)
