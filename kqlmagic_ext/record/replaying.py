"""What a record tells of asking its question again: the values, the frames, the times."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import KqlMagicError
from kqlmagic_ext.frames import arrow_from_frame, frame_from_arrow, value_from_envelope
from kqlmagic_ext.kql.tokens import HIDDEN, code
from kqlmagic_ext.query import Query, Timespan
from kqlmagic_ext.record.canonical import content_hash
from kqlmagic_ext.record.records import number_of
from kqlmagic_ext.record.results import ResultGone

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pyarrow as pa

    from kqlmagic_ext.record.records import FrameInput, Record
    from kqlmagic_ext.record.store import Store
    from kqlmagic_ext.values import Value

_MOVING = ("now", "ago")


def holds_hidden(record: Record) -> bool:
    """Whether the query had a hidden string, which no record keeps: it cannot be asked again from here."""
    return HIDDEN in record.text


class NotKept(Exception):  # noqa: N818 - what is missing, in a word
    """An input of a query that was recorded by its hash alone, and cannot be had again; `name` is the input's."""

    def __init__(self, said: str, name: str) -> None:
        super().__init__(said)
        self.name = name


def parameters_of(record: Record) -> dict[str, Value]:
    """The single values of a query, of their very types; NotKept for one that was too long to be kept."""
    return {name: _value(record, name, envelope) for name, envelope in record.parameters.items()}


def _value(record: Record, name: str, envelope: Mapping[str, Any]) -> Value:
    if envelope.get("kind") != "value":
        raise NotKept(f"{record.id} took the value {name}, which was too long to be kept", name)
    return value_from_envelope(envelope)


def frame_of(store: Store, record: Record, name: str, candidate: object = None) -> Any:
    """The frame that went into a query: from the record that fed it, else the candidate if it is that frame still.

    Raises NotKept when it can be had from neither.
    """
    given = record.inputs[name]
    if given.unchanged:
        try:
            fed = store.record(number_of(given.origin))
            return frame_from_arrow(store.table(fed.tables[given.table]))
        except (KeyError, IndexError, ValueError, ResultGone):
            pass  # forgotten or evicted since: the candidate may do
    if _is_it(candidate, given, name):
        return candidate
    raise NotKept(
        f"{record.id} took the frame {name} ({given.rows:,} rows), of which the hash alone is kept", name
    )


def _is_it(candidate: Any, given: FrameInput, name: str) -> bool:
    if type(candidate).__name__ != "DataFrame":
        return False
    try:
        return content_hash(arrow_from_frame(candidate, name)[0]) == given.sha256
    except KqlMagicError:
        return False


def moves(text: str) -> bool:
    """Whether the answer depends on the moment of asking: the text calls now() or ago()."""
    words = code(text)
    return any(
        word.kind == "name" and word.text in _MOVING and after.text == "(" for word, after in pairwise(words)
    )


def same_question(record: Record, inputs: Mapping[str, Any]) -> Query:
    """The question of a record at its own time: the absolute window, and the moment that now() gave."""
    start, end = (None if at is None else datetime.fromisoformat(at) for at in record.window)
    span = None if start is None else Timespan(record.timespan, start=start, end=end)
    now = datetime.fromisoformat(record.origin.get("start", record.time))
    options = {name: record.options[name] for name in ("limit", "search") if name in record.options}
    return Query(record.text, inputs, span, now=now, refresh=True, **options)


def find_cached(
    records: Iterable[Record],
    asked: Record,
    inputs: Mapping[str, pa.Table],
    age: timedelta,
    now: datetime,
) -> list[Record]:
    """The records with a whole answer to the very question of `asked`, not older than `age`; the newest first.

    The question is its text, its values, its frames by their content, the place, the window as written, and all options.
    """
    is_whole = all(envelope.get("kind") != "unknown" for envelope in asked.parameters.values())
    if not is_whole or HIDDEN in asked.text:
        return []
    wanted = _question(asked, {name: content_hash(table) for name, table in inputs.items()})
    found = [
        record
        for record in records
        if record.kind == "query"
        and record.tables
        and record.complete
        and not (record.error or record.lost)
        and now - datetime.fromisoformat(record.time) <= age
        and _question(record, {name: given.sha256 for name, given in record.inputs.items()}) == wanted
    ]
    return found[::-1]


def _question(record: Record, frames: Mapping[str, str]) -> str:
    """All that decides an answer, as text: in Python, 1 and True and 1.0 would be one value."""
    options = [(name, value) for name, value in record.options.items() if name != "refresh"]
    named = [sorted(some) for some in (record.parameters.items(), frames.items(), options)]
    return json.dumps([record.text, record.place, record.timespan, *named])
