"""The Python values of a query as `let` statements on its first line, so that no line moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kqlmagic_ext.errors import ParameterError
from kqlmagic_ext.frames import arrow_from_frame, column_values, kql_type
from kqlmagic_ext.kql.literals import literal_of, quoted
from kqlmagic_ext.kql.parameters import RESERVED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd
    import pyarrow as pa

    from kqlmagic_ext.kql.parameters import Bound


@dataclass(frozen=True)
class TableLimits:
    """How large a frame may be that travels inside a query; how much the service takes is not verified."""

    frame_rows: int = 10_000
    frame_bytes: int = 1_000_000


@dataclass(frozen=True)
class Prelude:
    """The `let` statements, the columns of each table in them, and what the analyst should know of the values."""

    text: str
    columns: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...]


def prelude(bound: Bound, limits: TableLimits) -> Prelude:
    """The statements for all inputs of a query.

    Raises
    ------
    ParameterError
        For a frame with a column that KQL has no form for, or one larger than `limits`.
    """
    warnings: list[str] = []
    columns: dict[str, tuple[str, ...]] = {}
    statements = [f"let {name} = {literal_of(value)}; " for name, value in bound.scalars.items()]
    for name, frame in bound.frames.items():
        shown = name.removeprefix(RESERVED)
        _check_rows(frame, shown, limits)
        table, said = arrow_from_frame(frame, shown)
        warnings += said
        columns[name] = tuple(table.column_names)
        text = datatable(table, shown)
        _check_size(text, shown, limits)
        statements.append(f"let {name} = {text}; ")
    return Prelude("".join(statements), columns, tuple(warnings))


def datatable(table: pa.Table, name: str) -> str:
    """The KQL literal of a table: `datatable(['host']:string)["a","b"]`."""
    columns = ", ".join(f"[{quoted(field.name)}]:{kql_type(field)}" for field in table.schema)
    values = [
        _literals(field, column, name) for field, column in zip(table.schema, table.columns, strict=True)
    ]
    rows = (",".join(row) for row in zip(*values, strict=True))
    return f"datatable({columns})[{','.join(rows)}]"


def _literals(field: pa.Field, column: pa.ChunkedArray, name: str) -> Iterator[str]:
    return map(literal_of, column_values(kql_type(field), column, name))


def _check_rows(frame: pd.DataFrame, name: str, limits: TableLimits) -> None:
    if len(frame) > limits.frame_rows:
        raise _too_large(
            name, f"it has {len(frame):,} rows, and at most {limits.frame_rows:,} travel in a query"
        )


def _check_size(text: str, name: str, limits: TableLimits) -> None:
    if len(text) > limits.frame_bytes:
        raise _too_large(
            name, f"as KQL it has {len(text):,} bytes, and at most {limits.frame_bytes:,} travel in a query"
        )


def _too_large(name: str, why: str) -> ParameterError:
    return ParameterError(
        f"{name} is too large for a query: {why}; keep the columns and rows that the join needs, give a column as a "
        "list ({{name}} with in), or join in pandas",
        name=name,
    )
