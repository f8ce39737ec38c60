"""`mv-expand` of an unnamed path or call: the name that KQL gives it."""

from __future__ import annotations

from typing import Any

from kqlmagic_ext.connections.local.private_copy import errors, ir, lower, naming, translate

_reads_target = lower._lower_mv_expand_target


def _lower_mv_expand_target(node: Any) -> tuple[Any, Any]:
    """The target, and the `extend` that goes before it."""
    try:
        return _reads_target(node)  # type: ignore[no-any-return]  # a pair, in untyped code
    except errors.KqlUnsupportedError as error:
        if error.construct != "mv-expand of an unnamed computed expression":
            raise
        named = next(
            (child for child in lower._rule_children(node) if lower._cls(child) == "NamedExpression"), node
        )
        expression, to_type = _parts(node, named)
        name = _name(expression)
        if name is None:
            raise
        return ir.MvExpandTarget(name, None, to_type), ir.NamedExpr(expression, name)


def _parts(node: Any, named: Any) -> tuple[Any, str | None]:
    """The expression, and the type that `to typeof(…)` says."""
    if lower._cls(node) != "MvapplyOperatorExpression":
        return lower._lower_expr(named), None
    first, *rest = lower._rule_children(node)
    said = rest[0].getText().lower().partition("typeof(")[2].rstrip(")").strip() if rest else None
    return lower._lower_named(first).expr, said


def _name(expression: Any) -> str | None:
    """A path's steps joined; a call takes the place of the one column that it reads; None where the name is not known."""
    if isinstance(expression, ir.PathAccess):
        name: str | None = naming.expression_name(expression)
        return name
    if isinstance(expression, ir.FunctionCall):
        read = translate._referenced_columns(expression)
        return next(iter(read)) if len(read) == 1 else None
    return None


def install() -> None:
    """Put it in its place."""
    lower._lower_mv_expand_target = _lower_mv_expand_target
