"""Real queries that others wrote, beside the repository, and the words in them that an analyst would have typed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kqlmagic_ext.kql.tokens import code
from kqlmagic_ext.kql.words import KEYWORDS, OPERATORS

SHARED = Path(__file__).parents[3] / "shared"
if not SHARED.is_dir() and os.environ.get("KQLMAGIC_SHARED"):
    SHARED = Path(os.environ["KQLMAGIC_SHARED"])
INFIX = frozenset(
    [
        "has",
        "has_cs",
        "hasprefix",
        "hassuffix",
        "contains",
        "contains_cs",
        "startswith",
        "startswith_cs",
        "endswith",
        "endswith_cs",
        "in",
        "between",
        "has_any",
        "has_all",
        "matches",
        "and",
        "or",
    ]
)
_NO_COLUMNS = frozenset(
    [
        "kind",
        "hint",
        "strategy",
        "withsource",
        "isfuzzy",
        "by",
        "on",
        "asc",
        "desc",
        "nulls",
        "first",
        "last",
        "with",
        "from",
        "to",
        "step",
        "typeof",
        "inner",
        "leftouter",
        "rightouter",
        "fullouter",
        "innerunique",
        "leftanti",
        "rightanti",
        "leftsemi",
        "rightsemi",
        "shuffle",
        "broadcast",
        "true",
        "false",
        "True",
        "False",
        "null",
        "let",
        "of",
        "bagexpansion",
        "with_itemindex",
        "flags",
        "relaxed",
        "simple",
        "regex",
        "default",
        "ignoreFirstRecord",
        "format",
        "h",
        "view",
        "type",
        "int",
        "long",
        "real",
        "string",
        "guid",
        "datetime",
        "timespan",
        "bool",
        "dynamic",
        "double",
        "decimal",
        "remote",
        "shufflekey",
        "num_partitions",
        "others",
        "granny",
        "desc",
        "asc",
        "query_parameters",
        "declare",
        "set",
        "access",
        "restrict",
    ]
)
_NEITHER = frozenset(
    ("and", "or", "in", "on", "by", "with", "has_any", "has_all", "between", "typeof", "to", "from", "as")
)


@dataclass(frozen=True)
class Typed:
    """A word of a query: its kind (operator, function, table or column) and where it stands."""

    kind: str
    text: str
    start: int


def queries() -> list[dict[str, Any]]:
    """All queries of the corpus; skips where the folder is not there, which in CI is a failure."""
    path = SHARED / "corpus" / "sentinel_dev.jsonl"
    if not path.is_file():
        reason = f"the queries are not beside the repository: no {path.name} in {path.parent.name}"
        if os.environ.get("KQLMAGIC_CI"):
            pytest.fail(reason)
        pytest.skip(reason)  # the queries are not this project's to carry; CI fails in the line above
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def typed_words(query: str, tables: list[str]) -> Iterator[Typed]:
    """The operators, functions, tables and columns of at least two letters; names where they are defined are left out."""
    words = code(query)
    texts = [word.text for word in words]
    operator, is_parsing = "", False
    defined = set(_assigned_together(texts))
    for at, word in enumerate(words):
        before = texts[at - 1] if at else ""
        behind = texts[at + 1] if at + 1 < len(words) else ""
        if word.kind != "name" or len(word.text) < 2:
            if word.text in (";", "|"):
                operator, is_parsing = "", False
            continue
        is_parsing = is_parsing or (operator.startswith("parse") and word.text == "with")
        if before == "|":
            found = re.match(r"[a-z][a-z-]*[a-z]", query[word.start :])
            operator = found[0] if found else ""
            if operator in OPERATORS:
                yield Typed("operator", operator, word.start)
            continue
        if before == "-" and texts[at - 3 : at - 2] == ["|"]:
            continue  # the second half of an operator's name
        is_defined = behind == "=" and texts[at + 2 : at + 3] not in (["="], ["~"])
        is_source = before == "=" and texts[at - 2] in ("withsource", "with_source", "with_itemindex")
        is_defined = is_defined or is_source or behind == ":" or before in (":", ".", "as", "let", "range")
        if is_defined or is_parsing or at in defined or operator == "render":
            continue
        if word.text in INFIX:
            yield Typed("operator", word.text, word.start)
        elif behind == "(" and word.text not in OPERATORS and word.text not in _NO_COLUMNS | _NEITHER:
            yield Typed("function", word.text, word.start)
        elif word.text in tables:
            yield Typed("table", word.text, word.start)
        elif word.text not in KEYWORDS and word.text not in _NO_COLUMNS and word.text not in OPERATORS:
            yield Typed("column", word.text, word.start)


def _assigned_together(texts: list[str]) -> Iterator[int]:
    """The places of the names in `(a, b) = …`."""
    opened: list[int] = []
    for at, text in enumerate(texts):
        if text == "(":
            opened.append(at)
        elif text == ")" and opened:
            start = opened.pop()
            if texts[at + 1 : at + 2] == ["="] and texts[at + 2 : at + 3] not in (["="], ["~"]):
                yield from range(start, at)
