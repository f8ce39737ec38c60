"""The values with which a query compares a column: what a case tells of hidden values whose answers are not kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqlmagic_ext.kql.tokens import code, split
from kqlmagic_ext.record.report.masks import parted

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kqlmagic_ext.kql.tokens import Token

_MARKS = "=!<>~"
_WORDS = frozenset(
    {
        "in",
        "has",
        "has_cs",
        "has_any",
        "has_all",
        "hasprefix",
        "hassuffix",
        "contains",
        "contains_cs",
        "startswith",
    }
    | {"startswith_cs", "endswith", "endswith_cs", "matches", "regex", "between"}
)
_WITHIN = ("(", ",", "[", "{", "-", ".")


def compared(text: str, columns: Collection[str]) -> set[str]:
    """The literals, and as `{{name}}` the parameters, that stand in a step with one of the columns.

    Not those that are compared with another column by name. A `let` whose name stands in such a step is one, too.
    """
    steps = [step for start, end in split(text, ";") for step in _steps(text[start:end])]
    named = [step for step in steps if any(_is_one_of(step, place, columns) for place in range(len(step)))]
    names = {token.text for step in named for token in step if token.kind == "name"}
    lets = [step for step in steps if len(step) > 1 and step[0].text == "let" and step[1].text in names]
    found = {value for step in named for value in _literals(step, columns)}
    return found | {value for step in lets for place in range(len(step)) if (value := _value(step, place))}


def _steps(statement: str) -> list[list[Token]]:
    return [code(statement[start:end]) for start, end in split(statement, "|")]


def _is_one_of(step: Sequence[Token], place: int, columns: Collection[str]) -> bool:
    """Whether a column stands there, as a name or as `['name']`."""
    token = step[place]
    if token.kind == "string" and place and step[place - 1].text == "[":
        return parted(token.text)[1] in columns
    return token.kind == "name" and token.text in columns


def _value(step: Sequence[Token], place: int) -> str:
    """The literal or `{{name}}` at a place; empty when none stands there."""
    token = step[place]
    if token.kind == "string":
        return parted(token.text)[1]
    if token.kind == "number":
        return token.text
    is_parameter = token.kind == "name" and [one.text for one in step[max(place - 2, 0) : place]] == [
        "{",
        "{",
    ]
    return f"{{{{{token.text}}}}}" if is_parameter else ""


def _literals(step: Sequence[Token], columns: Collection[str]) -> set[str]:
    places = [place for place in range(len(step)) if not _is_one_of(step, place, columns)]
    return {value for place in places if (value := _value(step, place)) and _is_hidden(step, place, columns)}


def _is_hidden(step: Sequence[Token], place: int, columns: Collection[str]) -> bool:
    """Whether a value is compared, and not with another column by its name."""
    if step[0].text == "datatable" or _is_operator(step, place + 1):
        return True
    left = _left_of(step, place)
    is_operand = left + 1 < place and _is_operator(step, left + 1)
    return is_operand and (left < 0 or step[left].kind != "name" or _is_one_of(step, left, columns))


def _left_of(step: Sequence[Token], place: int) -> int:
    """The place of what a value is compared with: before the operator, before the brackets and items of a list."""
    at = place - 1
    while at >= 0 and not _is_operator(step, at):
        token = step[at]
        is_call = token.kind == "name" and step[at + 1].text == "("
        if token.text not in _WITHIN and not _value(step, at) and not is_call and token.text not in ")]}":
            break
        at -= 1
    while at >= 0 and _is_operator(step, at):
        at -= 1
    return at


def _is_operator(step: Sequence[Token], place: int) -> bool:
    if not 0 <= place < len(step):
        return False
    token = step[place]
    return token.text in _WORDS if token.kind == "name" else token.kind == "mark" and token.text in _MARKS
