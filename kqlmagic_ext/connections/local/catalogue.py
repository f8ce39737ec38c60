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
        self._loaded: dict[str, Table] = {}
        self._locks: dict[str, threading.Lock] = {}

    @property
    def names(self) -> Collection[str]:
        """Every table's name."""
        return self._tables.names

    def listed(self) -> list[Table]:
        """All tables, by name, with what is known without reading them."""
        return [self._loaded.get(name) or self._tables.listed(name) for name in sorted(self.names)]

    def load(self, names: Iterable[str], cancellation: Cancellation) -> dict[str, Table]:
        """The tables of these names, read where they are not yet."""
        return {name: self._loaded.get(name) or self._read(name, cancellation) for name in names}

    def _read(self, name: str, cancellation: Cancellation) -> Table:
        # A lock a table: a query never waits for the reading of a table that it does not use.
        with self._locks.setdefault(name, threading.Lock()):
            if name not in self._loaded:
                with self._database.working(cancellation) as cursor:
                    self._loaded[name] = self._tables.load(name, cursor, cancellation.check)
        return self._loaded[name]
