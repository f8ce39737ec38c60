"""Functions of a query that give a table: their arguments, what they see, where they may stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kqlmagic_ext import QueryError
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]
TABLE = "let T = datatable(a: string, n: long)['x', 1, 'é', 2, 'z', 3];"
LARGER = "let f = (m: long = 2) { T | where n > m };"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f(1) | project n", [(2,), (3,)]),
        ("f() | project n", [(3,)]),
        ("f(9)", []),
        ("union f(2), (f(1) | where n == 2) | project a", [("z",), ("é",)]),
        ("T | join kind=inner (f(2)) on a | project a1", [("z",)]),
        ("T | where a in (f(2)) | project a", [("z",)]),
        ("T | where n in ((f(2) | project n)) | project a", [("z",)]),
        ("let g = f(1) | count; g", [(2,)]),
        ("print toscalar(f(1) | count)", [(2,)]),
        ("let m = 0; f(m + 1) | count", [(2,)]),
        ("let g = (m: long) { f(m - 1) | extend by2 = m }; g(3)", [("z", 3, 3)]),
        (
            "let g = (m: long) { let big = T | where n > m; let w = m + 1; big | where n > w | project a }; g(1)",
            [("z",)],
        ),
        ("let g = (m: long) { union (print x = m), (print x = 7) }; g(1)", [(1,), (7,)]),
    ],
)
def test_a_function_that_gives_a_table_is_one(
    opened: Open, text: str, expected: list[tuple[Any, ...]]
) -> None:
    assert sorted(answer(opened("local://"), TABLE + LARGER + text), key=str) == sorted(expected, key=str)


def test_its_body_sees_the_lets_before_it(opened: Open) -> None:
    text = "let k = 1; let f = (m: long) { range x from k to m step 1 }; let m = 7; f(m) | count"
    assert answer(opened("local://"), text) == [(7,)]


@pytest.mark.parametrize(
    "text",
    [
        "let f = (m: long) { T | where n > m };" + TABLE + "f(1)",
        "let f = (m: long) { f(m) }; f(1)",
        TABLE + LARGER + "f(1, 2)",
        TABLE + LARGER + "print f(1)",
        TABLE + "let f = (m: long) { T | where n > m }; f()",
        TABLE + LARGER + LARGER + "f()",
    ],
)
def test_a_wrong_call_is_refused(opened: Open, text: str) -> None:
    with pytest.raises(QueryError):
        answer(opened("local://"), text)


def test_one_querys_function_is_not_anothers(opened: Open) -> None:
    connection = opened("local://")
    assert answer(connection, TABLE + LARGER + "f() | count") == [(1,)]
    with pytest.raises(QueryError):
        answer(connection, TABLE + "f() | count")


def test_a_wrong_call_has_its_place(opened: Open) -> None:
    with pytest.raises(QueryError, match=r"cannot run this call of f\(\)") as caught:
        answer(opened("local://"), f"{TABLE + LARGER}\nf(1, 2)")
    assert (caught.value.line, caught.value.column) == (2, 1)
