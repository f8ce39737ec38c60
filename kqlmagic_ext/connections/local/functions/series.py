"""Series: arrays of numbers, element by element. What is no number is null, and so is what is missing in the shorter one."""

from __future__ import annotations

from kqlmagic_ext.connections.local.functions.arrays import items
from kqlmagic_ext.connections.local.functions.forms import add, once

_IS_NUMBER = "json_type({e}) IN ('BIGINT', 'UBIGINT', 'DOUBLE')"
_IS_WHOLE = "json_type({e}) IN ('BIGINT', 'UBIGINT')"


def _number(element: str) -> str:
    return f"CASE WHEN {_IS_NUMBER.format(e=element)} THEN TRY_CAST(CAST({element} AS VARCHAR) AS DOUBLE) END"


def _shown(number: str) -> str:
    """SQL for an element; NaN and the infinities as KQL's JSON writes them."""
    return once(
        number,
        "x",
        "CASE WHEN isnan(x) THEN to_json('NaN') WHEN isinf(x) THEN to_json(if(x > 0, 'Infinity', '-Infinity')) ELSE to_json(x) END",
    )


def _each(body: str) -> str:
    """SQL for each number `v` of one array."""
    inner = once(_number("e"), "v", _shown(f"CAST({body} AS DOUBLE)"))
    return once(
        items("{0}"), "a", f"CASE WHEN a IS NOT NULL THEN to_json(list_transform(a, lambda e: {inner})) END"
    )


def _pairs(body: str) -> str:
    """SQL for the numbers `v` and `w` of two arrays, as long as the longer one."""
    wholes = f"{_IS_WHOLE.format(e='a[i]')} AND {_IS_WHOLE.format(e='b[i]')}"
    numbers = f"struct_pack(v := {_number('a[i]')}, w := {_number('b[i]')}, whole := {wholes})"
    inner = once(numbers, "p", body)
    listed = f"to_json(list_transform(range(1, greatest(len(a), len(b)) + 1), lambda i: {inner}))"
    sql = f"CASE WHEN a IS NOT NULL AND b IS NOT NULL THEN {listed} END"
    return once(items("{0}"), "a", once(items("{1}"), "b", sql))


def _folded(body: str) -> str:
    """SQL over the list `n` of an array's numbers; null where an element is none."""
    numbers = f"list_transform(a, lambda e: {_number('e')})"
    sql = once(numbers, "n", f"CASE WHEN len(n) = list_count(n) THEN {body} END")
    return once(items("{0}"), "a", f"CASE WHEN a IS NOT NULL THEN {sql} END")


def install() -> None:
    """Put them among duckdb-kql's."""
    for name, sign in (("add", "+"), ("subtract", "-"), ("multiply", "*")):
        result = f"p.v {sign} p.w"
        whole = f"CASE WHEN p.whole THEN to_json(TRY_CAST({result} AS BIGINT)) ELSE {_shown(result)} END"
        add(f"series_{name}", {2: _pairs(whole)})
    add("series_divide", {2: _pairs(_shown("p.v / p.w"))})
    add("series_pow", {2: _pairs(_shown("pow(p.v, p.w)"))})
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
    for name in ("asin", "acos"):
        add(
            f"series_{name}",
            {
                1: _each(
                    f"CASE WHEN v IS NULL THEN NULL WHEN v BETWEEN -1 AND 1 THEN {name}(v) ELSE CAST('nan' AS DOUBLE) END"
                )
            },
        )
    add("series_ceiling", {1: _each("ceil(v)")})
    add("series_log", {1: _each("CASE WHEN v > 0 THEN ln(v) END")})
    add("series_sum", {1: _folded("list_sum(n)")})
    add("series_product", {1: _folded("list_product(n)")})
