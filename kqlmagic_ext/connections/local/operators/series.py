"""`make-series`: arrays of an aggregate's values, one value for each step of an axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.operators.added import Added, unsupported
from kqlmagic_ext.connections.local.operators.axis import Axis
from kqlmagic_ext.connections.local.operators.nested import nested_sql
from kqlmagic_ext.connections.local.private_copy import errors, ir, lower, translate
from kqlmagic_ext.connections.local.sql import quote_name, quote_text

if TYPE_CHECKING:
    from kqlmagic_ext.connections.local.operators.added import Columns, Tables

_ROWS, _STEP = "rows of make-series", "the step of make-series"
_MOST = 1_048_576  # KQL's own limit of an array
_TOO_LONG = f"make-series makes more than {_MOST:,} steps; take a longer one"
_NO_TIMES = "make-series of times, such as max(TimeGenerated), is not there yet"


@dataclass(frozen=True)
class MakeSeries(Added):
    """For each group the arrays of the aggregates and the axis: `[start, stop)` in steps.

    A step without rows has the default. Without `start` or `stop` a series begins or ends with its own first or last step
    that has rows. `in_range`: `in range(start, stop, step)`; `nonempty`: no rows make one series of defaults.
    """

    aggregates: tuple[Any, ...]
    defaults: tuple[Any, ...]
    axis: Any
    start: Any
    stop: Any
    step: Any
    by: tuple[Any, ...]
    in_range: bool = False
    nonempty: bool = False

    def columns(self, given: Columns, tables: Tables) -> Columns:
        keys, made = self._names(given)
        axis = self.axis.name or getattr(self.axis.expr, "name", None)
        columns = [*keys, *made, str(axis)]
        if axis is None or len(set(columns)) < len(columns):
            raise errors.KqlUnsupportedError("make-series")
        return columns

    def sql(self, source: str, given: Columns) -> str:
        *_, name = self.columns(given, None)
        keys, _ = self._names(given)
        axis, step = self._axis(), quote_name(_STEP)
        rows = f"SELECT *, {axis.index} AS {step} FROM {source} WHERE {axis.inside}"
        summarize = ir.Summarize(self.aggregates, (*self.by, ir.NamedExpr(ir.ColumnRef(_STEP), _STEP)))
        low, high = axis.bounds(step)
        listed = "".join(f"{quote_name(key)}, " for key in keys)
        group = f"GROUP BY {listed.removesuffix(', ')}" if keys else ""
        there = "" if self.nonempty else f"FROM a {group} HAVING count(*) > 0"
        grouped = "".join(f"g.{quote_name(key)}, " for key in keys)
        same = "".join(f" AND a.{key} IS NOT DISTINCT FROM g.{key}" for key in map(quote_name, keys))
        return (
            f"WITH {quote_name(_ROWS)} AS ({rows}), "
            f"a AS ({nested_sql(_ROWS, [*given, _STEP], [summarize])}), "
            f"k AS (SELECT any_value({axis.value}) AS _kind FROM {quote_name(_ROWS)}), "
            f"b AS (SELECT {listed}{low} AS _low, {high} AS _high {there}), "
            f"g AS (SELECT {listed}unnest({_checked_range()}) AS _at FROM b) "
            f"SELECT {self._shown(given, keys, axis, name)} FROM g CROSS JOIN k LEFT JOIN a ON a.{step} = g._at{same} "
            f"GROUP BY {grouped}_kind"
        )

    def _shown(self, given: Columns, keys: Columns, axis: Axis, name: str) -> str:
        _, made = self._names(given)
        arrays = [
            f"to_json(list({_element(quote_name(column), translate.render_expr(default))} ORDER BY g._at)) AS {quote_name(column)}"
            for column, default in zip(made, self.defaults, strict=True)
        ]
        steps = f"to_json(list({axis.shown('g._at', '_kind')} ORDER BY g._at)) AS {quote_name(name)}"
        return ", ".join([*(f"g.{quote_name(key)} AS {quote_name(key)}" for key in keys), *arrays, steps])

    def _names(self, given: Columns) -> tuple[Columns, Columns]:
        keys, aggregates = translate.summarize_names(ir.Summarize(self.aggregates, self.by), given)
        return keys, [name for names in aggregates for name in names]

    def _axis(self) -> Axis:
        of_time = bool(translate._is_timespan_expr(self.step))

        def number(node: Any) -> str | None:
            rendered = None if node is None else f"({translate.render_expr(node)})"
            return f"epoch_us({rendered})" if of_time and rendered else rendered

        value = f"({translate.render_expr(self.axis.expr)})"
        kind = translate.render_expr(self.start) if self.in_range else value
        start, stop = number(self.start), number(self.stop)
        return Axis(of_time, value, str(number(self.step)), start, stop, kind, self.in_range)


def _checked_range() -> str:
    """The numbers of a series' steps."""
    return f"range(_low, CASE WHEN _high - _low >= {_MOST} THEN error({quote_text(_TOO_LONG)}) ELSE _high + 1 END)"


