"""Operators whose columns depend on the rows: what stands before one is made a temporary table, which it reads from.

Each is taken with the lets that it sees. One inside the body of an operator (mv-apply) depends on a row of the query around
it; it stays as it is, and is refused where its columns are asked for.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.dialect import ir
from kqlmagic_ext.connections.local.operators.plugins import Staged
from kqlmagic_ext.connections.local.tree import nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Rows = Callable[[str], list[tuple[Any, ...]]]
    # A query → the name of the table made of its rows, its columns with their KQL types, and what answers SQL over it.
    Made = tuple[str, Mapping[str, str], Rows]


@dataclass(frozen=True)
class Stages:
    """Puts each staged operator of a query over a table of its own; `columns` takes up those tables."""

    make: Callable[[Any], Made]
    columns: dict[str, Mapping[str, str]]

    def resolved(self, query: Any) -> Any:
        """The query in which every operator has its columns."""
        return self._query(query, []) if has_stages(query) else query

    def _node(self, node: Any, lets: list[tuple[str, Any]]) -> Any:
        if isinstance(node, (tuple, list)):
            return type(node)(self._node(item, lets) for item in node)
        if not dataclasses.is_dataclass(node) or isinstance(node, type) or not has_stages(node):
            return node
        if isinstance(node, ir.Query):
            return self._query(node, lets)
        changed = {
            field.name: self._node(getattr(node, field.name), lets) for field in dataclasses.fields(node)
        }
        return dataclasses.replace(node, **changed)

    def _query(self, query: Any, around: list[tuple[str, Any]]) -> Any:
        own: list[tuple[str, Any]] = []
        for name, bound in query.lets:
            own.append((name, self._node(bound, [*around, *own])))
        lets = [*around, *own]
        source = self._node(query.source, lets)
        done: list[Any] = []
        for operator in query.operators:
            ready = self._node(operator, lets)
            if isinstance(ready, Staged):
                name, columns, rows = self.make(ir.Query(source, done, lets, query.parameters))
                self.columns[name] = columns
                ready = ready.resolved(f'"{name}"', list(columns), rows)
                source, done = ir.TableRef(name), []
            done.append(ready)
        return ir.Query(source, done, own, query.parameters)


def has_stages(node: Any) -> bool:
    """Whether a staged operator is in it."""
    return any(isinstance(each, Staged) for each in nodes(node))
