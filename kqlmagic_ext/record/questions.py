"""When two questions are the very same, so that the kept answer of one answers the other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.kql.tokens import HIDDEN
from kqlmagic_ext.record.records import LONGEST_TEXT, UNTOLD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import timedelta

    from kqlmagic_ext.record.records import Record

_CHANGING = ("limit", "search")  # of a record's options; `refresh` changes how an answer is got


@dataclass(frozen=True)
class Question:
    """Whatever changes an answer: the text, the values as JSON, the frames by their content, the place, the times as written."""

    text: str
    parameters: tuple[tuple[str, str], ...]
    frames: tuple[tuple[str, str], ...]
    place: str
    timespan: str
    options: str


def question(
    text: str,
    parameters: Mapping[str, Any],
    frames: Mapping[str, str],
    place: str,
    timespan: str,
    options: Mapping[str, Any],
) -> Question | None:
    """The question; None where it cannot be told whether another one is the same.

    `parameters`: envelopes; `frames`: hashes of content; `place`: the URL as a record tells it.
    """
    untold = any(told.get("kind") not in ("value", "long") for told in parameters.values())
    untold = untold or not place or place.endswith(UNTOLD)
    if untold or HIDDEN in text or len(text) > LONGEST_TEXT or not all(frames.values()):
        return None
    # Within a value, the order of keys stays as it is: tostring() tells it.
    values = tuple(sorted((name, json.dumps(told)) for name, told in parameters.items()))
    changing = json.dumps([options.get(name) for name in _CHANGING])
    return Question(text, values, tuple(sorted(frames.items())), place, timespan, changing)


def question_of(record: Record) -> Question | None:
    """What a record asked; None where it does not tell all of it."""
    frames = {name: given.sha256 for name, given in record.inputs.items()}
    return question(record.text, record.parameters, frames, record.place, record.timespan, record.options)


def answering(
    records: Iterable[Record], asked: Question, longest: timedelta, now: datetime
) -> Iterator[tuple[Record, timedelta]]:
    """The records with a whole answer to the very question, not older than `longest`, the newest first; with their ages."""
    for record in sorted(records, key=lambda record: record.number, reverse=True):
        if not _is_whole(record) or question_of(record) != asked:
            continue
        age = now - datetime.fromisoformat(record.time)
        if not age.total_seconds() < 0 and age <= longest:
            yield record, age


def _is_whole(record: Record) -> bool:
    """Whether a record has an answer with all its rows, which is kept."""
    has_answer = record.kind == "query" and bool(record.tables)
    failed = record.error or record.missing or record.lost or not record.complete
    return has_answer and not failed and all(table.file_sha256 for table in record.tables)
