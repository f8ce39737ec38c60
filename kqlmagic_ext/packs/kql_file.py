"""`.kql` files: front matter in comment lines, then the query, byte for byte.

// ---
// description: Many refused sign-ins of one account
// parameters:
//   threshold: {type: long, default: 10}
// ---
SigninLogs
| summarize Attempts = count() by UserPrincipalName
| where Attempts > {{threshold}}
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kqlmagic_ext.packs.documents import read_yaml
from kqlmagic_ext.packs.samples import read_tests
from kqlmagic_ext.packs.saved import NAME, TABLE, TYPES, Entity, Origin, Parameter, SavedQuery, wrong
from kqlmagic_ext.query import Timespan

if TYPE_CHECKING:
    from kqlmagic_ext.packs.documents import Entry

KEYS = ("name", "description", "tactics", "techniques", "timespan", "entities", "parameters", "tests")
_FENCE = re.compile(r"//[ ]?---[ \t]*\r?")


def parse_kql(content: str, file: str, stem: str) -> SavedQuery:
    """The query of a `.kql` file; without front matter, the text alone. Raises QueryError with file and line."""
    lines = content.split("\n")
    if not _FENCE.fullmatch(lines[0]):
        return SavedQuery(stem, content, origin=Origin(file))
    end = next((at for at, line in enumerate(lines) if at and _FENCE.fullmatch(line)), None)
    if end is None:
        raise wrong(file, 1, "the front matter is not closed: a second line `// ---` is missing")
    text = "\n".join(_uncommented(line, file, at) for at, line in enumerate(lines[1:end], 2))
    root = read_yaml(text, file, above=1)
    found = root.items(*KEYS, what="front matter") if root is not None else {}
    return _saved(found, "\n".join(lines[end + 1 :]), stem, Origin(file, end + 2))


def _uncommented(line: str, file: str, number: int) -> str:
    line = line.removesuffix("\r")
    if not line.startswith("//"):
        raise wrong(file, number, "a line of the front matter begins with //, and a line `// ---` ends it")
    return line[2:].removeprefix(" ")


def _saved(found: dict[str, Entry], text: str, stem: str, origin: Origin) -> SavedQuery:
    declared = found["parameters"].items() if "parameters" in found else {}
    parameters = {name: _parameter(name, entry) for name, entry in declared.items()}
    return SavedQuery(
        name=found["name"].text() if "name" in found else stem,
        text=text,
        description=found["description"].text() if "description" in found else "",
        parameters=tuple(parameters.values()),
        tactics=found["tactics"].texts() if "tactics" in found else (),
        techniques=found["techniques"].texts() if "techniques" in found else (),
        timespan=read_timespan(found["timespan"]) if "timespan" in found else None,
        entities=tuple(map(_entity, found["entities"].listed())) if "entities" in found else (),
        tests=read_tests(found["tests"], parameters) if "tests" in found else (),
        origin=origin,
    )


def _parameter(name: str, entry: Entry) -> Parameter:
    """`host: string`, or its type, default and description under keys."""
    if not NAME.fullmatch(name):
        raise entry.wrong(f"{name!r} is no name of a parameter (ASCII letters, digits and _)")
    found = entry.items("type", "default", "description") if entry.is_mapping else {"type": entry}
    kind = found["type"].text() if "type" in found else ""
    if kind not in (*TYPES, TABLE):
        raise entry.wrong(f"{name} wants a type, one of {', '.join(TYPES)} or {TABLE}")
    if kind == TABLE and "default" in found:
        raise found["default"].wrong(f"{name} is a table, which has no default")
    default = found["default"].value(kind) if "default" in found else None
    return Parameter(name, kind, default, found["description"].text() if "description" in found else "")


def _entity(entry: Entry) -> Entity:
    found = entry.items("type", "identifier", "column", what="an entity")
    if len(found) < len(("type", "identifier", "column")):
        raise entry.wrong("an entity has a type, an identifier and a column")
    return Entity(*(found[key].text() for key in ("type", "identifier", "column")))


def read_timespan(entry: Entry) -> str:
    """A timespan as it is written; QueryError when it is none."""
    try:
        Timespan.parse(entry.text())
    except ValueError as error:
        raise entry.wrong(str(error)) from error
    return entry.text()
