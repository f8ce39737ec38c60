"""The decoder: the body piece by piece, then the tables."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.log_analytics.decode.broken import BrokenAnswer
from kqlmagic_ext.connections.log_analytics.decode.gunzip import Gunzip
from kqlmagic_ext.connections.log_analytics.decode.outline import Outline
from kqlmagic_ext.connections.log_analytics.decode.rows import Rows
from kqlmagic_ext.frames import WireColumn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa


@dataclass(frozen=True)
class Answer:
    """What an answer holds.

    `tables`: in order, the KQL types in the fields' metadata. `tail`: all other keys, such as render, statistics and
    error. `size`: bytes of the JSON text. `warnings`: how many values of which column lost a tick of 100 ns.
    """

    tables: tuple[pa.Table, ...]
    tail: Mapping[str, Any]
    size: int
    warnings: tuple[str, ...]


class AnswerDecoder:
    """Takes the raw body piece by piece (`feed`) and gives the answer (`finish`), or what came of it (`salvage`).

    So far, for progress: `received` bytes of the body, `size` bytes of JSON text, `rows`.
    """

    def __init__(self, *, gzipped: bool) -> None:
        self.size = 0
        self.received = 0
        self._gunzip = Gunzip() if gzipped else None
        self._text = bytearray()
        self._outline = Outline()
        self._tables: list[Rows] = []
        self._broken: BrokenAnswer | None = None

    @property
    def rows(self) -> int:
        """How many rows of all tables were decoded."""
        return sum(table.count for table in self._tables)

    def feed(self, piece: bytes) -> None:
        """Take the next piece of the body, as the server sent it.

        Raises
        ------
        BrokenAnswer
            As soon as the body cannot become whole; each later call raises the same.
        """
        with self._breaking():
            self.received += len(piece)
            for text in self._gunzip.feed(piece) if self._gunzip else [piece]:
                self._text += text
                self.size += len(text)
                self._read()

    def finish(self) -> Answer:
        """The answer; BrokenAnswer says what is not whole."""
        with self._breaking():
            if self._gunzip and not self._gunzip.whole:
                raise BrokenAnswer(f"the gzip stream ends early, after {self.received:,} bytes")
            if not self.size:
                raise BrokenAnswer("the answer is empty")
            self._read(final=True)
            self._outline.text += self._text
            self._text.clear()
            if self._in_rows:
                raise BrokenAnswer(f"its JSON ends amid the rows, after row {self._tables[-1].count:,}")
            return self._answer()

    def salvage(self) -> Answer:
        """The whole rows that came, when the body broke; a table whose columns are unknown is left out."""
        try:
            self._read(final=True)
        except BrokenAnswer as error:
            self._broken = self._broken or error
        tables: list[pa.Table] = []
        warnings: list[str] = []
        for rows in self._tables:
            try:
                table, lost = rows.table(_unknown)
            except BrokenAnswer:
                break
            tables.append(table)
            warnings += lost
        tail = self._outline.whole_keys()
        tail.pop("tables", None)
        return Answer(tuple(tables), tail, self.size, tuple(warnings))

    @contextmanager
    def _breaking(self) -> Iterator[None]:
        """Inside, the first BrokenAnswer is remembered; a decoder that broke stays broken."""
        if self._broken is not None:
            raise self._broken
        try:
            yield
        except BrokenAnswer as error:
            self._broken = error
            raise

    @property
    def _in_rows(self) -> bool:
        return bool(self._tables) and not self._tables[-1].ended

    def _read(self, *, final: bool = False) -> None:
        """Decode what is there, as far as it goes."""
        while True:
            if self._in_rows:
                if not self._tables[-1].take(self._text, final=final):
                    return
                if self._tables[-1].ended:
                    self._outline.close_rows()
            elif self._outline.read(self._text, final=final):
                known = self._outline.table()
                self._tables.append(Rows(_columns(known) if "columns" in known else None))
            else:
                return

    def _answer(self) -> Answer:
        document = self._outline.document()
        named = document.pop("tables", None) or []
        if not isinstance(named, list) or not all(isinstance(each, dict) for each in named):
            raise BrokenAnswer("its tables are no list of objects")
        if len(named) != len(self._tables) or not all("rows" in each for each in named):
            raise BrokenAnswer("a table has no rows, or has them twice")
        tables: list[pa.Table] = []
        warnings: list[str] = []
        for each, rows in zip(named, self._tables, strict=True):
            table, lost = rows.table(lambda each=each: _columns(each))  # type: ignore[misc]  # a lambda's default
            if [(c.name, c.kind) for c in _columns(each)] != [
                (f.name, f.metadata[b"kql"].decode()) for f in table.schema
            ]:
                raise BrokenAnswer("a table names its columns twice")
            tables.append(table)
            warnings += lost
        return Answer(tuple(tables), document, self.size, tuple(warnings))


def _columns(table: Mapping[str, Any]) -> list[WireColumn]:
    """The columns of a table as its JSON names them."""
    columns = table.get("columns")
    if not isinstance(columns, list):
        raise BrokenAnswer("a table has no columns")
    for column in columns:
        if not isinstance(column, dict) or not all(
            isinstance(column.get(key), str) for key in ("name", "type")
        ):
            raise BrokenAnswer("a column has no name or no type")
    return [WireColumn(column["name"], column["type"]) for column in columns]


def _unknown() -> list[WireColumn]:
    raise BrokenAnswer("the columns did not come")
