"""Lengths of time and sizes as texts, texts as decimals."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from kqlmagic_ext.connections.local.functions.forms import add, add_special, once
from kqlmagic_ext.connections.local.functions.in_python import python_sql
from kqlmagic_ext.connections.local.private_copy import errors, functions, ir, translate

_ELEMENTS = re.compile(
    r"d{1,8}(?!d)|h{1,2}(?!h)|H{1,2}(?!H)|m{1,2}(?!m)|s{1,2}(?!s)|f{1,7}(?!f)|F{1,7}(?!F)|[ /\-:,._\[\]]"
)
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,6})?")
_OTHER_TYPES = "('BOOLEAN', 'TIMESTAMP', 'INTERVAL', 'UUID')"
_NO_DECIMAL = "the embedded workspace knows todecimal() of numbers and texts alone"
_TOO_FINE = (
    "todecimal(): a decimal of the embedded workspace has at most 9 digits behind the point and 29 before it"
)
_NEGATIVE = (
    "the embedded workspace cannot run format_timespan() of a negative timespan yet: give it abs() of it"
)
_MOST_DIGITS = 100
_UNITS = ("Bytes", "KB", "MB", "GB", "TB", "PB")
_KILO = 1024
_MOST_PLACES = 9
_OPEN = "format_bytes(): the reference leaves open how this size is written, with zeros at its end or rounded at a half"


def _timespan(microseconds: int | None, pattern: str | None) -> str:
    if microseconds is None or pattern is None:
        return ""
    return "".join(_element(each, microseconds) for each in _ELEMENTS.findall(pattern))


def _element(element: str, microseconds: int) -> str:
    """One part of the format as the text that it stands for; what is no letter stands for itself."""
    seconds, rest = divmod(microseconds, 1_000_000)
    letter, width = element[0], len(element)
    if letter in "fF":
        digits = f"{rest * 10:07}"[:width]
        return digits.rstrip("0") if letter == "F" else digits
    parts = {"d": seconds // 86_400, "h": seconds // 3600 % 24, "m": seconds // 60 % 60, "s": seconds % 60}
    number = parts.get(letter.lower())
    return element if number is None else f"{number:0{width}}"


def _format_timespan(node: Any) -> str:
    """Of a format that is written out: one with what the reference does not list is refused, not guessed."""
    pattern = node.args[1] if len(node.args) == 2 else None  # noqa: PLR2004 - the value, the format
    if not isinstance(pattern, ir.Literal) or _ELEMENTS.sub("", str(pattern.value)):
        raise errors.KqlUnsupportedError("function:format_timespan")
    return str(
        functions.SCALAR_FUNCTIONS["format_timespan"].render(
            [translate.render_expr(arg) for arg in node.args]
        )
    )


def _bytes(size: float | None, precision: int | None = 0, unit: str | None = None) -> str | None:
    """A size in its largest unit; null where the reference leaves open how it is written: with zeros, of a half."""
    if size is None or precision is None or not 0 <= precision <= _MOST_PLACES:
        return None
    if not 0 <= size < _KILO**6:
        return None
    largest = max((power for power in range(len(_UNITS)) if size >= _KILO**power), default=0)
    power = largest if unit is None else _UNITS.index(unit)
    number = Decimal(size) / _KILO**power
    written = round(number, precision)
    is_half = abs(number - written) * 2 == Decimal(10) ** -precision
    ends_in_zero = precision > 0 and f"{written}".endswith("0")
    is_next_unit = unit is None and written >= _KILO
    if is_half or ends_in_zero or is_next_unit:
        return None
    return f"{written} {_UNITS[power]}"


def _decimal(text: str | None) -> str | None:
    """The digits of a number, without an exponent where they are not endless; null for what is no number."""
    written = (text or "").strip()
    if not _NUMBER.fullmatch(written):
        return None
    number = Decimal(written)
    return format(number, "f") if abs(number.adjusted()) < _MOST_DIGITS else "too long"


def install() -> None:
    """Put them among duckdb-kql's."""
    formatted = python_sql("format_timespan", _timespan, ("BIGINT", "VARCHAR"), "VARCHAR")
    length = once(
        "epoch_us({0})", "t", f"CASE WHEN t < 0 THEN error('{_NEGATIVE}') ELSE {formatted}(t, {{1}}) END"
    )
    add_special("format_timespan", _format_timespan)
    form = functions.SCALAR_FUNCTIONS["format_timespan"]
    functions.SCALAR_FUNCTIONS["format_timespan"] = type(form)(
        "format_timespan", "template", "", forms={2: length}
    )
    translate._STRING_RETURNING |= {"format_timespan"}
    sizes = python_sql("format_bytes", _bytes, ("DOUBLE", "BIGINT", "VARCHAR"), "VARCHAR")
    given = ("CAST({0} AS DOUBLE)", "CAST({1} AS BIGINT)", "CAST({2} AS VARCHAR)")
    parts = {1: (given[0], "0", "NULL"), 2: (*given[:2], "NULL"), 3: given}
    add(
        "format_bytes",
        {
            count: f"CASE WHEN {{0}} IS NULL THEN '' ELSE coalesce({sizes}({', '.join(each)}), error('{_OPEN}')) END"
            for count, each in parts.items()
        },
        gives_text=True,
    )
    digits = python_sql("decimal_digits", _decimal, ("VARCHAR",), "VARCHAR")
    checked = once(
        f"{digits}(CAST({{0}} AS VARCHAR))",
        "n",
        r"CASE WHEN regexp_full_match(n, '-?\d{{1,29}}(\.\d{{1,9}}0*)?') THEN CAST(n AS DECIMAL(38, 9)) "
        f"WHEN n IS NOT NULL THEN error('{_TOO_FINE}') END",
    )
    add(
        "todecimal",
        {1: f"CASE WHEN typeof({{0}}) IN {_OTHER_TYPES} THEN error('{_NO_DECIMAL}') ELSE {checked} END"},
        texts=(0,),
    )
