"""`evaluate` bag_unpack and pivot, whose columns depend on the rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kqlmagic_ext import Query, QueryError, UnsupportedError
from kqlmagic_ext.connections.local.connection import LocalConnection
from kqlmagic_ext.connections.worker import Cancellation
from tests.local.conftest import answer
from tests.local.test_interrupt import ENDLESS, interrupted

Open = Callable[..., LocalConnection]
BAGS = (
    "datatable(k: long, d: dynamic)[1, dynamic({'b': 'x', 'a': 5}), 2, dynamic({'b': 'é'}), 3, dynamic(null)]"
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"{BAGS} | evaluate bag_unpack(d) | where k < 3 | project k, a, b", [(1, 5, "x"), (2, None, "é")]),
        (f"let U = {BAGS} | evaluate bag_unpack(d); U | where b == 'x' | project a", [(5,)]),
        (f"union ({BAGS} | evaluate bag_unpack(d, 'p_')) | where k == 1 | project p_b", [("x",)]),
        (f"print x = toscalar({BAGS} | evaluate bag_unpack(d) | summarize max(a))", [(5,)]),
        (f"{BAGS} | evaluate bag_unpack(d) : (*, b: string) | where k > 1", [(2, "é"), (3, "")]),
        (f"{BAGS} | evaluate bag_unpack(d) : (a: long)| where isnotnull(a)", [(5,)]),
        (f"{BAGS} | where now() > ago(1h) and k == 1 | evaluate bag_unpack(d) | project a", [(5,)]),
        (f"{BAGS} | evaluate bag_unpack(d) | where now() > ago(1h) and k == 1 | project a", [(5,)]),
        (f"{BAGS} | where k == 9 | evaluate bag_unpack(d) | count", [(0,)]),
        (
            "datatable(g: string, s: string, n: long)['a','x',1, 'b','y',2, 'a','x',3] | evaluate pivot(s, sum(n), g) | sort by g asc",
            [("a", 4, 0), ("b", 0, 2)],
        ),
    ],
)
def test_a_stage_stands_wherever_an_operator_may(
    opened: Open, query: str, expected: list[tuple[object, ...]]
) -> None:
    import pandas as pd

    found = answer(opened("local://"), query)
    assert [tuple(None if pd.isna(value) else value for value in row) for row in found] == expected


def test_a_column_of_both_the_bag_and_the_source_is_an_error(opened: Open) -> None:
    with pytest.raises(QueryError, match="columnsConflict"):
        answer(opened("local://"), "print a = 1, d = dynamic({'a': 2}) | evaluate bag_unpack(d)")


def test_a_missing_column_says_how_to_declare_it(opened: Open) -> None:
    with pytest.raises(QueryError, match=r"depend on the rows.*bag_unpack\(d\) : \(\*, name:type\)"):
        answer(opened("local://"), f"{BAGS} | evaluate bag_unpack(d) | project missing")


def test_a_bag_of_the_row_around_it_is_refused(opened: Open) -> None:
    with pytest.raises(UnsupportedError, match="inside another operator"):
        answer(opened("local://"), f"{BAGS} | mv-apply e = d on (evaluate bag_unpack(e))")


def test_a_stage_sees_the_window_the_parameters_and_no_denied_rows(opened: Open) -> None:
    connection = opened("local://demo")
    text = "SigninLogs | where ResultType == code | evaluate pivot(ResultType, count(), AppDisplayName)"
    whole = connection.run(Query(text, {"code": "0"})).frame
    assert list(whole.columns) == ["AppDisplayName", "0"]
    text = "SigninLogs | evaluate pivot(ResultType, count(), UserId) | count"
    (tables, _) = connection.answers(Query(text), Cancellation(), frozenset({"SigninLogs"}))
    assert tables[0].to_pylist() == [{"Count": 0}]
    assert answer(connection, text) != [(0,)]  # nothing is left behind


GROUPS = "datatable(g: string, s: string, n: long)['a', 'x', 1, 'b', 'y', 2]"


@pytest.mark.parametrize(
    ("plugin", "expected"),
    [
        ("pivot(s, take_any(strcat(s, '!')), g)", [("a", "x!", ""), ("b", "", "y!")]),
        ("pivot(s, max(n), g)", [("a", 1, None), ("b", None, 2)]),
        ("pivot(s, sum(n), g) : (y: long, g: string, x: long)", [(0, "a", 1), (2, "b", 0)]),
        ("pivot(s, min(g), g) : (g: string, x: string, y: string)", [("a", "a", ""), ("b", "", "b")]),
    ],
)
def test_a_group_without_a_value_shows_what_kql_has_for_none(
    opened: Open, plugin: str, expected: list[tuple[object, ...]]
) -> None:
    import pandas as pd

    found = answer(
        opened("local://"), f"{GROUPS} | evaluate {plugin} | where g in ('a', 'b') | sort by g asc"
    )
    assert [tuple(None if pd.isna(value) else value for value in row) for row in found] == expected


@pytest.mark.parametrize(
    "schema",
    ["(g: string, x: long)", "(g: string, x: long, y: real)", "(g: string, x: long, y: long, z: long)"],
)
def test_a_schema_of_pivot_that_the_rows_do_not_give_is_an_error(opened: Open, schema: str) -> None:
    with pytest.raises(QueryError, match=r"\(g: string, x: long, y: long\)"):
        answer(opened("local://"), f"{GROUPS} | evaluate pivot(s, sum(n), g) : {schema}")


LEFT = "datatable(g: string, s: string, n: long)['a', 'x', 1, 'b', 'y', 2, 'b', 'x', 5]"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            f"{LEFT} | join kind=inner ({BAGS} | evaluate bag_unpack(d) | project n = k, b) on n | project g, b | sort by g asc",
            [("a", "x"), ("b", "é")],
        ),
        (
            f"{LEFT} | evaluate pivot(s, sum(n), g) | join kind=leftouter ({BAGS} | evaluate bag_unpack(d) | project x = a, b) on x | sort by g asc | project g, y, b",
            [("a", 0, ""), ("b", 2, "x")],
        ),
        (
            f"let F = (T: (d: dynamic)) {{ T | evaluate bag_unpack(d) }}; {BAGS} | invoke F() | where k == 1 | project a",
            [(5,)],
        ),
        (
            f"let F = (least: long) {{ {BAGS} | where k >= least | evaluate bag_unpack(d) }}; F(2) | where k == 2 | project b",
            [("é",)],
        ),
        (
            f"let M = materialize({BAGS} | evaluate bag_unpack(d)); M | where k == 1 | union M | summarize sum(a)",
            [(10,)],
        ),
        (
            f"{LEFT} | where g in (({LEFT} | evaluate pivot(s, sum(n), g) | where y > 0 | project g)) | count",
            [(2,)],
        ),
        (
            f"let U = {LEFT} | evaluate pivot(s, sum(n), g) | where x > 1 | project g; {LEFT} | where g !in (U) | count",
            [(1,)],
        ),
        (
            f"{BAGS} | where k < 3 | evaluate bag_unpack(d) | evaluate pivot(b, max(a), k) | where k == 1 | project x",
            [(5,)],
        ),
    ],
)
def test_a_stage_stands_inside_what_holds_a_query(
    opened: Open, query: str, expected: list[tuple[object, ...]]
) -> None:
    import pandas as pd

    found = answer(opened("local://"), query)
    assert [tuple(None if pd.isna(value) else value for value in row) for row in found] == expected


def test_a_stage_reads_what_lies_outside_the_workspace(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text('[{"k": 1, "d": {"é": 5}}, {"k": 2, "d": {}}]', "utf-8")
    outside = "externaldata (k: long, d: dynamic) ['list.json']"
    text = f"{outside} | evaluate bag_unpack(d) | join kind=inner ({outside} | project k) on k | project k, ['é']"
    found = answer(opened(tmp_path), text + " | where k == 1")
    assert found == [(1, 5)]


def test_an_interrupt_stops_a_stage_and_the_next_query_works(opened: Open) -> None:
    connection = opened("local://")
    text = f"{ENDLESS} | extend d = bag_pack('v', 1) | evaluate bag_unpack(d)"
    interrupted(lambda: connection.run(Query(text)), 0.5)
    assert answer(connection, f"{BAGS} | evaluate bag_unpack(d) | where k == 1 | project a") == [(5,)]
