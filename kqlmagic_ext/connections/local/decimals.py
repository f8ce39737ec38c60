"""Decimal literals: duckdb-kql reads them as doubles, so they are lifted out of the text and bound as parameters.

Inside `datatable`, where no parameter may stand, a literal stays if a double holds it exactly; else it is refused.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from kqlmagic_ext.connections.local.diagnosis import PLACE, Source
from kqlmagic_ext.errors import UnsupportedError
from kqlmagic_ext.kql.tokens import Token, code
from kqlmagic_ext.values import Value, significant_digits

if TYPE_CHECKING:
    from collections.abc import Iterator

_DIGITS_OF_A_DOUBLE = 15
NAME = "_dec"


def lift_decimals(source: Source) -> tuple[Source, dict[str, Value]]:
    """The statement with each `decimal(…)` as a parameter of the same width, and the parameters' values."""
    text, values = source.text, {}
    if "decimal" not in text:
        return source, {}
    for number, (start, end, inside_table) in enumerate(_literals(text)):
        written = text[start:end].partition("(")[2].removesuffix(")").strip()
        value = _value(written)
        if value is None:
            continue
        if inside_table:
            _refuse_long(value, source, start)
            continue
        name = f"{NAME}{number}"
        values[name] = value
        text = text[:start] + f"({name})".ljust(end - start) + text[end:]
    return replace(source, text=text), values


def _literals(text: str) -> Iterator[tuple[int, int, bool]]:
    """The spans of `decimal(…)`, and whether each stands between the brackets of a datatable."""
    words = code(text)
    table_until = 0
    for at, word in enumerate(words[:-1]):
        if word.text == "datatable":
            table_until = _closing(words, at, "[", "]")
        if word.text == "decimal" and words[at + 1].text == "(":
            end = _closing(words, at, "(", ")")
            yield word.start, end, word.start < table_until


def _closing(words: list[Token], at: int, opening: str, closing: str) -> int:
    """The offset behind the bracket that closes the first `opening` from `at` on."""
    depth = 0
    for word in words[at:]:
        if word.kind == "mark" and word.text == opening:
            depth += 1
        elif word.kind == "mark" and word.text == closing:
            depth -= 1
            if depth == 0:
                return word.end
    return words[-1].end


def _value(written: str) -> Value | None:
    """The decimal that is written; None when it is none, which the engine then says."""
    if written == "null":
        return Value("decimal", None)
    try:
        return Value("decimal", Decimal(written))
    except InvalidOperation:
        return None


def _refuse_long(value: Value, source: Source, start: int) -> None:
    if value.plain is not None and sum(significant_digits(value.plain)) > _DIGITS_OF_A_DOUBLE:
        raise UnsupportedError(
            f"{PLACE} cannot hold this decimal in a datatable: it has more than {_DIGITS_OF_A_DOUBLE} digits",
            construct="decimal",
            hint="give the table by -i",
            **source.place(start),
        )
