"""What depends on the columns that an operator is given: column_ifexists(), pack_all(), take_any(*), arg_max() and names in brackets.

Each is replaced by plain expressions when the operator is written as SQL, where its columns are known.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from functools import partial, reduce
from typing import Any

from kqlmagic_ext.connections.local.functions import several_columns
from kqlmagic_ext.connections.local.functions.arrays import bag_of, entries
from kqlmagic_ext.connections.local.functions.conditions import sure_where
from kqlmagic_ext.connections.local.functions.forms import add, add_special
from kqlmagic_ext.connections.local.functions.statistics import of_row
from kqlmagic_ext.connections.local.private_copy import errors, ir, lower, naming, translate

_WITHOUT_EMPTY = "kql_without_empty"
_TIME_COLUMN = "TimeGenerated"
_INGESTED = "kql_ingestion_time"
# What the SQL of ingestion_time() holds, by which a query is told to have used it.
INGESTED_SQL = f"/* {_INGESTED} */"
NOT_INGESTED = f"ingestion_time() gives {_TIME_COLUMN}: the time of ingestion is not known here"
STAR = "*"  # `* has "x"`: any column, an operator, what it looks for
_NOT_SEARCHED = ("$table", "source_")
_IF_EXISTS = ("column_ifexists", "columnifexists")
_lowers_named = lower._lower_named


@dataclass(frozen=True)
class _Named(ir.NamedExpr):  # type: ignore[misc]  # duckdb-kql's classes are untyped
    """`(a, b) = f()`: the names behind the first."""

    more: tuple[str, ...] = ()


def _lower_named(node: Any) -> Any:
    """As it was; of `(a, b) = f()` the second name is kept, too."""
    named = _lowers_named(node)
    node = lower._collapse(node)
    if named.name is None or lower._cls(node) not in ("NamedExpression", "ArgumentExpression"):
        return named
    names = lower._find_names(lower._rule_children(node)[0])
    return _Named(named.expr, named.name, tuple(names[1:])) if len(names) > 1 else named


def _arg_max_targets(aggregate: Any, keys: list[str], columns: list[str] | None) -> Any:
    """The extreme, what is compared, and what is returned: expressions of any kind; `*` is the other columns."""
    call = aggregate.expr
    extreme = translate._ARG_EXTREMES.get(call.name.lower()) if isinstance(call, ir.FunctionCall) else None
    if extreme is None:
        return None
    if len(call.args) < 2:  # noqa: PLR2004 - what is compared, what is returned
        hint = "it takes the expression to compare and at least one to return"
        raise errors.KqlUnsupportedError(f"aggregate:{call.name}", hint=hint)
    compared = call.args[0]
    known = {*keys, getattr(compared, "name", "")}
    returned: list[Any] = []
    for each in call.args[1:]:
        if isinstance(each, ir.Wildcard) and columns is None:
            raise errors.KqlSchemaError(call.name, hint="its columns are not known here")
        is_star = isinstance(each, ir.Wildcard)
        returned += [ir.ColumnRef(name) for name in columns or () if name not in known] if is_star else [each]
    return extreme, compared, returned


def _arg_max_names(aggregate: Any, keys: list[str], columns: list[str] | None) -> list[str] | None:
    """Their names: those in front of `=`, a column's own, `max_` for what is computed."""
    targets = translate.arg_max_targets(aggregate, keys, columns)
    if targets is None:
        return None
    extreme, compared, returned = targets
    names = [naming.expression_name(compared) or f"{extreme}_", *map(naming.expression_name, returned)]
    given = [*([aggregate.name] if aggregate.name else []), *getattr(aggregate, "more", ())]
    names[: len(given)] = given
    if len(given) > len(returned) + 1 or None in names:
        hint = "give each of its columns a name, as in (a, b) = arg_max(t, f(x))"
        raise errors.KqlUnsupportedError(f"aggregate:{aggregate.expr.name}", hint=hint)
    return names


def resolved(operator: Any, given: list[str] | None) -> Any:
    """The operator with what depends on its columns replaced; `given`: those columns, where they are known."""
    operator = several_columns.spread(operator)
    operator = sure_where(operator)
    if isinstance(operator, ir.Summarize):
        keys = {key.name or naming.expression_name(key.expr) for key in operator.by if _is_simple(key)}
        columns = None if given is None else [name for name in given if name not in keys]
        operator = replace(operator, aggregates=tuple(_spread(operator.aggregates, columns)))
    elif several := [each for each in getattr(operator, "expressions", ()) if isinstance(each, _Named)]:
        raise errors.KqlUnsupportedError(
            f"several columns of {getattr(several[0].expr, 'name', 'a value')}()"
        )
    return _changed(operator, given)


