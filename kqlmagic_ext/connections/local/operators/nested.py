"""A query inside an operator: its SQL over rows that the operator names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.private_copy import ir, schema, translate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kqlmagic_ext.connections.local.operators.added import Columns, Tables


def nested_sql(rows: str, given: Columns, operators: Sequence[Any]) -> str:
    """The SQL of operators over a table `rows`, which a WITH around it defines."""
    tables = {**(translate._nested_schema() or {}), rows: given}
    return str(translate.to_sql(ir.Query(ir.TableRef(rows), list(operators)), tables))


def nested_columns(given: Columns, operators: Sequence[Any], tables: Tables) -> Columns:
    """The columns that the operators give."""
    columns = given
    for operator in operators:
        columns = schema._operator_columns(operator, columns, tables)
    return columns
