"""`partition`: a query over the rows of each value of a column, by a lateral join."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.operators.added import Added, unsupported
from kqlmagic_ext.connections.local.operators.nested import nested_columns, nested_sql
from kqlmagic_ext.connections.local.private_copy import errors, ir, lower
from kqlmagic_ext.connections.local.sql import quote_name
from kqlmagic_ext.connections.local.tree import nodes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kqlmagic_ext.connections.local.operators.added import Columns, Tables

# What the join leaves exact; where the order of rows says what comes out, nothing keeps it inside the join.
_BODY = (ir.Where, ir.Project, ir.Extend, ir.Take, ir.Sort, ir.Top, ir.Count, ir.Distinct, ir.Summarize)
_OF_ORDER = ("row_", "prev", "next", "make_", "scan", "series_")
_ROWS = "the rows of partition"


@dataclass(frozen=True)
class Partition(Added):
    """`body` answers over the rows of each value of `key`, a null being a value too; the answers follow one another."""

    key: str
    body: tuple[Any, ...]

    def columns(self, given: Columns, tables: Tables) -> Columns:
        if self.key not in given:
            raise errors.KqlSchemaError(self.key, hint="there is no such column here")
        return nested_columns(given, self.body, tables)

    def sql(self, source: str, given: Columns) -> str:
        shown = ", ".join(f"i.{quote_name(name)}" for name in self.columns(given, None))
        key, rows = quote_name(self.key), quote_name(_ROWS)
        inner = nested_sql(_ROWS, given, self.body)
        return (
            f"SELECT {shown} FROM (SELECT DISTINCT {key} FROM {source}) AS o, LATERAL ("
            f"WITH {rows} AS (SELECT p.* FROM {source} AS p WHERE p.{key} IS NOT DISTINCT FROM o.{key}) "
            f"SELECT * FROM ({inner})) AS i"
        )


def read_partition(node: Any) -> Partition:
    """`partition [hint.…=…] by x (operators)`; a hint says how to run it, and is left out."""
    *parts, last = lower._rule_children(node)
    named = [part for part in parts if not lower._cls(part).endswith("OperatorParameter")]
    key = lower._name_text(lower._collapse(named[-1])) if named else None
    pipe = _parenthesized(last)
    if len(named) != 1 or key is None or pipe is None:
        raise unsupported(node, "partition in this form")
    inner = lower._collapse(pipe)
    operators = lower._rule_children(inner) if lower._cls(inner) == "PipeSubExpression" else [inner]
    body = tuple(lower._lower_operators(operators))
    if not body or _needs_order(body):
        raise unsupported(node, "partition with these operators")
    return Partition(key, body)


def _parenthesized(node: Any) -> Any:
    """What stands in the parentheses; None for braces."""
    while len(children := lower._rule_children(node)) == 1:
        if lower._children(node)[0].getText() == "(":
            return children[0]
        node = children[0]
    return None


def _needs_order(body: Sequence[Any]) -> bool:
    return (
        not all(isinstance(step, _BODY) for step in body)
        or any(isinstance(step, ir.Sort) for step in body[:-1])
        or any(isinstance(step, ir.Top) for step in body[:-1] if isinstance(body[-1], ir.Take))
        or any(
            str(node.name).lower().startswith(_OF_ORDER)
            for node in nodes(list(body))
            if isinstance(node, ir.FunctionCall)
        )
    )
