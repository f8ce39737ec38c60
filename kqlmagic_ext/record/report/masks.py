"""What of a case a report may show: values of chosen columns are nowhere in it, addresses open nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kqlmagic_ext.frames import kql_type, wire_rows
from kqlmagic_ext.kql.literals import quoted
from kqlmagic_ext.record.report.defang import defanged
from kqlmagic_ext.record.results import ResultGone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from kqlmagic_ext.record.records import Record
    from kqlmagic_ext.record.store import Store

_HEAD = 4
SHORTEST = 4  # characters; a shorter value is hidden in its own column alone


class Mask:
    """Turns text of a case into text of its report.

    `hidden`: the columns whose values are hidden, with all values of each. What stands for a value is the same everywhere, so
    that a reader can follow the story; case makes no difference, as in most of KQL's comparisons.
    """

    def __init__(self, hidden: Mapping[str, Iterable[str]], *, is_defanged: bool = False) -> None:
        self.columns, self._is_defanged = tuple(hidden), is_defanged
        self._cells: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._heads: dict[str, list[str]] = {}
        values = {
            _small(value): place
            for place, column in enumerate(hidden.values())
            for value in sorted(column)  # the same names in every run
            if value
        }
        for form in {form for value in values for form in _forms(value)}:
            self._heads.setdefault(form[:_HEAD], []).append(form)
        for forms in self._heads.values():
            forms.sort(key=len, reverse=True)
        self._lengths = sorted({len(head) for head in self._heads}, reverse=True)
        self._name(values)

    def __call__(self, text: str) -> str:
        """The text without hidden values, and defanged where that is wanted."""
        text = self._redacted(text) if self._heads else text
        return defanged(text) if self._is_defanged else text

    def cell(self, column: str, text: str) -> str:
        """A cell's text: in a hidden column what stands for the value, however short it is."""
        if column in self.columns and text:
            return self._cells.get(_small(text)) or self(text)
        return self(text)

    def letter(self, column: str) -> str:
        """The letter in all that stands for values of a column."""
        return _letters(self.columns.index(column))

    def _name(self, values: Mapping[str, int]) -> None:
        """Give each value what stands for it: nothing in which a hidden value could be read."""
        numbers = [0] * len(self.columns)
        for value, place in values.items():
            name = ""
            while not name or self._found(name):
                numbers[place] += 1
                name = f"⟦{_letters(place)}{numbers[place]}⟧"
            self._cells[value] = name
            self._names |= dict.fromkeys(_forms(value), name)

    def _found(self, text: str) -> bool:
        folded, _ = _folded(text)
        return any(self._at(folded, place) for place in range(len(folded)))

    def _at(self, folded: str, place: int) -> str:
        """The longest hidden value that stands at a place of the text; empty when none does."""
        for length in self._lengths:
            for form in self._heads.get(folded[place : place + length], ()):
                if len(form[:_HEAD]) == length and folded.startswith(form, place):
                    return form
        return ""

    def _redacted(self, text: str) -> str:
        folded, places = _folded(text)
        shown, at, begun = [], 0, 0
        while at < len(folded):
            form = self._at(folded, at)
            if not form:
                at += 1
                continue
            shown += [text[begun : places[at]], self._names[form]]
            at += len(form)
            begun = places[at - 1] + 1
        return "".join([*shown, text[begun:]])


def hidden_values(
    store: Store, records: Iterable[Record], columns: Sequence[str]
) -> tuple[dict[str, set[str]], list[str]]:
    """All values of these columns in all kept answers; and the ids of records with such a column whose answer cannot be read."""
    values: dict[str, set[str]] = {column: set() for column in columns}
    unread: list[str] = []
    for record in records:
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


def _forms(value: str) -> set[str]:
    """The ways in which a text of a case can write a value, folded: as it is, within JSON, within KQL, within an address."""
    if len(value) < SHORTEST:
        return set()
    written = (
        value,
        json.dumps(value)[1:-1],
        quoted(value)[1:-1],
        value.replace("'", "''"),
        value.replace('"', '""'),
        quote(value),
        quote(value, safe=""),
    )
    return {_folded(form)[0] for form in written} - {""}


def _folded(text: str) -> tuple[str, list[int]]:
    """The text in small letters and without backslashes, which JSON and KQL add; and where each character stood."""
    small = _small(text)
    places = [place for place, char in enumerate(small) if char != "\\"]
    return small.replace("\\", ""), places


def _small(text: str) -> str:
    """The text in small letters, each at its place."""
    small = text.lower()
    if len(small) == len(text):
        return small
    return "".join(letter if len(letter := char.lower()) == 1 else char for char in text)


def _letters(place: int) -> str:
    """A, B, …, Z, AA, AB, …"""
    before, last = divmod(place, 26)
    return (_letters(before - 1) if before else "") + chr(ord("A") + last)
