"""What a report tells of each record: plain text, nothing hidden in it any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kqlmagic_ext.frames import frame_from_arrow, from_envelope, kql_type, wire_rows
from kqlmagic_ext.kql.literals import literal
from kqlmagic_ext.query import shortened
from kqlmagic_ext.record.history import window_of
from kqlmagic_ext.record.records import ASKED
from kqlmagic_ext.record.report.hidden import cell_text
from kqlmagic_ext.record.results import ResultGone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    import pandas as pd
    import pyarrow as pa

    from kqlmagic_ext.record.records import KeptTable, Record
    from kqlmagic_ext.record.report.masks import Mask
    from kqlmagic_ext.record.store import Store

    Picture = Callable[[pd.DataFrame, Mapping[str, Any]], tuple[str, str]]

FIRST_ROWS = 20
_ALL_ROWS = 25  # so few are shown whole
_DECLARED = "declare query_parameters("  # then the text differs by the names of its parameters alone
_LONGEST_TEXT = 20_000
_LONGEST_CELL = 500


@dataclass(frozen=True)
class Rows:
    """The first rows of a result table as text, a null as None, and how many it has."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    total: int


@dataclass(frozen=True)
class Chapter:
    """One record as a report tells it, masked.

    `facts`: what stands beside the query, by name. `picture`: the chart as a data URI, `caption` what is said of it.
    `remarks`: what the reader must know. `hashes`: of each table the content's, the file's, its state.
    """

    id: str
    kind: str
    time: str
    text: str = ""
    sent: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    error: str = ""
    remarks: tuple[str, ...] = ()
    tables: tuple[Rows, ...] = ()
    picture: str = ""
    caption: str = ""
    hashes: tuple[tuple[str, str, str], ...] = ()
    versions: str = ""
    synthetic: bool = False


def withheld(record: Record) -> Record:
    """The record without its texts, in which values may stand that are to be hidden and are not known."""
    return record.with_(
        cell="",
        text="(left out)",
        sent="",
        parameters={},
        warnings=(),
        missing=(),
        error="",
        render=None,
        options={},
    )


def chapters(store: Store, records: Iterable[Record], mask: Mask, picture: Picture) -> Iterator[Chapter]:
    """The chapters of a case in the order of its records.

    `picture` draws a masked frame as its `render` asks: a data URI (empty where there is none) and a sentence.
    """
    for record in records:
        yield _query(store, record, mask, picture) if record.kind in ASKED else _other(record, mask)


def _other(record: Record, mask: Mask) -> Chapter:
    return Chapter(record.id, record.kind, mask(record.time), text=mask(record.text))


def _query(store: Store, record: Record, mask: Mask, picture: Picture) -> Chapter:
    answers, remarks = _answers(store, record)
    drawn, caption = _drawn(record, answers, mask, picture)
    told = record.sent.strip() == record.text.strip() or record.sent.startswith(_DECLARED)
    return Chapter(
        record.id,
        record.kind,
        mask(record.time),
        text=_text(record.text, mask),
        sent="" if told else _text(record.sent, mask),
        facts=tuple((name, text) for name, text in _facts(record, mask) if text),
        error=mask(record.error),
        remarks=tuple(map(mask, [*_said(record), *remarks])),
        tables=tuple(_rows(table, mask) for table in answers),
        picture=drawn,
        caption=mask(caption),
        hashes=tuple(_hashes(store, record, table, mask) for table in record.tables),
        versions=", ".join(f"{name} {version}" for name, version in record.versions.items()),
        synthetic=record.synthetic,
    )


def _text(text: str, mask: Mask) -> str:
    return shortened(mask.query(text.strip("\n")), _LONGEST_TEXT)


def _answers(store: Store, record: Record) -> tuple[list[pa.Table], list[str]]:
    """The kept tables, and why others cannot be shown."""
    tables, remarks = [], []
    for kept in record.tables:
        try:
            tables.append(store.table(kept))
        except ResultGone as why:
            remarks.append(f"its rows cannot be shown: {why}")
    return tables, remarks


def _facts(record: Record, mask: Mask) -> Iterator[tuple[str, str]]:
    """What stands beside a query, masked."""
    for name, envelope in record.parameters.items():
        yield f"parameter {name}", _parameter(envelope, mask)
    for name, text in _plain_facts(record):
        yield name, mask(text)


