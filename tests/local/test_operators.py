"""make-series and mv-apply, from the reference's text and against slow models of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from kqlmagic_ext import QueryError, UnsupportedError
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]
HOURS = (
    "datatable(k: string, t: datetime)['a', datetime(2020-01-01T00:10), 'a', datetime(2020-01-01T03:10),"
    "'é', datetime(2020-01-01T01:10), 'x', datetime(null)]"
)
LISTS = "datatable(k: long, v: dynamic)[1, dynamic([3, 1, 2]), 2, dynamic([]), 3, dynamic(null), 4, dynamic([-9])]"


def hour(number: int) -> str:
    return f"2020-01-01T{number:02}:00:00.0000000Z"


def test_a_series_spans_the_steps_that_have_rows(opened: Open) -> None:
    made = answer(
        opened("local://"), f"{HOURS} | make-series n=count(), c=dcount(k) default=-1 on t step 1h by k"
    )
    assert sorted(made) == [
        ("a", [1, 0, 0, 1], [1, -1, -1, 1], [hour(0), hour(1), hour(2), hour(3)]),
        ("é", [1], [1], [hour(1)]),
    ]


def test_a_series_has_every_step_from_its_start_up_to_its_end(opened: Open) -> None:
    window = "from datetime(2020-01-01T01:00) to datetime(2020-01-01T03:10) step 1h"
    made = answer(opened("local://"), f"let s = 1h; {HOURS} | make-series count() on t {window} by k")
    assert made == [("é", [1, 0, 0], [hour(1), hour(2), hour(3)])]


def test_the_last_step_of_a_window_may_be_a_part(opened: Open) -> None:
    text = "datatable(x: long)[1, 2, 7, -3] | make-series count() on x from -5 to 9 step 3"
    assert answer(opened("local://"), text) == [([1, 0, 2, 0, 1], [-5, -2, 1, 4, 7])]


def test_a_series_of_reals_and_of_lengths_of_time(opened: Open) -> None:
    connection = opened("local://")
    text = "datatable(x: real)[1.5, 2, 7, -3.2, real(null)] | make-series a=avg(x) default=real(null) on x step 2.5"
    assert answer(connection, text) == [([-3.2, None, 1.75, None, 7.0], [-5.0, -2.5, 0.0, 2.5, 5.0])]
    text = "datatable(t: timespan)[1h, 1d] | make-series count() on t step 12h"
    assert answer(connection, text) == [([1, 0, 1], ["00:00:00", "12:00:00", "1.00:00:00"])]


def test_a_step_with_nothing_but_nulls_is_not_a_step_without_rows(opened: Open) -> None:
    text = "datatable(i: long, x: real)[0, real(null)] | make-series a=avg(x), m=max(x) default=7 on i from 0 to 2 step 1"
    assert answer(opened("local://"), text) == [(["NaN", 0.0], [None, 7.0], [0, 1])]


def test_no_rows_make_no_series(opened: Open) -> None:
    assert answer(opened("local://"), f"{HOURS} | take 0 | make-series count() on t step 1h") == []


@pytest.mark.parametrize(
    "text",
    [
        "make-series kind=nonempty n=sum(x) on x step 1",
        "make-series kind=nonempty n=sum(x) on x from 1 to 2 step 1 by y = x",
        "make-series n=count() on x step 1 by x",
    ],
)
def test_a_form_of_make_series_that_is_not_there_is_refused(opened: Open, text: str) -> None:
    with pytest.raises(UnsupportedError, match="make-series"):
        answer(opened("local://"), f"datatable(x: long)[1] | {text}")


def test_a_series_of_too_many_steps_is_refused(opened: Open) -> None:
    with pytest.raises(QueryError, match="more than 1,048,576 steps"):
        answer(opened("local://"), "print x = 1 | make-series count() on x from 0 to 2000000 step 1")


@pytest.mark.parametrize(
    ("rows", "series", "expected"),
    [
        ("range x from 3 to 8 step 1", "n=count() on x in range(3, 8, 1)", [([1] * 6, [3, 4, 5, 6, 7, 8])]),
        ("range x from 3 to 8 step 1", "n=count() on x in range(3, 9, 2)", [([1, 2, 2, 1], [2, 4, 6, 8])]),
        ("range x from -3 to 2 step 1", "n=sum(x) on x in range(-3, 2, 5)", [([-6, 3], [-5, 0])]),
        ("datatable(x: real)[2.5, 4.0]", "n=count() on x in range(2.5, 4.5, 1)", [([1, 0, 1], [2.0, 3.0, 4.0])]),
        ("print x = 5 | take 0", "kind=nonempty n=count(), a=avg(x) default=1.5 on x from 0 to 3 step 2", [([0, 0], [1.5, 1.5], [0, 2])]),
        ("print x = 5 | take 0", "kind=nonempty n=count() on x in range(0, 4, 2)", [([0, 0, 0], [0, 2, 4])]),
        ("print x = 2", "kind=nonempty n=count() on x from 0 to 4 step 2", [([0, 1], [0, 2])]),
        ("print x = 5 | take 0", "n=count() on x in range(0, 4, 2)", []),
    ],
)  # fmt: skip
def test_a_series_in_a_range_has_the_steps_of_bin_and_nonempty_makes_one_of_defaults(
    opened: Open, rows: str, series: str, expected: list[Any]
) -> None:
    assert answer(opened("local://"), f"{rows} | make-series {series}") == expected


def test_a_series_of_times_in_a_range_has_the_days_of_bin(opened: Open) -> None:
    times = "datatable(t: datetime, k: string)[datetime(2026-01-01 05:00), 'é', datetime(2026-01-03), 'é', datetime(null), 'é']"
    text = f"{times} | make-series n=count() default=-1 on t in range(datetime(2026-01-01 05:00), datetime(2026-01-03 06:00), 1d) by k"
    days = [f"2026-01-0{day}T00:00:00.0000000Z" for day in (1, 2, 3)]
    assert answer(opened("local://"), text) == [("é", [1, -1, 1], days)]


@pytest.mark.parametrize("range_", ["range(3, 9, 2)", "range(2, 6, 2)", "range(3, 8, 2)"])
def test_what_the_reference_leaves_open_of_a_series_in_a_range_is_refused(opened: Open, range_: str) -> None:
    with pytest.raises(QueryError, match="the reference does not say"):
        answer(opened("local://"), f"range x from 2 to 7 step 1 | make-series n=count() on x in {range_}")


def test_a_series_stands_inside_let_and_union(opened: Open) -> None:
    text = "let S = datatable(x: long)[1] | make-series n=count() on x step 1; union S, (S | project n) | project n"
    assert answer(opened("local://"), text) == [([1],), ([1],)]


@pytest.mark.parametrize("seed", range(8))
def test_make_series_agrees_with_a_plain_model(opened: Open, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - cases, no secrets
    rows: list[tuple[str, Any]] = [
        (dice.choice("ab"), dice.choice([None, dice.randint(-20, 20)])) for _ in range(dice.randint(1, 25))
    ]
    start, stop, step = dice.choice([None, -10]), dice.choice([None, 13]), dice.randint(1, 7)
    written = ", ".join(f"'{key}', {'long(null)' if x is None else f'long({x})'}" for key, x in rows)
    window = (f" from {start}" if start is not None else "") + (f" to {stop}" if stop is not None else "")
    text = f"datatable(k: string, x: long)[{written}] | make-series n=count(), s=sum(x) default=-1 on x{window} step {step} by k"
    found = {key: list(zip(axis, n, s, strict=True)) for key, n, s, axis in answer(opened("local://"), text)}
    assert found == _model(rows, start, stop, step)


def _model(rows: list[tuple[str, Any]], start: int | None, stop: int | None, step: int) -> dict[str, Any]:
    origin = start or 0
    series: dict[str, dict[int, list[int]]] = {}
    for key, x in rows:
        if x is not None and (start is None or x >= start) and (stop is None or x < stop):
            series.setdefault(key, {}).setdefault((x - origin) // step, []).append(x)
    made = {}
    for key, steps in series.items():
        first = min(steps) if start is None else 0
        last = max(steps) if start is None or stop is None else -((start - stop) // step) - 1
        made[key] = [
            (origin + i * step, len(steps.get(i, [])), sum(steps[i]) if i in steps else -1)
            for i in range(first, last + 1)
        ]
    return made


# ---------------------------------------------------------------- mv-apply


def test_mv_apply_answers_for_each_row(opened: Open) -> None:
    text = f"{LISTS} | mv-apply e = v to typeof(long) on (top 2 by e | summarize most = make_list(e)) | project k, most"
    assert answer(opened("local://"), f"{text} | where k in (1, 4)") == [(1, [3, 2]), (4, [-9])]


def test_mv_apply_keeps_the_order_of_the_rows_and_of_the_answers(opened: Open) -> None:
    text = f"{LISTS} | sort by k desc | mv-apply v to typeof(long) on (sort by v asc) | where isnotnull(v)"
    assert answer(opened("local://"), text) == [(4, -9), (1, 1), (1, 2), (1, 3)]


def test_a_column_expanded_under_its_own_name_is_there_if_the_body_gives_it(opened: Open) -> None:
    connection = opened("local://")
    assert answer(connection, f"{LISTS} | where k == 1 | mv-apply v on (summarize n = count())") == [(1, 3)]
    assert answer(connection, f"{LISTS} | where k == 4 | mv-apply v on (extend w = k)") == [(4, -9, 4)]


def test_mv_apply_counts_limits_and_reads_lets(opened: Open) -> None:
    text = (
        "let n = 2; let T = print x = 3;"
        f"{LISTS} | mv-apply with_itemindex=i v to typeof(long) limit 2 on (where v > n or v in (T) | extend z = v + i)"
    )
    assert answer(opened("local://"), text) == [(1, 3, 0, 3)]


def test_mv_apply_stands_inside_mv_apply(opened: Open) -> None:
    text = (
        f"{LISTS} | where k == 1 | mv-apply v to typeof(long) on "
        "(mv-apply w = pack_array(v, 2) to typeof(long) on (summarize m = max(w)))"
    )
    assert answer(opened("local://"), text) == [(1, 3, 3), (1, 1, 2), (1, 2, 2)]


@pytest.mark.parametrize("seed", range(5))
def test_mv_apply_agrees_with_a_plain_model(opened: Open, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - cases, no secrets
    lists = [[dice.randint(-3, 3) for _ in range(dice.randint(1, 5))] for _ in range(6)]
    rows = ", ".join(f"{number}, dynamic({items})" for number, items in enumerate(lists))
    text = f"datatable(k: long, v: dynamic)[{rows}] | mv-apply e = v to typeof(long) on (where e > 0 | summarize n = count(), s = sum(e) by e) | project k, e, n, s"
    expected = [
        (number, item, items.count(item), item * items.count(item))
        for number, items in enumerate(lists)
        for item in set(items)
        if item > 0
    ]
    assert sorted(answer(opened("local://"), text)) == sorted(expected)
