"""The Python values of a query: `{{name}}` and inputs become parameters and tables, never text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import ParameterError
from kqlmagic_ext.kql.tokens import Placeholder, find_name, placeholders, placeholders_in_strings, position
from kqlmagic_ext.kql.words import KEYWORDS
from kqlmagic_ext.values import Value, value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from kqlmagic_ext.query import Query

RESERVED = "_in_"
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Bound:
    """A query's text with its inputs resolved.

    `text` has the length of the original: `{{name}}` stands as `_in_name`. `scalars` and `frames` are the values by
    the names that the text uses; `warnings` says what looks like a slip.
    """

    text: str
    scalars: Mapping[str, Value]
    frames: Mapping[str, pd.DataFrame]
    warnings: tuple[str, ...] = ()


def names_in_braces(text: str) -> dict[str, int]:
    """The names used as `{{name}}`, with the offset of their first use.

    Raises
    ------
    ParameterError
        When the braces hold anything but a name.
    """
    found: dict[str, int] = {}
    for place in placeholders(text):
        if place.name is None:
            written = text[place.start : place.end]
            raise _at(
                text,
                place,
                f"{written} holds more than a name; give the value a name in Python first",
                written,
            )
        found.setdefault(place.name, place.start)
    return found


def bind(query: Query) -> Bound:
    """The query with each `{{name}}` and each input resolved to a typed value.

    Raises
    ------
    ParameterError
        When a name has no value, or the value has no exact KQL form.
    """
    bare, braced = _bare_names(query), names_in_braces(query.text)
    values: dict[str, Any] = {}
    for name, value in query.inputs.items():
        if name in bare or (
            is_frame(value) and name not in braced
        ):  # a table that a slip of the pen misses is offered
            _check_name(name)
            values[name] = value
    for name, offset in braced.items():
        if name not in query.inputs:
            place = Placeholder(name, offset, offset)
            raise _at(query.text, place, f"{{{{{name}}}}} has no value: there is no input {name!r}", name)
        values[RESERVED + name] = query.inputs[name]
    frames = {name: value for name, value in values.items() if is_frame(value)}
    scalars = {name: _value(query, name, value) for name, value in values.items() if name not in frames}
    return Bound(_without_braces(query.text), scalars, frames, tuple(_slips(query, bare)))


def is_frame(value: object) -> bool:
    """Whether the value is a pandas DataFrame, without importing pandas."""
    return any(
        kind.__name__ == "DataFrame" and kind.__module__.startswith("pandas") for kind in type(value).__mro__
    )


def _bare_names(query: Query) -> set[str]:
    """The inputs that the text uses by their own names; beside `{{host}}`, a bare `host` is a column."""
    braced = names_in_braces(query.text)
    return {name for name in query.inputs if name not in braced and find_name(query.text, name) is not None}


def _value(query: Query, name: str, value: object) -> Value:
    try:
        return value_of(value, name.removeprefix(RESERVED))
    except ParameterError as error:
        offset = names_in_braces(query.text).get(name.removeprefix(RESERVED))
        if offset is None:
            raise
        raise _at(query.text, Placeholder(name, offset, offset), error.message, error.name) from error


def _check_name(name: str) -> None:
    if not _IDENTIFIER.fullmatch(name):
        raise ParameterError(
            f"{name!r} is no KQL name (ASCII letters, digits and _); write -i other={name}", name=name
        )
    if name.startswith(RESERVED):
        raise ParameterError(
            f"{name!r}: names that start with {RESERVED} are ours; write -i other={name}", name=name
        )
    if name in KEYWORDS:
        raise ParameterError(
            f"{name!r} is a word of KQL; write {{{{{name}}}}} in the query, or -i other={name}", name=name
        )


def _without_braces(text: str) -> str:
    """The text with `{{name}}` as `_in_name`, padded to the same length, so that every other offset stays."""
    for place in placeholders(text):
        replacement = f"{RESERVED}{place.name}".ljust(place.end - place.start)
        text = text[: place.start] + replacement + text[place.end :]
    return text


def _slips(query: Query, bare: set[str]) -> Iterable[str]:
    for name in dict.fromkeys(placeholders_in_strings(query.text)):
        if name in query.inputs:
            yield f"{{{{{name}}}}} inside a string is plain text; drop the quotes to use the value of {name}"
    for name in query.inputs:
        if name not in bare and name not in names_in_braces(query.text):
            yield f"the query does not use its input {name}"


def _at(text: str, place: Placeholder, message: str, name: str) -> ParameterError:
    line, column = position(text, place.start)
    return ParameterError(message, name=name, line=line, column=column, source=text.split("\n")[line - 1])
