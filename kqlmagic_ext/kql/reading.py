"""A KQL literal → the value that it writes: the inverse of `literals`.

What is no literal, or one that only an engine can read, raises NotLiteral; nothing is guessed.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.kql.inside import (
    INT_MAX,
    INTEGER,
    NUMBER,
    SURROGATE,
    NotLiteral,
    length_value,
    real_number,
    string_value,
    value_inside,
    whole_number,
)
from kqlmagic_ext.kql.tokens import token_at
from kqlmagic_ext.values import LONG_MAX, LONG_MIN, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TYPES = {
    "bool": "bool", "boolean": "bool", "int": "int", "long": "long", "real": "real", "double": "real",
    "decimal": "decimal", "datetime": "datetime", "date": "datetime", "timespan": "timespan", "time": "timespan",
    "guid": "guid", "string": "string", "dynamic": "dynamic",
}  # fmt: skip
_GAP = re.compile(r"(?:\s+|//[^\n]*)*")
_TYPED = re.compile(r"([a-z]+)\s*\(\s*")
_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Datatable:
    """A `datatable(…)[…]`: each column's KQL type, and its values in the order of the rows."""

    types: Mapping[str, str]
    columns: Mapping[str, list[Value]]


def literal_value(text: str) -> Value:
    """The value of a text that is one literal: `"x"`, `long(5)`, `dynamic([1])`, `-2`, `1h`; else NotLiteral."""
    reader = Reader(text)
    value = reader.value()
    if reader.at < len(text):
        raise NotLiteral(text)
    return value


