"""What was probably left out or written twice where a query cannot be read, by its text alone."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from kqlmagic_ext.errors import QueryError
from kqlmagic_ext.kql.language_service.language import words
from kqlmagic_ext.kql.statements import without_semicolon
from kqlmagic_ext.kql.tokens import code, split

if TYPE_CHECKING:
    from kqlmagic_ext.connections.local.diagnosis import Source

_WANTED = {
    "take": ("a number of rows", "take 10"),
    "limit": ("a number of rows", "limit 10"),
    "sample": ("a number of rows", "sample 10"),
    "top": ("a number of rows and by", "top 5 by TimeGenerated"),
    "where": ("a condition", "where isnotempty(Computer)"),
    "filter": ("a condition", "filter isnotempty(Computer)"),
    "extend": ("a column and its value", "extend Day = bin(TimeGenerated, 1d)"),
    "project": ("columns", "project TimeGenerated"),
    "project-away": ("columns", "project-away TenantId"),
    "project-rename": ("a new name and a column", "project-rename When = TimeGenerated"),
    "distinct": ("columns, or *", "distinct Computer"),
    "sort": ("by and a column", "sort by TimeGenerated"),
    "order": ("by and a column", "order by TimeGenerated"),
    "join": ("a table and on", "join (SecurityEvent) on Computer"),
    "union": ("a table", "union SecurityEvent"),
    "mv-expand": ("a column", "mv-expand Entities"),
}
_FUNCTIONS = ("function", "aggregate", "window", "tabular", "plugin", "keyword")


def missing_semicolon(source: Source, offset: int) -> QueryError | None:
    """The error for a `let` that runs on into the statement at an offset, the next line's; None when none does."""
    if without_semicolon(source.text) != offset:
        return None
    return QueryError(
        "a ; is missing before this", hint="each let ends with one", syntax=True, **source.place(offset)
    )


def incomplete(word: str, source: Source, offset: int) -> QueryError | None:
    """The error for an operator at an offset that has no table before it, no arguments, or no `by`."""
    before, place = code(source.text[:offset]), source.place(offset)
    if [token.text for token in before[-2:]] in (["|"], [";", "|"]):
        hint = f"begin with one, such as SigninLogs | {word}"
        return QueryError("no table stands before the first |", hint=hint, syntax=True, **place)
    if word == "|":
        said = "no operator stands between this | and the one before"
        return QueryError(said, hint="take one of them away", syntax=True, **place)
    wanted, example = _WANTED.get(word, ("", ""))
    rest = source.text[offset + len(word) :]
    arguments = [token.text for token in code(rest[slice(*split(rest, "|")[0])]) if token.text != ";"]
    if wanted and not arguments:
        said = f"this {word} says nothing"
        return QueryError(said, hint=f"it wants {wanted}, as in {example}", syntax=True, **place)
    if word in ("top", "sort", "order") and "by" not in arguments:
        return QueryError(f"this {word} has no by", hint=f"write it as in {example}", syntax=True, **place)
    return None


def wrong_call(name: str, source: Source) -> str | None:
    """What is wrong with a call that KQL itself does not know: its name, or how many values it is given."""
    known = words(*_FUNCTIONS).get(name)
    if known is None:
        return f"there is no function {name}()"
    inside = known.signature.partition("(")[2].rpartition(")")[0]
    most = len(inside.split(",")) if inside else 0
    given = _most_given(name, source.text)
    if "…" in inside or given <= most:
        return None
    return f"{name}() takes {most or 'no'} value{'s' * (most != 1)}, not {given}: {known.signature}"


def _most_given(name: str, text: str) -> int:
    """How many values the longest call of a name has."""
    found, tokens = 0, code(text)
    for token, behind in itertools.pairwise(tokens):
        if token.text == name and behind.text == "(":
            inside = text[behind.end : _close(text, behind.start)]
            found = max(found, len(split(inside, ",")) if code(inside) else 0)
    return found


def _close(text: str, start: int) -> int:
    """The offset of the parenthesis that closes the one at an offset."""
    depth = 0
    for token in code(text[start:]):
        depth += (token.text in ("(", "[", "{")) - (token.text in (")", "]", "}"))
        if depth == 0:
            return start + token.start
    return len(text)
