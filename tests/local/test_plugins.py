"""`evaluate` plugins whose columns are known before the rows, from the reference's text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from kqlmagic_ext import KqlMagicError
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]
ROWS = "datatable(n: long, s: string)[1, 'a', 2, 'hit', 3, '', 4, 'é', 5, 'hit', 6, 'z']"
ONE = "let a = datatable(Uri: string, Status: int)[] | getschema;"


def plain(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [tuple(None if pd.isna(value) else value for value in row) for row in rows]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "datatable(n: long, ['q\"x']: string, t: datetime, d: dynamic)[1, 'é', datetime(2020-01-02), dynamic([1]), long(null), '', datetime(null), dynamic(null)] | evaluate narrow()",
            [
                (0, "n", "1"),
                (0, 'q"x', "é"),
                (0, "t", "2020-01-02T00:00:00.0000000Z"),
                (0, "d", "[1]"),
                (1, "n", ""),
                (1, 'q"x', ""),
                (1, "t", ""),
                (1, "d", ""),
            ],
        ),
        (f"{ROWS} | take 0 | evaluate narrow()", []),
        (f"{ROWS} | evaluate narrow() | where Row == 1 and Column == 's' | project Value", [("hit",)]),
        (f"{ROWS} | evaluate rows_near(s == 'hit', 0) | project n", [(2,), (5,)]),
        (
            f"{ROWS} | sort by n desc | evaluate rows_near(s == 'hit', 1, 0) | project n",
            [(6,), (5,), (3,), (2,)],
        ),
        (
            f"let k = 1; {ROWS} | evaluate rows_near(n > k and s == 'a' or n == 6, k) | project n",
            [(5,), (6,)],
        ),
        (f"{ROWS} | evaluate rows_near(toint(s) == 1, 9)", []),
        (
            f"{ONE} union a, a | evaluate schema_merge() | project ColumnName, ColumnOrdinal, ColumnType",
            [("Uri", 0, "string"), ("Status", 1, "int")],
        ),
        (
            f"{ONE} let b = datatable(Uri: string, R: string, Status: int)[] | getschema; union a, b | evaluate schema_merge(PreserveOrder = true)",
            [
                ("Uri", 0, "System.String", "string"),
                ("R", 1, "System.String", "string"),
                (
                    "Status",
                    -1,
                    "ERROR(unknown CSL type:ERROR(columns are out of order))",
                    "ERROR(columns are out of order)",
                ),
            ],
        ),
    ],
)
def test_a_plugin_gives_what_the_reference_says(
    opened: Open, query: str, expected: list[tuple[Any, ...]]
) -> None:
    assert plain(answer(opened("local://"), query)) == expected


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (f"{ROWS} | evaluate narrow(n)", "cannot run narrow with arguments yet"),
        (f"{ROWS} | evaluate rows_near(s == 'a')", "rows_near with such"),
        (f"{ROWS} | evaluate rows_near(s == 'a', n)", "rows_near"),
        (f"{ROWS} | evaluate schema_merge()", "getschema"),
        (f"{ONE} a | evaluate schema_merge(PreserveOrder = false)", "PreserveOrder = false"),
        (
            f"{ONE} let b = datatable(Uri: long)[] | getschema; union a, b | evaluate schema_merge()",
            "two types",
        ),
        (
            f"{ONE} let b = datatable(Other: long)[] | getschema; union a, b | evaluate schema_merge()",
            "one place",
        ),
        (
            f"{ROWS} | evaluate dcount_intersect(n)",
            "column [0-9]+: .* cannot run evaluate dcount_intersect yet",
        ),
        (f"{ROWS} | evaluate hint.distribution = single basket()", "evaluate basket yet"),
        (f"{ROWS} | evaluate active_users_count(n, n, 1, 2, 1, 1, 1, 1)", "evaluate active_users_count yet"),
    ],
)
def test_what_a_plugin_cannot_do_is_said(opened: Open, query: str, said: str) -> None:
    with pytest.raises(KqlMagicError, match=said):
        answer(opened("local://"), query)
