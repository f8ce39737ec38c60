"""`top-nested`, from the reference's text: the top values of a column, and within each those of the next."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqlmagic_ext import KqlMagicError, Query
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer, plain

T = "datatable (a: string, b: long, c: long) ['x', 1, 5, 'x', 2, 7, 'y', 1, 20, '', long(null), 1]"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"{T} | top-nested 1 of a by sum(c)", [("y", 20)]),
        (f"{T} | top-nested 2 of a by sum(c), top-nested 1 of b by max(c)", [("x", 12, 2, 7), ("y", 20, 1, 20)]),
        (f"{T} | top-nested 1 of a by s = sum(c) asc, top-nested of b by max(1)", [("", 1, None, 1)]),
        (f"{T} | top-nested 2 of k = bin(c, 10) by n = count() desc | project k, n", [(0, 3), (20, 1)]),
        (
            ("datatable (a: string, r: real) ['x', real(nan), 'y', 1.0, 'z', real(null), 'w', real(-inf)] "
            "| top-nested 2 of a by m = max(r) | project a"),
            [("w",), ("y",)],
        ),
        (f"{T} | where c > 99 | top-nested 2 of a by count(), top-nested of b by count()", []),
        (f"let k = 2; {T} | top-nested 1 of a by x = sum(c * k) | project x", [(40,)]),
        (f"union ({T} | top-nested 1 of a by m = min(c)), (print a = 'é', m = 1)", [("y", 20), ("é", 1)]),
        ("datatable (['é \"x']: long) [3, 4] | top-nested 1 of ['é \"x'] by max(['é \"x'])", [(4, 4)]),
    ],
)  # fmt: skip
def test_each_level_keeps_its_top(
    shared: LocalConnection, query: str, expected: list[tuple[object, ...]]
) -> None:
    def place(row: tuple[object, ...]) -> str:
        return " ".join(map(str, row))

    assert sorted(plain(answer(shared, query)), key=place) == sorted(expected, key=place)


@pytest.mark.parametrize(
    "level",
    ["1 of a with others = 'o' by count()", "1 of a by count(), top-nested 1 of a by count()", "1 of a by arg_max(b, *)"],
)  # fmt: skip
def test_others_and_aggregates_of_several_columns_are_refused(shared: LocalConnection, level: str) -> None:
    with pytest.raises(KqlMagicError):
        answer(shared, f"{T} | top-nested {level}")


def test_the_columns_take_turns(shared: LocalConnection) -> None:
    frame = shared.run(Query(f"{T} | top-nested 1 of a by sum(c), top-nested 1 of b by n = max(c)", {})).frame
    assert list(frame.columns) == ["a", "aggregated_a", "b", "n"]


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=25))
def test_the_counts_are_those_of_a_loop(shared: LocalConnection, rows: list[tuple[int, int]]) -> None:
    table = f"datatable (a: long, b: long) [{', '.join(f'{a}, {b}' for a, b in rows)}]"
    of_a, of_both = Counter(a for a, _ in rows), Counter(rows)
    found = answer(shared, f"{table} | top-nested 2 of a by count(), top-nested 1 of b by count()")
    assert sorted(count for _, count, _, _ in found) == sorted(sorted(of_a.values())[-2:])
    for a, count, b, most in found:
        assert count == of_a[a]
        assert most == of_both[a, b] == max(n for (other, _), n in of_both.items() if other == a)
