"""`project-reorder` and `project-keep`: columns chosen by names and patterns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.operators.added import Added, listed, unsupported
from kqlmagic_ext.connections.local.private_copy import errors, lower

if TYPE_CHECKING:
    from kqlmagic_ext.connections.local.operators.added import Columns, Tables

_NUMBERS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class Pattern:
    """A name, or a pattern in which each `*` stands for any text; `order`: asc, desc, granny-asc, granny-desc or none."""

    text: str
    is_name: bool
    order: str = ""

    def matches(self, given: Columns) -> Columns:
        """The columns that it chooses, in its order."""
        if self.is_name:
            found = [name for name in given if name == self.text]
            if not found:
                raise errors.KqlSchemaError(self.text, hint="there is no such column here")
            return found
        shape = re.compile(".*".join(map(re.escape, self.text.split("*"))), re.DOTALL)
        found = [name for name in given if shape.fullmatch(name)]
        if not self.order:
            return found
        key = _granny if self.order.startswith("granny") else str
        return sorted(found, key=key, reverse=self.order.endswith("desc"))


def _granny(name: str) -> list[Any]:
    """`a2` before `a10`: a run of digits counts as a number."""
    return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in _NUMBERS.split(name)]


@dataclass(frozen=True)
class Reorder(Added):
    """`project-reorder`: the chosen columns first, then the others as they stood."""

    patterns: tuple[Pattern, ...]

    def columns(self, given: Columns, tables: Tables) -> Columns:
        first = _chosen(self.patterns, given)
        return [*first, *(name for name in given if name not in first)]

    def sql(self, source: str, given: Columns) -> str:
        return f"SELECT {listed(self.columns(given, None))} FROM {source}"


@dataclass(frozen=True)
class Keep(Added):
    """`project-keep`: the chosen columns, in the order of the input."""

    patterns: tuple[Pattern, ...]

    def columns(self, given: Columns, tables: Tables) -> Columns:
        chosen = _chosen(self.patterns, given)
        kept = [name for name in given if name in chosen]
        if not kept:
            raise errors.KqlSchemaError("project-keep", hint="it keeps no column")
        return kept

    def sql(self, source: str, given: Columns) -> str:
        return f"SELECT {listed(self.columns(given, None))} FROM {source}"


def _chosen(patterns: tuple[Pattern, ...], given: Columns) -> Columns:
    return list(dict.fromkeys(name for pattern in patterns for name in pattern.matches(given)))


def read_reorder(node: Any) -> Reorder:
    """`project-reorder p1 [asc], p2 …`."""
    return Reorder(tuple(_pattern(child) for child in lower._rule_children(node)))


def read_keep(node: Any) -> Keep:
    """`project-keep p1, p2 …`."""
    return Keep(tuple(_pattern(child) for child in lower._rule_children(node)))


def _pattern(node: Any) -> Pattern:
    node, order = lower._collapse(node), ""
    if lower._cls(node) == "ProjectReorderExpression":
        children = lower._children(node)
        order = "" if len(children) == 1 else children[-1].getText()
        node = lower._collapse(children[0])
    name = lower._name_text(node)
    if name is not None:
        return Pattern(name, is_name=True, order=order)
    if lower._cls(node) != "WildcardedName":
        raise unsupported(node, "a pattern of columns")
    return Pattern(node.getText(), is_name=False, order=order)
