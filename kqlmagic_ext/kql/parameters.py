"""The Python values of a query: `{{name}}` and inputs become parameters and tables, never text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kqlmagic_ext.errors import ParameterError
from kqlmagic_ext.kql.literals import literal_of
from kqlmagic_ext.kql.tokens import find_name, place, placeholders, placeholders_in_strings
from kqlmagic_ext.kql.words import KEYWORDS
from kqlmagic_ext.values import NAIVE, Value, is_naive, value_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    import pandas as pd
    import pyarrow as pa

    from kqlmagic_ext.query import Query

RESERVED = "_in_"
_FRAMES = (("DataFrame", "pandas"), ("Table", "pyarrow"))
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Bound:
    """A query's text with its inputs resolved.

    `text` has the length of the original: `{{name}}` stands as `_in_name`. `scalars` and `frames` are the values by
    the names that the text uses; `warnings` says what looks like a slip.
    """

    text: str
    scalars: Mapping[str, Value]
    frames: Mapping[str, pd.DataFrame | pa.Table]
    warnings: tuple[str, ...] = ()


def names_in_braces(text: str) -> dict[str, int]:
    """The names used as `{{name}}`, with the offset of their first use.

    Raises
    ------
    ParameterError
        When the braces hold anything but a name, or a name that is not ASCII.
    """
    found: dict[str, int] = {}
    for braces in placeholders(text):
        written = text[braces.start : braces.end]
        if braces.name is None:
            said = f"{written} holds more than a name; give the value a name in Python first"
            raise _at(text, braces.start, said, written)
        if not braces.name.isascii():
            raise _at(
                text, braces.start, f"{written}: KQL names are ASCII; give the value such a name", braces.name
            )
        found.setdefault(braces.name, braces.start)
    return found


def bind(query: Query) -> Bound:
    """The query with each `{{name}}` and each input resolved to a typed value.

    Raises
    ------
    ParameterError
        When a name has no value, or the value has no exact KQL form.
    """
    braced = names_in_braces(query.text)
    # Beside `{{host}}`, a bare `host` is a column.
    bare = [name for name in query.inputs if name not in braced and find_name(query.text, name) is not None]
    for name in bare:
        _check_name(name)
    for name, offset in braced.items():
        if name not in query.inputs:
            raise _at(query.text, offset, f"{{{{{name}}}}} has no value: there is no input {name!r}", name)
    values = {name: query.inputs[name] for name in bare}
    values.update({RESERVED + name: query.inputs[name] for name in braced})
    frames = {name: value for name, value in values.items() if is_frame(value)}
    scalars = {
        name: _value(value, name.removeprefix(RESERVED), query.text, braced)
        for name, value in values.items()
        if name not in frames
    }
    return Bound(_without_braces(query.text), scalars, frames, tuple(_slips(query, {*bare, *braced})))


def is_frame(value: object) -> bool:
    """Whether the value is a table: a pandas DataFrame or an Arrow table, without importing either."""
    return any((kind.__name__, kind.__module__.partition(".")[0]) in _FRAMES for kind in type(value).__mro__)


def short_forms(bound: Bound) -> dict[str, str]:
    """The inputs in short forms, for the answer's origin: a long list by its count."""
    short = {}
    for name, value in bound.scalars.items():
        count = f"{len(value.plain):,} items: " if isinstance(value.plain, list) else ""
        short[name.removeprefix(RESERVED)] = count + literal_of(value)
    for name, frame in bound.frames.items():
        short[name.removeprefix(RESERVED)] = f"a frame of {len(frame):,} rows × {frame.shape[1]}"
    return short


def bare_scalars(bound: Bound) -> list[str]:
    """The parameters that the text names without braces, which a column of the same name would hide."""
    return [name for name in bound.scalars if not name.startswith(RESERVED)]


def hidden_parameter(name: str, table: str) -> ParameterError:
    """The error for a parameter that KQL would ignore without a word, because a column has its name."""
    return ParameterError(
        f"{name!r} is also a column of {table}, and KQL would take the column: write {{{{{name}}}}} in the query, or "
        f"-i other={name}",
        name=name,
        hidden_by=table,
    )


def hidden_tables(inputs: Iterable[str], tables: Container[str], place: str) -> list[str]:
    """A warning for each input that takes the name of a table of the place."""
    return [
        f"the input {name} hides the table {name} of {place} in this query"
        for name in inputs
        if name in tables
    ]


def _value(value: object, name: str, text: str, braced: Mapping[str, int]) -> Value:
    try:
        return value_of(value, name)
    except ParameterError as error:
        if name not in braced:
            raise
        raise _at(text, braced[name], error.message, error.name) from error


def _check_name(name: str) -> None:
    for is_wrong, why in (
        (not _IDENTIFIER.fullmatch(name), "is no KQL name (ASCII letters, digits and _); write"),
        (name.startswith(RESERVED), "is a name that we use ourselves; write"),
        (name in KEYWORDS, f"is a word of KQL; write {{{{{name}}}}} in the query, or"),
    ):
        if is_wrong:
            raise ParameterError(f"{name!r} {why} -i other={name}", name=name)


def _without_braces(text: str) -> str:
    """The text with `{{name}}` as `_in_name`, padded to the same length, so that every other offset stays."""
    for braces in placeholders(text):
        replacement = f"{RESERVED}{braces.name}".ljust(braces.end - braces.start)
        text = text[: braces.start] + replacement + text[braces.end :]
    return text


def _slips(query: Query, used: set[str]) -> Iterable[str]:
    yield from quoted_names(query.text, query.inputs)
    for name in query.inputs:
        if name not in used:
            yield f"the query does not use its input {name}"
        elif is_naive(query.inputs[name]):
            yield f"{name} {NAIVE}"


def quoted_names(text: str, names: Container[str]) -> list[str]:
    """A warning for each of `names` that stands as `{{name}}` inside a string, where it is plain text."""
    return [
        f"{{{{{name}}}}} inside a string is plain text; drop the quotes to use the value of {name}"
        for name in dict.fromkeys(placeholders_in_strings(text))
        if name in names
    ]


def _at(text: str, offset: int, message: str, name: str) -> ParameterError:
    return ParameterError(message, name=name, **place(text, offset))
