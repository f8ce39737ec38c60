"""What an operator of ours is to the dialect."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from kqlmagic_ext.connections.local.private_copy import errors, ir, lower
from kqlmagic_ext.connections.local.sql import quote_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Columns = list[str]
    Tables = Mapping[str, Sequence[str]] | None
    Lowered = Any  # an operator, a list of them, or None where duckdb-kql reads the form itself

Part = TypeVar("Part")


@dataclass(frozen=True)
class Added(ir.Operator):  # type: ignore[misc]  # duckdb-kql's classes are untyped
    """An operator that duckdb-kql lacks; its expressions and queries are fields, so that the dialect finds them."""

    def columns(self, given: Columns, tables: Tables) -> Columns:
        """The names of the columns that it gives, from those that it takes."""
        raise NotImplementedError

    def sql(self, source: str, given: Columns) -> str:
        """One SELECT over the source, in SQL's name of it."""
        raise NotImplementedError


def mapped(node: Part, change: Callable[[Any], Any]) -> Part:
    """The operator with each expression, sort key and query in its fields changed."""
    if isinstance(node, tuple):
        return tuple(mapped(item, change) for item in node)  # type: ignore[return-value]  # a tuple of the same kinds
    if isinstance(node, (ir.Expr, ir.NamedExpr, ir.SortKey, ir.Query, ir.Operator)) and not isinstance(
        node, Added
    ):
        return change(node)  # type: ignore[no-any-return]  # a node of the same kind
    if is_dataclass(node) and not isinstance(node, type):
        return replace(
            node, **{field.name: mapped(getattr(node, field.name), change) for field in fields(node)}
        )
    return node


def listed(names: Sequence[str]) -> str:
    """The columns of a SELECT."""
    return ", ".join(map(quote_name, names))


def filled(value: str) -> str:
    """A column that may be null where there is no row for it: KQL has no null string, but an empty one."""
    return f"coalesce({value}, TRY(cast_to_type('', {value})))"


def unsupported(node: Any, what: str) -> Exception:
    """The error for a form that is not there, with its place."""
    error: Exception = errors.KqlUnsupportedError(what, span=lower._span(node))
    return error


def whole_number(node: Any, what: str) -> int:
    """A count that must be written as a number."""
    count = lower._lower_expr(node)
    if not isinstance(count, ir.Literal) or not isinstance(count.value, int):
        raise unsupported(node, what)
    return count.value
