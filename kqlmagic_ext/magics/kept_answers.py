"""`--cache`: a kept answer to the very same question, in place of a query."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from kqlmagic_ext.connections.worker import interruptible
from kqlmagic_ext.kql.tokens import without_hidden
from kqlmagic_ext.magics import options as opt
from kqlmagic_ext.magics.asking import crossed, options_of, place_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from kqlmagic_ext.connections import Connection
    from kqlmagic_ext.magics.recording import Recording
    from kqlmagic_ext.query import Query, Result
    from kqlmagic_ext.record.questions import Question
    from kqlmagic_ext.record.store import Store

_WAIT_S = 10  # for what is being written


def longest_age(text: str, *, refresh: bool) -> timedelta:
    """The age that --cache names; UsageError when it names none, or another option contradicts it."""
    if refresh:
        raise UsageError("--cache takes a kept answer and --refresh a new one: only one of them can be had")
    span = opt.timespan(text, "--cache")
    if span is None or span.duration is None:
        raise UsageError(f"--cache {text}: that is no age; write 1h, 30m or 7d")
    return span.duration


def kept_answer(
    recording: Recording, query: Query, connection: Connection, longest: timedelta
) -> tuple[Result, str] | None:
    """The newest kept answer to this very question, and what the receipt says of it; None when there is none."""
    asked = interruptible(lambda _: _asked(query, connection))
    if asked is None:
        return None
    store = recording.settled(_WAIT_S).store
    return interruptible(lambda work: _found(store, asked, longest, work.check))


def _found(
    store: Store, asked: Question, longest: timedelta, checkpoint: Callable[[], None]
) -> tuple[Result, str] | None:
    """The newest answer whose content is what its record says."""
    from kqlmagic_ext.record.history import window_of
    from kqlmagic_ext.record.opening import opened
    from kqlmagic_ext.record.questions import answering
    from kqlmagic_ext.record.results import ResultGone

    for record, age in answering(store.history(), asked, longest, datetime.now(UTC)):
        try:
            result = opened(store, record, checkpoint)
        except (ResultGone, OSError):  # evicted, gone or damaged: an older one may be there
            continue
        window = window_of(record) or "all times"
        old = str(age).partition(".")[0]
        said = f"{record.id}, asked {record.time[:19]}Z ({old} ago), window {window}; no query was sent, no record is left"
        return result, said
    return None


def _asked(query: Query, connection: Connection) -> Question | None:
    """What a query asks, as its record would tell it."""
    from kqlmagic_ext.record.canonical import content_hash
    from kqlmagic_ext.record.questions import question

    bound, parameters = crossed(query)
    if without_hidden(query.text) != query.text:  # a record does not hold it, and cannot tell it from another
        return None
    frames = {
        name: content_hash(table)
        for name, table in bound.inputs.items()
        if type(table).__module__.startswith("pyarrow")
    }
    timespan = "" if query.timespan is None else query.timespan.text
    return question(query.text, parameters, frames, place_of(connection), timespan, options_of(query))
