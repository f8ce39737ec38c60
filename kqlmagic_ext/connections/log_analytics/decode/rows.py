"""The rows of one table: cut out of the text as they come, and turned into Arrow piece by piece."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.log_analytics.decode.broken import BrokenAnswer
from kqlmagic_ext.connections.log_analytics.decode.outline import STRING
from kqlmagic_ext.frames import Digits, WireColumn, paused_collector

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

PIECE = 1 << 20  # bytes of text: what stays in the processor's cache is fastest
_GUESSES = 3
_ROW_BREAK = b"],["
_OPEN, _CLOSE, _COMMA, _SPACE = b"[], "
_TO_BRACKET = re.compile(rb'(?:[^"\[\]]++|' + STRING + rb")*+[\[\]]", re.DOTALL)
_TO_COMMA = re.compile(rb"[ \t\r\n]*+(.)?", re.DOTALL)


class Rows:
    """The rows of one table. The first byte of the text given to `take` is the `[` around them, or stands for it."""

    def __init__(self, columns: list[WireColumn] | None) -> None:
        self.count = 0
        self.ended = False
        self._columns = columns
        self._held: list[bytes] = []  # rows that came before their columns
        self._pieces = 0
        self._comma_due = False
        self._wanted = PIECE

    def take(self, text: bytearray, *, final: bool = False) -> bool:
        """Take a piece of whole rows from the front of `text`, or the end of all; False when more text must come.

        Raises
        ------
        BrokenAnswer
            When what stands there is no rows of this table.
        """
        if len(text) < self._wanted and not final:
            return False
        if not self._pass_comma(text):
            return False
        if len(text) >= PIECE and self._take_by_guess(text):
            return True
        return self._take_by_walk(text)

    def _pass_comma(self, text: bytearray) -> bool:
        """Blank the comma after the last row; False when it has not come."""
        if not self._comma_due:
            return True
        found = _TO_COMMA.match(text, 1)
        if found is None or found[1] is None:
            return False
        if found[1] == b",":
            text[found.start(1)] = _SPACE
            self._comma_due = False
        elif found[1] != b"]":
            raise BrokenAnswer(f"after row {self.count:,} stands neither a comma nor the end of the rows")
        return True

    def _take_by_guess(self, text: bytearray) -> bool:
        """Cut at the last `],[`: exact, because a cut in a string or in a nested array leaves no JSON."""
        import orjson

        cut = PIECE
        for _ in range(_GUESSES):
            cut = text.rfind(_ROW_BREAK, 1, cut)
            if cut < 0:
                return False
            text[cut + 1] = _CLOSE  # the comma's byte closes the array: nothing is copied
            try:
                with memoryview(text)[: cut + 2] as array:
                    self._add(array)
            except orjson.JSONDecodeError as error:
                if error.pos < cut:  # not cut short: the rows end before, or are no JSON
                    return False
                continue
            finally:
                text[cut + 1] = _COMMA
            del text[: cut + 1]
            text[0] = _OPEN
            self._wanted = PIECE
            return True
        return False

    def _take_by_walk(self, text: bytearray) -> bool:
        """Cut where a walk over all brackets and strings finds the end of a row, or of the rows."""
        import orjson

        row_end, end = self._walk(text)
        if not row_end and end is None:
            self._wanted = max(PIECE, 2 * len(text))  # no quadratic work on one huge row
            return False
        try:
            if end is None:
                self._add(text[:row_end] + b"]")
            else:
                self._add_last(text[: end + 1])
        except orjson.JSONDecodeError as error:
            raise BrokenAnswer(f"the rows after row {self.count:,} are no JSON: {error}") from error
        self.ended = end is not None
        del text[: row_end - 1 if end is None else end + 1]
        if not self.ended:
            text[0] = _OPEN
            self._comma_due, self._wanted = True, PIECE
        return True

    def _walk(self, text: bytearray) -> tuple[int, int | None]:
        """The end of the last whole row of the first piece (0: none), and of the rows where they end there."""
        depth, place, row_end = 0, 1, 0
        while row_end < PIECE and (found := _TO_BRACKET.match(text, place)):
            place = found.end()
            if text[place - 1] == _OPEN:
                depth += 1
            elif depth == 0:
                return row_end, place - 1
            else:
                depth -= 1
                if depth == 0:
                    row_end = place
        return row_end, None

    def _add_last(self, array: bytearray) -> None:
        before = self.count
        self._add(array)
        if before and before == self.count and not self._comma_due:
            raise BrokenAnswer(f"after row {before:,} stands a comma, and no row")

    def _add(self, array: memoryview | bytearray) -> None:
        """Take a JSON array of rows; orjson.JSONDecodeError when it is none."""
        import orjson

        with paused_collector():
            rows = orjson.loads(array)
            count = len(rows)
            if self._columns is None:
                self._held.append(bytes(array))
            elif count:
                values = self._by_column(rows, len(self._columns))
                del (
                    rows
                )  # here and below: what is freed while the processor's cache still holds it costs less
                self._add_values(self._columns, values, count, _Exact(array))
            self.count += count

    def _add_values(
        self, columns: list[WireColumn], values: list[tuple[Any, ...]], count: int, exact: _Exact
    ) -> None:
        values.reverse()
        try:
            for number, column in enumerate(columns):
                column.add(values.pop(), exact.column(number))
        except ValueError as error:
            for each in columns:
                each.drop(self._pieces)
            where = f"rows {self.count + 1:,} to {self.count + count:,}"
            raise BrokenAnswer(
                f"column {column.name!r} ({column.kind}) cannot hold a value of {where}: {error}"
            ) from error
        self._pieces += 1

    def _by_column(self, rows: list[Any], width: int) -> list[tuple[Any, ...]]:
        """The values of each column; BrokenAnswer when a row is not as wide as the table."""
        if set(map(type, rows)) == {list}:
            with suppress(ValueError):  # rows of several widths
                values = list(zip(*rows, strict=True))
                if len(values) == width:
                    return values
        for number, row in enumerate(rows, self.count + 1):
            if not isinstance(row, list):
                raise BrokenAnswer(f"row {number:,} is no array of values")
            if len(row) != width:
                raise BrokenAnswer(f"row {number:,} has {len(row):,} values for {width:,} columns")
        raise AssertionError("rows of one width")

    def table(self, columns: Callable[[], list[WireColumn]]) -> tuple[pa.Table, tuple[str, ...]]:
        """The rows as an Arrow table, and what was lost; `columns` are asked for when they were not known before."""
        import pyarrow as pa

        if self._columns is None:
            self._columns, self.count = columns(), 0
            for array in self._held:
                self._add(bytearray(array))
            self._held.clear()
        joined = [_joined(column) for column in self._columns]
        table = pa.table([values for _, values in joined], schema=pa.schema([field for field, _ in joined]))
        return table, tuple(_lost(column) for column in self._columns if column.lost)


def _joined(column: WireColumn) -> tuple[pa.Field, pa.ChunkedArray]:
    try:
        return column.joined()
    except ValueError as error:
        raise BrokenAnswer(f"column {column.name!r} ({column.kind}) has no one type: {error}") from error


def _lost(column: WireColumn) -> str:
    beyond = "years beyond 1677 to 2262" if column.kind == "datetime" else "spans beyond 292 years"
    values = "1 value" if column.lost == 1 else f"{column.lost:,} values"
    return f"{column.name}: {values} lost a tick of 100 ns ({beyond})"


class _Exact:
    """The same rows once more, each number as its digits; read when first asked for."""

    def __init__(self, array: memoryview | bytearray) -> None:
        self._array = array
        self._rows: Sequence[Sequence[Any]] | None = None

    def column(self, number: int) -> Callable[[], Sequence[Any]]:
        return lambda: [row[number] for row in self._read()]

    def _read(self) -> Sequence[Sequence[Any]]:
        import json

        if self._rows is None:
            try:
                self._rows = json.loads(bytes(self._array), parse_int=Digits, parse_float=Digits)
            except RecursionError as error:
                raise ValueError("it is nested too deep to be read exactly") from error
        return self._rows
