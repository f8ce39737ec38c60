"""`as Name` that is used later, and `table(name)` of a parameter, from the reference's text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kqlmagic_ext import QueryError, UnsupportedError
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]
T = "datatable (k: string, n: long) ['a', 1, 'b', 3, 'é', 6]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("print a = 1 | as X", [(1,)]),
        ("print a = 1 | as X | union X", [(1,), (1,)]),
        ("print a = 1 | as hint.materialized=true X | union X", [(1,), (1,)]),
        (f"{T} | as A | extend p = 10 * n / toscalar(A | summarize sum(n)) | project p", [(1,), (3,), (6,)]),
        (f"{T} | where n > 1 | as A | join kind=inner (A | project k, m = n) on k | summarize sum(m)", [(9,)]),
        (f"{T} | as A | where k in (A | where n > 1 | project k) | count", [(2,)]),
        (f"{T} | project k | as A | where k in (A) | count", [(3,)]),
        (f"let low = 1; {T} | where n > low | as A | union A | summarize sum(n)", [(18,)]),
        (f"{T} | as A | where n > 1 | as B | union A, B | count", [(7,)]),
        (f"let X = {T} | as A | union A; let Y = print n = 1 | as A | union A; X | union Y | count", [(8,)]),
        (f"let X = {T} | where n > 1 | as A | union A; X | count", [(4,)]),
        (f"let f = (m: long) {{ {T} | where n > m | as A | union A }}; f(1) | union (f(3)) | count", [(6,)]),
        (f"{T} | where n > 9 | as A | extend s = toscalar(A | count)", []),
        (f"{T} | take 1 | join (print k = 'a' | as B | extend c = toscalar(B | count)) on k | project c", [(1,)]),
        ("print a = 1 | as A | extend s = 'A'", [(1, "A")]),
    ],
)  # fmt: skip
def test_a_name_given_by_as_is_a_table_from_there_on(opened: Open, text: str, expected: object) -> None:
    assert answer(opened("local://"), text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "print a = 1 | as T1 | union withsource=S (print a = 1 | as T2)",
        "union withsource=S (print a = 1 | as T1), (print a = 1 | as T2)",
    ],
)
def test_a_union_shows_the_names(opened: Open, text: str) -> None:
    assert sorted(answer(opened("local://"), f"{text} | project S")) == [("T1",), ("T2",)]


@pytest.mark.parametrize(
    "text",
    [
        "let X = print a = 2; print a = 1 | as X | union X",
        "let Y = print a = 2 | as X; union X",
        "print X = 1 | as X | union X",
        "union withsource=S (print a = 1 | as X | where a == 1), (print a = 2)",
        "let f = (n: long) { toscalar(print a = n | as X | union X | count) }; print f(1)",
        "print d = dynamic([1]) | mv-apply d on (as X | extend n = toscalar(X | count))",
    ],
)
def test_a_name_that_may_mean_something_else_is_refused(opened: Open, text: str) -> None:
    with pytest.raises(UnsupportedError, match=r"cannot run (this form of mv-apply|as) yet"):
        answer(opened("local://"), text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two tables."""
    (tmp_path / "One.csv").write_text("a\n1\n2\n", "utf-8")
    (tmp_path / "Two.csv").write_text("a\n30\n", "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("let f = (t: string) { table(t) | summarize sum(a) }; f('One') | union (f(\"Two\"))", [(3,), (30,)]),
        ("let f = (t: string) { table(t) }; f('Two') | count", [(1,)]),
        ("let f = (t: string, m: long = 1) { table(t) | where a > m }; f('One')", [(2,)]),
        ("let n = 'Two'; table(n)", [(30,)]),
        ("let n = 'Two'; let X = table(n); X | count", [(1,)]),
        ("let f = (t: string) { let X = table(t) | take 1; X | union X }; f('Two')", [(30,), (30,)]),
        (
            "let f = (t: string) { table(t) }; let g = (u: string) { f(u) | where a > 1 }; g('One')",
            [(2,)],
        ),
        ("let f = (t: string) { One | where a !in (table(t) | take 1) | count }; f('Two')", [(2,)]),
        ("let f = (t: string) { One | where a !in (table(t)) | count }; f('Two')", [(2,)]),
    ],
)
def test_a_function_reads_the_table_that_it_is_given(
    opened: Open, folder: Path, text: str, expected: object
) -> None:
    assert answer(opened(folder), text) == expected


def test_a_table_that_is_not_there_is_named(opened: Open, folder: Path) -> None:
    with pytest.raises(QueryError, match=r"there is no table 'Tow'.*did you mean Two"):
        answer(opened(folder), "let f = (t: string) { table(t) | count }; f('Tow')")


@pytest.mark.parametrize(
    "text",
    [
        "let f = (t: string) { table(t) | count }; print x = 'One' | extend y = toscalar(f(x))",
        "let One = print a = 1; let n = 'One'; table(n)",
    ],
)
def test_a_table_of_a_name_that_is_not_known_is_refused(opened: Open, folder: Path, text: str) -> None:
    with pytest.raises(QueryError, match=r"cannot run (table|this call of f\(\)|this form of where) yet"):
        answer(opened(folder), text)
