"""The records of a case as a DataFrame, and as a tree of which query fed which."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from kqlmagic_ext.record.records import Record

_LONGEST_LINE = 100


def holding(records: Iterable[Record], words: Sequence[str]) -> list[Record]:
    """The records that hold all of the words, in whatever case: in what was asked, where, its inputs, notes and errors."""
    wanted = [word.casefold() for word in words]
    return [record for record in records if all(word in _searched(record) for word in wanted)]


def history_frame(records: Iterable[Record], states: Mapping[str, str]) -> pd.DataFrame:
    """One row a record.

    `id` (str), `time` (datetime64[us, UTC]), `query`, `connection`, `window`, `inputs` (str), `rows` (Int64), `seconds`
    (float64), `complete` (boolean), `kept` (str: `kept`, or why there is nothing to open), `error`, `again_of` (str: the record
    that it ran again).
    """
    import pandas as pd

    rows = [_row(record, states.get(record.id, "")) for record in records]
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    frame["time"] = pd.to_datetime(frame["time"], format="ISO8601", utc=True).astype("datetime64[us, UTC]")
    return frame.astype({name: dtype for name, dtype in _COLUMNS.items() if dtype})


_COLUMNS = {
    "id": "",
    "time": "",
    "query": "",
    "connection": "",
    "window": "",
    "inputs": "",
    "rows": "Int64",
    "seconds": "float64",
    "complete": "boolean",
    "kept": "",
    "error": "",
    "again_of": "",
}


def _row(record: Record, state: str) -> tuple[object, ...]:
    asked = record.kind == "query"
    return (
        record.id,
        record.time,
        record.text.strip(),
        record.connection,
        window_of(record),
        "; ".join(f"{name} {given}" for name, given in record.inputs.items()),
        record.rows,
        record.seconds,
        record.complete if asked else None,
        state,
        record.error,
        record.again_of,
    )


def window_of(record: Record) -> str:
    """`2026-11-20T00:00:00Z/2026-11-21T00:00:00Z`, empty for all times."""
    return "/".join(end or "" for end in record.window) if any(record.window) else ""


def history_tree(records: Sequence[Record], states: Mapping[str, str]) -> str:
    """Each record under the one that fed it first, with its inputs; those without one stand at the left."""
    ids = {record.id for record in records}
    below: dict[str, list[Record]] = {}
    for record in records:
        origins = [record.again_of] if record.again_of in ids else []
        origins += [given.origin for given in record.inputs.values() if given.origin in ids]
        below.setdefault(origins[0] if origins else "", []).append(record)
    return "\n".join(_branches(below, "", "", states)) or "no records"


def _branches(
    below: Mapping[str, Sequence[Record]], parent: str, indent: str, states: Mapping[str, str]
) -> Iterable[str]:
    for record in below.get(parent, ()):
        yield f"{indent}{_line(record, states)}"
        if record.again_of:
            yield f"{indent}    ↻ again {record.again_of}"
        for name, given in record.inputs.items():
            yield f"{indent}    ← {name}: {given}"
        yield from _branches(below, record.id, f"{indent}    ", states)


def _line(record: Record, states: Mapping[str, str]) -> str:
    """`R12  2026-11-24 19:49:36Z  38 rows  failed | summarize … (kept)`."""
    text = " ".join(record.text.split())
    shown = text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]}…"
    rows = "" if record.rows is None else f"  {record.rows:,} row{'s' * (record.rows != 1)}"
    moment = record.time[:19].replace("T", " ")
    return f"{record.id}  {moment}Z{rows}  {shown} ({states.get(record.id, '')})"


def _searched(record: Record) -> str:
    told = (record.id, record.cell, record.text, record.connection, record.error, *record.outputs)
    return "\n".join([*told, *record.inputs, *map(str, record.parameters.values())]).casefold()
