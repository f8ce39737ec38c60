"""`evaluate pivot`: a column's values as columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.operators.added import Added, filled, unsupported
from kqlmagic_ext.connections.local.operators.bags import _refuse_twins
from kqlmagic_ext.connections.local.operators.nested import nested_sql
from kqlmagic_ext.connections.local.operators.plugins import Staged
from kqlmagic_ext.connections.local.private_copy import errors, ir, translate, types
from kqlmagic_ext.connections.local.sql import quote_name, quote_text
from kqlmagic_ext.connections.local.tree import nodes

if TYPE_CHECKING:
    from kqlmagic_ext.connections.local.operators.added import Columns, Tables
    from kqlmagic_ext.connections.local.operators.plugins import Call, Rows

_ZERO = {"count", "countif", "dcount", "dcountif", "sum", "sumif"}
_OTHERS = {"any", "take_any", "min", "max", "avg", "minif", "maxif", "avgif", "anyif", "take_anyif"}
_SUMS = {"HUGEINT": "BIGINT", "UHUGEINT": "BIGINT", "UBIGINT": "BIGINT"}
_ROWS, _VALUE = "the rows of pivot", "the value of pivot"


@dataclass(frozen=True)
class Pivot(Staged):
    """One column for each value of `column`, and a row for each group of the others."""

    column: str
    aggregate: Any
    by: tuple[str, ...]
    schema: tuple[tuple[str, str], ...] | None = None

    def resolved(self, source: str, given: Columns, rows: Rows) -> Pivoted:
        for name in (self.column, *self.by):
            if name not in given:
                raise errors.KqlSchemaError(name, hint="there is no such column here")
        text = translate.render_expr(ir.FunctionCall("tostring", (ir.ColumnRef(self.column),)))
        values = [value for (value,) in rows(f"SELECT DISTINCT {text} FROM {source} ORDER BY 1")]
        if None in values or "" in values:
            raise errors.KqlSchemaError(
                self.column, hint="pivot has no name for an empty value; leave such rows out by `where`"
            )
        read = {node.name for node in nodes(self.aggregate) if isinstance(node, ir.ColumnRef)}
        by = self.by or tuple(name for name in given if name != self.column and name not in read)
        if taken := set(by) & set(values):
            raise errors.KqlSchemaError(min(taken), hint="pivot gives a column of the name that a group has")
        _refuse_twins([*by, *values])
        if not by and not values:
            raise errors.KqlSchemaError(self.column, hint="there are no rows, so pivot gives no columns")
        made = Pivoted(self.column, self.aggregate, by, tuple(values))
        return made if self.schema is None else self._declared(made, source, given, rows)

    def _declared(self, made: Pivoted, source: str, given: Columns, rows: Rows) -> Pivoted:
        """The columns as they are declared, which must be those that the rows give."""
        declared = dict(self.schema or ())
        described = rows(f"DESCRIBE {made.sql(source, given)}")
        found = {str(name): types.kusto_type(_SUMS.get(str(kind), str(kind))) for name, kind, *_ in described}
        differing = [name for name in {**found, **declared} if found.get(name) != declared.get(name)]
        if differing:
            told = ", ".join(f"{name}: {kind}" for name, kind in found.items())
            raise errors.KqlSchemaError(
                differing[0], hint=f"the schema of pivot must be what the rows give: ({told})"
            )
        return replace(made, shown=tuple(declared))


@dataclass(frozen=True)
class Pivoted(Added):
    """`pivot` with its values known."""

    column: str
    aggregate: Any
    by: tuple[str, ...]
    values: tuple[str, ...]
    shown: tuple[str, ...] = ()  # the order, where it is declared

    def columns(self, given: Columns, tables: Tables) -> Columns:
        return list(self.shown) or [*self.by, *self.values]

    def sql(self, source: str, given: Columns) -> str:
        key = ir.FunctionCall("tostring", (ir.ColumnRef(self.column),))
        groups = (*(ir.NamedExpr(ir.ColumnRef(name), name) for name in self.by), ir.NamedExpr(key, _ROWS))
        counted = ir.Summarize((ir.NamedExpr(self.aggregate, _VALUE),), groups)
        inner = nested_sql(_ROWS, given, [counted])
        if not self.columns(given, None):
            return f"SELECT 1 FROM {source} WHERE false"
        cells = ", ".join([*map(quote_name, self.by), *map(self._cell, self.values)])
        grouped = (
            f"SELECT {cells} FROM (WITH {quote_name(_ROWS)} AS (SELECT * FROM {source}) SELECT * FROM ({inner}))"
            f"{' GROUP BY ' + ', '.join(map(quote_name, self.by)) if self.by else ''}"
        )
        shown = ", ".join(
            f"{quote_name(name) if name in self.by else self._filled(name)} AS {quote_name(name)}"
            for name in self.columns(given, None)
        )
        return f"SELECT {shown} FROM ({grouped})"

    def _cell(self, value: str) -> str:
        cell = f"any_value({quote_name(_VALUE)}) FILTER (WHERE {quote_name(_ROWS)} = {quote_text(value)})"
        return f"{cell} AS {quote_name(value)}"

    def _filled(self, value: str) -> str:
        """What a group without the value shows."""
        if self.aggregate.name in _ZERO:
            return f"coalesce({quote_name(value)}, 0)"
        return filled(quote_name(value))


def read_pivot(call: Call) -> Pivot:
    """`pivot(column [, aggregate] [, group, …]) [: (schema)]`."""
    if call.star:
        raise unsupported(call.node, "pivot with * in its schema")
    rest = call.given[1:]
    aggregate = ir.FunctionCall("count", ())
    if rest and isinstance(rest[0], ir.FunctionCall):
        aggregate, rest = rest[0], rest[1:]
    if aggregate.name not in _ZERO | _OTHERS:
        raise unsupported(call.node, f"pivot with {aggregate.name}()")
    if not all(isinstance(expr, ir.ColumnRef) for expr in rest):
        raise unsupported(call.node, "pivot with several aggregates or a computed group")
    return Pivot(call.column(0), aggregate, tuple(str(expr.name) for expr in rest), call.schema)
