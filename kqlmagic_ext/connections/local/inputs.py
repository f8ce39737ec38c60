"""The frames of a query as tables that its own cursor alone can see."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kqlmagic_ext.connections.local.sql import quote_name
from kqlmagic_ext.connections.local.types import input_column
from kqlmagic_ext.errors import ParameterError
from kqlmagic_ext.frames import arrow_from_frame, kql_field, kql_type
from kqlmagic_ext.kql.parameters import RESERVED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd
    import pyarrow as pa
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Inputs:
    """The columns of each input with their KQL types, and what the analyst should know of them."""

    columns: Mapping[str, Mapping[str, str]]
    warnings: tuple[str, ...]


def add_inputs(
    frames: Mapping[str, pd.DataFrame | pa.Table], cursor: DuckDBPyConnection, taken: Iterable[str]
) -> Inputs:
    """Each frame as a temporary view of the cursor; `taken` are the names of the workspace's tables.

    Raises
    ------
    ParameterError
        For a frame that the engine would change, and for a name that it would take for another one.
    """
    _refuse_twins(frames, taken)
    columns: dict[str, Mapping[str, str]] = {}
    warnings: list[str] = []
    for name, frame in frames.items():
        shown = name.removeprefix(RESERVED)
        table, said = arrow_from_frame(frame, shown)
        registered = f"input_{uuid.uuid4().hex}"  # no table of the workspace has such a name
        cursor.register(registered, _for_engine(table, shown))
        listed = ", ".join(
            f"{column.sql} AS {quote_name(column.name)}" for column in map(input_column, table.schema)
        )
        cursor.execute(f"CREATE TEMP VIEW {quote_name(name)} AS SELECT {listed} FROM {registered}")
        columns[name] = {field.name: kql_type(field) for field in table.schema}
        warnings += said
    return Inputs(columns, tuple(warnings))


def _refuse_twins(frames: Iterable[str], taken: Iterable[str]) -> None:
    """The engine folds case: an input would answer for a table or an input whose name differs only in case."""
    folded = {name.casefold(): name for name in taken}
    for name in frames:
        twin = folded.setdefault(name.casefold(), name)
        if twin != name:
            said = f"the input {name} and {twin} differ only in case; write -i other={name}"
            raise ParameterError(said, name=name)


def _for_engine(table: pa.Table, name: str) -> pa.Table:
    """The table as the engine holds it: times in microseconds, without their zone (they are UTC), 38 digits.

    A column with more raises ParameterError, and is never cut.
    """
    import pyarrow as pa

    fields, columns = [], []
    for field, column in zip(table.schema, table.columns, strict=True):
        if pa.types.is_decimal256(field.type):
            raise _too_fine(name, field.name, "it has more than 38 digits")
        is_time = pa.types.is_timestamp(field.type) or pa.types.is_duration(field.type)
        kept = _in_microseconds(column, name, field.name) if is_time else column
        fields.append(kql_field(field.name, kql_type(field), kept.type))
        columns.append(kept)
    return pa.table(columns, schema=pa.schema(fields))


def _in_microseconds(column: pa.ChunkedArray, name: str, label: str) -> pa.ChunkedArray:
    import pyarrow as pa

    is_moment = pa.types.is_timestamp(column.type)
    try:
        column = column.cast(pa.timestamp("us", "UTC") if is_moment else pa.duration("us"))
    except pa.ArrowInvalid as error:
        raise _too_fine(
            name, label, "it is finer than a microsecond; round it first (.dt.round('us'))"
        ) from error
    return column.cast(pa.timestamp("us")) if is_moment else column


def _too_fine(name: str, column: str, why: str) -> ParameterError:
    return ParameterError(f"{name}[{column!r}] cannot become a KQL column here: {why}", name=name)
