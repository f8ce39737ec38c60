"""The values that a report hides."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.frames import from_envelope, kql_type, wire_rows
from kqlmagic_ext.record.records import ASKED
from kqlmagic_ext.record.report.compared import compared
from kqlmagic_ext.record.results import ResultGone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow as pa

    from kqlmagic_ext.record.records import Record
    from kqlmagic_ext.record.store import Store


def hidden_values(
    store: Store, records: Iterable[Record], columns: Sequence[str]
) -> tuple[dict[str, set[str]], list[str]]:
    """All values of these columns in kept answers and in comparisons; and the ids of records whose answers cannot be read."""
    values: dict[str, set[str]] = {column: set() for column in columns}
    unread: list[str] = []
    for record in records:
        for column in columns:
            values[column] |= _compared_values(record, column)
        for kept in record.tables:
            wanted = [column for column, _ in kept.columns if column in values]
            if not wanted:
                continue
            try:
                table = store.table(kept)
            except ResultGone:
                unread.append(record.id)
                continue
            for column in wanted:
                values[column] |= values_in(table, column)
    return values, list(dict.fromkeys(unread))


def _compared_values(record: Record, column: str) -> set[str]:
    found = compared(record.text, [column]) if record.kind in ASKED else set()
    for name, envelope in record.parameters.items():
        if f"{{{{{name}}}}}" in found and envelope.get("kind") == "value":
            found |= set(_leaves(from_envelope(envelope)))
    return {value for value in found if value and not value.startswith("{{")}


def values_in(table: pa.Table, column: str) -> set[str]:
    """The distinct values of a column as a report would show them; of a dynamic one also each text and number in it."""
    import pyarrow as pa

    field = table.schema.field(column)
    distinct = pa.table([table.column(column).unique()], schema=pa.schema([field]))
    texts = {cell_text(cell) for rows in wire_rows(distinct, column) for (cell,) in rows}
    if kql_type(field) == "dynamic":
        texts |= {leaf for text in tuple(texts) for leaf in _leaves(_read(text))}
    return texts - {""}


def cell_text(cell: Any) -> str:
    """A value of an answer as its report shows it."""
    if cell is None:
        return ""
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif not isinstance(value, bool) and value is not None:
        yield str(value)
