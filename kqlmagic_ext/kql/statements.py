"""The statements of a query text: what is asked, what only prepares it, how the answer wants to be drawn."""

from __future__ import annotations

import itertools
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import QueryError
from kqlmagic_ext.kql.inside import NotLiteral, string_value
from kqlmagic_ext.kql.literals import literal_of
from kqlmagic_ext.kql.parameters import RESERVED
from kqlmagic_ext.kql.prelude import lift
from kqlmagic_ext.kql.tokens import code, place, split, tokens
from kqlmagic_ext.kql.words import KEYWORDS
from kqlmagic_ext.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kqlmagic_ext.kql.tokens import Token

_PREPARING = {"let", "set", "declare", "alias", "restrict"}
_BEGINNING = {"print", "range", "union", "search", "find", "datatable", "externaldata", "let"}
_KINDS = {
    "inner",
    "innerunique",
    "leftouter",
    "rightouter",
    "fullouter",
    "leftanti",
    "leftsemi",
    "rightanti",
    "rightsemi",
}
# Words behind which, or with which, a statement runs on in the next line.
_RUNS_ON = (KEYWORDS - _BEGINNING) | _KINDS | {"on", "matches", "nulls"}
_LITERALS = {
    "bool",
    "boolean",
    "datetime",
    "date",
    "timespan",
    "time",
    "int",
    "long",
    "real",
    "double",
    "decimal",
    "dynamic",
}
_VALUES = (
    "title",
    "xtitle",
    "ytitle",
    "xmin",
    "xmax",
    "ymin",
    "ymax",
)  # properties that KQL lets be any scalar
_CONVERTING = {"date": "datetime", "time": "timespan", "boolean": "bool"}
_LITERAL_WORDS = {"null", "true", "false", "nan", "inf"}


def tabular_statements(text: str) -> list[str]:
    """One text a statement that gives a table: the other tabular statements are blanked out, so that every offset stays.

    Raises
    ------
    QueryError
        When nothing is asked: no text, only comments, only `let` statements; or a management command.
    """
    spans = [span for span in split(text, ";") if code(text[span[0] : span[1]])]
    asking = [span for span in spans if code(text[span[0] : span[1]])[0].text not in _PREPARING]
    if not spans:
        raise QueryError("the cell holds no query, only comments" if "//" in text else "there is no query")
    if not asking:
        if (missing := without_semicolon(text)) is not None:
            said = "a ; is missing before this"
            raise QueryError(said, hint="each let ends with one", syntax=True, **place(text, missing))
        raise QueryError(
            "the query is only let statements, so it answers nothing",
            hint="add what it should give, such as the name of the last let",
        )
    _refuse_commands(text, asking)
    return [_only(text, span, asking) for span in asking]


def without_semicolon(text: str) -> int | None:
    """Where the next statement begins on a line of its own behind a `let` that no `;` ends; None when each ends."""
    for start, end in split(text, ";"):
        tokens = code(text[start:end])
        depth = 0
        for token, behind in itertools.pairwise(tokens) if _is_let(tokens) else ():
            depth += (token.text in ("(", "[", "{")) - (token.text in (")", "]", "}"))
            is_next_line = "\n" in text[start + token.end : start + behind.start]
            is_ended = token.kind != "mark" or token.text in (")", "]", "}")
            begins = behind.kind == "name" and behind.text not in _RUNS_ON
            if depth == 0 and is_next_line and is_ended and begins and token.text not in _RUNS_ON:
                return start + behind.start
    return None


def _is_let(tokens: Sequence[Token]) -> bool:
    """Whether the statement is a `let`; one with `parse` is left alone, whose names and texts run over lines."""
    words = [token.text for token in tokens]
    return words[:1] == ["let"] and not {"parse", "parse-where"} & set(words)


def _refuse_commands(text: str, spans: list[tuple[int, int]]) -> None:
    for start, end in spans:
        first = code(text[start:end])[0]
        if first.text == ".":
            said = "a management command (it starts with a dot) is no query; Log Analytics has none"
            raise QueryError(said, **place(text, start + first.start))


def _only(text: str, kept: tuple[int, int], asking: list[tuple[int, int]]) -> str:
    """The text with all of `asking` but `kept` as blanks, up to and with their semicolons."""
    for start, end in asking:
        if (start, end) != kept:
            blanks = "".join(char if char == "\n" else " " for char in text[start : end + 1])
            text = text[:start] + blanks + text[end + 1 :]
    return text