def _element(value: str, default: str) -> str:
    """An aggregate's value where there are rows, else the default; NaN and the infinities as KQL's JSON writes them."""
    number = f"(CASE WHEN a.{quote_name(_STEP)} IS NULL THEN {default} ELSE a.{value} END)"
    return (
        f"CASE WHEN typeof({number}) IN ('TIMESTAMP', 'INTERVAL') THEN error({quote_text(_NO_TIMES)}) "
        f"WHEN typeof({number}) = 'DOUBLE' AND CAST({number} AS VARCHAR) = 'nan' THEN to_json('NaN') "
        f"WHEN typeof({number}) = 'DOUBLE' AND CAST({number} AS VARCHAR) = 'inf' THEN to_json('Infinity') "
        f"WHEN typeof({number}) = 'DOUBLE' AND CAST({number} AS VARCHAR) = '-inf' THEN to_json('-Infinity') "
        f"ELSE to_json({number}) END"
    )


def read_make_series(node: Any) -> MakeSeries:
    """`make-series a = count() default=0 on t from x to y step z by k`."""
    aggregates, defaults = [], []
    axis: Any = None
    limits: dict[str, Any] = {}
    by: tuple[Any, ...] = ()
    call: tuple[str, ...] = ()
    in_range = nonempty = False
    for part in lower._rule_children(node):
        kind = lower._cls(part)
        if kind == "MakeSeriesOperatorOnClause":
            axis = lower._lower_named(lower._rule_children(part)[0])
        elif kind == "MakeSeriesOperatorFromToStepClause":
            limits = _limits(part)
        elif kind == "MakeSeriesOperatorInRangeClause":
            limits, in_range = _range(part), True
        elif kind == "MakeSeriesOperatorByClause":
            by = tuple(lower._lower_named(child) for child in lower._rule_children(part))
        elif kind.endswith("OperatorParameter") and _is_misread(part):
            name, _, function = part.getText().partition("=")
            call = (name, function)
        elif kind.endswith("OperatorParameter") and part.getText() == "kind=nonempty":
            nonempty = True
        elif kind.endswith("OperatorParameter"):
            raise unsupported(part, "make-series")
        else:
            aggregate, default = _aggregate(part)
            aggregates.append(_called(aggregate, *call) if call else aggregate)
            defaults.append(default)
            call = ()
    start, stop = limits.get("from"), limits.get("to")
    if nonempty and (by or start is None or stop is None):
        raise unsupported(node, "make-series kind=nonempty with by, or without a start and an end")
    return MakeSeries(
        tuple(aggregates), tuple(defaults), axis, start, stop, limits["step"], by, in_range, nonempty
    )


def _is_misread(node: Any) -> bool:
    """Whether the grammar took `m = max` of a first aggregate `m = max(t)` for a parameter, as `kind=nonempty` is one."""
    return node.getText().partition("=")[0] not in ("kind", "hint.shufflekey", "hint.strategy")


def _called(argument: Any, name: str, function: str = "") -> Any:
    """The aggregate of which the grammar left its argument alone."""
    return ir.NamedExpr(ir.FunctionCall(function, (argument.expr,)), name)


def _limits(node: Any) -> dict[str, Any]:
    """The expressions behind `from`, `to` and `step`."""
    children = lower._children(node)
    return {
        word.getText(): lower._lower_expr(value)
        for word, value in zip(children[::2], children[1::2], strict=True)
    }


def _range(node: Any) -> dict[str, Any]:
    """The three expressions of `in range(start, stop, step)`."""
    children = [lower._lower_expr(child) for child in lower._rule_children(node)]
    if len(children) != 3:  # noqa: PLR2004 - start, stop, step
        raise unsupported(node, "make-series")
    return dict(zip(("from", "to", "step"), children, strict=True))


def _aggregate(node: Any) -> tuple[Any, Any]:
    """The aggregate, and the value where there is none."""
    default: Any = ir.Literal(0, "long")
    if lower._cls(node) == "MakeSeriesOperatorAggregation":
        node, *rest = lower._rule_children(node)
        if rest:
            default = lower._lower_expr(lower._rule_children(rest[0])[-1])
    return lower._lower_named(node), default
