"""What a record tells to ask its query again: the text, the values, the frames, the window."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import KqlMagicError
from kqlmagic_ext.frames import arrow_from_frame, value_from_envelope
from kqlmagic_ext.kql.tokens import HIDDEN, code
from kqlmagic_ext.query import Timespan
from kqlmagic_ext.record.canonical import content_hash
from kqlmagic_ext.record.opening import opened
from kqlmagic_ext.record.records import ASKED, LONGEST_TEXT, number_of
from kqlmagic_ext.record.results import ResultGone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kqlmagic_ext.record.records import FrameInput, Record
    from kqlmagic_ext.record.store import Store
    from kqlmagic_ext.values import Value

_MOVING = ("now", "ago")


class NoReplay(Exception):  # noqa: N818 - what happened, in a word
    """A record does not tell enough to ask its query again; the sentence says what is missing."""


def text_of(record: Record) -> str:
    """The query, as it was written; NoReplay when there is none, or not all of it was kept."""
    if record.kind not in ASKED:
        was = {"note": "is a note", "forgotten": "was forgotten"}.get(record.kind, f"is a {record.kind}")
        raise NoReplay(f"{record.id} {was}: there is no query to run")
    if HIDDEN in record.text:
        raise NoReplay(f'{record.id} had a hidden string (h"…"), which no record keeps; run its cell again')
    if len(record.text) > LONGEST_TEXT:
        raise NoReplay(f"{record.id}: its query is longer than what a record keeps of one")
    return record.text


def value_in(record: Record, name: str) -> Value:
    """A parameter with the very type and value that it had; NoReplay when the record does not hold it."""
    told = record.parameters[name]
    if told.get("kind") != "value":
        why = "is too long to be kept" if told.get("kind") == "long" else "has a form that is not kept"
        raise NoReplay(f"{record.id}: the value of {name} {why}; give it by -i {name}")
    try:
        return value_from_envelope(told)
    except (KeyError, ValueError, TypeError, ArithmeticError) as error:
        raise NoReplay(f"{record.id}: the value of {name} cannot be read; give it by -i {name}") from error


def frame_in(store: Store, record: Record, name: str, names: Mapping[str, Any]) -> Any:
    """The frame that went into the query: the kept answer that it was, else the one of `names`, by its hash.

    Raises
    ------
    NoReplay
        When neither has the content that went in.
    """
    given = record.inputs[name]
    fed = _fed(store, given)
    if fed is not None:
        return fed
    here = names.get(name)
    if here is not None and _is_it(here, given, name):
        return here
    held = f"is not the one that {record.id} was given" if here is not None else "is not in this notebook"
    raise NoReplay(
        f"{record.id}: its frame {name} is not kept ({given}), and {name} {held}; give it by -i {name}"
    )


def _fed(store: Store, given: FrameInput) -> Any:
    """The kept answer that fed a query, if it is there and has the content that went in."""
    if not given.origin or not given.unchanged:
        return None
    try:
        frame = opened(store, store.record(number_of(given.origin))).frames[given.table]
    except (KeyError, ValueError, IndexError, ResultGone):  # of another case, forgotten, damaged, evicted
        return None
    return frame if _is_it(frame, given, "frame") else None


def _is_it(frame: Any, given: FrameInput, name: str) -> bool:
    """Whether a Python value is the frame that went in."""
    try:
        return content_hash(arrow_from_frame(frame, name)[0]) == given.sha256
    except (KqlMagicError, AttributeError, TypeError, ValueError):  # it is no frame at all
        return False


def is_moving(text: str) -> bool:
    """Whether the query asks for the time of its own run, by now() or ago()."""
    return any(
        first.kind == "name" and first.text in _MOVING and second.text == "("
        for first, second in pairwise(code(text))
    )


def window_of(record: Record) -> Timespan | None:
    """The absolute times that the query saw; None for all."""
    start, end = record.window
    if start is None or end is None:
        return None
    return Timespan(f"{start}/{end}", datetime.fromisoformat(start), datetime.fromisoformat(end))
