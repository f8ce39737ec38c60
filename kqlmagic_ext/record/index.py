"""The index of a case's records: SQLite, made anew from the records whenever it is damaged or behind."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from kqlmagic_ext.record.records import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from kqlmagic_ext.record.records import Record

_PATIENCE_S = 30
_TABLES = """
CREATE TABLE IF NOT EXISTS records (number INTEGER PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS results (
    sha256 TEXT NOT NULL, number INTEGER NOT NULL, file_sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,
    PRIMARY KEY (sha256, number)
);
"""
_ADD = "INSERT OR REPLACE INTO records VALUES (?, ?)"
_ADD_RESULT = "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)"
_REMOVE_RESULTS = "DELETE FROM results WHERE number = ?"
_FILE = "SELECT file_sha256 FROM results WHERE sha256 = ? ORDER BY number DESC LIMIT 1"
_BY_AGE = "SELECT sha256, max(bytes), max(number) FROM results GROUP BY sha256 ORDER BY max(number)"


class Index:
    """What the records say, found quickly; any process may read and write it at any time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, records: Iterable[Record]) -> None:
        """Put the records in, and have them on the disk."""
        with self._open() as database:
            for record in records:
                database.execute(_ADD, (record.number, to_json(record)))
                database.execute(_REMOVE_RESULTS, (record.number,))
                database.executemany(
                    _ADD_RESULT,
                    [
                        (table.sha256, record.number, table.file_sha256, table.bytes)
                        for table in record.tables
                        if table.file_sha256
                    ],
                )

    def numbers(self) -> set[int]:
        """The numbers of the records that are in it."""
        with self._open() as database:
            return {number for (number,) in database.execute("SELECT number FROM records")}

    def records(self) -> list[Record]:
        """All of them, in their order."""
        with self._open() as database:
            found = database.execute("SELECT json FROM records ORDER BY number").fetchall()
        return [from_json(text) for (text,) in found]

    def file_hash(self, sha256: str) -> str:
        """The hash of the file that keeps a content, empty when no record knows of it."""
        with self._open() as database:
            found = database.execute(_FILE, (sha256,)).fetchone()
        return found[0] if found else ""

    def by_age(self) -> list[tuple[str, int]]:
        """The kept contents with their bytes, those last that a late record holds."""
        with self._open() as database:
            return [(sha256, size) for sha256, size, _ in database.execute(_BY_AGE)]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction. A file that is no database is put aside, and what is asked then is asked of an empty one."""
        try:
            database = self._connected()
        except sqlite3.OperationalError:  # locked, full, read-only: not damaged
            raise
        except sqlite3.DatabaseError:
            self.set_aside()
            database = self._connected()
        with closing(database), database:
            yield database

    def _connected(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=_PATIENCE_S)
        try:
            # Not every file system can share the memory that a write-ahead log needs.
            if database.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
                database.execute("PRAGMA journal_mode = DELETE")
            database.execute("PRAGMA synchronous = FULL")
            database.executescript(_TABLES)
        except BaseException:
            database.close()
            raise
        return database

    def set_aside(self) -> None:
        """Move a damaged index away; the records are all there."""
        for ending in ("", "-wal", "-shm"):
            path = self._path.with_name(self._path.name + ending)
            if path.exists():
                path.replace(path.with_name(f"{path.name}.damaged-{time.time_ns()}"))
