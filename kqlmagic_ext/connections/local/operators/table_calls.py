"""`table(name)` of a parameter or a let: the table is chosen where the function is called with a name.

The grammar knows only `table("T")`; `rewriting` writes the call so that it reads it as a function's.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from kqlmagic_ext.connections.local.operators.added import unsupported
from kqlmagic_ext.connections.local.private_copy import ir, lower
from kqlmagic_ext.connections.local.rewriting import TABLE

_lowers_source = lower._lower_source
_is_tabular = lower._is_tabular_value


def _argument(node: Any) -> Any:
    """The argument of such a call, or None for another node."""
    node = lower._unparenthesize(node)
    if lower._cls(node) != "NamedFunctionCallExpression":
        return None
    name, *arguments = lower._rule_children(node)
    return arguments[0] if name.getText() == TABLE and len(arguments) == 1 else None


def _lower_source(node: Any) -> Any:
    argument = _argument(node)
    if argument is None:
        return _lowers_source(node)
    scope = lower._FN_STATE.get()
    named = lower._substitute(lower._lower_expr(argument), scope.scalars)
    if not isinstance(named, ir.Literal) or named.kind != "string" or named.value in scope.visible:
        raise unsupported(node, "table")
    return ir.TableRef(named.value)


def _is_tabular_value(node: Any, scalars: Any) -> bool:
    return _argument(node) is not None or bool(_is_tabular(node, scalars))


def _lower_function_call(lowers: Any, node: Any) -> Any:
    if _argument(node) is not None:
        raise unsupported(node, "table")  # a table where a value stands
    return lowers(node)


def install() -> None:
    """Put each in its place."""
    lower._lower_source = _lower_source
    lower._is_tabular_value = _is_tabular_value
    lower._lower_function_call = partial(_lower_function_call, lower._lower_function_call)
