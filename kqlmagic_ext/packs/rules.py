"""Microsoft Sentinel's analytics and hunting rules in YAML, as saved queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqlmagic_ext.packs.documents import read_yaml
from kqlmagic_ext.packs.kql_file import read_timespan
from kqlmagic_ext.packs.saved import Entity, Origin, SavedQuery, wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kqlmagic_ext.packs.documents import Entry


def parse_rule(content: str, file: str, stem: str) -> SavedQuery:
    """The query of a rule; `queryPeriod` is the window that it proposes. Raises QueryError with file and line."""
    root = read_yaml(content, file)
    found = root.items(what="a rule") if root is not None else {}
    if "query" not in found:
        raise wrong(file, root.line if root is not None else None, "there is no `query`, so this is no rule")
    text = found["query"].text()
    if not text.strip():
        raise found["query"].wrong("the `query` is empty")
    return SavedQuery(
        name=found["name"].text().strip() if "name" in found else stem,
        text=text,
        description=found["description"].text().strip() if "description" in found else "",
        tactics=found["tactics"].texts() if "tactics" in found else (),
        techniques=found["relevantTechniques"].texts() if "relevantTechniques" in found else (),
        timespan=read_timespan(found["queryPeriod"]) if "queryPeriod" in found else None,
        entities=tuple(_entities(found["entityMappings"])) if "entityMappings" in found else (),
        origin=_origin(found["query"], content),
    )


def _entities(entry: Entry) -> Iterator[Entity]:
    for mapping in entry.listed():
        found = mapping.items(what="an entity mapping")
        kind = found["entityType"].text() if "entityType" in found else ""
        for field in found["fieldMappings"].listed() if "fieldMappings" in found else []:
            named = field.items(what="a field mapping")
            if not {"identifier", "columnName"} <= set(named):
                raise field.wrong("a field mapping has an identifier and a columnName")
            yield Entity(kind, named["identifier"].text(), named["columnName"].text())


def _origin(query: Entry, content: str) -> Origin:
    """Where the text stands: in a literal block (`|`) each of its lines is a line of the file, by so much indented."""
    lines, text = content.split("\n"), str(query.node.value).split("\n")
    for at, line in enumerate(text):
        row = query.line + at
        written = lines[row].rstrip("\r") if row < len(lines) else ""
        if query.node.style == "|" and line.strip() and written.endswith(line):
            return Origin(query.file, query.line + 1, len(written) - len(line))
        if line.strip():
            break
    return Origin(query.file, None)