def _is_simple(key: Any) -> bool:
    return bool(key.name) or isinstance(key.expr, (ir.ColumnRef, ir.FunctionCall))


def _spread(aggregates: tuple[Any, ...], columns: list[str] | None) -> list[Any]:
    """`take_any(*)` as one aggregate for each column, all of one row."""
    spreading: list[Any] = []
    for aggregate in aggregates:
        call = aggregate.expr
        is_star = (
            isinstance(call, ir.FunctionCall) and call.args[:1] and isinstance(call.args[0], ir.Wildcard)
        )
        if is_star and call.name in ("take_any", "any"):
            values = tuple(map(ir.ColumnRef, _needed(columns, call)))
            spreading += [ir.NamedExpr(of_row(number, values)) for number in range(len(values))]
        else:
            spreading.append(aggregate)
    return spreading


def _needed(columns: list[str] | None, call: Any) -> list[str]:
    if columns is None:
        raise errors.KqlSchemaError(call.name, hint="its columns are not known here")
    return columns


def _changed(node: Any, given: list[str] | None) -> Any:
    """The node with its calls replaced; a query inside it has columns of its own."""
    if isinstance(node, tuple):
        parts = tuple(_changed(part, given) for part in node)
        return node if all(a is b for a, b in zip(parts, node, strict=True)) else parts
    if isinstance(node, ir.Query) or not is_dataclass(node) or isinstance(node, type):
        return node
    if isinstance(node, ir.FunctionCall):
        node = _call(node, given)
    changes = {}
    for field in fields(node):
        before = getattr(node, field.name)
        after = _changed(before, given)
        if after is not before:
            changes[field.name] = after
    return replace(node, **changes) if changes else node


def _any_column(call: Any, given: list[str] | None) -> Any:
    _, operator, needle = call.args
    matches = [
        ir.BinaryOp(operator.value, ir.FunctionCall("tostring", (ir.ColumnRef(name),)), needle)
        for name in _needed(given, call)
        if name not in _NOT_SEARCHED
    ]
    return reduce(partial(ir.BinaryOp, "or"), matches) if matches else ir.Literal(value=False, kind="bool")


def _call(call: Any, given: list[str] | None) -> Any:
    if call.name == STAR:
        return _any_column(call, given)
    if call.name in _IF_EXISTS and len(call.args) == 2:  # noqa: PLR2004 - a name, what else
        name, other = call.args
        if not (isinstance(name, ir.Literal) and name.kind == "string"):
            raise errors.KqlUnsupportedError(f"function:{call.name}", hint="the name is a written text")
        return ir.ColumnRef(name.value) if name.value in _needed(given, call) else other
    if call.name == "ingestion_time":
        if call.args or _TIME_COLUMN not in _needed(given, call):
            return _no_ingestion_time(call)
        return ir.FunctionCall(_INGESTED, (ir.ColumnRef(_TIME_COLUMN),))
    if call.name == "pack_all" and len(call.args) < 2:  # noqa: PLR2004 - a flag at most
        pairs = [
            part for name in _needed(given, call) for part in (ir.Literal(name, "string"), ir.ColumnRef(name))
        ]
        packed = ir.FunctionCall("bag_pack", tuple(pairs))
        if not call.args or (
            isinstance(call.args[0], ir.Literal) and str(call.args[0].value).lower() == "false"
        ):
            return packed
        if isinstance(call.args[0], ir.Literal):
            return ir.FunctionCall(_WITHOUT_EMPTY, (packed,))
    return call


def _no_ingestion_time(_: Any) -> str:
    hint = f"the time of ingestion is not known here, and there is no {_TIME_COLUMN} to take for it"
    raise errors.KqlUnsupportedError("function:ingestion_time", hint=hint)


def _not_here(node: Any) -> str:
    """What stands where no operator's columns are known, or with other arguments."""
    raise errors.KqlUnsupportedError(f"function:{node.name}")


def install() -> None:
    """Put them among duckdb-kql's."""
    for name in (*_IF_EXISTS, "pack_all"):
        add_special(name, _not_here)
    there = "list_filter({entries}, lambda p: CAST(p.v AS VARCHAR) NOT IN ('null', '\"\"'))"
    add(_WITHOUT_EMPTY, {1: bag_of(there.replace("{entries}", entries("{0}")))})
    add(_INGESTED, {1: f"({{0}} {INGESTED_SQL})"})
    add_special("ingestion_time", _no_ingestion_time)
    translate._DATETIME_RETURNING |= {_INGESTED, "ingestion_time"}
    lower._lower_named = _lower_named
    translate.arg_max_targets = _arg_max_targets
    translate.arg_max_names = _arg_max_names
