"""`mv-apply`: a query over the elements of each row's arrays, by a lateral join."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.operators.added import Added, unsupported
from kqlmagic_ext.connections.local.operators.nested import nested_columns, nested_sql
from kqlmagic_ext.connections.local.private_copy import ir, lower, translate
from kqlmagic_ext.connections.local.sql import quote_name
from kqlmagic_ext.connections.local.tree import nodes

if TYPE_CHECKING:
    from kqlmagic_ext.connections.local.operators.added import Columns, Tables

# The operators that name each column that they read.
_NAMING = (ir.Where, ir.Project, ir.Extend, ir.Take, ir.Sort, ir.Top, ir.Count, ir.Distinct, ir.Summarize)
_ROW, _NUMBER, _PLACE = "the row of mv-apply", "its number", "the place in it"


@dataclass(frozen=True)
class MvApply(Added):
    """Each row is expanded, and `body` answers over what it expands to; the row's own columns stay beside the answer."""

    computed: tuple[Any, ...]
    expanded: Any
    body: tuple[Any, ...]

    @property
    def _steps(self) -> list[Any]:
        extend = [ir.Extend(self.computed)] if self.computed else []
        return [*extend, self.expanded, *self.body]

    def columns(self, given: Columns, tables: Tables) -> Columns:
        answered = nested_columns(given, self._steps, tables)
        return [*self._kept(given, answered), *(name for name in answered if name not in given)]

    def _kept(self, given: Columns, answered: Columns) -> Columns:
        """The row's columns; one that is expanded under its own name is there only if the body gives it."""
        replaced = {target.name or target.column for target in self.expanded.targets}
        return [name for name in given if name not in replaced or name in answered]

    def _read(self, given: Columns) -> Columns:
        """The columns that the body reads, as far as that is known; each one more makes the join dearer."""
        steps = self._steps
        if not all(isinstance(step, (ir.MvExpand, *_NAMING)) for step in steps):
            return given
        if any(isinstance(node, ir.Wildcard) for node in nodes(steps)):
            return given
        named = translate._referenced_columns(steps) | {target.column for target in self.expanded.targets}
        return [name for name in given if name in named]

    @property
    def _one_row(self) -> bool:
        """Whether the body gives one row at most, so that there is no order to keep in it."""
        return isinstance(self._steps[-1], ir.Summarize) and not self._steps[-1].by

    def sql(self, source: str, given: Columns) -> str:
        read = self._read(given)
        answered = nested_columns(read, self._steps, None)
        shown = ", ".join(
            f"{'i' if name in answered else 'o'}.{quote_name(name)} AS {quote_name(name)}"
            for name in self.columns(given, None)
        )
        row = ", ".join(f"o.{quote_name(name)} AS {quote_name(name)}" for name in read)
        inner = nested_sql(_ROW, read, self._steps)
        place, then = f", row_number() OVER () AS {quote_name(_PLACE)}", f", i.{quote_name(_PLACE)}"
        if self._one_row:
            place = then = ""
        return (
            f"SELECT {shown} FROM (SELECT *, row_number() OVER () AS {quote_name(_NUMBER)} FROM {source}) AS o, "
            f"LATERAL (WITH {quote_name(_ROW)} AS (SELECT {row}) "
            f"SELECT *{place} FROM ({inner})) AS i "
            f"ORDER BY o.{quote_name(_NUMBER)}{then}"
        )


def read_mv_apply(node: Any) -> MvApply:
    """`mv-apply [with_itemindex=i] e = a [to typeof(t)], … [limit n] on (operators)`."""
    targets, computed, limit, index = [], [], None, None
    *parts, body = lower._rule_children(node)
    for part in parts:
        kind, text = lower._cls(part), part.getText()
        if kind == "MvapplyOperatorLimitClause":
            limit = int(text.removeprefix("limit"))
        elif kind.endswith("OperatorParameter"):
            name, _, index = text.partition("=")
            if name.lower() != "with_itemindex":
                raise unsupported(part, "mv-apply")
        elif kind == "MvapplyOperatorIdClause":
            raise unsupported(part, "mv-apply")
        else:
            target, extend = lower._lower_mv_expand_target(part)
            targets.append(target)
            computed += [extend] if extend else []
    return MvApply(tuple(computed), ir.MvExpand(tuple(targets), index, limit), tuple(_body(body)))


def _body(node: Any) -> list[Any]:
    """The operators in the parentheses."""
    node = lower._collapse(node)
    if lower._cls(node) != "PipeSubExpression":
        return list(lower._lower_operators([node]))
    return list(lower._lower_operators(lower._rule_children(node)))
