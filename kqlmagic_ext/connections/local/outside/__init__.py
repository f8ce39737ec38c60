"""`externaldata (Name: type, …) [address, …] with (…)`: tables that lie outside the workspace.

The translator sees a table of the declared columns. What it may read is the workspace's to say (`Reach`), and is read anew for
each query.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.private_copy import errors, ir, lower

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAMES = {"boolean": "bool", "date": "datetime", "double": "real", "time": "timespan", "uuid": "guid"}


@dataclass(frozen=True)
class Outside:
    """A table outside: its name in the translated query, its columns and their KQL types, where it lies, in what form."""

    name: str
    columns: Mapping[str, str]
    addresses: tuple[str, ...] = field(repr=False)  # an address may hold a secret
    properties: Mapping[str, str]


_found: ContextVar[dict[str, Outside]] = ContextVar("tables outside that the query reads")


@contextmanager
def collected() -> Iterator[dict[str, Outside]]:
    """Inside, the tables outside of what is read as KQL, by name."""
    found: dict[str, Outside] = {}
    token = _found.set(found)
    try:
        yield found
    finally:
        _found.reset(token)


def _lower_source(lowers: Any, node: Any) -> Any:
    inner = lower._collapse(node)
    if lower._cls(inner) != "ExternalDataExpression":
        return lowers(node)
    found = _found.get()
    outside = _read(inner, f"_outside_{len(found)}")
    found[outside.name] = outside
    return ir.TableRef(outside.name)


def _read(node: Any, name: str) -> Outside:
    columns: dict[str, str] = {}
    for declaration in lower._find_all(node.Schema, "RowSchemaColumnDeclaration"):
        column, kind = lower._rule_children(declaration)[:2]
        word = kind.getText().lower()
        # A word of KQL in brackets, ["date"], is no name to the grammar's own search.
        names = lower._find_names(column) or [column.getText().strip("[]").strip("\"'")]
        columns[names[0]] = _NAMES.get(word, word)
    if not columns:
        raise errors.KqlUnsupportedError("externaldata without columns", span=lower._span(node))
    clause = node.WithClause
    properties = {
        each.Name.getText().lower(): _property(each) for each in (clause.Properties if clause else ())
    }
    addresses = tuple(lower._string_literal(each) for each in node.ConnectionStrings)
    return Outside(name, columns, addresses, properties)


def _property(node: Any) -> str:
    if node.StringValue is not None:
        return str(lower._string_literal(node.StringValue))
    return str(node.getText().partition("=")[2])


def install() -> None:
    """Put it in its place."""
    lower._lower_source = partial(_lower_source, lower._lower_source)
    lower._TABULAR_VALUE.add("ExternalDataExpression")