def _plain_facts(record: Record) -> Iterator[tuple[str, str]]:
    yield "connection", record.connection
    yield "place", record.place
    yield "times", _times(record)
    for name, given in record.inputs.items():
        yield f"input {name}", f"{given.rows:,} rows × {len(given.columns)}, {given}"
    yield "options", ", ".join(f"{name}={value}" for name, value in record.options.items())
    yield "bound to", ", ".join(record.outputs)
    if record.rows is not None:
        yield "answer", f"{record.rows:,} row{'s' * (record.rows != 1)} in {record.seconds or 0:.2f} s"


def _times(record: Record) -> str:
    """The window as written, with its ends where the one written is not those ends already."""
    window = window_of(record)
    if not record.timespan or not window:
        return record.timespan or window or "all times"
    return window if "/" in record.timespan else f"{record.timespan}: {window}"


def _parameter(envelope: Mapping[str, Any], mask: Mask) -> str:
    if envelope.get("kind") != "value":
        return f"{envelope.get('type', 'a value')}, too long to be shown"
    value = from_envelope(envelope)
    if not isinstance(value, (list, dict)) and mask.holds(text := cell_text(value)):
        return mask.whole(text)
    return shortened(mask.query(literal(value, "parameter"), "number"), _LONGEST_CELL * 4)


def _said(record: Record) -> list[str]:
    said = [] if record.complete or record.error else ["the answer is incomplete"]
    said += ["no answer is known: its kernel died, or runs it still"] * (record.kind == "asked")
    return [*said, *(f"rows are missing: {reason}" for reason in record.missing), *record.warnings]


def _rows(table: pa.Table, mask: Mask) -> Rows:
    names = table.column_names
    shown = table.num_rows if table.num_rows <= _ALL_ROWS else FIRST_ROWS
    first = [row for piece in wire_rows(table.slice(0, shown), "table") for row in piece]
    rows = tuple(
        tuple(None if cell is None else shortened(mask.whole(cell_text(cell)), _LONGEST_CELL) for cell in row)
        for row in first
    )
    return Rows(tuple(map(mask.whole, names)), rows, table.num_rows)


def _drawn(record: Record, answers: list[pa.Table], mask: Mask, picture: Picture) -> tuple[str, str]:
    if record.render is None or not answers:
        return "", ""
    render = {name: _masked(value, mask) for name, value in record.render.items()}
    drawn, said = picture(_masked_frame(answers[-1], mask), render)
    numbers = [field.name for field in answers[-1].schema if _is_hidden_number(field, mask)]
    if drawn or not numbers:
        return drawn, said
    columns = "columns are" if len(numbers) > 1 else "column is"
    return "", f"the chart is left out: its {columns} hidden ({', '.join(numbers)})"


def _is_hidden_number(field: pa.Field, mask: Mask) -> bool:
    return field.name in mask.columns and kql_type(field) not in ("string", "guid", "dynamic")


def _masked(value: Any, mask: Mask) -> Any:
    if isinstance(value, str):
        return mask.whole(value)
    return [_masked(item, mask) for item in value] if isinstance(value, (list, tuple)) else value


def _masked_frame(table: pa.Table, mask: Mask) -> pd.DataFrame:
    """The frame for a chart: hidden columns hold what stands for their values, all other text is masked."""
    frame = frame_from_arrow(table)
    for field in table.schema:
        kind, name = kql_type(field), field.name
        if name not in mask.columns and kind not in ("string", "guid", "dynamic"):
            continue
        column = table.select([name])
        texts = [cell_text(cell) for rows in wire_rows(column, name) for (cell,) in rows]
        shown = {text: mask.whole(text) for text in dict.fromkeys(texts)}
        frame[name] = [shown[text] for text in texts]
    frame.columns = [mask.whole(str(name)) for name in frame.columns]
    return frame


def _hashes(store: Store, record: Record, table: KeptTable, mask: Mask) -> tuple[str, str, str]:
    """The hashes, but none beside hidden values, which could be guessed from one: of any answer, for it may hold parts of them."""
    state = store.results.problem(table) or store.state(record)
    return ("", "", state) if mask.columns else (table.sha256, table.file_sha256, state)
