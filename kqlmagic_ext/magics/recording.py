"""What each query cell leaves in the investigation record; the cell never fails, and hardly waits, because of it."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import KqlMagicError, ParameterError, PartialResultError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

    import pandas as pd
    import pyarrow as pa

    from kqlmagic_ext.connections import Connection
    from kqlmagic_ext.magics.options import Cell
    from kqlmagic_ext.query import Query, Result
    from kqlmagic_ext.record.drafts import Draft, Origin
    from kqlmagic_ext.record.records import Record
    from kqlmagic_ext.record.store import Store
    from kqlmagic_ext.record.writer import Writer

_CLOSING_S = 30
_LONGEST_PARAMETER = 1 << 20  # characters of JSON; a longer one is told by its hash
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(MB|GB|TB)", re.IGNORECASE)
_UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNSAFE = '/\\:*?"<>|\x00'


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
        folder = cases / case_name(wishes.case)
        if folder not in self._desks:
            store = Store(folder)
            self._desks[folder] = Desk(store, Writer(store, lambda: self._wishes().budget))
        return self._desks[folder]

    def settled(self, timeout: float | None = None) -> Desk:
        """The current case, with all that was asked so far on the disk, if that takes no longer (seconds)."""
        desk = self.desk
        desk.writer.flush(timeout)
        return desk

    def asking(self, asked: Cell, query: Query, connection: Connection, again_of: str = "") -> Asking:
        """The record of one query on its way; `again_of`: the record whose query it is again."""
        mode = "off" if getattr(asked.options, "no_record", False) else self._wishes().mode
        return Asking(self, asked, query, connection, mode, again_of)

    def note(self, text: str) -> Record:
        """Put the analyst's own words between the queries; OSError when they cannot be kept."""
        from kqlmagic_ext.record.drafts import Draft
        from kqlmagic_ext.record.records import Record

        desk = self.desk
        record = Record(desk.store.take_id(), desk.store.case, "note", _iso(datetime.now(UTC)), text=text)
        desk.writer.put(Draft(record))
        return record

    def told(self) -> tuple[list[str], list[str]]:
        """What a receipt says of the record: once where it is kept; a warning for each new reason why it is not."""
        desk = self.desk
        lines, warnings = [], []
        if not self._told_place:
            self._told_place = True
            lines.append(
                f"this case is recorded in {desk.store.folder}: queries and, unless KqlMagics.record is 'queries', the log data "
                "of their answers, at rest; %config KqlMagics.record = 'off' switches it off"
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


class Asking:
    """A context around one query: what it asked and what became of it goes into the record.

    `query` is the one to run: its frames are Arrow tables already, of which the record's hashes are taken. `lines` and
    `warnings`: what the receipt says of the record.
    """

    def __init__(
        self,
        recording: Recording,
        asked: Cell,
        query: Query,
        connection: Connection,
        mode: str,
        again_of: str = "",
    ) -> None:
        self._recording, self._asked, self._connection, self._mode = recording, asked, connection, mode
        self._again_of = again_of
        self.query = query
        self._origins: Mapping[str, Origin | None] = {}
        self._desk: Desk | None = None  # an environment that changes meanwhile changes it not
        self._record: Record | None = None
        self._result: Result | None = None
        self.lines: list[str] = []
        self.warnings: list[str] = []

    def __enter__(self) -> Self:
        if self._mode != "off":
            self._guarded(self._begin)
        return self

    def answered(self, result: Result) -> None:
        """The answer came: its frames tell which record it is."""
        self._result = result
        if self._record is not None:
            from kqlmagic_ext.record.drafts import mark

            for place, frame in enumerate(result.frames):
                mark(frame, self._record, place)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, PartialResultError) and error.result is not None:
            self.answered(error.result)
        record, desk = self._record, self._desk
        if record is not None and desk is not None:
            self._guarded(lambda: desk.writer.put(self._draft(record, error)))

    def _guarded(self, work: Callable[[], object]) -> None:
        """Do it; what cannot be recorded is a warning, and no failure of the cell."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever it is, the analyst's question is answered
            why = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
            self._record = None
            self._recording.missed.append(why)
            self.warnings.append(f"this query is not recorded: {why}")

    def _begin(self) -> None:
        from kqlmagic_ext.record.records import Record

        self._origins = _origins(self.query)
        self.query, parameters = crossed(self.query)
        query, asked = self.query, self._asked
        self._desk = self._recording.desk
        store = self._desk.store
        now = _iso(datetime.now(UTC))
        self._record = Record(
            store.take_id(),
            store.case,
            "query",
            now,
            cell=_short(asked.source),
            text=_short(query.text),
            parameters=parameters,
            connection=self._connection.name,
            place=place_of(self._connection),
            timespan="" if query.timespan is None else query.timespan.text,
            options=options_of(query),
            outputs=asked.outputs,
            wanted=self._mode,
            asked=now,
            again_of=self._again_of,
        )
        self.lines, warnings = self._recording.told()
        self.warnings += warnings

    def _draft(self, record: Record, error: BaseException | None) -> Draft:
        from kqlmagic_ext.record.drafts import Draft

        inputs = {
            name: (table, self._origins.get(name))
            for name, table in self.query.inputs.items()
            if type(table).__module__.startswith("pyarrow")
        }
        if self._result is None:
            with suppress(KqlMagicError):
                record = record.with_(sent=_short(self._connection.prepare(self.query)))
            return Draft(record.with_(error=_told(error), complete=False), (), inputs)
        return Draft(_answered(record, self._result, error), self._result.tables, inputs)


def size_in_bytes(text: str) -> int:
    """The bytes that `20GB` or `500 MB` means; ValueError when it means none."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no size; write 500MB, 20GB or 1TB")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def case_name(wanted: str) -> str:
    """The name of the case's folder: what was chosen, else that of the notebook's folder."""
    name = "".join(
        "_" if char in _UNSAFE or ord(char) < ord(" ") else char for char in wanted or Path.cwd().name
    )
    return name.strip(" .") or "notebook"


