"""Real queries that others wrote, beside the repository, and the words in them that an analyst has typed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kqlmagic_ext.kql.tokens import Token, code
from kqlmagic_ext.kql.words import KEYWORDS, OPERATORS

QUERIES = Path(__file__).parents[3] / "shared" / "corpus" / "sentinel_dev.jsonl"
INFIX = frozenset(
    """has has_cs hasprefix hassuffix contains contains_cs startswith startswith_cs endswith endswith_cs in between has_any
    has_all matches and or""".split()  # noqa: SIM905 - words read better as lines than as a list
)
_NO_COLUMNS = frozenset(
    """kind hint strategy withsource isfuzzy by on asc desc nulls first last with from to step typeof inner leftouter
    rightouter fullouter innerunique leftanti rightanti leftsemi rightsemi shuffle broadcast true false True False null let
    of bagexpansion with_itemindex flags relaxed simple regex default ignoreFirstRecord format h view type int long real
    string guid datetime timespan bool dynamic double decimal remote shufflekey num_partitions others granny
    query_parameters declare set access restrict""".split()  # noqa: SIM905 - the same
)
_NO_FUNCTIONS = frozenset(("on", "by", "with", "typeof", "to", "from", "as", *_NO_COLUMNS, *OPERATORS))
_GIVES_NAME = ("withsource", "with_source", "with_itemindex")


@dataclass(frozen=True)
class Typed:
    """A word of a query: its kind (operator, function, table or column) and where it stands."""

    kind: str
    text: str
    start: int


def queries() -> list[dict[str, Any]]:
    """All queries of the corpus; skips where they are not there, which in CI is a failure."""
    if not QUERIES.is_file():
        reason = f"the queries are not beside the repository: no {QUERIES.name} in {QUERIES.parents[1].name}/corpus"
        if os.environ.get("KQLMAGIC_CI"):
            pytest.fail(reason)
        pytest.skip(reason)  # the queries are not this project's to carry; CI fails in the line above
    return [json.loads(line) for line in QUERIES.read_text("utf-8").splitlines()]


def typed_words(query: str, tables: list[str]) -> Iterator[Typed]:
    """The operators, functions, tables and columns of at least two letters.

    Names where they are defined are left out, such as those before `=`, behind `let` and in the pattern of `parse`.
    """
    words = code(query)
    texts = [word.text for word in words]
    defined = set(_assigned_together(texts))
    operator, is_pattern = "", False
    for at, word in enumerate(words):
        if word.text in ("|", ";"):
            operator, is_pattern = "", False
        elif at and texts[at - 1] == "|":
            operator = _operator_at(query, word.start)
            if operator in OPERATORS:
                yield Typed("operator", operator, word.start)
        elif operator != "render" and not is_pattern and at not in defined and not _is_second_half(texts, at):
            yield from _typed(words, texts, at, tables)
        is_pattern = is_pattern or (operator.startswith("parse") and word.text == "with")


def _typed(words: list[Token], texts: list[str], at: int, tables: list[str]) -> Iterator[Typed]:
    word, behind = words[at], texts[at + 1] if at + 1 < len(texts) else ""
    if word.kind != "name" or len(word.text) <= 1 or _is_defined(texts, at):
        return
    if word.text in INFIX:
        yield Typed("operator", word.text, word.start)
    elif behind == "(":
        if word.text not in _NO_FUNCTIONS:
            yield Typed("function", word.text, word.start)
    elif word.text in tables:
        yield Typed("table", word.text, word.start)
    elif word.text not in (KEYWORDS | _NO_COLUMNS) and word.text not in OPERATORS:
        yield Typed("column", word.text, word.start)


def _operator_at(query: str, start: int) -> str:
    found = re.match(r"[a-z][a-z-]*[a-z]", query[start:])
    return found[0] if found else ""


def _is_second_half(texts: list[str], at: int) -> bool:
    """Whether a word is the second half of an operator's name, such as `mv-expand`."""
    return texts[max(0, at - 3) : at] in (["|", texts[at - 2], "-"], ["|", "project", "-"])


def _is_defined(texts: list[str], at: int) -> bool:
    """Whether a name is given here, or is a key of a dynamic value."""
    before, behind = texts[at - 1] if at else "", texts[at + 1 : at + 3]
    is_assigned = behind[:1] == ["="] and behind[1:] not in (["="], ["~"])
    is_source = before == "=" and texts[at - 2] in _GIVES_NAME
    return is_assigned or is_source or behind[:1] == [":"] or before in (":", ".", "as", "let", "range")


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
