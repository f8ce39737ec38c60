"""Tests of addresses where null counts as false, in `where` and `countif()`: half the work of telling the two apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kqlmagic_ext.connections.local.private_copy import ir

SURE = {"ipv4_is_private": ("kql_surely_private", 1), "ipv4_is_in_range": ("kql_surely_in_range", 2)}


def sure_where(operator: Any) -> Any:
    """The operator with the tests of its condition replaced."""
    if isinstance(operator, ir.Where):
        predicate = _sure(operator.predicate)
        return operator if predicate is operator.predicate else replace(operator, predicate=predicate)
    if isinstance(operator, ir.Summarize):
        return replace(operator, aggregates=tuple(map(_sure_count, operator.aggregates)))
    return operator


def _sure_count(aggregate: Any) -> Any:
    call = aggregate.expr
    if isinstance(call, ir.FunctionCall) and call.name == "countif" and len(call.args) == 1:
        return replace(aggregate, expr=replace(call, args=(_sure(call.args[0]),)))
    return aggregate


def _sure(node: Any) -> Any:
    if isinstance(node, ir.BinaryOp) and node.op in ("and", "or"):
        return replace(node, left=_sure(node.left), right=_sure(node.right))
    if isinstance(node, ir.FunctionCall) and node.name in SURE:
        name, count = SURE[node.name]
        return replace(node, name=name) if len(node.args) == count else node
    return node
