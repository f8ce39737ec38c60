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