def _answered(record: Record, result: Result, error: BaseException | None) -> Record:
    origin = result.origin
    return record.with_(
        time=origin.get("start", record.time),
        sent=_short(result.sent.text if result.sent else origin.get("query", "")),
        window=tuple(origin.get("window", (None, None))),
        seconds=origin.get("seconds"),
        complete=result.complete,
        synthetic=bool(origin.get("synthetic")),
        missing=result.missing,
        warnings=result.warnings,
        render=None if result.render is None else dict(result.render),
        origin=dict(origin),
        error=_told(error) if error is not None and not result.missing else "",
    )


def crossed(query: Query) -> tuple[Query, dict[str, Any]]:
    """The query with the frames that it uses in Arrow, and its parameters as the record tells them."""
    from kqlmagic_ext.kql.parameters import RESERVED, bind

    try:
        bound = bind(query)
        frames = {
            name.removeprefix(RESERVED): _arrow(frame, name.removeprefix(RESERVED))
            for name, frame in bound.frames.items()
        }
    except ParameterError:
        return query, {}  # the connection raises it, with its place
    parameters = {
        name.removeprefix(RESERVED): _parameter(value, name.removeprefix(RESERVED))
        for name, value in bound.scalars.items()
    }
    return replace(query, inputs={**query.inputs, **frames}), parameters


def _arrow(frame: pd.DataFrame | pa.Table, name: str) -> pa.Table:
    from kqlmagic_ext.connections.worker import interruptible
    from kqlmagic_ext.frames import arrow_from_frame
    from kqlmagic_ext.record.drafts import own

    return interruptible(lambda _: own(arrow_from_frame(frame, name)[0]))


def _parameter(value: object, name: str) -> dict[str, Any]:
    """The envelope of a single value; of a very long one what kind it is, and its hash."""
    import hashlib
    import json

    from kqlmagic_ext.frames import to_envelope

    try:
        envelope = to_envelope(value, name)
    except ParameterError as error:
        return {"kind": "unknown", "why": str(error)}
    text = json.dumps(envelope)
    if len(text) <= _LONGEST_PARAMETER:
        return envelope
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"kind": "long", "type": envelope["type"], "characters": len(text), "sha256": digest}


def _origins(query: Query) -> dict[str, Origin | None]:
    from kqlmagic_ext.record.drafts import origin_of

    return {name: origin_of(getattr(value, "attrs", {})) for name, value in query.inputs.items()}


def options_of(query: Query) -> dict[str, Any]:
    """What else changes the answer, where it is not as usual."""
    told = {"limit": query.limit, "refresh": query.refresh, "search": query.search}
    return {name: value for name, value in told.items() if value}


def place_of(connection: Connection) -> str:
    """The URL that opens the same rows again; without what may be a secret, and then it says so at its end."""
    from kqlmagic_ext.connections.secrets import suspicious_options, without_options
    from kqlmagic_ext.record.records import UNTOLD

    place = str(getattr(connection, "place", getattr(connection, "url", "")))
    return without_options(place) + UNTOLD if suspicious_options(place) else place


def _told(error: BaseException | None) -> str:
    if error is None:
        return ""
    said = str(error) or "stopped"
    return _short(f"{type(error).__name__}: {said}")


def _short(text: str) -> str:
    from kqlmagic_ext.query import shortened
    from kqlmagic_ext.record.records import LONGEST_TEXT

    return shortened(text, LONGEST_TEXT)


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
