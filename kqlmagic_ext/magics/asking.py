"""One query on its way into the investigation record."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import KqlMagicError, ParameterError, PartialResultError
from kqlmagic_ext.magics.recording import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

    import pandas as pd
    import pyarrow as pa

    from kqlmagic_ext.connections import Connection
    from kqlmagic_ext.magics.options import Cell
    from kqlmagic_ext.magics.recording import Desk, Recording
    from kqlmagic_ext.query import Query, Result
    from kqlmagic_ext.record.drafts import Draft, Origin
    from kqlmagic_ext.record.records import Record

_LONGEST_PARAMETER = 1 << 20  # characters of JSON; a longer one is told by its hash


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
        if self._record is None:
            return
        from kqlmagic_ext.record.drafts import mark

        self._result = result
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
        self._result = None  # a traceback that Python remembers keeps no rows alive

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
        question = Record(
            "",
            "",
            "asked",
            iso(datetime.now(UTC)),
            cell=_short(asked.source),
            text=_short(query.text),
            parameters=parameters,
            connection=self._connection.name,
            place=place_of(self._connection),
            timespan="" if query.timespan is None else query.timespan.text,
            options=options_of(query),
            outputs=asked.outputs,
            wanted=self._mode,
            again_of=self._again_of,
        )
        self._record = self._desk.store.begin(question).with_(kind="query")
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


def _answered(record: Record, result: Result, error: BaseException | None) -> Record:
    origin = result.origin
    return record.with_(
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
    """The text as a record holds it: without what KQL itself keeps out of logs."""
    from kqlmagic_ext.kql.tokens import without_hidden
    from kqlmagic_ext.query import shortened
    from kqlmagic_ext.record.records import LONGEST_TEXT

    return shortened(without_hidden(text), LONGEST_TEXT)
