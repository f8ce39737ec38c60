"""Saved queries → `.kql` files: what is written here, `read` gives back as it was."""

from __future__ import annotations

import math
import os
import re
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.kql.literals import literal_of, written_name
from kqlmagic_ext.packs.documents import LITERAL
from kqlmagic_ext.packs.saved import NAME
from kqlmagic_ext.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kqlmagic_ext.packs.saved import Entity, Parameter, Rows, SavedQuery, Test

_PLAIN = re.compile(r"[A-Za-z](?:[A-Za-z0-9 _./()-]*[A-Za-z0-9_./()-])?")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_MOST_OF_A_KEY = 500  # characters; YAML reads keys of at most 1,024
_NO_PLAIN = ("null", "true", "false")


def write(path: str | Path, query: SavedQuery) -> None:
    """Write the query as a `.kql` file, whole or not at all; what was there is replaced.

    Raises ValueError for names that a file cannot hold, OSError when it cannot be written.
    """
    path = Path(path)
    content = kql_text(query, path.stem).encode()
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def kql_text(query: SavedQuery, stem: str) -> str:
    """The content of the file; the name is told where the file's own does not tell it."""
    lines = [f"// {line}".rstrip(" ") for line in _front_matter(query, stem)]
    return "\n".join(["// ---", *lines, "// ---", query.text])


def _front_matter(query: SavedQuery, stem: str) -> Iterator[str]:
    if query.name != stem:
        yield f"name: {_text(query.name)}"
    if query.description:
        yield from _described(query.description)
    for key, texts in (("tactics", query.tactics), ("techniques", query.techniques)):
        if texts:
            yield f"{key}: [{', '.join(map(_text, texts))}]"
    if query.timespan is not None:
        yield f"timespan: {_text(query.timespan)}"
    if query.entities:
        yield from ("entities:", *map(_entity, query.entities))
    if query.parameters:
        yield from ("parameters:", *map(_parameter, query.parameters))
    if query.tests:
        yield "tests:"
    for test in query.tests:
        yield from _item(_test(test))


def _entity(entity: Entity) -> str:
    parts = (("type", entity.type), ("identifier", entity.identifier), ("column", entity.column))
    return f"  - {{{', '.join(f'{key}: {_text(text)}' for key, text in parts)}}}"


def _described(text: str) -> Iterator[str]:
    """A text of several lines as a block where YAML keeps it as it is."""
    lines = text.split("\n")
    is_block = len(lines) > 1 and all(line.isprintable() and line == line.rstrip() for line in lines)
    if not is_block or lines[0].startswith(" ") or not lines[0] or not lines[-1]:
        yield f"description: {_text(text)}"
        return
    yield "description: |-"
    yield from (f"  {line}" for line in lines)


def _parameter(parameter: Parameter) -> str:
    parts = [f"type: {parameter.type}"]
    if parameter.default is not None:
        parts.append(f"default: {_value(parameter.default)}")
    if parameter.description:
        parts.append(f"description: {_text(parameter.description)}")
    return f"  {_name(parameter.name)}: {{{', '.join(parts)}}}"


def _test(test: Test) -> Iterator[str]:
    yield f"name: {_text(test.name)}"
    if test.now is not None:
        yield f"now: {_value(Value('datetime', test.now))}"
    if test.parameters:
        yield "parameters:"
        yield from (f"  {_name(name)}: {_value(value)}" for name, value in test.parameters.items())
    if test.tables:
        yield "tables:"
    for name, rows in test.tables.items():
        yield from (f"  {line}" for line in _rows(_name(name), rows))
    yield from _rows("expect", test.expect)
    if test.ordered:
        yield "ordered: true"


def _rows(key: str, rows: Rows) -> Iterator[str]:
    if not rows.columns:
        yield f"{key}: []"
        return
    yield f"{key}:"
    yield f"  columns: {_text(', '.join(f'{written_name(name)}:{kind}' for name, kind in rows.columns))}"
    if rows.rows:
        yield "  rows:"
    yield from (f"    - [{', '.join(map(_value, row))}]" for row in rows.rows)


def _item(lines: Iterable[str]) -> Iterator[str]:
    """An item of a list."""
    for number, line in enumerate(lines):
        yield f"    {line}" if number else f"  - {line}"


def _name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a parameter or table (ASCII letters, digits and _)")
    return name


def _value(value: Value) -> str:
    """A value as its declared type reads it."""
    if value.plain is None:
        return "null"
    if value.type == "string":
        return _quoted(value.plain)
    if value.type == "dynamic":
        json = _json(value.plain)
        return json if json is not None else f"{LITERAL} {_quoted(literal_of(value))}"
    inside = literal_of(value).removeprefix(f"{value.type}(").removesuffix(")")
    return f'"{inside}"' if value.type in ("datetime", "timespan", "guid") else inside


def _json(plain: Any) -> str | None:
    """A dynamic value as YAML reads JSON; None where JSON has no form for it."""
    if plain is None or isinstance(plain, bool):
        return {None: "null", True: "true", False: "false"}[plain]
    if isinstance(plain, str):
        return _quoted(plain)
    if isinstance(plain, (int, float)):
        return repr(plain) if math.isfinite(plain) else None
    if isinstance(plain, list):
        items = [_json(item) for item in plain]
        return None if None in items else f"[{', '.join(map(str, items))}]"
    if not isinstance(plain, dict) or any(len(key) > _MOST_OF_A_KEY for key in plain):
        return None
    pairs = {_quoted(key): _json(item) for key, item in plain.items()}
    return (
        None
        if None in pairs.values()
        else f"{{{', '.join(f'{key}: {item}' for key, item in pairs.items())}}}"
    )


def _text(text: str) -> str:
    return text if _PLAIN.fullmatch(text) and text not in _NO_PLAIN else _quoted(text)


def _quoted(text: str) -> str:
    """A YAML string on one line: what is not printable is an escape."""
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in _ESCAPES or char.isprintable():
        return _ESCAPES.get(char, char)
    number = ord(char)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"  # noqa: PLR2004 - four hex digits
