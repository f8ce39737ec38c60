"""Series: arrays of numbers, element by element. What is no number is null, and so is what is missing in the shorter one."""

from __future__ import annotations

from kqlmagic_ext.connections.local.functions.arrays import items
from kqlmagic_ext.connections.local.functions.forms import add, once

_IS_NUMBER = "json_type({e}) IN ('BIGINT', 'UBIGINT', 'DOUBLE')"


def _number(element: str) -> str:
    return f"CASE WHEN {_IS_NUMBER.format(e=element)} THEN TRY_CAST(CAST({element} AS VARCHAR) AS DOUBLE) END"


def _each(body: str) -> str:
    """SQL for each number `v` of one array."""
    inner = once(_number("e"), "v", body)
    return once(
        items("{0}"), "a", f"CASE WHEN a IS NOT NULL THEN to_json(list_transform(a, lambda e: {inner})) END"
    )


def _pairs(body: str) -> str:
    """SQL for the numbers `v` and `w` of two arrays, as long as the longer one."""
    numbers = f"struct_pack(v := {_number('a[i]')}, w := {_number('b[i]')})"
    inner = once(numbers, "p", body)
    listed = f"to_json(list_transform(range(1, greatest(len(a), len(b)) + 1), lambda i: {inner}))"
    sql = f"CASE WHEN a IS NOT NULL AND b IS NOT NULL THEN {listed} END"
    return once(items("{0}"), "a", once(items("{1}"), "b", sql))


def _folded(body: str) -> str:
    """SQL over the list `n` of an array's numbers; null where an element is none."""
    numbers = f"list_transform(a, lambda e: {_number('e')})"
    sql = once(numbers, "n", f"CASE WHEN len(n) = list_count(n) THEN {body} END")
    return once(items("{0}"), "a", f"CASE WHEN a IS NOT NULL THEN {sql} END")


def _filled(found: str) -> str:
    """SQL that puts `found` in the place of each missing element, which is null or the last argument."""
    element = f"CASE WHEN {_is_missing('a[i]')} THEN {found} ELSE a[i] END"
    return once(
        items("{0}"),
        "a",
        f"CASE WHEN a IS NOT NULL THEN to_json(list_transform(range(1, len(a) + 1), lambda i: {element})) END",
    )


def _is_missing(element: str) -> str:
    return f"json_type({element}) = 'NULL'"


_THERE = f"lambda e: NOT ({_is_missing('e')})"
_LAST = f"coalesce(list_filter(a[:i], {_THERE})[-1], a[i])"
_NEXT = f"coalesce(list_filter(a[i:], {_THERE})[1], a[i])"


def install() -> None:
    """Put them among duckdb-kql's."""
    add("series_fill_const", {2: _filled("to_json({1})")})
    add("series_fill_forward", {1: _filled(_LAST)})
    add("series_fill_backward", {1: _filled(_NEXT)})
    for name, sign in (("add", "+"), ("subtract", "-"), ("multiply", "*")):
        add(f"series_{name}", {2: _pairs(f"p.v {sign} p.w")})
    signs = {
        "equals": "=",
        "not_equals": "<>",
        "less": "<",
        "less_equals": "<=",
        "greater": ">",
        "greater_equals": ">=",
    }
    for name, sign in signs.items():
        add(f"series_{name}", {2: _pairs(f"p.v {sign} p.w")})
    for name in ("abs", "floor", "exp", "sign", "sin", "cos", "tan", "atan"):
        add(f"series_{name}", {1: _each(f"{name}(v)")})
    add("series_ceiling", {1: _each("ceil(v)")})
    add("series_log", {1: _each("CASE WHEN v > 0 THEN ln(v) END")})
    add("series_sum", {1: _folded("list_sum(n)")})
    add("series_product", {1: _folded("list_product(n)")})
