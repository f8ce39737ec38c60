"""`%%kql --cache 1h`: a kept answer to the very same question, in place of asking again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from kqlmagic_ext.connections.worker import interruptible
from kqlmagic_ext.query import Timespan

if TYPE_CHECKING:
    from kqlmagic_ext.connections import Connection
    from kqlmagic_ext.magics.options import Cell
    from kqlmagic_ext.magics.recording import Recording
    from kqlmagic_ext.query import Query, Result
    from kqlmagic_ext.record.records import Record
    from kqlmagic_ext.record.store import Store


@dataclass(frozen=True)
class Kept:
    """A kept answer, and what the receipt says of it."""

    result: Result
    line: str


def cached(recording: Recording, asked: Cell, query: Query, connection: Connection) -> Kept | None:
    """The kept answer that a cell may take, None where it must ask; UsageError for an age that is none."""
    text = asked.options.cache
    if text is None:
        return None
    age = _age(text)
    if query.refresh:
        raise UsageError("--cache takes a kept answer and --refresh forbids one; choose")
    from kqlmagic_ext.record.replaying import find_cached
    from kqlmagic_ext.record.results import ResultGone

    desk = recording.settled()
    question, inputs = recording.question(query, connection)
    now = datetime.now(UTC)
    for record in find_cached(desk.store.history(), question, inputs, age, now):
        try:
            result = _opened(desk.store, record)
        except ResultGone:
            continue  # evicted or damaged: an older one may do, else it is asked again
        return Kept(result, _line(record.id, record.time, record.window, now))
    return None


def _opened(store: Store, record: Record) -> Result:
    from kqlmagic_ext.record.opening import opened

    return interruptible(lambda work: opened(store, record, work.check))


def _age(text: str) -> timedelta:
    try:
        span = Timespan.parse(text)
    except ValueError:
        span = None
    if span is None or span.duration is None:
        raise UsageError(f"--cache {text}: that is no age; write 10m, 1h or 7d")
    return span.duration


def _line(identity: str, time: str, window: tuple[str | None, str | None], now: datetime) -> str:
    minutes = int((now - datetime.fromisoformat(time)).total_seconds() // 60)
    ago = f"{minutes} minute{'s' * (minutes != 1)} ago" if minutes else "just now"
    times = f"window {window[0]}/{window[1]}" if any(window) else "all times"
    return f"the kept answer of {identity}, asked {time} ({ago}), {times}; no query was sent"
