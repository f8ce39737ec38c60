"""A query between reading and SQL: what duckdb-kql would answer wrongly is refused or said, and slow forms are changed.

A wrong answer is worse than a refusal: what stands here was seen to answer otherwise than KQL does (duckdb-kql 1.1.2).
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.corrections import render_literal
from kqlmagic_ext.connections.local.diagnosis import PLACE, Source
from kqlmagic_ext.connections.local.dialect import ir
from kqlmagic_ext.connections.local.tree import nodes
from kqlmagic_ext.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_NEEDLES = 1000
_USUAL = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?")
_FINER = re.compile(r"\.\d{6}\d*[1-9]")


def refuse_wrong(query: ir.Query, source: Source) -> None:
    """Raise UnsupportedError for what would be answered wrongly."""
    named = {node.name: node.expr for node in nodes(query) if isinstance(node, ir.NamedExpr)}
    for node in nodes(query):
        if isinstance(node, ir.Literal):
            _refuse_finer(node, source)
            _refuse_unread(node, source)
        elif isinstance(node, ir.FunctionCall):
            _refuse_function(node, named, source)


def _refuse_finer(literal: ir.Literal, source: Source) -> None:
    text = str(literal.value)
    if literal.kind in ("datetime", "timespan") and _FINER.search(text):
        at = source.text.find(text)
        said = f"{PLACE} keeps microseconds, and {literal.kind}({text}) is finer"
        raise UnsupportedError(said, construct=literal.kind, **source.place(None if at < 0 else at))


def _refuse_unread(literal: ir.Literal, source: Source) -> None:
    """A `datetime(…)` that the engine cannot read would be null, without a word."""
    if literal.kind == "datetime" and isinstance(literal.value, str) and not _is_moment(literal.value):
        at = source.text.find(literal.value)
        said = f"{PLACE} cannot read datetime({literal.value})"
        place = source.place(at if literal.value and at >= 0 else None)
        raise UnsupportedError(
            said, construct="datetime", hint="write it as datetime(2026-01-31 12:00)", **place
        )


@functools.lru_cache(_MOST_NEEDLES)
def _is_moment(text: str) -> bool:
    """Whether the engine reads it, which it alone knows of any other form than the usual one."""
    if _USUAL.fullmatch(text):
        try:
            return bool(datetime.fromisoformat(text))
        except ValueError:
            return False
    import duckdb

    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT {render_literal(ir.Literal(text, 'datetime'))} IS NOT NULL"
        ).fetchone()
    return found == (True,)


def _refuse_function(call: ir.FunctionCall, named: Mapping[str | None, Any], source: Source) -> None:
    by_time = len(call.args) > 1 and isinstance(call.args[1], ir.Literal) and call.args[1].kind == "timespan"
    if call.name in ("bin", "floor") and by_time and _is_difference(call.args[0], named):
        why = "makes a datetime of a difference of times; divide it first, as in bin((b - a) / 1h, 1)"
        said = f"{PLACE} cannot run this {call.name}() yet: it {why}"
        raise UnsupportedError(said, construct=f"{call.name}()", **source.named(call.name))


def _is_difference(node: Any, named: Mapping[str | None, Any]) -> bool:
    """Whether the node is `a - b` without a length of time as b, or a column that the query makes of one."""
    if isinstance(node, ir.ColumnRef):
        node = named.get(node.name)
    is_minus = isinstance(node, ir.BinaryOp) and node.op == "-"
    return is_minus and not (isinstance(node.right, ir.Literal) and node.right.kind == "timespan")


def with_constant_needles(query: ir.Query, values: Mapping[str, Any]) -> ir.Query:
    """The query with the lists of `has_any` and `has_all` as constants.

    A bound list is split and compiled anew for every row: some 40 times slower over a few words. It enters as a JSON
    literal of the translator, never as text of the query.
    """
    rebuilt: ir.Query = _rebuild(query, values, {}, inside=False)
    return rebuilt


def _rebuild(node: Any, values: Mapping[str, Any], memo: dict[tuple[int, bool], Any], *, inside: bool) -> Any:
    """The node with dynamic parameters as literals wherever they stand in the items of a HasList (`inside`)."""
    if isinstance(node, (tuple, list)):
        return type(node)(_rebuild(item, values, memo, inside=inside) for item in node)
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return node
    key = (id(node), inside)
    if key not in memo:
        memo[key] = _rebuilt(node, values, memo, inside=inside)
    return memo[key]


def _rebuilt(node: Any, values: Mapping[str, Any], memo: dict[tuple[int, bool], Any], *, inside: bool) -> Any:
    constant = _constant(node, values) if inside else None
    if constant is not None:
        return constant
    changes = {}
    for field in dataclasses.fields(node):
        before = getattr(node, field.name)
        within = inside or (isinstance(node, ir.HasList) and field.name == "items")
        after = _rebuild(before, values, memo, inside=within)
        if after is not before and after != before:
            changes[field.name] = after
    return dataclasses.replace(node, **changes) if changes else node


def _constant(node: Any, values: Mapping[str, Any]) -> ir.Literal | None:
    """The list as a literal: a bound one, or `pack_array` of literals; None for any other node."""
    if isinstance(node, ir.Parameter) and node.kind == "dynamic":
        text = values.get(node.name)
        return (
            ir.Literal(text, "dynamic")
            if text is not None and len(json.loads(text)) <= _MOST_NEEDLES
            else None
        )
    if isinstance(node, ir.FunctionCall) and node.name == "pack_array":
        items = [arg.value for arg in node.args if isinstance(arg, ir.Literal) and arg.kind == "string"]
        return ir.Literal(json.dumps(items), "dynamic") if len(items) == len(node.args) else None
    return None
