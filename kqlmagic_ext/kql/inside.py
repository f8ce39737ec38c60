"""What stands inside a KQL literal: the text between its quotes, the value between the parentheses of its type."""

from __future__ import annotations

import math
import re
from decimal import Decimal

from kqlmagic_ext.values import (
    LONG_MAX,
    LONG_MIN,
    TICKS_A_DAY,
    TICKS_A_SECOND,
    Value,
    parse_datetime,
    parse_timespan,
)

NUMBER = re.compile(r"-?(?:0[xX][0-9A-Fa-f]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)")
SURROGATE = re.compile(r"\\[uU](?:0000)?[dD][89A-Fa-f]")
_WORD = re.compile(r"[A-Za-z_]\w*")
INTEGER = re.compile(r"[+-]?(?:0[xX][0-9A-Fa-f]+|\d+)", re.ASCII)
_FRACTION = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?", re.ASCII)
_GUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_MOST_CHARACTERS = 400  # no number of KQL is longer
_UNITS = {
    "d": TICKS_A_DAY, "day": TICKS_A_DAY, "days": TICKS_A_DAY, "h": 3600 * TICKS_A_SECOND,
    "hour": 3600 * TICKS_A_SECOND, "hours": 3600 * TICKS_A_SECOND, "m": 60 * TICKS_A_SECOND,
    "minute": 60 * TICKS_A_SECOND, "minutes": 60 * TICKS_A_SECOND, "s": TICKS_A_SECOND,
    "second": TICKS_A_SECOND, "seconds": TICKS_A_SECOND, "ms": TICKS_A_SECOND // 1000,
    "millisecond": TICKS_A_SECOND // 1000, "milliseconds": TICKS_A_SECOND // 1000,
    "microsecond": 10, "microseconds": 10, "tick": 1, "ticks": 1,
}  # fmt: skip
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "+inf": math.inf, "-inf": -math.inf}
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_ESCAPED = {
    "\\": "\\", '"': '"', "'": "'", "n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v",
}  # fmt: skip
INT_MAX = 2**31 - 1


class NotLiteral(ValueError):  # noqa: N818 - it is no failure: an engine may read it
    """The text at this place is no literal that can be read exactly."""


def string_value(written: str) -> str:
    """The text of a string token; NotLiteral when it is not closed, or has an escape that KQL does not know."""
    text = written.lstrip("hH")
    quote = next(mark for mark in ("```", "~~~", "@", text[0]) if text.startswith(mark))
    verbatim = quote == "@"
    if verbatim:
        text = text[1:]
        quote = text[0]
    if len(text) < 2 * len(quote) or not text.endswith(quote):
        raise NotLiteral(written)
    inside = text[len(quote) : -len(quote)]
    if verbatim:
        return inside.replace(quote * 2, quote)
    return inside if len(quote) > 1 or "\\" not in inside else _unescaped(inside)


def _unescaped(text: str) -> str:
    if text.replace("\\\\", "").endswith("\\"):  # the last quote was part of the text: it is not closed
        raise NotLiteral(text)
    plain = _ESCAPE.sub(_char, text)
    if not SURROGATE.search(text):
        return plain
    try:
        return plain.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as error:
        raise NotLiteral(text) from error


def _char(escape: re.Match[str]) -> str:
    digits = escape[1] or escape[2] or escape[3]
    try:
        return chr(int(digits, 16)) if digits else _ESCAPED[escape[4]]
    except (KeyError, ValueError, OverflowError) as error:
        raise NotLiteral(escape[0]) from error


def value_inside(kind: str, text: str) -> Value:
    """The value of what stands between the parentheses of `type(…)`."""
    if text == "null":
        return Value(kind, None)
    if kind == "bool" and text in ("true", "false"):
        return Value(kind, text == "true")
    if kind == "int":
        return Value(kind, whole_number(text, -INT_MAX - 1, INT_MAX))
    if kind == "long":
        return Value(kind, whole_number(text, LONG_MIN, LONG_MAX))
    if kind == "real":
        return Value(kind, _NOT_FINITE[text] if text in _NOT_FINITE else real_number(text))
    if kind == "decimal" and _FRACTION.fullmatch(text):
        return Value(kind, Decimal(text))
    if kind == "guid" and _GUID.fullmatch(text):
        return Value(kind, text.lower())
    if kind in ("datetime", "timespan"):
        return _time(kind, text)
    raise NotLiteral(text)


def _time(kind: str, text: str) -> Value:
    if kind == "timespan" and (match := NUMBER.match(text)) and _WORD.fullmatch(text, match.end()):
        return length_value(match[0], text[match.end() :])
    try:
        return Value(kind, parse_datetime(text) if kind == "datetime" else _in_range(parse_timespan(text)))
    except ValueError as error:
        raise NotLiteral(text) from error


def whole_number(text: str, least: int, most: int) -> int:
    """The integer that is written, in decimal or as 0x…; NotLiteral when it is none or beyond the bounds."""
    if not INTEGER.fullmatch(text):
        raise NotLiteral(text)
    if len(text) > _MOST_CHARACTERS:
        raise NotLiteral("too many digits")
    number = int(text, 16 if "x" in text.lower() else 10)
    if not least <= number <= most:
        raise NotLiteral(text)
    return number


def real_number(text: str) -> float:
    """The finite number that is written; else NotLiteral."""
    if not _FRACTION.fullmatch(text) or not math.isfinite(float(text)):
        raise NotLiteral(text)
    return float(text)


def length_value(number: str, unit: str) -> Value:
    """`1.5h`: exact ticks, or NotLiteral."""
    if unit not in _UNITS or not _FRACTION.fullmatch(number):
        raise NotLiteral(number + unit)
    if len(number) > _MOST_CHARACTERS:
        raise NotLiteral("too many digits")
    try:
        ticks = Decimal(number) * _UNITS[unit]
    except ArithmeticError as error:
        raise NotLiteral(number + unit) from error
    if not -LONG_MAX <= ticks <= LONG_MAX or ticks != ticks.to_integral_value():
        raise NotLiteral(number + unit)
    return Value("timespan", _in_range(int(ticks)))


def _in_range(ticks: int) -> int:
    if LONG_MIN <= ticks <= LONG_MAX:
        return ticks
    raise NotLiteral(str(ticks))
