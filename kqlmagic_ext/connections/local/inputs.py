"""The frames of a query as tables that its own cursor alone can see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kqlmagic_ext.connections.local.sql import quote_name
from kqlmagic_ext.connections.local.types import input_column
from kqlmagic_ext.errors import ParameterError
from kqlmagic_ext.frames import arrow_from_frame, kql_type
from kqlmagic_ext.kql.parameters import RESERVED

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    import pyarrow as pa
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Inputs:
    """The columns of each input with their KQL types, and what the analyst should know of them."""

    columns: Mapping[str, Mapping[str, str]]
    warnings: tuple[str, ...]


def add_inputs(frames: Mapping[str, pd.DataFrame], cursor: DuckDBPyConnection) -> Inputs:
    """Each frame as a temporary view of the cursor; raises ParameterError for one that the engine would change."""
    columns: dict[str, Mapping[str, str]] = {}
    warnings: list[str] = []
    for number, (name, frame) in enumerate(frames.items()):
        shown = name.removeprefix(RESERVED)
        table, said = arrow_from_frame(frame, shown)
        _refuse_finer(table, shown)
        cursor.register(f"_input_{number}", table)
        listed = ", ".join(
            f"{column.sql} AS {quote_name(column.name)}" for column in map(input_column, table.schema)
        )
        cursor.execute(f"CREATE TEMP VIEW {quote_name(name)} AS SELECT {listed} FROM _input_{number}")
        columns[name] = {field.name: kql_type(field) for field in table.schema}
        warnings += said
    return Inputs(columns, tuple(warnings))


def _refuse_finer(table: pa.Table, name: str) -> None:
    """The engine keeps microseconds and 38 digits: a column with more raises, and is never cut."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for field, column in zip(table.schema, table.columns, strict=True):
        fine = (
            pa.types.is_timestamp(field.type) or pa.types.is_duration(field.type)
        ) and field.type.unit == "ns"
        if fine and pc.any(pc.not_equal(pc.cast(column, pa.int64()), _whole(column))).as_py():
            raise _too_fine(
                name, field.name, "it is finer than a microsecond; round it first (.dt.round('us'))"
            )
        if pa.types.is_decimal256(field.type):
            raise _too_fine(name, field.name, "it has more than 38 digits")


def _whole(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The nanoseconds of a column, rounded down to whole microseconds."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.multiply(pc.divide(pc.cast(column, pa.int64()), 1000), 1000)


def _too_fine(name: str, column: str, why: str) -> ParameterError:
    return ParameterError(f"{name}[{column!r}] cannot become a KQL column here: {why}", name=name)
