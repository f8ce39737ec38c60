"""The KQL of the embedded engine: a private copy of duckdb-kql with the operators and functions of ours.

duckdb-kql has no hook for operators. Three of its functions are wrapped in the copy: how a node of the grammar becomes an
operator, which columns an operator gives, and its SQL. Its own passes over a query (let, `in (table)`) reach ours as well.
"""

from __future__ import annotations

from typing import Any

from kqlmagic_ext.connections.local import (
    corrections,
    let_functions,
    outside,
    private_copy,
    watchlist_calls,
)
from kqlmagic_ext.connections.local.functions import (
    addresses,
    aggregates,
    array_parts,
    arrays,
    decomposition,
    encoded,
    finding,
    formatting,
    geo,
    hashes,
    in_python,
    ipv6,
    lists,
    made,
    of_columns,
    over_series,
    parsing,
    regexes,
    rows,
    searching,
    series,
    several_columns,
    statistics,
    texts,
    typed,
    units,
    zones,
)
from kqlmagic_ext.connections.local.operators import READERS, expand, named, parse, search, table_calls
from kqlmagic_ext.connections.local.operators.added import Added, mapped
from kqlmagic_ext.connections.local.private_copy import (
    errors,
    functions,
    ir,
    lower,
    params,
    schema,
    translate,
    types,
)

_reads_operator = lower._lower_operator
_reads_head = lower._lower_head
_gives_columns = schema._operator_columns_unchecked
_renders_union = translate.render_union
_renders_operator = translate.render_operator
_substitutes_operator = lower._substitute_operator
_resolves_subqueries = lower._resolve_in_subqueries


def _lower_operator(node: Any) -> Any:
    inner = node
    while lower._cls(inner) in ("PipedOperator", "AfterPipeOperator"):
        inner = lower._rule_children(inner)[0]
    inner = lower._collapse(inner)
    _, read = READERS.get(lower._cls(inner), ("", None))
    found = None if read is None else read(inner)
    if found is not None:
        return found
    operator = _reads_operator(node)
    return statistics.spread(operator) if isinstance(operator, ir.Summarize) else operator


def _operator_columns(operator: Any, given: list[str], tables: Any) -> list[str]:
    operator = of_columns.resolved(operator, given)
    if isinstance(operator, Added):
        return operator.columns(given, tables)
    columns: list[str] = _gives_columns(operator, given, tables)
    return columns


def _render_union(union: Any, before: str, given: list[str], query: Any, tables: Any, leading: bool) -> str:  # noqa: FBT001 - the role's form
    """As it was; the column that names each row's table must be new."""
    if union.with_source:
        _refuse_twice(union, given, tables)
    return str(_renders_union(union, before, given, query, tables, leading))


def _refuse_twice(union: Any, given: list[str], tables: Any) -> None:
    branches = (schema.output_columns(branch, tables) for branch in union.branches)
    if any(union.with_source in columns for columns in (given, *branches)):
        hint = "a table of the union has a column of this name; rename it with project-rename"
        raise errors.KqlSchemaError(union.with_source, hint=hint)


def _render_operator(operator: Any, source: str, given: list[str] | None = None) -> str:
    operator = corrections.without_repeats(of_columns.resolved(operator, given))
    return rows.rendered(operator, source, given, _render_plain)


def _render_plain(operator: Any, source: str, given: list[str] | None) -> str:
    if isinstance(operator, Added):
        if given is None:
            raise errors.KqlSchemaError(type(operator).__name__, hint="its columns are not known here")
        return operator.sql(source, given)
    return str(_renders_operator(operator, source, given))


def _substitute_operator(operator: Any, scalars: Any) -> Any:
    """A let's value in the place of its name, in the expressions of our operators too."""
    if not isinstance(operator, Added):
        return _substitutes_operator(operator, scalars)

    def change(node: Any) -> Any:
        if isinstance(node, ir.Operator):
            return lower._substitute_operator(node, scalars)
        return (
            lower._substitute_query(node, scalars)
            if isinstance(node, ir.Query)
            else lower._substitute(node, scalars)
        )

    return mapped(operator, change)


def _resolve_in_subqueries(query: Any, names: set[str]) -> Any:
    """`x in (T)` where T is a let of a table, in the queries inside our operators too."""
    resolved = _resolves_subqueries(query, names)

    def change(node: Any) -> Any:
        if isinstance(node, ir.Query):
            return lower._resolve_in_subqueries(node, names)
        if isinstance(node, ir.Operator):
            return lower._resolve_in_subqueries(ir.Query(resolved.source, [node]), names).operators[0]
        if isinstance(node, ir.NamedExpr):
            return change(ir.Extend((node,))).expressions[0]
        return node

    resolved.operators = [
        mapped(operator, change) if isinstance(operator, Added) else operator
        for operator in resolved.operators
    ]
    return resolved


def _lower_head(head: Any, rest: list[Any]) -> Any:
    """A source in parentheses is a query of its own, whose operators go before the others."""
    if (query := named.with_names(head, rest)) is not None:
        return query
    head = lower._collapse(head)
    if (query := search.leading(head, rest)) is not None:
        return query
    if lower._cls(head) != "ParenthesizedExpression":
        return search.labelled(_reads_head(head, rest))
    query = lower._lower_query_node(head)
    query.operators.extend(lower._lower_operators(rest))
    return search.labelled(query)


for addition in (
    corrections, let_functions, outside, table_calls, watchlist_calls, expand, named, parse, search, aggregates, statistics,
    of_columns, addresses, ipv6, arrays, array_parts, encoded, geo, hashes, parsing, searching, series,
    over_series, several_columns, decomposition, units,
    texts, formatting, regexes, finding, typed, made, lists, zones, rows,
):  # fmt: skip
    addition.install()
lower._lower_head = _lower_head
lower._lower_operator = _lower_operator
lower._substitute_operator = _substitute_operator
lower._resolve_in_subqueries = _resolve_in_subqueries
schema._operator_columns_unchecked = _operator_columns
translate.render_operator = _render_operator
translate.render_union = _render_union

MACROS = (*statistics.MACROS, *lists.MACROS)
PYTHON_FUNCTIONS = tuple(in_python.FUNCTIONS.values())
SCALAR_FUNCTIONS, AGGREGATE_FUNCTIONS = functions.SCALAR_FUNCTIONS, functions.AGGREGATE_FUNCTIONS
read_query, to_sql, bind, clock, CLOCK_SLOT = (
    lower.lower,
    translate.to_sql,
    params.bind,
    translate.clock,
    translate.CLOCK_SLOT,
)
query_parameters, match_wildcard, kusto_type = (
    private_copy.package.query_parameters,
    schema.match_wildcard,
    types.kusto_type,
)

__all__ = [
    "AGGREGATE_FUNCTIONS", "CLOCK_SLOT", "MACROS", "PYTHON_FUNCTIONS", "SCALAR_FUNCTIONS", "bind", "clock", "errors", "ir", "kusto_type", "match_wildcard",
    "query_parameters", "read_query", "to_sql",
]  # fmt: skip
