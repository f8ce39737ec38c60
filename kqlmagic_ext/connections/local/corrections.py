"""What duckdb-kql 1.1.2 answers otherwise than KQL does, made right in the private copy.

Each function has the name of the part that it replaces, and is put there by `dialect.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.functions.forms import add_special, once
from kqlmagic_ext.connections.local.private_copy import errors, ir, lower, translate
from kqlmagic_ext.connections.local.sql import quote_text

if TYPE_CHECKING:
    from collections.abc import Callable

_declares_function = lower._declare_let_function
_lowers_call = lower._lower_function_call
_renders_in_list = translate._render_in_list
_renders_has_list = translate._render_has_list
_renders_path = translate.render_path
_renders_toscalar = translate.render_toscalar
_renders_between = translate.render_between
_renders_literal = translate.render_literal
_SHORT_TIMES = {r"\d{4}": "-01-01", r"\d{4}-\d\d": "-01", r"\d{4}-\d\d-\d\d[ T]\d\d": ":00"}
_INTEGERS = "('INTEGER', 'BIGINT', 'HUGEINT')"


def _declare_let_function(declaration: Any, scalars: dict[str, Any]) -> None:
    """A function's parameter hides a let of the same name: `let a = 5; let f = (a: long) { a + 1 }; print f(1)` is 2."""
    parameters = {
        lower._lower_let_parameter(parameter)[0]
        for child in lower._rule_children(declaration)
        if lower._cls(child) == "LetFunctionParameterList"
        for parameter in lower._rule_children(child)
        if lower._cls(parameter) == "ScalarParameter"
    }
    _declares_function(
        declaration, {name: value for name, value in scalars.items() if name not in parameters}
    )


def _lower_function_call(node: Any) -> Any:
    """An argument with a name goes to the parameter of that name: `let f = (a: long, b: long) { a - b }; f(b=1, a=10)` is 9."""
    name, *given = lower._rule_children(node) or [None]
    declared: Any = None if name is None else lower._LET_FUNCTIONS_STATE.get().get(name.getText())
    named = [lower._lower_named(argument) for argument in given] if declared is not None else []
    if not any(argument.name for argument in named):
        return _lowers_call(node)
    names = [parameter for parameter, _ in declared.parameters]
    values = dict(declared.parameters)
    for position, argument in enumerate(named):
        follows = position > 0 and named[position - 1].name is not None
        to = argument.name or (names[position] if position < len(names) and not follows else None)
        if to not in values:
            raise errors.KqlUnsupportedError(f"let function:{declared.name}", span=lower._span(node))
        values[to] = argument.expr
    if None in values.values():
        raise errors.KqlUnsupportedError(f"let function:{declared.name}", span=lower._span(node))
    return lower._inline_let_function(node, declared, tuple(values.values()))


def render_sort_keys(keys: tuple[Any, ...]) -> str:
    """NaN stands beside the nulls, between them and the numbers; DuckDB takes it for the largest number."""
    return ", ".join(_sort_key(key) for key in keys)


def _sort_key(key: Any) -> str:
    value = translate.render_expr(key.expr)
    nulls_first = key.ascending if key.nulls_first is None else key.nulls_first
    ends = "DESC" if nulls_first else "ASC"
    # The type is known to DuckDB alone; of another type than real, the test is a constant.
    is_nan = f"(typeof({value}) = 'DOUBLE' AND CAST({value} AS VARCHAR) = 'nan')"
    return f"({value} IS NULL) {ends}, {is_nan} {ends}, {value} {'ASC' if key.ascending else 'DESC'}"


@dataclass(frozen=True)
class _Listed(ir.ToScalar):  # type: ignore[misc]  # duckdb-kql's classes are untyped
    """An expression in the place of a list: an array's elements, or one value; which of both, DuckDB alone knows."""

    value: Any = None


def _with_lists(node: Any) -> Any:
    """The node with the columns, paths and calls in its list as such."""

    def listed(item: Any) -> Any:
        may_be_array = isinstance(item, (ir.ColumnRef, ir.PathAccess, ir.FunctionCall))
        is_known = translate._is_dynamic(item) or translate._is_string_expr(item)
        return _Listed(None, item) if may_be_array and not is_known else item

    return replace(node, items=tuple(map(listed, node.items)))


@dataclass(frozen=True)
class _Key(_Listed):
    """An expression in the place of a bag's key: its text, of whatever type it is."""


def _key_text(value: Any) -> str:
    """The text of a key: a dynamic string without its quotes, which DuckDB alone can tell from a string."""
    if isinstance(value, ir.Literal):
        return str(translate.render_expr(value))
    text = "CASE WHEN typeof(_kql_v) = 'JSON' THEN TRY_CAST(_kql_v AS JSON) ->> '$' ELSE CAST(_kql_v AS VARCHAR) END"
    return once(translate.render_expr(value), "_kql_v", text)


def render_toscalar(node: Any) -> str:
    """As it was; what stands in the place of a list or a key is itself."""
    if isinstance(node, _Key):
        return _key_text(node.value)
    return str(translate.render_expr(node.value) if isinstance(node, _Listed) else _renders_toscalar(node))


