r"""Literals that duckdb-kql misreads, made right before it reads them; the text keeps its width wherever it can.

- `decimal(…)` is read as a double: it is lifted out and bound as a parameter. Inside `datatable`, where no parameter may
  stand, it stays if a double holds it exactly; else it is refused.
- `h"…"` keeps its h: it is blanked.
- `\u00e9`, `\U0001f600` and `\xe9` lose their backslash: they are written as the letter that they are.
- `take {{n}}`: where an operator wants a number, a parameter's number is written.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import TYPE_CHECKING

from kqlmagic_ext.connections.local.diagnosis import PLACE, Source
from kqlmagic_ext.errors import UnsupportedError
from kqlmagic_ext.kql.parameters import RESERVED
from kqlmagic_ext.kql.tokens import Token, code
from kqlmagic_ext.values import Value, significant_digits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DIGITS_OF_A_DOUBLE = 15
_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\[uUx]")
_CODED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|.)", re.DOTALL)
_FIRST_LETTER = 0x20
_COUNTING = ("take", "limit", "top", "sample")


def right_literals(
    source: Source, scalars: Mapping[str, Value], first: int = 0
) -> tuple[Source, dict[str, Value]]:
    """The statement with its literals made right, and the parameters, numbered from `first`, that stand for some of them."""
    text = source.text
    for word in code(text):
        if word.kind == "string":
            right = _with_letters(word, source)
            text = text[: word.start] + right.ljust(len(word.text)) + text[word.end :]
            if word.text[0] in "hH":
                text = f"{text[: word.start]} {text[word.start + 1 :]}"
    return _lift_decimals(replace(source, text=_with_counts(text, scalars)), first)


def _with_letters(word: Token, source: Source) -> str:
    r"""The string with `\u`, `\U` and `\x` as letters; UnsupportedError for what is no letter of its own."""
    if word.text.lstrip("hH").startswith(("@", "`", "~")) or not _ESCAPE.search(word.text):
        return word.text
    right = _CODED.sub(_letter, word.text)
    if _ESCAPE.search(right):
        raise UnsupportedError(
            f"{PLACE} cannot read this \\u or \\x in a string",
            construct="escape",
            hint="give the text by {{name}}",
            **source.place(word.start),
        )
    return right


def _letter(escape: re.Match[str]) -> str:
    """The letter, or the escape as it stands: a backslash of its own, a half of a pair, what ends a string or a line."""
    digits = escape[1] or escape[2] or escape[3]
    code = int(digits, 16) if digits else 0
    if not _FIRST_LETTER <= code <= 0x10FFFF or 0xD800 <= code <= 0xDFFF:  # noqa: PLR2004 - Unicode's last, its surrogates
        return escape[0]
    letter = chr(code)
    quote = escape.string.lstrip("hH")[0]
    return f"\\{letter}" if letter in (quote, "\\") else letter


def _with_counts(text: str, scalars: Mapping[str, Value]) -> str:
    """The text with the number of a parameter written where `take` and `top` want a literal."""
    words = code(text)
    for word, name in reversed(list(pairwise(words))):
        value = scalars.get(name.text)
        if (
            word.text in _COUNTING
            and value is not None
            and value.type in ("int", "long")
            and value.plain is not None
        ):
            number = str(value.plain).ljust(len(name.text))
            text = text[: name.start] + number + text[name.end :]
    return text


def _lift_decimals(source: Source, first: int) -> tuple[Source, dict[str, Value]]:
    """The statement with each `decimal(…)` as a parameter of the same width, and the parameters' values."""
    text, values = source.text, {}
    if "decimal" not in text:
        return source, {}
    for number, (start, end, inside_table) in enumerate(_literals(text), first):
        written = text[start:end].partition("(")[2].removesuffix(")").strip()
        value = _value(written)
        if value is None:
            continue
        if inside_table:
            _refuse_long(value, source, start)
            continue
        name = f"{RESERVED}{number}"  # no Python name starts with a digit, so no {{name}} is called so
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
