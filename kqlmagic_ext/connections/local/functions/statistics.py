"""Aggregates of numbers, of times and of whole rows: sums and means of any type, deviations, percentiles, one row of a group."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from kqlmagic_ext.connections.local.functions.forms import once
from kqlmagic_ext.connections.local.private_copy import errors, functions, ir, naming, translate

# A sum has its argument's type, which DuckDB alone knows. Past the last long there is no sum: an error, no other number.
_SUM = (
    "CREATE OR REPLACE MACRO memory.main.kql_sum"
    "(x INTERVAL) AS to_microseconds(CAST(coalesce(sum(epoch_us(x)), 0) AS BIGINT)), "
    "(x BIGINT) AS CAST(coalesce(sum(x), 0) AS BIGINT), "
    "(x HUGEINT) AS CAST(coalesce(sum(x), 0) AS BIGINT), "
    "(x BOOLEAN) AS CAST(coalesce(sum(CAST(x AS BIGINT)), 0) AS BIGINT), "
    "(x DECIMAL(38, 9)) AS coalesce(sum(x), 0), "
    "(x DOUBLE) AS coalesce(sum(x), 0)"
)
MACROS = (_SUM,)
_IF = "CASE WHEN {1} THEN {0} END"
# The mean of no numbers is NaN, of no times null.
_MEAN = "CASE WHEN typeof(avg({x})) = 'DOUBLE' AND avg({x}) IS NULL THEN 'NaN' ELSE avg({x}) END"
_SPREADS = {"stdev": "stddev_samp", "stdevp": "stddev_pop", "variance": "var_samp", "variancep": "var_pop"}
_PAIRS = {"covariance": "covar_samp", "covariancep": "covar_pop"}
_ROW_VALUE = "kql_row_value"
# Each value counts as often as its weight says; what has none does not.
_WEIGHED = "list(struct_pack(v := {0}, w := CAST({1} AS DOUBLE)) ORDER BY {0}) FILTER (WHERE {0} IS NOT NULL AND {1} > 0)"
_REACHED = "list_sum(list_transform(l, lambda e: e.w)) * {2} / 100.0"
_WALKED = f"list_reduce(l, lambda a, e: CASE WHEN a.w >= {_REACHED} THEN a ELSE struct_pack(v := e.v, w := a.w + e.w) END)"
_WEIGHTED_PERCENTILE = once(_WEIGHED, "l", f"({_WALKED}).v")
_ARRAYS = {"percentiles_array": 1, "percentilesw_array": 2}  # the arguments before the percentiles
_COLUMNS = {"percentiles": ("percentile", 1), "percentilesw": ("percentilew", 2)}


@dataclass(frozen=True)
class _RowValue(functions.AggregateSpec):  # type: ignore[misc]  # duckdb-kql's classes are untyped
    """`(value, 'cN', a, b, …)`: the value number N of one row, of the same row for each N."""

    def render(self, args: list[str]) -> str:
        fields = ", ".join(f"c{number} := {arg}" for number, arg in enumerate(args[2:]))
        return f"struct_extract(any_value(struct_pack({fields})), {args[1]})"


def _plain(name: str, template: str, count: int, **names: Any) -> Any:
    return functions.AggregateSpec(name, template, (count,), **names)


def _specs() -> list[Any]:
    given = "coalesce(any_value({0}) FILTER (WHERE CAST({0} AS VARCHAR) <> ''), any_value({0}))"
    specs = [
        _plain("sum", "kql_sum({0})", 1),
        _plain("sumif", f"kql_sum({_IF})", 2),
        _plain("avg", _MEAN.format(x="{0}"), 1),
        _plain("avgif", _MEAN.format(x=_IF), 2),
        _plain("take_any", given, 1, name_is_argument=True),
        _plain("any", given, 1),
        _plain("make_list_with_nulls", "to_json(coalesce(list({0}), []))", 1, name_prefix="list"),
        _plain("percentilew", _WEIGHTED_PERCENTILE, 3, name_prefix="percentile"),
        _RowValue(_ROW_VALUE, "", name_is_argument=True),
    ]
    for name, of in _SPREADS.items():
        specs.append(_plain(name, f"coalesce({of}({{0}}), 0.0)", 1))
        if not name.endswith(
            "p"
        ):  # the reference's example of variancepif() is of a sample, its text of a population
            specs.append(_plain(f"{name}if", f"coalesce({of}({_IF}), 0.0)", 2))
    for name, of in _PAIRS.items():
        specs.append(_plain(name, f"coalesce({of}({{0}}, {{1}}), 0.0)", 2))
        specs.append(_plain(f"{name}if", f"coalesce({of}(CASE WHEN {{2}} THEN {{0}} END, {{1}}), 0.0)", 3))
    return specs


def install() -> None:
    """Put them among duckdb-kql's."""
    functions.AGGREGATE_FUNCTIONS.update({spec.name: spec for spec in _specs()})
    for old, name in (("argmax", "arg_max"), ("argmin", "arg_min")):
        functions.AGGREGATE_FUNCTIONS[old] = functions.AGGREGATE_FUNCTIONS[name]
        translate._ARG_EXTREMES[old] = translate._ARG_EXTREMES[name]
    naming._aggregate_name = _aggregate_name


