"""The private copy of duckdb-kql: apart from the user's own, complete, and reached by every form of a query."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import duckdb_kql
import pytest

from kqlmagic_ext import Query, QueryError
from kqlmagic_ext.connections.local import private_copy
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]


def columns(connection: LocalConnection, text: str) -> list[str]:
    return list(connection.run(Query(text)).frame.columns)


def test_the_users_own_duckdb_kql_stays_as_it_is(opened: Open) -> None:
    assert columns(opened("local://"), "datatable(a:int, b:int)[1, 2] | project-reorder b") == ["b", "a"]
    with pytest.raises(duckdb_kql.KqlUnsupportedError):
        duckdb_kql.to_sql("T | project-reorder b", schema={"T": ["a", "b"]})


def test_an_embedded_query_does_not_load_the_users_own() -> None:
    code = (
        "import sys; from kqlmagic_ext import Query, connect; connect('local://').run(Query('print 1'));"
        "sys.exit('duckdb_kql' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_private_parts_that_we_rely_on_are_there() -> None:
    assert private_copy.missing_parts() == []


def test_a_part_that_moved_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(private_copy.lower, "_lower_sort_key")
    assert private_copy.missing_parts() == ["lower._lower_sort_key"]


@pytest.mark.parametrize(
    "form",
    [
        "X | project-reorder b",
        "let Y = X | project-reorder b; Y",
        "union (X | project-reorder b), (X | project-reorder b)",
        "X | join kind=leftsemi X on a | project-reorder b",
        "X | where a in ((X | project-reorder a | project a)) | project-reorder b",
    ],
)
def test_an_operator_of_ours_stands_wherever_one_may(opened: Open, form: str) -> None:
    table = "let X = datatable(a:long, b:string, c:bool)[1, 'x', true];"
    assert columns(opened("local://"), table + form) == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ("z* desc", "z2 z10 z a B"),
        ("z* asc", "z z10 z2 a B"),
        ("z* granny-asc", "z z2 z10 a B"),
        ("z* granny-desc", "z10 z2 z a B"),
        ("z*", "z10 z2 z a B"),
        ("z2, *1*, a", "z2 z10 a B z"),
        ("*", "a B z10 z2 z"),
        ("* asc", "B a z z10 z2"),
        ("nothing*", "a B z10 z2 z"),
        ("B, B", "B a z10 z2 z"),
    ],
)
def test_project_reorder_puts_the_chosen_first(opened: Open, patterns: str, expected: str) -> None:
    text = f"datatable(a:int, B:int, z10:int, z2:int, z:int)[1, 2, 3, 4, 5] | project-reorder {patterns}"
    assert columns(opened("local://"), text) == expected.split()


def test_project_keep_keeps_the_order_of_the_input(opened: Open) -> None:
    table = "datatable(a:int, ['b c']:int, z1:int, z2:int)[1, 2, 3, 4]"
    assert columns(opened("local://"), f"{table} | project-keep z*, ['b c']") == ["b c", "z1", "z2"]
    with pytest.raises(QueryError, match="q: there is no such column"):
        columns(opened("local://"), f"{table} | project-keep q")


def test_serialize_keeps_the_rows_and_adds_columns(opened: Open) -> None:
    text = "range i from 3 to 1 step -1 | serialize twice = i * 2"
    assert answer(opened("local://"), text) == [(3, 6), (2, 4), (1, 2)]


def test_a_sample_is_rows_of_the_input(opened: Open) -> None:
    connection = opened("local://")
    rows = answer(connection, "range i from 1 to 100 step 1 | sample 7")
    assert len(set(rows)) == 7
    assert set(rows) <= {(i,) for i in range(1, 101)}
    assert len(answer(connection, "range i from 1 to 3 step 1 | sample 7")) == 3
    assert answer(connection, "range i from 1 to 3 step 1 | sample 0") == []


def test_sample_distinct_gives_different_values(opened: Open) -> None:
    connection = opened("local://")
    rows = answer(connection, "let n = 2; range i from 1 to 100 step 1 | sample-distinct 3 of i % n")
    assert sorted(rows) == [(0,), (1,)]
    assert len(answer(connection, "range i from 1 to 100 step 1 | sample-distinct 3 of i")) == 3


def test_distinct_star_gives_each_row_once(opened: Open) -> None:
    text = "datatable(a:int, s:string)[1, 'é', 1, 'é', int(null), '', int(null), ''] | distinct *"
    assert len(answer(opened("local://"), text)) == 2