def find_slips(text: str) -> tuple[str, ...]:
    """What to warn of; raises QueryError for two slips that would give a wrong answer without a word.

    `where column = value` gives a name to the value: as KQL, `= true` keeps all rows, which is said, and any other value
    is refused. `datetime(name)` would be null, since `datetime(…)` takes a literal.
    """
    words, warnings = code(text), []
    for at in range(1, len(words) - 1):
        before, word, after = words[at - 1 : at + 2]
        named = before.kind == "name" and at > 1 and words[at - 2].text in ("where", "filter")
        if word.text == "=" and named and after.text not in "=~":
            if after.text != "true":
                raise QueryError(
                    "where compares with == (or =~), and = gives a name", **place(text, word.start)
                )
            warnings.append(f"where {before.text} = true keeps all rows: = gives a name, == compares")
        is_literal = before.text in _LITERALS and word.text == "(" and after.kind == "name"
        if is_literal and after.text not in _LITERAL_WORDS:
            said = f"{before.text}(…) takes a literal, and {after.text.removeprefix('_in_')!r} is none"
            raise QueryError(
                said,
                hint=f"write to{_CONVERTING.get(before.text, before.text)}(…)",
                **place(text, before.start),
            )
    return tuple(warnings)


def preview(text: str, limit: int) -> str:
    """The text with `| take limit` at the end of each tabular statement, before a `render`; no line moves."""
    for start, end in reversed(split(text, ";")):
        words = code(text[start:end])
        if not words or words[0].text in _PREPARING:
            continue
        pipe = split(text[start:end], "|")[-1][0] - 1
        drawn = [word.text for word in words if word.start > pipe][:1] == ["render"]
        kept = [word for word in words if word.start < pipe] if drawn and pipe > 0 else words
        at = start + kept[-1].end
        text = f"{text[:at]} | take {limit}{text[at:]}"
    return text


def render_clause(text: str, values: Mapping[str, Value] | None = None) -> Mapping[str, Any] | None:
    """`{"visualization": "timechart", "title": "…", …}` of a statement that ends in `render`, None of any other.

    The properties stand under their names in lower case: kind (such as stacked), title, xtitle, ymin … `values`: the
    query's parameters, which like the literals of `let` may be a title or a bound.
    """
    first, last = split(text.rstrip().rstrip(";"), ";")[-1]
    statement = text[first:last]
    start, end = split(statement, "|")[-1]
    words = code(statement[start:end])
    if len(words) < 2 or words[0].text != "render":  # noqa: PLR2004 - the word and the kind
        return None
    inside = [statement[start:end][a:b] for a, b in _properties(statement[start:end])]
    pairs = _pairs(inside)
    known: dict[str, Any] = {}
    if any(pairs.get(name, "").strip().isidentifier() for name in _VALUES):
        known = {
            **lift(text).values,
            **{name.removeprefix(RESERVED): given for name, given in (values or {}).items()},
        }
    found = {name: _plain(value, known if name in _VALUES else {}) for name, value in pairs.items()}
    return MappingProxyType({"visualization": words[1].text, **found})


def _pairs(parts: list[str]) -> dict[str, str]:
    """Names and values of `name=value`; a part without a name belongs to the list before it, as in `ycolumns=a, b`."""
    found: dict[str, str] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        if equals:
            found[name.strip().lower()] = value
        elif found:
            last = next(reversed(found))
            found[last] += f", {part.strip()}"
    return found


def _properties(clause: str) -> list[tuple[int, int]]:
    """The spans of `name=value` between the parentheses of `with (…)`."""
    opening, closing = clause.find("("), clause.rfind(")")
    if opening < 0 or closing < opening:
        return []
    return [(opening + 1 + a, opening + 1 + b) for a, b in split(clause[opening + 1 : closing], ",") if b > a]


def _plain(value: str, known: Mapping[str, Any]) -> str:
    """A property's value without white space; the text of a string, and of a name whose value is known."""
    value = value.strip()
    named = known.get(value.removeprefix(RESERVED))
    if isinstance(named, Value):
        return _told(named)
    try:
        return string_value(value) if [token.kind for token in tokens(value)] == ["string"] else value
    except NotLiteral:
        return value


def _told(value: Value) -> str:
    if value.plain is None or value.type == "string":
        return value.plain or ""
    written = literal_of(value)
    return written[len(value.type) + 1 : -1] if written.startswith(f"{value.type}(") else written