_names_aggregate = naming._aggregate_name


def _aggregate_name(spec: Any, call: Any) -> str:
    """`covariance_x_y`, `percentile_x_99_9`."""
    first = naming.expression_name(call.args[0]) or "" if call.args else ""
    if spec.name.startswith("covariance") and len(call.args) > 1:
        return f"{spec.name}_{first}_{naming.expression_name(call.args[1]) or ''}"
    if spec.name in ("percentile", "percentilew") and isinstance(call.args[-1], ir.Literal):
        written = f"{float(call.args[-1].value):g}".replace(".", "_")
        return f"percentile_{first}_{written}"
    return str(_names_aggregate(spec, call))


def spread(summarize: Any) -> Any:
    """The operator with `take_any(a, b)` and `percentiles(x, 5, 95)` as one aggregate for each column that they give."""
    spreading = [part for aggregate in summarize.aggregates for part in _spread(aggregate)]
    return replace(summarize, aggregates=tuple(spreading))


def _spread(aggregate: Any) -> list[Any]:
    call = aggregate.expr
    if not isinstance(call, ir.FunctionCall):
        return [aggregate]
    if call.name in ("take_any", "any") and len(call.args) > 1:
        return [_named(aggregate, n, of_row(n, call.args)) for n in range(len(call.args))]
    if call.name in _COLUMNS:
        one, given = _COLUMNS[call.name]
        calls = [_call(one, *call.args[:given], percent) for percent in _percents(call, given)]
        return [_named(aggregate, n, each) for n, each in enumerate(calls)]
    if call.name in _ARRAYS:
        given = _ARRAYS[call.name]
        one = "percentile" if given == 1 else "percentilew"
        listed = _call("pack_array", *(_call(one, *call.args[:given], p) for p in _percents(call, given)))
        name = aggregate.name or f"percentile_{naming.expression_name(call.args[0]) or ''}"
        return [replace(aggregate, expr=listed, name=name)]
    return [aggregate]


def _named(aggregate: Any, number: int, expression: Any) -> Any:
    """The n-th column of the aggregate, with its name of `(a, b) = …`."""
    names = [aggregate.name, *getattr(aggregate, "more", ())]
    return ir.NamedExpr(expression, names[number] if number < len(names) else None)


def of_row(number: int, values: tuple[Any, ...]) -> Any:
    """The call for the n-th value of one row."""
    return _call(_ROW_VALUE, values[number], ir.Literal(f"c{number}", "string"), *values)


def _percents(call: Any, given: int) -> list[Any]:
    """The percentiles, which are numbers or one array of them."""
    import json

    rest = list(call.args[given:])
    if len(rest) == 1 and isinstance(rest[0], ir.Literal) and rest[0].kind == "dynamic":
        return [ir.Literal(number, "real") for number in json.loads(str(rest[0].value))]
    if len(rest) == 1 and isinstance(rest[0], ir.FunctionCall) and rest[0].name == "pack_array":
        rest = list(rest[0].args)
    if not rest or not all(isinstance(each, ir.Literal) for each in rest):
        raise errors.KqlUnsupportedError(f"aggregate:{call.name}", hint="its percentiles are written numbers")
    return rest


def _call(name: str, *args: Any) -> Any:
    return ir.FunctionCall(name, args)
