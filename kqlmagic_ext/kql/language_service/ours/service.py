"""The language service: completion, hover and diagnostics of a query text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kqlmagic_ext.kql.language_service import Completion, Completions
from kqlmagic_ext.kql.language_service.ours.check import check
from kqlmagic_ext.kql.language_service.ours.code import Code
from kqlmagic_ext.kql.language_service.ours.follower import Follower
from kqlmagic_ext.kql.language_service.ours.hover import call_around, describe, word_at
from kqlmagic_ext.kql.language_service.ours.memo import Memo
from kqlmagic_ext.kql.language_service.ours.offers import offers
from kqlmagic_ext.kql.language_service.ours.place import find_place
from kqlmagic_ext.kql.words import OPERATORS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kqlmagic_ext.kql.language_service import Diagnostic, Hover, Schema
    from kqlmagic_ext.kql.language_service.ours.place import Place

_DEEPEST = 50  # brackets in brackets: nobody types more, and each takes several calls
_REMEMBERED = 400  # steps, each with up to some thousand columns


class OurService:
    """Answers by tokens alone; what it has followed of a schema's queries it remembers, within bounds."""

    def __init__(self) -> None:
        self._memo: tuple[object, Memo] = (None, Memo(_REMEMBERED))

    def complete(self, text: str, cursor: int, schema: Schema) -> Completions:
        """What may stand at the cursor, for the part of a word that stands before it."""
        code = Code(text[:cursor])
        start = word_start(code)
        if code.ends_in_text or _is_number(code) or code.depth > _DEEPEST:
            return Completions(cursor, cursor)
        head, place = self._place(text[:start], schema)
        found = offers(head, place, schema, _names(text, start, cursor))
        return Completions(
            start, cursor, tuple(_matching(found, text[start:cursor], text[cursor : cursor + 1]))
        )

    def hover(self, text: str, cursor: int, schema: Schema) -> Hover | None:
        """What the word at the cursor is, or the function in whose parentheses it stands."""
        if Code(text[:cursor]).depth > _DEEPEST:
            return None
        found = word_at(text, cursor)
        if found is not None:
            start, word = found
            code, place = self._place(text[:start], schema)
            said = describe(word, text[start + len(word) :].lstrip(" ")[:1], code, place, schema)
            if said is not None and not code.ends_in_text:
                return said
        return call_around(*self._place(text[:cursor], schema))

    def diagnose(self, text: str, schema: Schema) -> tuple[Diagnostic, ...]:
        """What can be known to be wrong without asking; nothing where it is not sure."""
        code = Code(text)
        return () if code.depth > _DEEPEST else tuple(check(code, schema))

    def _place(self, head: str, schema: Schema) -> tuple[Code, Place]:
        """The place at the end of a text, with the names that `as` has given."""
        code = Code(head)
        follower = Follower(code, schema, self._memo_of(schema))
        place = find_place(follower)
        for name, columns in follower.named.items():
            place = replace(place, names=place.names.with_(name, columns))
        return code, place

    def _memo_of(self, schema: Schema) -> Memo:
        """The memory of a schema's tables; another schema begins anew."""
        tables, memo = self._memo
        if tables is not schema.tables:
            memo = Memo(_REMEMBERED)
            self._memo = (schema.tables, memo)
        return memo


def word_start(code: Code) -> int:
    """Where the word at the end of the text begins: a name, an operator with hyphens, or `!has`."""
    if code.last is not None and code.last.kind == "name":
        return _behind_hyphen(code, code.last.start, len(code) - 1)
    if code.text.endswith("!") and code.words[-1:] == ["!"]:
        return len(code.text) - 1
    return _behind_hyphen(code, len(code.text), len(code))


def _behind_hyphen(code: Code, start: int, place: int) -> int:
    """The start of a hyphened operator's name that reaches up to `start`, else `start` itself."""
    if (
        place >= 1
        and code.words[place - 1] == "!"
        and code.tokens[place - 1].end == start
        and code.is_name(place)
    ):
        return code.tokens[place - 1].start
    first, begin = place, start
    while (
        code.word(first - 1) == "-"
        and code.is_name(first - 2)
        and code.tokens[first - 1].end == begin
        and code.tokens[first - 2].end == code.tokens[first - 1].start
    ):
        first -= 2
        begin = code.tokens[first].start
    written = code.text[begin:start]
    is_operator = any(name.startswith(written) for name in OPERATORS)
    return begin if first < place and is_operator and code.word(first - 1) in ("|", "(") else start


def _is_number(code: Code) -> bool:
    return code.last is not None and code.last.kind == "number"


def _names(text: str, start: int, end: int) -> Iterator[str]:
    """The names that the query holds elsewhere, those before the cursor first."""
    for part in (text[:start], text[end:]):
        yield from (token.text for token in Code(part).tokens if token.kind == "name")


def _matching(found: Iterable[Completion], part: str, behind: str) -> Iterator[Completion]:
    """Those that begin as the part does, each once; without a parenthesis where one stands already."""
    folded, told = part.casefold(), set()
    for one in found:
        if one.text.casefold().startswith(folded) and one.text not in told:
            told.add(one.text)
            is_called = behind == "(" and one.text.endswith(("(", "()"))
            yield Completion(one.text.rstrip("()"), one.kind, one.type) if is_called else one