class Reader:
    """Reads literals of a text from an offset on; `at` is the offset behind what was read, and behind the gap after it."""

    def __init__(self, text: str, at: int = 0) -> None:
        self.text, self.at = text, at
        self._skip()

    def value(self) -> Value:
        """The literal that stands here."""
        first = self.text[self.at : self.at + 1]
        if first in ('"', "'", "@", "`", "~") or (first in "hH" and self._is_hidden()):
            return Value("string", self._string())
        if first.isdigit() or first == "-":
            return self._number()
        if match := _TYPED.match(self.text, self.at):
            return self._typed(match)
        word = _WORD.match(self.text, self.at)
        if word is not None and word[0] in ("true", "false"):
            self._move(word.end())
            return Value("bool", word[0] == "true")
        raise NotLiteral(self._here())

    def datatable(self) -> Datatable:
        """The `datatable(name:type, …)[…]` that stands here, each cell in the type of its column."""
        self._take("datatable")
        types = self._columns()
        self._take("[")
        cells = self._list("]", self.value)
        if not types or len(cells) % len(types):
            raise NotLiteral(self._here())
        width = len(types)
        columns = {
            name: [_as(kind, cell) for cell in cells[position::width]]
            for position, (name, kind) in enumerate(types.items())
        }
        return Datatable(types, columns)

    def take(self, mark: str) -> bool:
        """Whether the mark stands here; if so, it is read."""
        if not self.text.startswith(mark, self.at):
            return False
        self._move(self.at + len(mark))
        return True

    def name(self) -> str:
        """The name that stands here: `host`, `['host name']`."""
        if match := _WORD.match(self.text, self.at):
            self._move(match.end())
            return match[0]
        self._take("[")
        name = self._string()
        self._take("]")
        return name

    # ---------------------------------------------------------------- parts

    def _columns(self) -> dict[str, str]:
        types: dict[str, str] = {}
        self._take("(")
        for name, kind in self._list(")", self._column):
            if name in types or kind not in _TYPES:
                raise NotLiteral(name)
            types[name] = _TYPES[kind]
        return types

    def _column(self) -> tuple[str, str]:
        name = self.name()
        self._take(":")
        return name, self.name()

    def _list(self, closing: str, item: Callable[[], Any]) -> list[Any]:
        """Items between commas, up to and with the closing mark; a comma may stand behind the last."""
        items = []
        while not self.take(closing):
            items.append(item())
            if not self.take(","):
                self._take(closing)
                break
        return items

    def _string(self) -> str:
        token = token_at(self.text, self.at)
        if token is None or token.kind != "string":
            raise NotLiteral(self._here())
        self._move(token.end)
        return string_value(token.text)

    def _is_hidden(self) -> bool:
        """Whether the h that stands here begins a string that logs may not show."""
        return self.text[self.at + 1 : self.at + 2] in ('"', "'", "@", "`", "~")

    def _number(self) -> Value:
        match = NUMBER.match(self.text, self.at)
        if match is None:
            raise NotLiteral(self._here())
        unit = _WORD.match(self.text, match.end())
        if unit is not None:
            self._move(unit.end())
            return length_value(match[0], unit[0])
        self._move(match.end())
        if INTEGER.fullmatch(match[0]):
            return Value("long", whole_number(match[0], LONG_MIN, LONG_MAX))
        return Value("real", real_number(match[0]))

    def _typed(self, match: re.Match[str]) -> Value:
        kind = _TYPES.get(match[1])
        if kind is None or kind == "string":
            raise NotLiteral(match[0])
        if kind == "dynamic":
            self._move(match.end())
            plain = self._dynamic()
            self._take(")")
            return Value("dynamic", plain)
        end = self.text.find(")", match.end())
        if end < 0:
            raise NotLiteral(match[0])
        value = value_inside(kind, self.text[match.end() : end].strip())
        self._move(end + 1)
        return value

    def _dynamic(self) -> Any:
        """What stands in `dynamic(…)`: JSON, with KQL's own literals for what JSON lacks."""
        try:
            plain, end = _JSON.raw_decode(self.text, self.at)
        except (ValueError, RecursionError):
            return self._dynamic_item()
        # JSON lets half a surrogate pair pass, and a number ends where KQL may go on.
        is_json = not SURROGATE.search(self.text, self.at, end) and _ENDED.match(self.text, end)
        if not is_json:
            return self._dynamic_item()
        self._move(end)
        return plain

    def _dynamic_item(self) -> Any:
        if self.take("["):
            return self._list("]", self._dynamic_item)
        if self.take("{"):
            return dict(self._list("}", self._pair))
        if (word := _WORD.match(self.text, self.at)) and word[0] == "null":
            self._move(word.end())
            return None
        value = self.value()
        if value.plain is None or value.type in ("bool", "int", "long", "string", "dynamic"):
            return value.plain
        return value.plain if value.type == "real" and math.isfinite(value.plain) else value

    def _pair(self) -> tuple[str, Any]:
        key = self._string()
        self._take(":")
        return key, self._dynamic_item()

    def _take(self, mark: str) -> None:
        if not self.take(mark):
            raise NotLiteral(self._here())

    def _skip(self) -> None:
        gap = _GAP.match(self.text, self.at)
        self.at = gap.end() if gap else self.at

    def _move(self, at: int) -> None:
        self.at = at
        self._skip()

    def _here(self) -> str:
        return self.text[self.at : self.at + 20]


def _no_constant(name: str) -> Any:
    raise NotLiteral(name)


_JSON = json.JSONDecoder(parse_constant=_no_constant)
_ENDED = re.compile(r"\s*\)")


def _as(kind: str, value: Value) -> Value:
    """A cell in the type of its column, as KQL converts it without loss; NotLiteral where it does more."""
    if value.type == kind:
        return value
    if value.plain is None and kind != "string":
        return Value(kind, None)
    if value.type in ("int", "long") and kind in ("int", "long", "decimal"):
        if kind == "int" and not -INT_MAX - 1 <= value.plain <= INT_MAX:
            raise NotLiteral(str(value.plain))
        return Value(kind, Decimal(value.plain) if kind == "decimal" else value.plain)
    if value.type in ("int", "long") and kind == "real" and float(value.plain) == value.plain:
        return Value(kind, float(value.plain))
    raise NotLiteral(str(value.plain))
