"""`evaluate`: how a call of a plugin is read, and what a plugin whose columns depend on the rows is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.operators.added import Added, unsupported
from kqlmagic_ext.connections.local.private_copy import errors, ir, lower

if TYPE_CHECKING:
    from collections.abc import Callable

    from kqlmagic_ext.connections.local.operators.added import Columns, Lowered, Tables

    Rows = Callable[[str], list[tuple[Any, ...]]]  # SQL → its rows

_TYPES = {"boolean": "bool", "date": "datetime", "double": "real", "time": "timespan", "uuid": "guid"}
_OF_A_TABLE = ("ipv4_lookup", "ipv6_lookup")
DEPENDS = "the columns of evaluate depend on the rows; write them out: bag_unpack(d) : (*, name:type)"
_INSIDE = "evaluate inside another operator's body, where its columns depend on a row"


@dataclass(frozen=True)
class Staged(Added):
    """A plugin whose columns depend on the rows before it: they are made first, then it is `resolved` over them."""

    def resolved(self, source: str, given: Columns, rows: Rows) -> Added:
        """The operator with its columns known; `rows` answers SQL over the table `source`."""
        raise NotImplementedError

    def columns(self, given: Columns, tables: Tables) -> Columns:
        raise errors.KqlUnsupportedError(_INSIDE)

    def sql(self, source: str, given: Columns) -> str:
        raise errors.KqlUnsupportedError(_INSIDE)


@dataclass(frozen=True)
class Call:
    """A plugin's arguments: those by place, those by name; the columns that are declared (`star`: beside the source's)."""

    node: Any
    given: tuple[Any, ...]
    named: dict[str, Any]
    schema: tuple[tuple[str, str], ...] | None
    star: bool

    def column(self, place: int) -> str:
        """The name of the column that stands in this place."""
        expr = self.given[place] if place < len(self.given) else None
        if not isinstance(expr, ir.ColumnRef):
            raise unsupported(self.node, "evaluate without the name of a column")
        return str(expr.name)

    def take(self, name: str, default: Any) -> Any:
        """A constant by its name."""
        expr = self.named.pop(name, None)
        return default if expr is None else constant(self.node, expr)


def constant(node: Any, expr: Any) -> Any:
    """The value of a literal, a list where it is a dynamic one."""
    if not isinstance(expr, ir.Literal):
        raise unsupported(node, "evaluate with an option that is no constant")
    value = expr.value
    return json.loads(value) if isinstance(value, str) and value[:1] == "[" else value


def read_call(node: Any) -> tuple[str, Call]:
    """The plugin's name and what it is given."""
    call = lower._find_all(node.PlugInCall, "NamedFunctionCallExpression")[0]
    name, *arguments = lower._rule_children(call)
    named, given = {}, []
    word = name.getText()
    if word.lower() in _OF_A_TABLE and arguments:
        given.append(lower._lower_query_node(arguments.pop(0)))
    for argument in arguments:
        read = lower._lower_named(argument)
        if read.name:
            named[read.name] = read.expr
        else:
            given.append(read.expr)
    return word.lower(), Call(node, tuple(given), named, _schema(node.SchemaClause), word.endswith("K"))


def _schema(clause: Any) -> tuple[tuple[str, str], ...] | None:
    if clause is None:
        return None
    declared = []
    for declaration in lower._find_all(clause, "RowSchemaColumnDeclaration"):
        column, kind = lower._rule_children(declaration)[:2]
        word = kind.getText().lower()
        declared.append((lower._find_names(column)[0], _TYPES.get(word, word)))
    return tuple(declared)


def plugins() -> dict[str, Callable[[Call], Added]]:
    """Each plugin's name, and how its call is read."""
    from kqlmagic_ext.connections.local.operators import address_lookup, bags, pivot, reshaping, windows

    return {
        "bag_unpack": bags.read_bag_unpack,
        "pivot": pivot.read_pivot,
        "narrow": reshaping.read_narrow,
        "rows_near": reshaping.read_rows_near,
        "schema_merge": reshaping.read_schema_merge,
        "activity_counts_metrics": windows.read_activity_counts,
        "rolling_percentile": windows.read_rolling_percentile,
        "ipv4_lookup": address_lookup.read_ipv4_lookup,
        "ipv6_lookup": address_lookup.read_ipv6_lookup,
    }


def read_evaluate(node: Any) -> Lowered:
    """`evaluate plugin(…) [: (schema)]`; None where it is not there."""
    readers = plugins()
    found = lower._find_all(node.PlugInCall, "SimpleNameReference")
    if not found or found[0].getText().lower() not in readers:
        return None
    name, call = read_call(node)
    operator = readers[name](call)
    if call.named:
        raise unsupported(node, f"{name} with {', '.join(call.named)}")
    return operator
