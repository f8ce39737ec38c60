"""`evaluate activity_counts_metrics` and `rolling_percentile`: a timeline cut into windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.operators.added import Added, unsupported
from kqlmagic_ext.connections.local.operators.nested import nested_sql
from kqlmagic_ext.connections.local.private_copy import errors, ir, translate
from kqlmagic_ext.connections.local.sql import quote_name, quote_text

if TYPE_CHECKING:
    from kqlmagic_ext.connections.local.operators.added import Columns, Tables
    from kqlmagic_ext.connections.local.operators.plugins import Call

_COUNTS = ["count", "dcount", "new_dcount", "aggregated_dcount"]
_WINDOW, _ID = '"start of the window"', '"id of the window"'
_PLACE, _WHOLE = '"place of the window"', '"nothing is missing"'
_ROWS, _VALUE = "rows of the window", "value of the window"
_COUNT, _IDS, _NEW = '"rows in the window"', '"ids in the window"', '"new in the window"'
_GAP = "rolling_percentile over a bin without rows is not there yet; give each bin a row"


@dataclass(frozen=True)
class ActivityCounts(Added):
    """For each window that has rows, and each group: rows, ids, ids that are new in it, ids up to it."""

    id: str
    timeline: str
    start: Any
    end: Any
    step: Any
    by: tuple[str, ...]

    def columns(self, given: Columns, tables: Tables) -> Columns:
        return _shown([self.timeline, *self.by, *_COUNTS], [self.id, self.timeline, *self.by], given)

    def sql(self, source: str, given: Columns) -> str:
        self.columns(given, None)
        by = "".join(f", {quote_name(name)}" for name in self.by)
        same = "".join(f" AND a.{name} IS NOT DISTINCT FROM n.{name}" for name in map(quote_name, self.by))
        time = quote_name(self.timeline)
        start, end = translate.render_expr(self.start), translate.render_expr(self.end)
        call = ir.FunctionCall("bin_at", (ir.ColumnRef(self.timeline), self.step, self.start))
        inside = (
            f"SELECT {translate.render_expr(call)} AS {_WINDOW}, {quote_name(self.id)} AS {_ID}{by} FROM {source} "
            f"WHERE {time} >= {start} AND {time} <= {end}"
        )
        first = f"SELECT min({_WINDOW}) AS {_WINDOW}{by} FROM w WHERE {_ID} IS NOT NULL GROUP BY {_ID}{by}"
        groups = f"PARTITION BY {by.removeprefix(', ')} " if by else ""
        listed = "".join(f", a.{quote_name(name)}" for name in self.by)
        return (
            f"WITH w AS ({inside}), "
            f"a AS (SELECT {_WINDOW}{by}, count(*) AS {_COUNT}, count(DISTINCT {_ID}) AS {_IDS} FROM w GROUP BY ALL), "
            f"n AS (SELECT {_WINDOW}{by}, count(*) AS {_NEW} FROM ({first}) GROUP BY ALL), "
            f"b AS (SELECT a.*, coalesce(n.{_NEW}, 0) AS {_NEW} FROM a LEFT JOIN n ON a.{_WINDOW} = n.{_WINDOW}{same}) "
            f'SELECT a.{_WINDOW} AS {time}{listed}, {_COUNT} AS "count", {_IDS} AS "dcount", {_NEW} AS "new_dcount", '
            f'CAST(sum({_NEW}) OVER ({groups}ORDER BY {_WINDOW}) AS BIGINT) AS "aggregated_dcount" FROM b AS a '
            f"ORDER BY {_WINDOW}"
        )


def read_activity_counts(call: Call) -> ActivityCounts:
    """`activity_counts_metrics(id, timeline, start, end, step [, column, …])`."""
    by = tuple(str(expr.name) for expr in call.given[5:] if isinstance(expr, ir.ColumnRef))
    if len(call.given) != 5 + len(by) or call.schema is not None:
        raise unsupported(call.node, "activity_counts_metrics with such arguments")
    start, end, step = call.given[2:5]
    if isinstance(step, ir.Literal) and step.kind == "string":
        raise unsupported(call.node, "activity_counts_metrics by the week, month or year")
    return ActivityCounts(call.column(0), call.column(1), start, end, step, by)


@dataclass(frozen=True)
class RollingPercentile(Added):
    """For each bin of the timeline, and each group, the percentile over it and the bins before it."""

    value: str
    percentile: Any
    timeline: str
    size: Any
    bins: Any
    by: tuple[str, ...]

    def columns(self, given: Columns, tables: Tables) -> Columns:
        shown = f"rolling_{_number(self.bins)}_percentile_{self.value}_{_number(self.percentile)}"
        return _shown([self.timeline, *self.by, shown], [self.value, self.timeline, *self.by], given)

    def sql(self, source: str, given: Columns) -> str:
        *_, shown = self.columns(given, None)
        call = ir.FunctionCall("bin", (ir.ColumnRef(self.timeline), self.size))
        by = "".join(f", {quote_name(name)}" for name in self.by)
        binned = (
            f"SELECT {translate.render_expr(call)} AS {_WINDOW}, {quote_name(self.value)} AS {_ID}{by} FROM {source} "
            f"WHERE {quote_name(self.timeline)} IS NOT NULL"
        )
        groups = f"PARTITION BY {by.removeprefix(', ')} " if by else ""
        size = translate.render_expr(self.size)
        # Every group's bins follow each other up to the last of all.
        following = f"coalesce(lead({_WINDOW}) OVER ({groups}ORDER BY {_WINDOW}), (SELECT max({_WINDOW}) FROM w) + {size})"
        checked = (
            f"SELECT {_WINDOW}{by}, dense_rank() OVER ({groups}ORDER BY {_WINDOW}) AS {_PLACE}, CASE WHEN {following} <> "
            f"{_WINDOW} + {size} THEN error({quote_text(_GAP)}) ELSE true END AS {_WHOLE} "
            f"FROM (SELECT DISTINCT {_WINDOW}{by} FROM w)"
        )
        return (
            f"WITH w AS ({binned}), b AS ({checked}), {quote_name(_ROWS)} AS ({self._spread()}) "
            f"SELECT {_WINDOW} AS {quote_name(self.timeline)}{by}, {quote_name(_VALUE)} AS {quote_name(shown)} "
            f"FROM ({self._percentile_sql()}) ORDER BY {by.removeprefix(', ') + ', ' if by else ''}{_WINDOW}"
        )

    def _spread(self) -> str:
        """The rows of each bin and those of the bins before it, under its start."""
        names = list(map(quote_name, self.by))
        of_row = "".join(f" AND w.{name} IS NOT DISTINCT FROM o.{name}" for name in names)
        of_bin = "".join(f" AND b.{name} IS NOT DISTINCT FROM o.{name}" for name in names)
        listed = "".join(f", b.{name}" for name in names)
        return (
            f"SELECT b.{_WINDOW}{listed}, w.{_ID} FROM w JOIN b AS o ON w.{_WINDOW} = o.{_WINDOW}{of_row} "
            f"JOIN b ON b.{_PLACE} BETWEEN o.{_PLACE} AND o.{_PLACE} + {_number(self.bins) - 1}{of_bin} WHERE b.{_WHOLE}"
        )

    def _percentile_sql(self) -> str:
        window, value = _WINDOW.strip('"'), _ID.strip('"')
        call = ir.FunctionCall("percentile", (ir.ColumnRef(value), self.percentile))
        groups = tuple(ir.NamedExpr(ir.ColumnRef(name), name) for name in (window, *self.by))
        summarize = ir.Summarize((ir.NamedExpr(call, _VALUE),), groups)
        return nested_sql(_ROWS, [window, *self.by, value], [summarize])


def _number(expr: Any) -> int:
    if not isinstance(expr, ir.Literal) or type(expr.value) is not int or expr.value < 1:
        raise errors.KqlUnsupportedError("rolling_percentile with a number that is no constant from 1 on")
    return int(expr.value)


def _shown(names: list[str], read: list[str], given: Columns) -> Columns:
    """The columns that are given, each of a name of its own; those that are read are there."""
    for name in read:
        if name not in given:
            raise errors.KqlSchemaError(name, hint="there is no such column here")
    folded = [name.casefold() for name in names]
    for name in names:
        if folded.count(name.casefold()) > 1:
            raise errors.KqlSchemaError(
                name, hint="the plugin gives two columns of this name; rename it before"
            )
    return names


def read_rolling_percentile(call: Call) -> RollingPercentile:
    """`rolling_percentile(value, percentile, timeline, bin size, bins [, column, …])`."""
    by = tuple(str(expr.name) for expr in call.given[5:] if isinstance(expr, ir.ColumnRef))
    if len(call.given) != 5 + len(by) or call.schema is not None:
        raise unsupported(call.node, "rolling_percentile with such arguments")
    _, percentile, _, size, bins = call.given[:5]
    return RollingPercentile(call.column(0), percentile, call.column(2), size, bins, by)
