"""A case on the disk: its records, its results, its index."""

from __future__ import annotations

import shutil
import sqlite3
from typing import TYPE_CHECKING

from kqlmagic_ext.record.index import Index
from kqlmagic_ext.record.records import Record, from_json, id_of, number_of, to_json
from kqlmagic_ext.record.results import ResultGone, Results
from kqlmagic_ext.record.whole_files import make_folder, remove_abandoned, take, write_whole

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from kqlmagic_ext.record.records import KeptTable


def cases_folder() -> Path:
    """Where the cases of this user lie."""
    from platformdirs import user_data_path

    return user_data_path("kqlmagic_ext", appauthor=False) / "cases"


class Store:
    """One case. Several kernels may use it at once; what a method promises is on the disk when it returns.

    What cannot be written raises OSError, or the index's sqlite3.Error.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.case = folder, folder.name
        self._records = folder / "records"
        self.results = Results(folder / "results")
        self._index = Index(folder / "index.sqlite")
        self._next = 1

    # ------------------------------------------------------------ writing

    def open(self) -> None:
        """Make the folders where they are missing; clear away what killed kernels left; bring the index up to date."""
        make_folder(self.folder)
        make_folder(self._records)
        remove_abandoned(self._records)
        remove_abandoned(self.folder / "results")
        self.refresh()

    def take_id(self) -> str:
        """An id that no other kernel has or will have."""
        make_folder(self._records)
        if self._next == 1:
            self._next = max(self._numbers(), default=0) + 1
        while not take(self._path(self._next)):
            self._next += 1
        self._next += 1
        return id_of(self._next - 1)

    def keep(self, record: Record, tables: tuple[pa.Table, ...] = ()) -> Record:
        """Have the record on the disk, and its tables with it when they are given; it counts as kept from then on."""
        if tables:
            kept = [
                self.results.keep(table, told.sha256, self._index.file_hash(told.sha256))
                for table, told in zip(tables, record.tables, strict=True)
            ]
            record = record.with_(tables=tuple(kept))
        write_whole(self._path(record.number), to_json(record))
        self._index.add([record])
        return record

    def stay_within(self, budget: int) -> list[str]:
        """Take the oldest results away until all are within the budget (bytes); their hashes."""
        by_age = [(sha256, size) for sha256, size in self._index.by_age() if self.results.size(sha256)]
        total = sum(size for _, size in by_age)
        gone: list[str] = []
        for sha256, size in by_age[:-1]:  # the last one stays, whatever its size
            if total <= budget:
                break
            self.results.evict(sha256)
            total -= size
            gone.append(sha256)
        return gone

    def forget(self, number: int, time: str) -> Record:
        """Take away what a record says, and its results unless another record has them, too."""
        record = self.record(number)
        others = {
            table.sha256 for other in self.history() if other.number != number for table in other.tables
        }
        forgotten = Record(record.id, record.case, "forgotten", time)
        write_whole(self._path(number), to_json(forgotten))
        self._index.add([forgotten])
        for table in record.tables:
            if table.file_sha256 and table.sha256 not in others:
                self.results.remove(table.sha256)
        return record

    def forget_all(self) -> None:
        """Take the whole case away."""
        shutil.rmtree(self.folder)

    # ------------------------------------------------------------ reading

    def history(self) -> list[Record]:
        """The kept records, in their order; from their own files where the index cannot be had (a read-only folder)."""
        try:
            return self._indexed()
        except (sqlite3.OperationalError, OSError):
            return [record for number in sorted(self._numbers()) if (record := self._readable(number))]

    def _indexed(self) -> list[Record]:
        self.refresh()
        try:
            return self._index.records()
        except sqlite3.OperationalError:
            raise
        except (sqlite3.DatabaseError, ValueError):  # damaged
            self._index.set_aside()
            self.refresh()
            return self._index.records()

    def record(self, number: int) -> Record:
        """One record, from its own file; KeyError when there is none, ValueError when it cannot be read."""
        try:
            text = self._path(number).read_text("utf-8")
        except FileNotFoundError as error:
            raise KeyError(id_of(number)) from error
        if not text:
            raise KeyError(id_of(number))
        return from_json(text)

    def table(self, kept: KeptTable) -> pa.Table:
        """A kept result table, its content hashed anew; ResultGone when it cannot be given back."""
        return self.results.read(kept)

    def state(self, record: Record) -> str:
        """`kept`, or why a record has no result that can be opened."""
        if record.kind != "query":
            return record.kind
        if record.lost:
            return f"not kept: {record.lost}"
        if not record.tables:
            return "failed"
        if record.wanted == "queries":
            return "query only"
        problems = [problem for table in record.tables if (problem := self.results.problem(table))]
        return f"not kept: {problems[0]}" if problems else "kept"

    def unreadable(self) -> list[str]:
        """The ids whose files hold something, but no record."""
        return [
            id_of(number)
            for number in sorted(self._numbers())
            if self._path(number).stat().st_size and self._readable(number) is None
        ]

    def refresh(self) -> None:
        """Put into the index what another kernel, or a crash, left out of it."""
        try:
            known = self._index.numbers()
        except sqlite3.OperationalError:  # locked, full, read-only
            raise
        except sqlite3.DatabaseError:
            self._index.set_aside()
            known = set()
        missing = [self._readable(number) for number in sorted(self._numbers() - known)]
        if found := [record for record in missing if record is not None]:
            self._index.add(found)

    def _readable(self, number: int) -> Record | None:
        """The record; None where an id is only taken so far, or its file holds no record."""
        try:
            return self.record(number)
        except (KeyError, ValueError, OSError):
            return None

    def _numbers(self) -> set[int]:
        return {number_of(path.stem) for path in self._records.glob("R*.json") if path.stem[1:].isdecimal()}

    def _path(self, number: int) -> Path:
        return self._records / f"{id_of(number)}.json"


__all__ = ["ResultGone", "Store", "cases_folder"]
