"""A table outside as a view of the query's own cursor."""

from __future__ import annotations

import uuid
from itertools import chain
from typing import TYPE_CHECKING

from kqlmagic_ext.connections.local.outside.rows import rows
from kqlmagic_ext.connections.local.sql import quote_name
from kqlmagic_ext.connections.local.text_columns import conversion

if TYPE_CHECKING:
    from collections.abc import Callable

    from duckdb import DuckDBPyConnection

    from kqlmagic_ext.connections.local.outside import Outside
    from kqlmagic_ext.connections.local.outside.reach import Reach


def add_view(
    outside: Outside, reach: Reach, cursor: DuckDBPyConnection, checkpoint: Callable[[], None]
) -> None:
    """Make the view; a value that is not of its column's type is null.

    Raises what `Reach.read` and `rows` raise.
    """
    import pyarrow as pa

    records = chain.from_iterable(
        rows(outside, address, reach.read(address, checkpoint)) for address in outside.addresses
    )
    columns: list[list[str | None]] = [[] for _ in outside.columns]
    for record in records:
        for column, value in zip(columns, record, strict=True):
            column.append(value)
    checkpoint()
    names = [f"c{number}" for number in range(len(columns))]
    table = pa.table(
        {name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)}
    )
    registered = f"outside_{uuid.uuid4().hex}"  # no table of the workspace has such a name
    cursor.register(registered, table)
    listed = ", ".join(
        f"{conversion(kind, name)} AS {quote_name(column)}"
        for name, (column, kind) in zip(names, outside.columns.items(), strict=True)
    )
    cursor.execute(
        f"CREATE OR REPLACE TEMP VIEW {quote_name(outside.name)} AS SELECT {listed} FROM {registered}"
    )
