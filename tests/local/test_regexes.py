"""Regular expressions that are wrong: a constant is said with its place, one of a row matches nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kqlmagic_ext import QueryError
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]
ROWS = "datatable(t: string, p: string) ['abc', '(a', 'abc', 'a', '', '[', 'äbc', '(ä)']"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("t matches regex p", [False, True, False, True]),
        ("not(t matches regex p)", [True, False, True, False]),
        ("t matches regex strcat(p, '')", [False, True, False, True]),
        ("extract(p, 0, t)", ["", "a", "", "ä"]),
        ("extract(p, 1, t)", ["", "", "", "ä"]),
        ("replace_regex(t, p, 'x')", ["abc", "xbc", "", "xbc"]),
        ("countof(t, p, 'regex')", [0, 1, 0, 1]),
    ],
)
def test_a_wrong_pattern_of_a_row_matches_nothing(opened: Open, call: str, expected: list[Any]) -> None:
    rows = answer(opened("local://"), f"{ROWS} | project z = {call}")
    assert [value for (value,) in rows] == expected


@pytest.mark.parametrize(
    ("query", "column"),
    [
        ("print 'abc' matches regex '(a'", 27),
        ("print extract('[a-', 0, 'abc')", 15),
        ("let p = '*a'; print replace_regex('abc', p, '')", 9),
        (f"{ROWS} | where t matches regex 'x**'", len(ROWS) + 26),
        ("print countof('abc', 'a)', 'regex')", 22),
        (r"print 'abc' matches regex '\\q'", 27),
    ],
)
def test_a_wrong_pattern_in_the_query_is_said_with_its_place(opened: Open, query: str, column: int) -> None:
    with pytest.raises(QueryError, match=rf"line 1, column {column}: the regular expression is wrong"):
        answer(opened("local://"), query)
