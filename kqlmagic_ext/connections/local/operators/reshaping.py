"""`evaluate narrow`, `rows_near` and `schema_merge`: the rows in another shape, or some of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.operators.added import Added, listed, unsupported
from kqlmagic_ext.connections.local.private_copy import errors, ir, translate
from kqlmagic_ext.connections.local.sql import quote_text

if TYPE_CHECKING:
    from kqlmagic_ext.connections.local.operators.added import Columns, Tables
    from kqlmagic_ext.connections.local.operators.plugins import Call

_NUMBER, _CELLS, _HIT = '"number of the row"', '"cells of the row"', '"is near"'
_SCHEMA = ["ColumnName", "ColumnOrdinal", "DataType", "ColumnType"]
_OUT_OF_ORDER = "ERROR(columns are out of order)"
_TYPES_DIFFER = "schema_merge of a column in two types is not there yet"
_SAME_PLACE = "schema_merge of two columns in one place is not there yet"


@dataclass(frozen=True)
class Narrow(Added):
    """A row for each cell: the number of its row, the name of its column, its value as text."""

    def columns(self, given: Columns, tables: Tables) -> Columns:
        return ["Row", "Column", "Value"]

    def sql(self, source: str, given: Columns) -> str:
        cells = ", ".join(
            f"struct_pack(c := {quote_text(name)}, v := coalesce({_text(name)}, ''))" for name in given
        )
        numbered = f"SELECT row_number() OVER () - 1 AS {_NUMBER}, [{cells}] AS {_CELLS} FROM {source}"
        apart = f"SELECT {_NUMBER}, unnest({_CELLS}) AS cell, generate_subscripts({_CELLS}, 1) AS place FROM ({numbered})"
        return (
            f'SELECT {_NUMBER} AS "Row", cell.c AS "Column", cell.v AS "Value" FROM ({apart}) '
            f"ORDER BY {_NUMBER}, place"
        )


def _text(name: str) -> str:
    return str(translate.render_expr(ir.FunctionCall("tostring", (ir.ColumnRef(name),))))


def read_narrow(call: Call) -> Narrow:
    """`narrow()`."""
    if call.given or call.schema is not None:
        raise unsupported(call.node, "narrow with arguments")
    return Narrow()


@dataclass(frozen=True)
class RowsNear(Added):
    """The rows at most `before` rows before one of the condition, or `after` behind it."""

    condition: Any
    before: Any
    after: Any

    def columns(self, given: Columns, tables: Tables) -> Columns:
        return given

    def sql(self, source: str, given: Columns) -> str:
        condition = f"coalesce(CAST({translate.render_expr(self.condition)} AS BOOLEAN), false)"
        around = f"ROWS BETWEEN {_count(self.after)} PRECEDING AND {_count(self.before)} FOLLOWING"
        numbered = f"SELECT *, row_number() OVER () AS {_NUMBER}, {condition} AS {_HIT} FROM {source}"
        return (
            f"SELECT {listed(given)} FROM ({numbered}) "
            f"QUALIFY bool_or({_HIT}) OVER (ORDER BY {_NUMBER} {around}) ORDER BY {_NUMBER}"
        )


def _count(expr: Any) -> int:
    if not isinstance(expr, ir.Literal) or type(expr.value) is not int or expr.value < 0:
        raise errors.KqlUnsupportedError("rows_near with a number of rows that is no constant from 0 on")
    return int(expr.value)


def read_rows_near(call: Call) -> RowsNear:
    """`rows_near(condition, rows [, rows after])`."""
    if len(call.given) not in (2, 3) or call.schema is not None:
        raise unsupported(call.node, "rows_near with such arguments")
    return RowsNear(call.given[0], call.given[1], call.given[-1])


@dataclass(frozen=True)
class SchemaMerge(Added):
    """What `getschema` said of several tables, as one; a column must keep the place that it first had."""

    def columns(self, given: Columns, tables: Tables) -> Columns:
        if missing := [name for name in _SCHEMA if name not in given]:
            raise errors.KqlSchemaError(missing[0], hint="schema_merge is of what getschema gives")
        return _SCHEMA

    def sql(self, source: str, given: Columns) -> str:
        self.columns(given, None)
        merged = (
            f'SELECT "ColumnName", count(DISTINCT "ColumnOrdinal") > 1 AS bad, min("ColumnOrdinal") AS place, '
            f'CASE WHEN count(DISTINCT "ColumnType") > 1 THEN error({quote_text(_TYPES_DIFFER)}) '
            f'ELSE min("ColumnType") END AS kind, min("DataType") AS data FROM {source} GROUP BY "ColumnName"'
        )
        twice = "NOT bad AND count(*) FILTER (WHERE NOT bad) OVER (PARTITION BY place) > 1"
        return (
            f'SELECT "ColumnName", CASE WHEN bad THEN -1 WHEN {twice} THEN error({quote_text(_SAME_PLACE)}) ELSE place END '
            f"""AS "ColumnOrdinal", CASE WHEN bad THEN 'ERROR(unknown CSL type:{_OUT_OF_ORDER})' ELSE data END AS "DataType", """
            f"""CASE WHEN bad THEN '{_OUT_OF_ORDER}' ELSE kind END AS "ColumnType" FROM ({merged}) ORDER BY bad, place, 1"""
        )


def read_schema_merge(call: Call) -> SchemaMerge:
    """`schema_merge([PreserveOrder = true])`."""
    given = call.given
    kept = given[0].value if given and isinstance(given[0], ir.Literal) else not given
    if call.take("PreserveOrder", kept) is not True or len(given) > 1 or call.schema is not None:
        raise unsupported(call.node, "schema_merge with PreserveOrder = false")
    return SchemaMerge()
