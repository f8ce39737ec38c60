"""What each query cell leaves in the investigation record; the cell never fails, and hardly waits, because of it."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kqlmagic_ext.connections import Connection
    from kqlmagic_ext.magics.asking import Asking
    from kqlmagic_ext.magics.options import Cell
    from kqlmagic_ext.query import Query
    from kqlmagic_ext.record.records import Record
    from kqlmagic_ext.record.store import Store
    from kqlmagic_ext.record.writer import Writer

_CLOSING_S = 30
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(MB|GB|TB)", re.IGNORECASE)
_UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNSAFE = re.compile(r"[^\w .-]")
_LONGEST_NAME = 100
_RESERVED = {
    "CON",
    "PRN",
    "AUX",
    "NUL",
    *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10)),
}  # by Windows


@dataclass(frozen=True)
class Desk:
    """The case that is being worked on: its store, and what writes into it."""

    store: Store
    writer: Writer


@dataclass(frozen=True)
class Wishes:
    """The settings of the record, as they are now: `mode` full, queries or off; `budget` in bytes."""

    mode: str
    case: str
    folder: str
    budget: int


class Recording:
    """Takes down what cells ask and get. `wishes`: the settings at the moment of asking."""

    def __init__(self, wishes: Callable[[], Wishes]) -> None:
        self._wishes = wishes
        self._folder_name = Path.cwd().name  # the notebook's, wherever a cell goes later
        self._desks: dict[Path, Desk] = {}  # a case that was left is still written, and found again
        self._process = os.getpid()
        self._told_place = False
        self._told_problems: set[str] = set()
        self.missed: list[str] = []  # why queries of this kernel have no record

    @property
    def desk(self) -> Desk:
        """The current case; another one than before when the settings changed."""
        wishes = self._wishes()
        from kqlmagic_ext.record.store import Store, cases_folder
        from kqlmagic_ext.record.writer import Writer

        if self._process != os.getpid():  # a fork: what waits is written by its parent, which has the threads
            self._desks, self._process = {}, os.getpid()
        cases = Path(wishes.folder).expanduser() if wishes.folder else cases_folder()
        folder = cases / case_name(wishes.case or self._folder_name)
        if folder not in self._desks:
            store = Store(folder)
            self._desks[folder] = Desk(store, Writer(store, lambda: self._wishes().budget))
        return self._desks[folder]

    @property
    def is_off(self) -> bool:
        """Whether nothing is recorded."""
        return self._wishes().mode == "off"

    def settled(self, timeout: float | None = None) -> Desk:
        """The current case, with all that was asked so far on the disk, if that takes no longer (seconds)."""
        desk = self.desk
        desk.writer.flush(timeout)
        return desk

    def asking(self, asked: Cell, query: Query, connection: Connection, again_of: str = "") -> Asking:
        """The record of one query on its way; `again_of`: the record whose query it is again."""
        mode = "off" if getattr(asked.options, "no_record", False) else self._wishes().mode
        from kqlmagic_ext.magics.asking import Asking

        return Asking(self, asked, query, connection, mode, again_of)

    def note(self, text: str) -> Record:
        """Put the analyst's own words between the queries; OSError when they cannot be kept."""
        from kqlmagic_ext.record.drafts import Draft
        from kqlmagic_ext.record.records import Record

        desk = self.desk
        record = desk.store.begin(Record("", "", "note", iso(datetime.now(UTC)), text=text))
        desk.writer.put(Draft(record))
        return record

    def told(self) -> tuple[list[str], list[str]]:
        """What a receipt says of the record: once where it is kept; a warning for each new reason why it is not."""
        desk = self.desk
        lines, warnings = [], []
        if not self._told_place:
            self._told_place = True
            kept = "queries and the log data of their answers" if self._wishes().mode == "full" else "queries"
            lines.append(
                f"this case is recorded in {desk.store.folder}: {kept}, at rest; %config KqlMagics.record = 'off' switches it off"
            )
        problem = desk.writer.problem
        if problem and problem not in self._told_problems:
            self._told_problems.add(problem)
            warnings.append(f"the record could not keep all ({problem}); %kql_history tells what")
        return lines, warnings

    def close(self) -> list[str]:
        """Have all on the disk, and end; the ids of what takes longer than 30 seconds, and may be lost."""
        desks = self._desks.values() if self._process == os.getpid() else ()
        self._desks = {}
        end = time.monotonic() + _CLOSING_S
        left = []
        for desk in desks:
            desk.writer.close(max(0, end - time.monotonic()))
            left += [f"{record.id} of {desk.store.case}" for record in desk.writer.waiting()]
        return left


def size_in_bytes(text: str) -> int:
    """The bytes that `20GB` or `500 MB` means; ValueError when it means none."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no size; write 500MB, 20GB or 1TB")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def iso(moment: datetime) -> str:
    """A moment (UTC) as records tell it."""
    return moment.isoformat().replace("+00:00", "Z")


def case_name(wanted: str) -> str:
    """The name of the case's folder: what was chosen, else that of the notebook's folder, where it can name one everywhere."""
    name = _UNSAFE.sub("_", wanted)[:_LONGEST_NAME].lstrip(" .-").rstrip(" .")
    return f"_{name}" if name.upper() in _RESERVED else name or "notebook"
