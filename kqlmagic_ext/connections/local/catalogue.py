"""The tables of a workspace, each made into a view of the main database when it is first asked for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from kqlmagic_ext.connections.local.database import Database
    from kqlmagic_ext.connections.local.tables import Tables
    from kqlmagic_ext.connections.worker import Cancellation
    from kqlmagic_ext.query import Table


class Catalogue:
    """What a query may read: the names, and for those in use the columns with their KQL types."""

    def __init__(self, tables: Tables, database: Database) -> None:
        self._tables, self._database = tables, database
        self._loaded: dict[str, tuple[object, Table]] = {}
        self._locks: dict[str, threading.Lock] = {}

    @property
    def names(self) -> Collection[str]:
        """Every table's name."""
        return self._tables.names

    def listed(self) -> list[Table]:
        """All tables, by name, with what is known without reading them."""
        return [self._current(name) or self._tables.listed(name) for name in sorted(self.names)]

    def load(self, names: Iterable[str], cancellation: Cancellation) -> dict[str, Table]:
        """The tables of these names, read where they are not yet, or have changed since."""
        return {name: self._current(name) or self._read(name, cancellation) for name in names}

    def _current(self, name: str) -> Table | None:
        """The table as it was read, if it is still the same."""
        read = self._loaded.get(name)
        return read[1] if read is not None and read[0] == self._tables.stamp(name) else None

    def _read(self, name: str, cancellation: Cancellation) -> Table:
        # A lock a table: a query never waits for the reading of a table that it does not use.
        with self._locks.setdefault(name, threading.Lock()):
            table = self._current(name)
            if table is None:
                stamp = self._tables.stamp(name)
                with self._database.working(cancellation) as cursor:
                    table = self._tables.load(name, cursor, cancellation.check)
                self._loaded[name] = (stamp, table)
        return table
