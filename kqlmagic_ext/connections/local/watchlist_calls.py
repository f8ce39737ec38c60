"""`_GetWatchlist("name")` in a query: a table under the name of its call, such as `_GetWatchlist('VIPs')`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.private_copy import errors, ir, lower, schema
from kqlmagic_ext.kql.tokens import code

if TYPE_CHECKING:
    from collections.abc import Mapping

_CALL = "_GetWatchlist"
_START, _END = f"{_CALL}('", "')"


def table_of(alias: str) -> str:
    """The name of a watchlist's table."""
    return f"{_START}{alias}{_END}"


def alias_of(name: str) -> str | None:
    """The watchlist whose table has this name; None for any other table."""
    return name[len(_START) : -len(_END)] if name.startswith(_START) and name.endswith(_END) else None


def named_watchlists(text: str) -> list[str]:
    """The watchlists that a text names in its calls."""
    words = code(text)
    calls = [words[at : at + 3] for at, word in enumerate(words) if word.text == _CALL]
    return [call[2].text.strip("@'\"") for call in calls if len(call) == 3 and call[2].kind == "string"]  # noqa: PLR2004 - its name, ( and the alias


def _called(node: Any) -> Any:
    """The node of the call that this is, in parentheses or not; None for anything else."""
    inner = lower._collapse(lower._unparenthesize(node))
    if lower._cls(inner) != "NamedFunctionCallExpression":
        return None
    name = lower._rule_children(inner)[0].getText()
    return inner if name == _CALL and name not in lower._LET_FUNCTIONS_STATE.get() else None


def _lower_source(before: Any, node: Any) -> Any:
    call = _called(node)
    return before(node) if call is None else ir.TableRef(table_of(_alias(call)))


def _alias(call: Any) -> str:
    """The name in the call, written out or a let's."""
    _, *arguments = lower._rule_children(call)
    value = lower._lower_expr(arguments[0]) if len(arguments) == 1 else None
    scope = lower._FN_STATE.get()
    if isinstance(value, ir.ColumnRef) and scope is not None:
        value = scope.scalars.get(value.name, value)
    if not isinstance(value, ir.Literal) or not isinstance(value.value, str):
        raise errors.KqlUnsupportedError(f"function:{_CALL}", span=lower._span(call))
    return value.value


def _is_tabular_value(before: Any, node: Any, scalars: Any) -> bool:
    return _called(node) is not None or bool(before(node, scalars))


def _lower_in_list(before: Any, node: Any, rules: list[Any]) -> Any:
    """`x in (_GetWatchlist("a"))` reads the watchlist's first column; the call was taken for a value."""
    found = before(node, rules)
    if len(rules) != 2 or _called(rules[1]) is None or not isinstance(found, ir.InList):  # noqa: PLR2004 - a value and its list
        return found
    query = lower._lower_query_node(rules[1])
    return ir.InList(found.value, (), found.negated, found.case_insensitive, query)


def match_wildcard(before: Any, source: Any, tables: Mapping[str, Any] | None) -> list[str]:
    """`union *` reads tables; a watchlist is none."""
    listed = None if tables is None else {name: tables[name] for name in tables if alias_of(name) is None}
    found: list[str] = before(source, listed)
    return found


def install() -> None:
    """Put each in its place, before what stands there."""
    lower._lower_source = partial(_lower_source, lower._lower_source)
    lower._is_tabular_value = partial(_is_tabular_value, lower._is_tabular_value)
    lower._lower_in_list = partial(_lower_in_list, lower._lower_in_list)
    schema.match_wildcard = partial(match_wildcard, schema.match_wildcard)
