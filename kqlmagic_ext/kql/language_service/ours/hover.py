"""What a word of a query is, for Shift-Tab."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kqlmagic_ext.kql.known_tables import known_tables
from kqlmagic_ext.kql.language_service import Hover
from kqlmagic_ext.kql.language_service.language import language, words
from kqlmagic_ext.kql.language_service.ours.choices import choice
from kqlmagic_ext.kql.language_service.ours.expressions import TYPES
from kqlmagic_ext.kql.language_service.ours.scope import Columns, Function

if TYPE_CHECKING:
    from kqlmagic_ext.kql.language_service import Schema
    from kqlmagic_ext.kql.language_service.language import Word
    from kqlmagic_ext.kql.language_service.ours.code import Code
    from kqlmagic_ext.kql.language_service.ours.place import Place

_SITE = "https://learn.microsoft.com"
_WORD = re.compile(r"!?[A-Za-z_$][\w]*(?:-[A-Za-z_]\w*)*~?|\['[^'\n]*'\]|\[\"[^\"\n]*\"\]")
_SHOWN_COLUMNS = 8
_CALLED = ("function", "aggregate", "window", "tabular", "plugin", "keyword")


def word_at(text: str, cursor: int) -> tuple[int, str] | None:
    """The word around an offset, with its start: a name, an operator with hyphens, `!has`, `in~` or `['a name']`."""
    line = text.rfind("\n", 0, cursor) + 1
    end = text.find("\n", cursor)
    for match in _WORD.finditer(text, line, len(text) if end < 0 else end):
        if match.start() <= cursor <= match.end():
            if "-" in match[0] and match[0] not in language()["operator"]:
                return _part_at(match, cursor)
            return match.start(), match[0]
    return None


def _part_at(match: re.Match[str], cursor: int) -> tuple[int, str]:
    """The name around the cursor in what is a subtraction."""
    start = match.start()
    for part in match[0].split("-"):
        if start <= cursor <= start + len(part):
            return start, part
        start += len(part) + 1
    return match.start(), match[0]


def describe(word: str, behind: str, code: Code, place: Place, schema: Schema) -> Hover | None:
    """What a word is at the place before it; `behind`: the character that follows it."""
    name = word[2:-2] if word.startswith("[") else word
    before = code.word(len(code) - 1)
    if before == "|" or place.wants == "operator":
        return _fact(language()["operator"].get(name))
    if before == ".":
        return _below(name, code, place)
    if place.operator == "render" or before == "=" or behind == "=":
        option = code.word(len(code) - 2) if before == "=" else ""
        is_property = place.bracket is not None
        chosen = choice(name, option, place.operator, f"{_SITE}/kusto/query", is_property=is_property)
        if chosen is not None:
            return chosen
    if behind == "(":
        return _call(name, place)
    found = _column(name, place.columns) or _named(name, place) or _table(name, schema)
    if found is None and place.right is not None:
        found = _column(name, place.right)
    if found is None and place.wants in ("statement", "source", "value"):
        found = _fact(language()["operator"].get(name))
    if found is None:
        infix = "matches regex" if name in ("matches", "regex") else name
        found = _fact(words("infix", "keyword").get(infix)) or _type(name) or _call(name, place)
    return found


def call_around(code: Code, place: Place) -> Hover | None:
    """The function in whose parentheses the end of a text stands."""
    for bracket in reversed(code.unclosed):
        if code.words[bracket] == "(" and code.is_name(bracket - 1):
            found = _call(code.words[bracket - 1], place)
            if found is not None:
                return found
    return None


def _fact(word: Word | None) -> Hover | None:
    if word is None:
        return None
    kind = {"infix": "operator", "operator": "operator", "keyword": "keyword"}.get(word.kind, "function")
    gives = word.gives if word.gives in TYPES or word.gives == "table" else ""
    signature = f"{word.signature}: {gives}" if gives else word.signature
    return Hover(word.name, kind, signature, word.sentence, word.address)


def _call(name: str, place: Place) -> Hover | None:
    bound = place.names.lets.get(name)
    if isinstance(bound, Function):
        gives = "table" if isinstance(bound.gives, Columns) else bound.gives
        signature = f"{name}{bound.parameters}" + (f": {gives}" if gives else "")
        return Hover(
            name, "function", signature, "A function that let names in this query.", _page("let-statement")
        )
    aggregating = place.operator in ("summarize", "make-series", "top-nested")
    order = ("aggregate", *_CALLED) if aggregating else _CALLED
    return _fact(words(*order).get(name)) or _fact(language()["infix"].get(name))


def _column(name: str, columns: Columns) -> Hover | None:
    if name not in columns.types:
        return None
    kind = columns.types[name]
    page = _page(f"scalar-data-types/{kind}") if kind else ""
    signature = f"{name}: {kind}" if kind else name
    return Hover(name, "field", signature, "A column of the table at this step.", page)


def _named(name: str, place: Place) -> Hover | None:
    bound = place.names.lets.get(name)
    if isinstance(bound, Columns):
        return _tabular(name, bound, "variable", "A table that this query names.", _page("let-statement"))
    if isinstance(bound, str):
        signature = f"{name}: {bound}" if bound else name
        return Hover(
            name, "variable", signature, "A value or parameter that this query names.", _page("let-statement")
        )
    return None if bound is None else _call(name, place)


def _table(name: str, schema: Schema) -> Hover | None:
    if name not in schema.tables:
        return None
    is_known = name in known_tables()  # a table of the workspace's own, or a frame, has no page
    page = f"{_SITE}/azure/azure-monitor/reference/tables/{name.casefold()}" if is_known else ""
    columns = Columns(schema.tables[name])
    sentence = (
        f"A table of {len(columns.types)} columns." if columns.types else "A table that was not read yet."
    )
    return _tabular(name, columns, "class", sentence, page)


def _tabular(name: str, columns: Columns, kind: str, sentence: str, page: str) -> Hover:
    shown = [f"{column}: {type_}" if type_ else column for column, type_ in columns.types.items()]
    more = [f"… {len(shown)} columns"] if len(shown) > _SHOWN_COLUMNS else []
    return Hover(name, kind, f"{name}({', '.join([*shown[:_SHOWN_COLUMNS], *more])})", sentence, page)


def _below(name: str, code: Code, place: Place) -> Hover | None:
    root = code.word(len(code) - 2)
    if root == "$right":
        return _column(name, place.right or Columns())
    if root == "$left":
        return _column(name, place.columns)
    return Hover(
        name, "property", f"{name}: dynamic", "A key of a dynamic value.", _page("scalar-data-types/dynamic")
    )


def _type(name: str) -> Hover | None:
    if name not in TYPES:
        return None
    return Hover(name, "keyword", name, "A type of KQL.", _page(f"scalar-data-types/{TYPES[name]}"))


def _page(path: str) -> str:
    return f"{_SITE}/kusto/query/{path}"