def _render_has_list(node: Any, value: str) -> str:
    """`t has_any (d)` finds the elements of a dynamic column; its JSON text was searched for."""
    return str(_renders_has_list(_with_lists(node), value))


def _render_in_list(node: Any, value: str) -> str:
    """`1 in (dynamic([1.0]))` is true: a whole number is compared as a number, not by its text."""
    rendered = str(_renders_in_list(_with_lists(node), value))
    is_array = node.subquery is None and len(node.items) == 1 and translate._is_dynamic(node.items[0])
    if not is_array or node.case_insensitive:
        return rendered
    texts = f"CAST({translate.render_expr(node.items[0])} AS VARCHAR[])"
    wholes = rf"list_transform({texts}, lambda _kql_v: TRY_CAST(regexp_extract(_kql_v, '^(-?\d+)(\.0*)?$', 1) AS BIGINT))"
    is_in = f"list_contains({wholes}, TRY_CAST(CAST({value} AS VARCHAR) AS BIGINT))"
    found = translate._in_result(is_in, node, value)
    return f"(CASE WHEN typeof({value}) IN {_INTEGERS} THEN {found} ELSE {rendered} END)"


def render_between(node: Any) -> str:
    """`t between (start .. 1d)` ends at start + 1d where start is a datetime column too, whose type DuckDB alone knows."""
    low_is_known = translate._is_timespan_expr(node.low) or translate._is_datetime_expr(node.low)
    if low_is_known or not translate._is_timespan_expr(node.high):
        return str(_renders_between(node))
    value, low, high = (translate.render_expr(part) for part in (node.value, node.low, node.high))
    start = f"CASE WHEN typeof({low}) = 'TIMESTAMP' THEN epoch_us({low}) ELSE 0 END"
    sign = "NOT BETWEEN" if node.negated else "BETWEEN"
    return f"(epoch_us({value}) {sign} epoch_us({low}) AND {start} + epoch_us({high}))"


def render_path(node: Any) -> str:
    """`bag[name]` by a text that only the row knows is the key of that name; every such index was taken for a number."""
    if translate._static_path(node.steps) is not None:
        return str(_renders_path(node))
    sql = str(translate.render_expr(node.base))
    for step in node.steps:
        sql = f"json_extract({sql}, {_step(step)})"
    return sql


def _step(step: Any) -> str:
    """The path of one step, in SQL."""
    if step.name is not None:
        return quote_text("/" + step.name.replace("~", "~0").replace("/", "~1"))
    index = translate.render_expr(step.index)
    text = f"CAST({index} AS VARCHAR)"
    key = f"'/' || replace(replace({text}, '~', '~0'), '/', '~1')"
    return (
        f"CASE WHEN typeof({index}) = 'VARCHAR' THEN {key} "
        f"WHEN starts_with({text}, '-') THEN '$[#' || {text} || ']' ELSE '$[' || {text} || ']' END"
    )


def render_literal(literal: Any) -> str:
    """`datetime(2018)`, `datetime(2018-06)` and `datetime(2018-06-09 02)` are moments; they were null."""
    if literal.kind == "datetime" and isinstance(literal.value, str):
        literal = replace(literal, value=_full_time(literal.value.strip()))
    return str(_renders_literal(literal))


def _full_time(text: str) -> str:
    for form, rest in _SHORT_TIMES.items():
        if re.fullmatch(form, text):
            return text + rest
    return text


def _abs(node: Any) -> str:
    """abs() of a timespan is one too; DuckDB's takes numbers alone, and it alone knows the type of a column."""
    if len(node.args) != 1:
        raise ValueError("abs() takes 1 argument")
    value, turned = "_kql_v", "_kql_v * CAST(-1 AS BIGINT)"
    # Of zero and -0.0 it is zero; of NaN, which DuckDB holds equal to itself, NaN.
    body = (
        f"CASE WHEN {value} = {turned} THEN {value} - {value} "
        f"WHEN {value} < {turned} THEN {turned} ELSE {value} END"
    )
    return once(translate.render_expr(node.args[0]), value, body)


def _bag_pack(before: Callable[[Any], str | None], node: Any) -> str | None:
    """A key that is dynamic is its text: `bag_pack(parse_url(u).Host, 1)`; DuckDB wants text of every key."""
    keys = [_Key(None, key) if number % 2 == 0 else key for number, key in enumerate(node.args)]
    return before(replace(node, args=tuple(keys)))


def without_repeats(operator: Any) -> Any:
    """`project-away a, a` leaves out a; DuckDB refuses a name that is listed twice."""
    if not isinstance(operator, ir.ProjectAway):
        return operator
    return replace(operator, columns=tuple(dict.fromkeys(operator.columns)))


def install() -> None:
    """Put each in its place."""
    translate.render_literal = render_literal
    add_special("abs", _abs)
    for name in ("pack", "bag_pack"):
        translate._SPECIAL_FORMS[name] = partial(_bag_pack, translate._SPECIAL_FORMS[name])
    lower._declare_let_function = _declare_let_function
    lower._lower_function_call = _lower_function_call
    translate.render_sort_keys = render_sort_keys
    translate._render_in_list = _render_in_list
    translate._render_has_list = _render_has_list
    translate.render_toscalar = render_toscalar
    translate.render_path = render_path
    translate.render_between = render_between
