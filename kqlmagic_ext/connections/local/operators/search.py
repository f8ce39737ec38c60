"""`where * has "x"`, `search` and `find`: a text in any column.

A column of another type than string is searched as tostring() writes it. `$table`, which `search` adds, is not searched.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.functions.of_columns import STAR
from kqlmagic_ext.connections.local.operators.added import unsupported
from kqlmagic_ext.connections.local.private_copy import errors, ir, lower, schema
from kqlmagic_ext.kql.tokens import code

if TYPE_CHECKING:
    from kqlmagic_ext.connections.local.operators.added import Lowered

LETS: ContextVar[frozenset[str]] = ContextVar("the lets of the query that is translated", default=frozenset())
_TABLE, _SOURCE = "$table", "source_"
_EVERY_TABLE = "[!_]*"  # inputs and files that the query names begin with `_`
_SENSITIVE = {"default": False, "case_insensitive": False, "case_sensitive": True}
_OPERATORS = frozenset((
    "has", "has_cs", "contains", "contains_cs", "startswith", "startswith_cs", "endswith", "endswith_cs", "hasprefix",
    "hasprefix_cs", "hassuffix", "hassuffix_cs", "matches regex", "==", "=~",
))  # fmt: skip


def _lower_expr(lowers: Any, node: Any) -> Any:
    """Also `* has "x"` and `* == "x"`."""
    inner = lower._collapse(node)
    if lower._cls(inner) not in ("StringStarOperatorExpression", "StarEqualityExpression"):
        return lowers(node)
    *_, right = lower._rule_children(inner)
    operator = re.sub(r"\s+", " ", lower._children(inner)[1].getText())
    needle = lower._lower_expr(right)
    is_number = isinstance(needle, ir.Literal) and needle.kind != "string"
    if operator not in _OPERATORS or is_number or getattr(needle, "value", "x") == "":
        raise unsupported(inner, "where")
    return _anywhere(operator, needle)


def _anywhere(operator: str, needle: Any) -> Any:
    """Whether any column matches; `of_columns` writes it out, where the columns are known."""
    return ir.FunctionCall(STAR, (ir.Wildcard(), ir.Literal(operator, "string"), needle))


def read_search(node: Any) -> Lowered:
    """`T | search "x"`: the rows that match, with the name of their table."""
    if lower._find_all(node, "SearchOperatorInClause"):
        raise unsupported(node, "search")
    return [ir.Union((), "outer", _TABLE), *_matching(node)]


def _matching(node: Any) -> list[Any]:
    """The condition of `search` as a `where`; none for `search *`."""
    sensitive = False
    for parameter in lower._find_all(node, "RelaxedQueryOperatorParameter"):
        name, _, value = parameter.getText().partition("=")
        if name != "kind" or value not in _SENSITIVE:
            raise unsupported(parameter, "search")
        sensitive = _SENSITIVE[value]
    condition = lower._collapse(lower._rule_children(node)[-1])
    if lower._cls(condition) == "StarExpression":
        return []
    return [ir.Where(_predicate(condition, sensitive=sensitive))]


def _predicate(node: Any, *, sensitive: bool) -> Any:
    """A condition in which a text stands for its being in any column."""
    node = lower._unparenthesize(node)
    kind, parts = lower._cls(node), lower._rule_children(node)
    inner = partial(_predicate, sensitive=sensitive)
    if kind == "StringLiteralExpression":
        return _anywhere(*_term(node, sensitive=sensitive))
    if kind in ("LogicalAndExpression", "LogicalOrExpression"):
        joined = inner(parts[0])
        for part in parts[1:]:
            operator = lower._children(part)[0].getText()
            joined = ir.BinaryOp(operator, joined, inner(lower._rule_children(part)[-1]))
        return joined
    if kind == "NamedFunctionCallExpression" and parts[0].getText() == "not":
        return ir.FunctionCall("not", (inner(parts[1]),))
    if kind == "StringBinaryOperatorExpression" and parts[-1].getText().startswith(":"):
        needle = lower._collapse(lower._rule_children(parts[-1])[-1])
        if lower._cls(needle) != "StringLiteralExpression":
            raise unsupported(node, "search")
        operator, text = _term(needle, sensitive=sensitive)
        column = ir.FunctionCall("tostring", (lower._lower_expr(parts[0]),))
        return ir.BinaryOp(operator, column, text)
    return lower._lower_expr(node)


def _term(node: Any, *, sensitive: bool) -> tuple[str, Any]:
    """The operator that a text stands for, by its stars, and what it looks for."""
    text = lower._string_literal(node)
    first, last, plain = text.startswith("*"), text.endswith("*"), text.strip("*")
    if not plain:
        raise unsupported(node, "search")
    if "*" in plain:
        flags = "" if sensitive else "(?i)"
        pattern = ".*".join(map(re.escape, plain.split("*")))
        left, right = ("" if first else r"\b"), ("" if last else r"\b")
        return "matches regex", ir.Literal(f"{flags}{left}{pattern}{right}", "string")
    operator = {(True, True): "contains", (True, False): "hassuffix", (False, True): "hasprefix"}.get(
        (first, last), "has"
    )
    return operator + ("_cs" if sensitive else ""), ir.Literal(plain, "string")


def leading(head: Any, rest: list[Any]) -> Any:
    """The query that `search in (…)` or `find` begins; None for another."""
    kind = lower._cls(head)
    if kind == "SearchOperator":
        query = _union(head, "SearchOperatorInClause", _TABLE)
        query.operators.extend(_matching(head))
    elif kind == "FindOperator":
        query = _find(head)
    else:
        return None
    query.operators.extend(lower._lower_operators(rest))
    return labelled(query)


def _union(node: Any, clause: str, label: str) -> Any:
    """The tables in the clause, or every table, each row with the name of its own."""
    clauses = lower._find_all(node, clause)
    if not clauses and any(word.text == "view" for word in code(str(node.start.getInputStream()))):
        raise unsupported(node, "search")  # it would search the views of the query, too
    named = [lower._lower_union_branch(each) for each in lower._rule_children(clauses[0])] if clauses else []
    first, *others = named or [ir.Query(ir.WildcardTableRef(_EVERY_TABLE))]
    return ir.Query(first.source, [*first.operators, ir.Union(tuple(others), "outer", label)])


def _find(node: Any) -> Any:
    """`find [withsource=N] [in (…)] where … project …`; what it shows without `project` depends on all its tables."""
    label = _SOURCE
    for parameter in lower._find_all(node, "RelaxedQueryOperatorParameter"):
        name, _, label = parameter.getText().partition("=")
        if name not in ("withsource", "with_source"):
            raise unsupported(parameter, "find")
    project = lower._rule_children(node)[-1]
    if lower._cls(project) != "FindOperatorProjectClause":
        raise unsupported(node, "find")
    names = [lower._name_text(lower._collapse(each)) for each in lower._rule_children(project)]
    condition = next(
        each for each in lower._rule_children(node) if not lower._cls(each).startswith("FindOperator")
    )
    if None in names or lower._cls(lower._collapse(condition)) == "StarExpression":
        raise unsupported(node, "find")
    query = _union(node, "FindOperatorInClause", label)
    query.operators.append(ir.Where(_predicate(condition, sensitive=False)))
    shown = tuple(ir.NamedExpr(ir.ColumnRef(name)) for name in (label, *names))
    query.operators.append(ir.Project(shown))
    return query


def labelled(query: Any) -> Any:
    """The query in which a union that `search` follows shows its tables, and `$table` is added once."""
    operators: list[Any] = []
    for operator in query.operators:
        last = operators[-1] if operators else None
        if operator == ir.Union((), "outer", _TABLE):
            if any(isinstance(each, ir.Union) and each.with_source == _TABLE for each in operators):
                continue
            if isinstance(last, ir.Union) and last.with_source is None:
                operators[-1] = replace(last, with_source=_TABLE)
                continue
        operators.append(operator)
    return ir.Query(query.source, operators, query.lets, query.parameters)


def _match_wildcard(matches: Any, source: Any, tables: Any) -> list[str]:
    """The tables of the workspace that match: a let of the query is none."""
    known = None if tables is None else {name: tables[name] for name in tables if name not in LETS.get()}
    try:
        found: list[str] = matches(source, known)
    except errors.KqlSchemaError as error:
        if source.pattern != _EVERY_TABLE:
            raise
        raise errors.KqlSchemaError("search", hint="there is no table to search") from error
    return found


def install() -> None:
    """Put each in its place."""
    schema.match_wildcard = partial(_match_wildcard, schema.match_wildcard)
    lower._lower_expr = partial(_lower_expr, lower._lower_expr)
