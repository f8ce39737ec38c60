"""Inputs whose KQL types are told, not guessed: a Value, an Arrow table."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from kqlmagic_ext import ParameterError, Query
from kqlmagic_ext.connections import Connection
from kqlmagic_ext.frames import arrow_from_columns, kql_field
from kqlmagic_ext.values import Value

KINDS = ["bool", "int", "long", "real", "decimal", "datetime", "timespan", "guid", "dynamic"]


def kinds(table: pa.Table) -> list[str]:
    return [field.metadata[b"kql"].decode() for field in table.schema]


@pytest.mark.parametrize("kind", KINDS)
def test_a_null_value_keeps_its_type(connection: Connection, kind: str) -> None:
    (table,) = connection.run(Query("print x = {{v}}", {"v": Value(kind, None)})).tables
    assert kinds(table) == [kind]
    assert table.column("x").to_pylist() == [None]


def test_an_int_stays_an_int(connection: Connection) -> None:
    (table,) = connection.run(Query("print x = {{v}}", {"v": Value("int", 5)})).tables
    assert (kinds(table), table.column("x").to_pylist()) == (["int"], [5])


@pytest.mark.parametrize("nulls", [0, 2])
def test_an_arrow_table_crosses_with_the_types_that_it_tells(connection: Connection, nulls: int) -> None:
    types = {f"c{at}": kind for at, kind in enumerate(KINDS)}
    columns = {name: [Value(kind, None)] * nulls for name, kind in types.items()}
    given = arrow_from_columns(types, columns, "t")
    (table,) = connection.run(Query("t", {"t": given})).tables
    assert kinds(table) == KINDS
    assert table.num_rows == nulls
    assert all(column.null_count == nulls for column in table.columns)


@pytest.mark.parametrize("names", [("a", "A"), ("a", "a")])
def test_an_arrow_table_whose_columns_the_engine_would_confuse_is_refused(
    connection: Connection, names: tuple[str, str]
) -> None:
    columns: list[Any] = [pa.array([1]), pa.array([2])]
    given = pa.table(columns, schema=pa.schema([kql_field(name, "long") for name in names]))
    with pytest.raises(ParameterError, match=r"two columns named|differ only in case"):
        connection.run(Query("t", {"t": given}))
