"""The index of a case's records: SQLite, made from the records when it is missing or damaged."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING, TypeVar

from kqlmagic_ext.record.records import from_json, to_json
from kqlmagic_ext.record.whole_files import take

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from kqlmagic_ext.record.records import Record

    Entry = tuple[Record, str]  # with the stamp of its file (`whole_files.py`)

T = TypeVar("T")
_PATIENCE_S = 10
_FORM = 2  # of the tables
_TABLES = (
    "DROP TABLE IF EXISTS records",
    "DROP TABLE IF EXISTS results",
    "CREATE TABLE records (number INTEGER PRIMARY KEY, stamp TEXT NOT NULL, json TEXT NOT NULL)",
    """CREATE TABLE results (
        sha256 TEXT NOT NULL, number INTEGER NOT NULL, file_sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,
        PRIMARY KEY (sha256, number))""",
)
_ADD = "INSERT OR REPLACE INTO records VALUES (?, ?, ?)"
_ADD_RESULT = "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)"
_REMOVE = "DELETE FROM records WHERE number = ?"
_REMOVE_RESULTS = "DELETE FROM results WHERE number = ?"
_FILE = "SELECT file_sha256 FROM results WHERE sha256 = ? ORDER BY number DESC LIMIT 1"
_BY_AGE = (
    "SELECT sha256, max(bytes), max(number) FROM results WHERE bytes > 0 GROUP BY sha256 ORDER BY max(number)"
)

_SPENT = "SELECT coalesce(sum(most), 0) FROM (SELECT max(bytes) AS most FROM results GROUP BY sha256)"


class Index:
    """What the records say, found quickly; any process may read and write it at any time.

    `source` gives all records as they lie on the disk; the index fills itself with them where it is new. Raises
    sqlite3.Error or OSError when it cannot be had: locked, disk full, read-only.
    """

    def __init__(self, path: Path, source: Callable[[], Iterable[Entry]]) -> None:
        self._path, self._source = path, source

    def add(self, entries: Iterable[Entry]) -> int:
        """Put records in, in place of what they said before; the bytes that all results take then."""

        def work(database: sqlite3.Connection) -> int:
            _put(database, entries)
            return int(database.execute(_SPENT).fetchone()[0])

        return self._transact(work)

    def remove(self, numbers: Iterable[int]) -> None:
        """Take records out."""
        gone = [(number,) for number in numbers]

        def work(database: sqlite3.Connection) -> None:
            database.executemany(_REMOVE, gone)
            database.executemany(_REMOVE_RESULTS, gone)

        self._transact(work)

    def stamps(self) -> dict[int, str]:
        """The stamp of each record's file when it was put in."""
        return self._transact(
            lambda database: dict(database.execute("SELECT number, stamp FROM records").fetchall())
        )

    def records(self) -> list[Record]:
        """All of them, in their order."""
        return self._transact(
            lambda database: [
                from_json(text) for (text,) in database.execute("SELECT json FROM records ORDER BY number")
            ]
        )

    def file_hash(self, sha256: str) -> str:
        """The hash of the file that keeps a content, empty when no record knows of it."""
        found = self._transact(lambda database: database.execute(_FILE, (sha256,)).fetchone())
        return found[0] if found else ""

    def by_age(self) -> list[tuple[str, int]]:
        """The kept contents with their bytes, those last that a late record holds."""
        found = self._transact(lambda database: database.execute(_BY_AGE).fetchall())
        return [(sha256, size) for sha256, size, _ in found]

    def let_go(self, contents: Iterable[str]) -> None:
        """Contents that take no room any more."""
        gone = [(sha256,) for sha256 in contents]
        self._transact(
            lambda database: database.executemany("UPDATE results SET bytes = 0 WHERE sha256 = ?", gone)
        )

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What one transaction gives. A damaged index is taken away, and the work done on a new one."""
        try:
            return self._once(work)
        except sqlite3.OperationalError:  # locked, full, read-only: not damaged
            raise
        except (sqlite3.DatabaseError, ValueError):  # no database, a broken page, a row that is no record
            for ending in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
            return self._once(work)

    def _once(self, work: Callable[[sqlite3.Connection], T]) -> T:
        take(self._path)  # for its owner alone, as the files that SQLite puts beside it then are
        with closing(sqlite3.connect(self._path, timeout=_PATIENCE_S)) as database:
            self._prepare(database)
            with database:
                return work(database)

    def _prepare(self, database: sqlite3.Connection) -> None:
        """Settings of the connection; and all records, where the index is new."""
        if _pragma(database, "journal_mode") != "wal":
            with suppress(sqlite3.OperationalError):  # not every file system can share a log's memory
                database.execute("PRAGMA journal_mode = WAL")
        # A power cut may take the last rows, never the order: the records' own files are on the disk before.
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("PRAGMA secure_delete = ON")  # what is forgotten is overwritten
        if _pragma(database, "user_version") == _FORM:
            return
        with database:
            database.execute("BEGIN IMMEDIATE")
            if _pragma(database, "user_version") == _FORM:  # another kernel was first
                return
            for statement in _TABLES:
                database.execute(statement)
            _put(database, self._source())
            database.execute(f"PRAGMA user_version = {_FORM}")


def _pragma(database: sqlite3.Connection, name: str) -> object:
    return database.execute(f"PRAGMA {name}").fetchone()[0]


def _put(database: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    for record, stamp in entries:
        database.execute(_ADD, (record.number, stamp, to_json(record)))
        database.execute(_REMOVE_RESULTS, (record.number,))
        kept = [table for table in record.tables if table.file_sha256]
        rows = [(table.sha256, record.number, table.file_sha256, table.bytes) for table in kept]
        database.executemany(_ADD_RESULT, rows)
