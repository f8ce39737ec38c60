"""Functions of a query that give a table: `let f = (x: string) { T | where a == x }; f("b") | take 1`.

duckdb-kql expands stored functions where they are called; a let's function is given to it as one. Its body sees the lets
before it, whatever the caller has since bound.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from kqlmagic_ext.connections.local import corrections
from kqlmagic_ext.connections.local.private_copy import errors, lower
from kqlmagic_ext.kql.tokens import names_in

_declares_function = corrections._declare_let_function
_finds_stored = lower._stored
_expands = lower._expand
_binds = lower._bind_stored_arguments
_lowers = lower._lower
_TABULAR = ("a tabular body is not supported", "binds a table")


@dataclass(frozen=True)
class Tabular:
    """A function as duckdb-kql expects a stored one, with the lets that it sees."""

    name: str
    declaration: Any
    scalars: dict[str, Any]
    tables: frozenset[str]
    database: str | None = field(default=None, init=False)


_declared: ContextVar[dict[str, Tabular]] = ContextVar("tabular functions of the query")


def _lower(*args: Any) -> Any:
    token = _declared.set({})
    try:
        return _lowers(*args)
    finally:
        _declared.reset(token)


def _declare_let_function(declaration: Any, scalars: dict[str, Any]) -> None:
    try:
        _declares_function(declaration, scalars)
    except errors.KqlUnsupportedError as error:
        if not any(said in (error.hint or "") for said in _TABULAR):
            raise
        name = lower._find_names(lower._rule_children(declaration)[0])[0]
        lower._refuse_redeclared_let(name, set(_declared.get()))
        _declared.get()[name] = Tabular(name, declaration, dict(scalars), lower._FN_STATE.get().visible)


def _stored(name: str, database: str | None) -> Any:
    if database is None and name in _declared.get({}):
        return _declared.get()[name]
    return _finds_stored(name, database)


def _expand(node: Any, function: Any, arguments: list[Any]) -> Any:
    if not isinstance(function, Tabular):
        return _expands(node, function, arguments)
    scope = lower._FN_STATE.get()
    start, stop = function.declaration.start.start, function.declaration.stop.stop
    body = function.declaration.start.getInputStream().getText(start, stop)
    if (scope.visible - function.tables) & names_in(body):
        raise errors.KqlUnsupportedError(f"let function:{function.name}", span=lower._span(node))
    before = scope.scalars
    try:
        return _expands(node, function, arguments)
    finally:
        scope.scalars = before


def _bind_stored_arguments(node: Any, function: Any, arguments: list[Any]) -> Any:
    """The arguments, which are the caller's; from here on, the lets are those that the function sees."""
    bound = _binds(node, function, arguments)
    if isinstance(function, Tabular):
        lower._FN_STATE.get().scalars = function.scalars
    return bound


def install() -> None:
    """Put each in its place."""
    lower._lower = _lower
    lower._declare_let_function = _declare_let_function
    lower._stored = _stored
    lower._expand = _expand
    lower._bind_stored_arguments = _bind_stored_arguments
