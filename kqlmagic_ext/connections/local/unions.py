"""`union` of columns of one name and different types: KQL gives each type a column of its own, `x_long` and `x_string`.

duckdb-kql knows no types. They are followed here from the tables as far as they are certain; where one is not, the values are
merged, and a warning says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.dialect import ir
from kqlmagic_ext.connections.local.tree import nodes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Kinds = dict[str, str | None]  # the column → its KQL type; None where it is not certain
    Tables = Mapping[str, Mapping[str, str]]

_PASSING = ("Where", "Take", "Sort", "Top", "Sample", "DistinctRows", "Named")
_GIVES = {
    "tostring": "string", "strcat": "string", "tolower": "string", "toupper": "string", "format_datetime": "string",
    "tolong": "long", "toint": "int", "todouble": "real", "toreal": "real", "tobool": "bool", "todatetime": "datetime",
    "totimespan": "timespan", "todecimal": "decimal", "toguid": "guid", "parse_json": "dynamic", "todynamic": "dynamic", "count": "long",
    "countif": "long", "dcount": "long", "now": "datetime", "ago": "datetime", "strlen": "long", "isempty": "bool",
    "make_set": "dynamic", "make_list": "dynamic", "pack_array": "dynamic", "bag_pack": "dynamic",
}  # fmt: skip
_NAMES = {"double": "real", "boolean": "bool", "date": "datetime", "time": "timespan", "uuid": "guid"}


def split_columns(query: Any, tables: Tables) -> tuple[str, ...]:
    """Give each type its column, in the query itself; what to warn of."""
    warnings: list[str] = []
    for inner in list(nodes(query)):
        if isinstance(inner, ir.Query) and any(isinstance(each, ir.Union) for each in inner.operators):
            certain = _split(inner, _known(query, tables), warnings)
            warnings += [] if certain else _merged(tables)
    return tuple(dict.fromkeys(warnings))


def _merged(tables: Tables) -> list[str]:
    """A warning for each column whose type differs between the tables of the query."""
    kinds: dict[str, set[str]] = {}
    for columns in tables.values():
        for name, kind in columns.items():
            kinds.setdefault(name, set()).add(kind)
    return [_warning(name, found) for name, found in kinds.items() if len(found) > 1]


def _warning(name: str, kinds: set[str]) -> str:
    return (
        f"union: {name} is {' and '.join(sorted(kinds))} in its tables; the values are merged into one type"
    )


def _known(query: Any, tables: Tables) -> dict[str, Kinds]:
    """The tables and the lets of tables, with the types of their columns."""
    known: dict[str, Kinds] = {name: dict(columns) for name, columns in tables.items()}
    for inner in reversed(list(nodes(query))):
        for name, bound in inner.lets if isinstance(inner, ir.Query) else ():
            if isinstance(bound, ir.Query):
                known[name] = {} if name in known else _kinds(bound, known)
    return known


def _split(query: Any, known: dict[str, Kinds], warnings: list[str]) -> bool:
    """Rename the columns of a union; whether the columns of all its branches are certain."""
    at = next((i for i, operator in enumerate(query.operators) if isinstance(operator, ir.Union)), None)
    if at is None:
        return True
    union = query.operators[at]
    branches = [ir.Query(query.source, query.operators[:at]), *union.branches]
    kinds = [_kinds(branch, known) for branch in branches]
    renames: list[list[tuple[str, str]]] = [[] for _ in branches]
    for name in dict.fromkeys(name for found in kinds for name in found):
        having = [found[name] for found in kinds if name in found]
        types = {kind for kind in having if kind}
        if len(types) < 2:  # noqa: PLR2004 - one type is no conflict
            continue
        taken = any(f"{name}_{kind}" in found for kind in types for found in kinds)
        if None in having or {} in kinds or taken or union.with_source or union.kind == "inner":
            warnings.append(_warning(name, types))
            continue
        for found, own in zip(kinds, renames, strict=True):
            if name in found:
                own.append((name, f"{name}_{found[name]}"))
    _rename(query, at, renames)
    return all(kinds) and None not in {kind for found in kinds for kind in found.values()}


def _rename(query: Any, at: int, renames: Sequence[list[tuple[str, str]]]) -> None:
    """Rename columns of the union's branches; its first branch is the query so far."""
    union = query.operators[at]
    branches = [
        ir.Query(branch.source, [*branch.operators, ir.ProjectRename(tuple(own))], branch.lets)
        if own
        else branch
        for branch, own in zip(union.branches, renames[1:], strict=True)
    ]
    query.operators[at] = replace(union, branches=tuple(branches))
    if renames[0]:
        query.operators.insert(at, ir.ProjectRename(tuple(renames[0])))


def _kinds(query: Any, known: Mapping[str, Kinds]) -> Kinds:
    """The columns of a query and their types; nothing where not even the columns are certain."""
    kinds = _source_kinds(query.source, known)
    for operator in query.operators:
        kinds = _after(operator, kinds)
    return kinds


def _source_kinds(source: Any, known: Mapping[str, Kinds]) -> Kinds:
    if isinstance(source, ir.TableRef):
        return dict(known.get(str(source.name), {}))
    if isinstance(source, ir.DataTable):
        return {name: _NAMES.get(kind, kind) for name, kind in source.columns}
    if isinstance(source, ir.PrintSource) and all(each.name for each in source.expressions):
        return {each.name: _kind(each.expr, {}) for each in source.expressions}
    return {}


def _after(operator: Any, kinds: Kinds) -> Kinds:
    """The columns behind an operator."""
    if type(operator).__name__ in _PASSING or not kinds:
        return kinds
    if isinstance(operator, ir.ProjectAway):
        return {name: kind for name, kind in kinds.items() if name not in operator.columns}
    if isinstance(operator, ir.ProjectRename):
        renamed = dict(operator.renames)
        return {renamed.get(name, name): kind for name, kind in kinds.items()}
    if isinstance(operator, (ir.Project, ir.Extend, ir.Summarize)):
        made = _made(operator, kinds)
        return {**kinds, **made} if isinstance(operator, ir.Extend) and made else made
    return {}


def _made(operator: Any, kinds: Kinds) -> Kinds:
    """The columns that the operator names; nothing where one has no name here."""
    summarized = isinstance(operator, ir.Summarize)
    expressions = (*operator.by, *operator.aggregates) if summarized else operator.expressions
    made: Kinds = {}
    for each in expressions:
        name = each.name or (each.expr.name if isinstance(each.expr, ir.ColumnRef) else None)
        if name is None or (isinstance(each.expr, ir.FunctionCall) and each.expr.name.startswith("arg_")):
            return {}
        made[name] = _kind(each.expr, kinds)
    return made


def _kind(node: Any, kinds: Kinds) -> str | None:
    """The type of an expression, where it is certain."""
    if isinstance(node, ir.ColumnRef):
        return kinds.get(node.name)
    if isinstance(node, (ir.Literal, ir.Parameter)):
        kind: str = node.kind
        return _NAMES.get(kind, kind)
    return _GIVES.get(node.name) if isinstance(node, ir.FunctionCall) else None
