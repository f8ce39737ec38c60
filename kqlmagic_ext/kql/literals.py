"""A Python value → a KQL literal: the one writer."""

from __future__ import annotations

import math
import re
from typing import Any

from kqlmagic_ext.values import Value, format_datetime, format_timespan, value_of

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_PRINTABLE_ASCII = range(0x20, 0x7F)
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def literal(value: object, name: str) -> str:
    """The KQL literal of a Python value: `"x"`, `long(5)`, `datetime(2026-11-24T00:00:00Z)`, `dynamic(["a"])`.

    bool, int, float (nan, inf), Decimal, str, datetime (naive means UTC), date, timedelta, UUID, None, NaT, NA, list,
    tuple, set, dict, Series, Index, ndarray, numpy scalars; a frame is written by `datatable`.

    Raises
    ------
    ParameterError
        For what KQL cannot tell; names the variable `name` and its type.
    """
    return literal_of(value_of(value, name))


def literal_of(value: Value) -> str:
    """The KQL literal of a KQL value."""
    if value.plain is None:
        return f"{value.type}(null)"
    if value.type == "string":
        return quoted(value.plain)
    if value.type == "bool":
        return str(value.plain).lower()
    if value.type == "dynamic":
        return f"dynamic({_dynamic(value.plain)})"
    return f"{value.type}({_inside(value)})"


def quoted(text: str) -> str:
    """A KQL string literal, all in ASCII: what is not printable ASCII is written as an escape."""
    return '"' + "".join(_escaped(char) for char in text) + '"'


def written_name(name: str) -> str:
    """A table or column as an analyst writes it: `Host`, else `['a name']`, in which hidden characters are escapes."""
    if _PLAIN_NAME.fullmatch(name):
        return name
    return "['" + "".join(_escaped_in_name(char) for char in name) + "']"


def _escaped_in_name(char: str) -> str:
    if char in "\\'":
        return f"\\{char}"
    return char if char.isprintable() else _escaped(char)


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    number = ord(char)
    if number in _PRINTABLE_ASCII:
        return char
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"  # noqa: PLR2004 - four hex digits


def _inside(value: Value) -> str:
    """What stands between the parentheses of `type(…)`."""
    if value.type == "datetime":
        return format_datetime(value.plain)
    if value.type == "timespan":
        return format_timespan(value.plain)
    if value.type == "real":
        return _real(value.plain)
    return str(value.plain)


def _real(number: float) -> str:
    if math.isnan(number):
        return "nan"
    if math.isinf(number):
        return "+inf" if number > 0 else "-inf"
    return repr(number)


def _dynamic(value: Any) -> str:
    """A dynamic literal's inside: JSON, with KQL's own literals for what JSON lacks."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{quoted(key)}:{_dynamic(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_dynamic(item) for item in value) + "]"
    if value is None:
        return "null"
    if isinstance(value, Value):
        return literal_of(value)
    if isinstance(value, bool):
        return str(value).lower()
    return quoted(value) if isinstance(value, str) else repr(value)
