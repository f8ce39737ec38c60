"""Texts with parts: CSV, paths, query strings, versions, command lines, XML."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any
from xml.parsers import expat

from kqlmagic_ext.connections.local.functions.forms import add, once
from kqlmagic_ext.connections.local.functions.in_python import add_in_python

_PATH = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://)?"
    r"(?P<directory>(?P<root>[A-Za-z]:)?(?:.*(?=[\\/]))?)[\\/]?(?P<file>[^\\/:]*)(?::(?P<stream>[^\\/]*))?",
    re.DOTALL,
)
_SLASHES = re.compile(r"[\\/]")
_MOST_XML = 1024 * 1024  # the reference's limit, above which the answer is null
_VERSION = r"\d{{1,8}}(\.\d{{1,8}}){{0,3}}"
_PART = "CAST(coalesce(v[{0}], '0') AS DECIMAL(38, 0))"


def _csv(text: str | None) -> str | None:
    """The values of the first record."""
    if text is None:
        return None
    try:
        record = next(csv.reader(io.StringIO(text, newline=""), strict=False), [""])
    except csv.Error:
        return None
    return json.dumps(record or [""])


def _path(text: str | None) -> str | None:
    found = _PATH.fullmatch(text or "")
    if text is None or found is None:
        return None
    directory, file = found["directory"], found["file"]
    parts = {
        "Scheme": found["scheme"] or "",
        "RootPath": found["root"] or "",
        "DirectoryPath": directory,
        "DirectoryName": _SLASHES.split(directory)[-1],
        "Filename": file,
        "Extension": file.rpartition(".")[2] if "." in file else "",
        "AlternateDataStreamName": found["stream"] or "",
    }
    return json.dumps(parts)


def _command_line(text: str | None, kind: str | None) -> str | None:
    """The arguments as a program on Windows gets them; null for another kind."""
    return json.dumps(_arguments(text)) if text and kind == "windows" else None


def _arguments(text: str) -> list[str]:
    r"""Split as Windows' C runtime does: 2n backslashes before a quote are n, and an odd one makes the quote a letter."""
    arguments: list[str] = []
    current: str | None = None
    quoted = False
    for slashes, quotes, space, other in re.findall(r'(\\*)(?:("+)|(\s)|([^"\\\s]|$))', text):
        if slashes:
            current = (current or "") + (slashes if not quotes else "\\" * (len(slashes) // 2))
        escaped = len(slashes) % 2 if quotes else 0
        if quotes:
            letters, quoted = _quotes(len(quotes) - escaped, quoted=quoted)
            current = (current or "") + '"' * (escaped + letters)
        elif space and not quoted:
            arguments += [] if current is None else [current]
            current = None
        elif space or other:
            current = (current or "") + space + other
    return arguments if current is None else [*arguments, current]


def _quotes(count: int, *, quoted: bool) -> tuple[int, bool]:
    """How many letters a run of quotes gives, and whether what follows is quoted: two inside quotes are a letter."""
    letters = 0
    while count:
        pair = quoted and count > 1
        letters, count = letters + pair, count - 1 - pair
        quoted = quoted if pair else not quoted
    return letters, quoted


def _xml(text: str | None) -> str | None:
    """XML as JSON: attributes are `@name`, text beside them is `#text`, an element that repeats is an array."""
    if not text or len(text.encode()) > _MOST_XML:
        return None
    top: dict[str, Any] = {}
    stack = [top]
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda _, attributes: stack.append(
        {f"@{name}": value for name, value in attributes.items()}
    )
    parser.EndElementHandler = lambda name: _put(stack[-2], name, _value(stack.pop()))
    parser.CharacterDataHandler = lambda data: _put(stack[-1], "#text", data) if data.strip() else None
    parser.StartDoctypeDeclHandler = _refuse  # entities could grow without end
    try:
        parser.Parse(text.encode(), True)  # noqa: FBT003 - expat takes no name
    except (expat.ExpatError, RecursionError):
        return None
    return json.dumps(top)


def _refuse(*_: Any) -> None:
    raise ValueError("a document type")


def _value(element: dict[str, Any]) -> Any:
    if not element:
        return None
    return element["#text"] if list(element) == ["#text"] else element


def _put(element: dict[str, Any], name: str, value: Any) -> None:
    if name not in element:
        element[name] = value
    elif isinstance(element[name], list):
        element[name].append(value)
    else:
        element[name] = [element[name], value]


def _version() -> str:
    """A number that orders as versions do: eight digits for each of the four parts."""
    zeros = (24, 16, 8, 0)
    number = " + ".join(
        f"{_PART.format(at)} * CAST(1{'0' * count} AS DECIMAL(38, 0))" for at, count in enumerate(zeros, 1)
    )
    split = once("string_split({0}, '.')", "v", f"CAST({number} AS DECIMAL(38, 0))")
    return f"CASE WHEN regexp_full_match({{0}}, '{_VERSION}') THEN {split} END"


def install() -> None:
    """Put them among duckdb-kql's."""
    for name, call in {"parse_csv": _csv, "parse_path": _path, "parse_xml": _xml}.items():
        add_in_python(name, {1: call}, takes=("VARCHAR",), gives="dynamic", texts=(0,))
    add_in_python(
        "parse_command_line", {2: _command_line}, takes=("VARCHAR", "VARCHAR"), gives="dynamic", texts=(0, 1)
    )
    add("parse_version", {1: _version()}, texts=(0,))
