"""Where words and patterns stand in a text, the parts of a query string, the paths of a bag, how alike two sets are."""

from __future__ import annotations

import json
from typing import Any

from kqlmagic_ext.connections.local.functions.arrays import items
from kqlmagic_ext.connections.local.functions.forms import add, add_special, once
from kqlmagic_ext.connections.local.functions.in_python import python_sql
from kqlmagic_ext.connections.local.private_copy import errors, ir, translate

_MARK = "chr(57344)"  # no letter of any language
_EMPTY = "indexof_regex(): the embedded workspace does not count where a pattern matches no letter at all"
_TWO_EMPTY = "jaccard_index(): the embedded workspace does not know how alike two empty sets are"


def _elements(array: str) -> str:
    """The elements; a null that is written out is a list without a type to DuckDB."""
    return f"CAST({items(array)} AS JSON[])"


def _indexof_regex(node: Any) -> str:
    """The matches are marked, so that the letters before one can be counted: RE2 tells no positions."""
    if not 2 <= len(node.args) <= 5:  # noqa: PLR2004 - text, pattern, start, length, occurrence
        raise errors.KqlUnsupportedError("function:indexof_regex")
    text = translate.render_kql_tostring(node.args[0])
    pattern = translate.render_regex(node.args[1])
    defaults = ("0", "-1", "1")
    given = [f"CAST({translate.render_expr(arg)} AS BIGINT)" for arg in node.args[2:]]
    start, length, occurrence = (*given, *defaults[len(given) :])
    packed = f"struct_pack(t := {text}, p := {pattern}, f := {start}, l := {length}, n := {occurrence})"
    part = "CASE WHEN g.l < 0 THEN substr(g.t, g.f + 1) ELSE substr(g.t, g.f + 1, g.l) END"
    before = f"list_sum(list_transform(string_split(regexp_replace(s, g.p, {_MARK}, 'g'), {_MARK})[:g.n], lambda w: length(w)))"
    matched = "coalesce(list_sum(list_transform(m[:g.n - 1], lambda w: length(w))), 0)"
    found = once(
        "regexp_extract_all(s, g.p)",
        "m",
        f"CASE WHEN list_contains(m, '') OR contains(s, {_MARK}) THEN error('{_EMPTY}') "
        f"WHEN len(m) < g.n THEN -1 ELSE CAST(g.f + {before} + {matched} AS BIGINT) END",
    )
    body = f"CASE WHEN g.f >= 0 AND g.l >= -1 AND g.n >= 1 THEN {once(part, 's', found)} END"
    return once(packed, "g", body)


def _has_any_index(node: Any) -> str:
    """The place of the first word that the text has; -1 for none."""
    if len(node.args) != 2:  # noqa: PLR2004 - the text, the words
        raise errors.KqlUnsupportedError("function:has_any_index")
    text = translate.render_kql_tostring(node.args[0])
    there = translate.term_match_sql("s", "coalesce(w ->> '$', '')")
    place = f"coalesce(list_position(list_transform(a, lambda w: {there}), true), 0) - 1"
    found = once(
        _elements(translate.render_expr(node.args[1])), "a", f"CASE WHEN a IS NOT NULL THEN {place} END"
    )
    return once(text, "s", f"CAST({found} AS BIGINT)")


def _parse_urlquery(node: Any) -> str:
    """As parse_url() reads it in a URL."""
    if len(node.args) != 1:
        raise errors.KqlUnsupportedError("function:parse_urlquery")
    url = ir.FunctionCall("strcat", (ir.Literal("https://h/?", "string"), node.args[0]))
    parsed = translate.render_expr(ir.FunctionCall("parse_url", (url,)))
    return f"json_object('Query Parameters', json_extract({parsed}, '/Query Parameters'))"


def _paths(text: str | None) -> str | None:
    """The paths of a bag's or an array's parts, each once; all places of an array are `[0]`."""
    value = json.loads(text or "null")
    return json.dumps(list(dict.fromkeys(_below("", value)))) if isinstance(value, (dict, list)) else None


def _below(path: str, value: Any) -> list[str]:
    parts = value.items() if isinstance(value, dict) else ()
    if any("'" in name or "\\" in name for name, _ in parts):
        raise ValueError("how a quote in a name is written is not known")
    steps = [(f"{path}['{name}']", part) for name, part in parts]
    if isinstance(value, list):
        steps = [(f"{path}[0]", part) for part in value]
    return [each for step, part in steps for each in (step, *_below(step, part))]


def install() -> None:
    """Put them among duckdb-kql's."""
    add_special("indexof_regex", _indexof_regex)
    add_special("has_any_index", _has_any_index)
    add_special("parse_urlquery", _parse_urlquery)
    add("regex_quote", {1: "regexp_escape({0})"}, texts=(0,), gives_text=True)
    paths = python_sql("treepath", _paths, ("VARCHAR",), "VARCHAR")
    add("treepath", {1: f"CAST({paths}(CAST(to_json({{0}}) AS VARCHAR)) AS JSON)"})
    both = "len(list_distinct(list_concat(a, b)))"
    common = "len(list_filter(list_distinct(a), lambda e: list_contains(b, e)))"
    alike = f"CASE WHEN {both} = 0 THEN error('{_TWO_EMPTY}') ELSE {common} / {both} END"
    alike = f"CASE WHEN a IS NOT NULL AND b IS NOT NULL THEN {alike} END"
    add("jaccard_index", {2: once(_elements("{0}"), "a", once(_elements("{1}"), "b", alike))})
