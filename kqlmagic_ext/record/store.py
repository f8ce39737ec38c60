"""A case on the disk: its records, its results, its index."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

from kqlmagic_ext.record.index import Index
from kqlmagic_ext.record.records import Record, from_json, id_of, to_json
from kqlmagic_ext.record.results import ResultGone, Results
from kqlmagic_ext.record.whole_files import (
    make_folder,
    remove_abandoned,
    stamp_of,
    sync_folder,
    take,
    write_whole,
)

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from kqlmagic_ext.record.records import KeptTable

_NAME = re.compile(r"R([1-9][0-9]{0,17})\.json")


def cases_folder() -> Path:
    """Where the cases of this user lie."""
    from platformdirs import user_data_path

    return user_data_path("kqlmagic_ext", appauthor=False) / "cases"


class Store:
    """One case. Several kernels may use it at once; what a method promises is on the disk when it returns.

    What cannot be written raises OSError. The index is a help, never the truth: where it cannot be had, the records' own
    files are read, and what it missed it learns later.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.case = folder, folder.name
        self._records = folder / "records"
        self.results = Results(folder / "results")
        self._index = Index(folder / "index.sqlite", self._on_disk)
        self._next = 1
        self._spent: int | None = None  # the bytes of all results; None where the index could not tell

    # ------------------------------------------------------------ writing

    def open(self) -> None:
        """Make the folders where they are missing; clear away what killed kernels left; bring the index up to date."""
        make_folder(self._records)
        for folder in (self.folder, *self.folder.parents[:2]):
            sync_folder(folder)  # it may be new
        remove_abandoned(self._records)
        remove_abandoned(self.folder / "results")
        with suppress(sqlite3.Error):
            self.refresh()

    def begin(self, record: Record) -> Record:
        """The record under an id that no other kernel has or will have; its file tells it at once, and outlives the kernel."""
        make_folder(self._records)
        if self._next == 1:
            self._next = max(self._files(), default=0) + 1
        numbered = record.with_(id=id_of(self._next), case=self.case)
        while not take(self._path(self._next), to_json(numbered)):
            self._next += 1
            numbered = numbered.with_(id=id_of(self._next))
        self._next += 1
        return numbered

    def keep(self, record: Record, tables: tuple[pa.Table, ...] = ()) -> Record:
        """Have the record on the disk, and its tables with it when they are given; it counts as kept from then on."""
        new = [told.sha256 for told in record.tables if not self.results.size(told.sha256)]
        try:
            if tables:
                kept = zip(tables, record.tables, strict=True)
                record = record.with_(
                    tables=tuple(self._keep_table(table, told.sha256) for table, told in kept)
                )
            self._write(record)
        except BaseException:
            for sha256 in new if tables else ():  # its room may be what a record without it needs
                with suppress(OSError):
                    self.results.remove(sha256)
            raise
        return record

    def _keep_table(self, table: pa.Table, sha256: str) -> KeptTable:
        known = ""
        if self.results.size(sha256):
            with suppress(sqlite3.Error, OSError):  # written again then
                known = self._index.file_hash(sha256)
        return self.results.keep(table, sha256, known)

    def _write(self, record: Record) -> None:
        stamp = write_whole(self._path(record.number), to_json(record))
        self._spent = None
        with suppress(sqlite3.Error, OSError):  # the next refresh finds it by its stamp
            self._spent = self._index.add([(record, stamp)])

    def stay_within(self, budget: int) -> list[str]:
        """Take the oldest results away until all are within the budget (bytes); their hashes."""
        if self._spent is not None and self._spent <= budget:
            return []
        told = self._index.by_age()
        by_age = [(sha256, size) for sha256, _ in told if (size := self.results.size(sha256))]
        total = sum(size for _, size in by_age)
        gone: list[str] = []
        for sha256, size in by_age[:-1]:  # the last one stays, whatever its size
            if total <= budget:
                break
            self.results.evict(sha256)
            total -= size
            gone.append(sha256)
        left = {sha256 for sha256, _ in by_age}.difference(gone)
        self._index.let_go(sha256 for sha256, _ in told if sha256 not in left)
        return gone

    def forget(self, number: int, time: str) -> Record:
        """Take away what a record says, and its results unless another record has them, too; KeyError when there is none."""
        records = {record.number: record for record in self.history()}
        try:
            record = self.record(number)
        except ValueError:  # damaged: what it said may be in its file still, and in the index
            record = records.get(number, Record(id_of(number), self.case, "forgotten", time))
        others = {
            table.sha256
            for other in records.values()
            if other is not records.get(number)
            for table in other.tables
        }
        self._write(Record(record.id, record.case, "forgotten", time))
        for table in record.tables:
            if table.file_sha256 and table.sha256 not in others:
                self.results.remove(table.sha256)
        return record

    def forget_all(self) -> None:
        """Take the whole case away."""
        shutil.rmtree(self.folder)

    # ------------------------------------------------------------ reading

    def history(self) -> list[Record]:
        """The kept records, in their order."""
        try:
            self.refresh()
            return self._index.records()
        except (sqlite3.Error, OSError):  # a read-only folder, a full disk
            return [record for record, _ in self._on_disk()]

    def record(self, number: int) -> Record:
        """One record, from its own file; KeyError when there is none, ValueError when it cannot be read."""
        try:
            text = self._path(number).read_text("utf-8")
        except FileNotFoundError as error:
            raise KeyError(id_of(number)) from error
        if not text:
            raise KeyError(id_of(number))
        record = from_json(text)
        if record.number != number:
            raise ValueError(f"the file of {id_of(number)} holds another record")
        return record

    def table(self, kept: KeptTable) -> pa.Table:
        """A kept result table, its content hashed anew; ResultGone when it cannot be given back."""
        return self.results.read(kept)

    def state(self, record: Record) -> str:
        """`kept`, or why a record has no result that can be opened."""
        if record.kind == "asked":
            return "asked; no answer is known: its kernel runs it still, or died"
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
        """The ids whose files held something, and hold no record (any more)."""
        try:
            damaged = self.refresh()
        except (sqlite3.Error, OSError):
            damaged = [
                number for number, stamp in self._files().items() if stamp and not self._readable(number)
            ]
        return [id_of(number) for number in sorted(damaged)]

    def unfinished(self) -> list[str]:
        """The ids that a kernel has taken, and of which it has written nothing (yet)."""
        return [id_of(number) for number, stamp in sorted(self._files().items()) if not stamp]

    def refresh(self) -> list[int]:
        """Put into the index what another kernel, a crash or a hand changed without it; the numbers that are damaged."""
        known, files = self._index.stamps(), self._files()
        changed = [number for number, stamp in sorted(files.items()) if known.get(number, "") != stamp]
        found = [(record, files[number]) for number in changed if (record := self._readable(number))]
        if found:
            self._index.add(found)
        if gone := known.keys() - files.keys():
            self._index.remove(gone)
        return sorted(set(changed).difference(record.number for record, _ in found))

    def _on_disk(self) -> list[tuple[Record, str]]:
        """All records that can be read, from their own files, with the stamps of these."""
        files = sorted(self._files().items())
        return [(record, stamp) for number, stamp in files if stamp and (record := self._readable(number))]

    def _readable(self, number: int) -> Record | None:
        """The record; None where an id is only taken so far, or its file holds no record."""
        try:
            return self.record(number)
        except (KeyError, ValueError, OSError):
            return None

    def _files(self) -> dict[int, str]:
        """The numbers of all ids that are taken, with the stamps of their files."""
        found = {}
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(self._records) as entries:
            for entry in entries:
                if match := _NAME.fullmatch(entry.name):
                    found[int(match[1])] = stamp_of(entry.stat())
        return found

    def _path(self, number: int) -> Path:
        return self._records / f"{id_of(number)}.json"


__all__ = ["ResultGone", "Store", "cases_folder"]
