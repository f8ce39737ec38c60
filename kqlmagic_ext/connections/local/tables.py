"""Where the tables of a workspace come from: nowhere, the demo, a DuckDB file (a folder: `folder.py`)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from kqlmagic_ext.connections.local.sql import quote_name
from kqlmagic_ext.connections.local.types import DUCKDB_TYPES, Column, native_columns, view
from kqlmagic_ext.kql.known_tables import known_tables
from kqlmagic_ext.query import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from duckdb import DuckDBPyConnection

    from kqlmagic_ext.connections.local.demo import Demo


class Tables(Protocol):
    """The tables of a workspace; each becomes a view of the main database when it is first asked for."""

    names: Collection[str]

    def listed(self, name: str) -> Table:
        """What is known of a table without reading it."""

    def stamp(self, name: str) -> object:
        """What changes when the table's rows change; equal stamps mean that it need not be read again."""

    def load(self, name: str, cursor: DuckDBPyConnection, checkpoint: Callable[[], None]) -> Table:
        """Make the view of a table; its full description. `checkpoint` is called now and then, and may raise.

        Raises QueryError when the table cannot be read.
        """


class NoTables:
    """An empty workspace: inputs are all that a query can read."""

    names: Collection[str] = ()

    def listed(self, name: str) -> Table:
        """There is none."""
        raise KeyError(name)

    def stamp(self, name: str) -> object:  # noqa: ARG002 - the role's form
        """Always the same: the rows do not change."""
        return None

    def load(self, name: str, cursor: DuckDBPyConnection, checkpoint: Callable[[], None]) -> Table:  # noqa: ARG002 - the role's form
        """There is none."""
        raise KeyError(name)


class DemoTables:
    """The tables of the synthetic workspace, each made when it is first asked for."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo
        self.names: Collection[str] = demo.tables

    def listed(self, name: str) -> Table:
        """All that there is to know: the demo counts its rows before it makes them."""
        columns = MappingProxyType(known_tables()[name])
        return Table(name, columns, self._demo.row_count(name), ("synthetic",))

    def stamp(self, name: str) -> object:  # noqa: ARG002 - the role's form
        """Always the same: the rows do not change."""
        return None

    def load(self, name: str, cursor: DuckDBPyConnection, checkpoint: Callable[[], None]) -> Table:
        """Make the rows, and a view that adds the columns which the demo leaves empty."""
        checkpoint()
        made, known = self._demo.table(name), known_tables()[name]
        cursor.register("demo_rows", made)
        filled = [self._stored(column, known[column]) for column in made.column_names]
        cursor.execute(
            f"CREATE OR REPLACE TABLE memory.data.{quote_name(name)} AS SELECT {', '.join(filled)} FROM demo_rows"
        )
        cursor.unregister("demo_rows")
        columns = [
            Column(column, kind, self._shown(column, kind, made.column_names))
            for column, kind in known.items()
        ]
        cursor.execute(view(name, columns, f"memory.data.{quote_name(name)}"))
        return self.listed(name)

    @staticmethod
    def _stored(column: str, kind: str) -> str:
        return f"CAST({quote_name(column)} AS {DUCKDB_TYPES[kind]}) AS {quote_name(column)}"

    @staticmethod
    def _shown(column: str, kind: str, filled: Collection[str]) -> str:
        if column in filled:
            return quote_name(column)
        return "''" if kind == "string" else f"CAST(NULL AS {DUCKDB_TYPES[kind]})"


class AttachedTables:
    """The tables and views of a DuckDB file that is attached read-only as `ws`."""

    def __init__(self, cursor: DuckDBPyConnection) -> None:
        rows = cursor.sql(
            "SELECT table_name, estimated_size FROM duckdb_tables() WHERE database_name = 'ws' AND schema_name = 'main' "
            "UNION ALL SELECT view_name, NULL FROM duckdb_views() WHERE database_name = 'ws' AND schema_name = 'main' "
            "AND NOT internal ORDER BY 1"
        ).fetchall()
        self._rows = dict(rows)
        self.names: Collection[str] = tuple(self._rows)

    def listed(self, name: str) -> Table:
        """The name, and the number of rows that the file's own statistics tell."""
        return Table(name, rows=self._rows[name])

    def stamp(self, name: str) -> object:  # noqa: ARG002 - the role's form
        """Always the same: the rows do not change."""
        return None

    def load(self, name: str, cursor: DuckDBPyConnection, checkpoint: Callable[[], None]) -> Table:
        """Make the view that shows the file's table in KQL's types."""
        checkpoint()
        source = f"ws.main.{quote_name(name)}"
        columns = native_columns(source, cursor, {})
        cursor.execute(view(name, columns, source))
        return described_table(name, columns, rows=self._rows[name])


def described_table(
    name: str, columns: list[Column], rows: int | None, remarks: tuple[str, ...] = ()
) -> Table:
    """The description of a table from its columns."""
    losses = tuple(f"{name}.{column.name}: {column.loss}" for column in columns if column.loss)
    return Table(
        name, MappingProxyType({column.name: column.kql_type for column in columns}), rows, remarks, losses
    )
