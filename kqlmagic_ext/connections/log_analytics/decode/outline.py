"""The JSON of an answer around its rows: read token by token, so that rows are found by where they stand."""

from __future__ import annotations

import re
from typing import Any

from kqlmagic_ext.connections.log_analytics.decode.broken import BrokenAnswer

STRING = rb'"(?:[^"\\]++|\\.)*+"'
_TOKEN = re.compile(
    STRING + rb'|["{}\[\]:,]', re.DOTALL
)  # a lone quote begins a string that has not all come
_QUOTE, _COLON, _COMMA, _BRACE, _BRACKET = b'":,{['
_CLOSERS = b"}]"
_UNFINISHED_FROM = 1 << 16
_DIGITS_BEYOND_64_BITS = re.compile(rb"\d{19}")


class Outline:
    """All of an answer's JSON but its rows, which stand in it as empty arrays."""

    def __init__(self) -> None:
        self.text = bytearray()
        self._open: list[int] = []
        self._keys: list[bytes] = []
        self._string = b""
        self._table_start = 0
        self._whole_keys = 0
        self._wanted = 0

    def read(self, text: bytearray, *, final: bool = False) -> bool:
        """Take what is whole from the front of `text`; True when the rows of a table begin there."""
        if len(text) < self._wanted and not final:
            return False
        end, at_rows = self._scan(text)
        self.text += text[:end]
        del text[:end]
        # Twice as much must come before a long unfinished string is looked at again: no quadratic work.
        self._wanted = 2 * len(text) if len(text) > _UNFINISHED_FROM and not at_rows else 0
        return at_rows

    def close_rows(self) -> None:
        """Note that the rows at which `read` stopped have been taken."""
        self.text += b"[]"

    def table(self) -> dict[str, Any]:
        """What is known of the table whose rows begin."""
        return _object(self.text[self._table_start :] + b"[]}")

    def document(self) -> dict[str, Any]:
        """The whole answer; BrokenAnswer when its JSON is not whole."""
        return _object(self.text)

    def whole_keys(self) -> dict[str, Any]:
        """The keys of the answer that came whole, when its JSON is not."""
        try:
            return _object(self.text[: self._whole_keys] + b"}") if self._whole_keys else {}
        except BrokenAnswer:
            return {}

    def _scan(self, text: bytearray) -> tuple[int, bool]:
        """Where the last whole token ends, or where rows begin."""
        end, before = 0, len(self.text)
        for token in _TOKEN.finditer(text):
            start, stop = token.span()
            first = text[start]
            if first == _QUOTE:
                if stop - start == 1:
                    return end, False
                self._string = token[0]
            elif first == _COLON and self._keys:
                self._keys[-1] = self._string
            elif first == _COMMA and len(self._open) == 1:
                self._whole_keys = before + start
            elif first in (_BRACE, _BRACKET):
                if first == _BRACKET and self._at_rows():
                    return start, True
                if self._at_table():
                    self._table_start = before + start
                self._open.append(first)
                self._keys.append(b"")
            elif first in _CLOSERS and self._open:
                self._open.pop()
                self._keys.pop()
            end = stop
        return end, False

    def _at_table(self) -> bool:
        return bytes(self._open) == b"{[" and _named(self._keys[0], "tables")

    def _at_rows(self) -> bool:
        return (
            bytes(self._open) == b"{[{" and _named(self._keys[0], "tables") and _named(self._keys[2], "rows")
        )


def _named(token: bytes, name: str) -> bool:
    """Whether a JSON string spells the name, with or without escapes."""
    import orjson

    if b"\\" not in token:
        return token == b'"%b"' % name.encode()
    try:
        return bool(orjson.loads(token) == name)
    except orjson.JSONDecodeError:
        return False


def _object(text: bytearray) -> dict[str, Any]:
    """The JSON object, exact; BrokenAnswer when it is none."""
    import json

    import orjson

    try:
        found = orjson.loads(text)
        if _DIGITS_BEYOND_64_BITS.search(text):  # orjson turns integers beyond 64 bits into floats
            found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BrokenAnswer(f"its JSON is not whole: {error}") from error
    if not isinstance(found, dict):
        raise BrokenAnswer("its JSON is no object")
    return found
