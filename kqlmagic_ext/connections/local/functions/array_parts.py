"""Parts of arrays and bags, and their sums: null for what is no array or no bag, which never ends the query."""

from __future__ import annotations

import json
import re
from typing import Any

from kqlmagic_ext.connections.local.functions.arrays import items, lists_sql
from kqlmagic_ext.connections.local.functions.forms import Forms, add, add_of_any_number, add_special, once
from kqlmagic_ext.connections.local.functions.in_python import python_sql
from kqlmagic_ext.connections.local.private_copy import errors, functions, ir, translate

_STEP = re.compile(r"\.([^.\[\]]+)|\[(?:'([^']*)'|\"([^\"]*)\")\]")


def _of_array(body: str) -> str:
    """SQL over the list `a` of the first argument's elements; null where it is no array."""
    return once(items("{0}"), "a", f"CASE WHEN a IS NOT NULL THEN {body} END")


def _index_of(start: str, count: str, occurrence: str) -> str:
    """The place of an element, from 0; -1 where it is not, null where a count is none."""
    first = f"CASE WHEN {start} < 0 THEN greatest(len(a) + {start}, 0) ELSE {start} END"
    inside = f"i > {first} AND ({count} = -1 OR i <= {first} + {count})"
    found = f"list_filter(range(1, len(a) + 1), lambda i: {inside} AND coalesce(a[i] = {{1}}, false))"
    return _of_array(
        f"CASE WHEN {count} >= -1 AND {occurrence} >= 1 AND {start} IS NOT NULL THEN coalesce({found}[{occurrence}] - 1, -1) END"
    )


def _of_element(name: str, forms: dict[int, str]) -> None:
    """Add a function whose second argument is sought among elements, so that it is written as they are."""
    spec = Forms(name, "template", "", forms=forms)

    def render(node: Any) -> str:
        given = [translate.render_expr(arg) for arg in node.args]
        if len(given) > 1:
            given[1] = f"CAST({translate._dynamic_element(node.args[1])} AS JSON)"
        try:
            return spec.render(given)
        except ValueError as error:
            raise errors.KqlUnsupportedError(f"function:{name}", hint=str(error)) from error

    add_special(name, render)


def _split() -> str:
    """The array cut at the places, of which a negative one counts from the end."""
    places = "CASE WHEN json_type(to_json({1})) = 'ARRAY' THEN TRY_CAST(CAST(to_json({1}) AS VARCHAR) AS BIGINT[]) ELSE [TRY_CAST(CAST({1} AS VARCHAR) AS BIGINT)] END"
    counted = "least(greatest(CASE WHEN p < 0 THEN len(a) + p ELSE p END, 0), len(a))"
    cuts = f"list_concat([0], list_transform({places}, lambda p: {counted}), [len(a)])"
    parts = once(cuts, "c", "list_transform(range(1, len(c)), lambda i: a[c[i] + 1:c[i + 1]])")
    known = f"list_bool_and(list_transform({places}, lambda p: p IS NOT NULL))"
    return _of_array(f"CASE WHEN len({places}) = 0 THEN to_json([a]) WHEN {known} THEN to_json({parts}) END")


def _sum() -> str:
    """The sum of numbers; null where an element is something else."""
    number = "json_type(e) IN ('BIGINT', 'UBIGINT', 'DOUBLE', 'NULL')"
    numbers = "list_transform(a, lambda e: TRY_CAST(CAST(e AS VARCHAR) AS DOUBLE))"
    others = f"list_filter(a, lambda e: NOT ({number}))"
    return _of_array(f"CASE WHEN len({others}) = 0 THEN CAST(list_sum({numbers}) AS DOUBLE) END")


def _without_keys(bag: str | None, keys: str | None) -> str | None:
    """The bag without the keys, each a name or a path such as `$.a.b`."""
    value, names = json.loads(bag or "null"), json.loads(keys or "null")
    if not isinstance(value, dict) or not isinstance(names, list):
        return None
    for name in names:
        _remove(value, _path(name) if isinstance(name, str) else [])
    return _json(value)


def _path(name: str) -> list[str]:
    """The steps of a path; nothing for one that is not of names alone."""
    if not name.startswith("$"):
        return [name]
    steps = list(_STEP.finditer(name, 1))
    is_whole = "".join(step.group() for step in steps) == name[1:]
    return [next(part for part in step.groups() if part is not None) for step in steps] if is_whole else []


def _remove(value: Any, path: list[str]) -> None:
    for step in path[:-1]:
        value = value.get(step) if isinstance(value, dict) else None
    if path and isinstance(value, dict):
        value.pop(path[-1], None)


def _to_json(value: str | None) -> str:
    """The value as JSON whose keys are in order; a text as it is, and nothing for null."""
    found = json.loads(value or "null")
    if found is None:
        return ""
    return found if isinstance(found, str) else _json(found, in_order=True)


def _json(value: Any, *, in_order: bool = False) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=in_order)


def _pack_columns(node: Any) -> str:
    """A bag of columns by their names."""
    if not node.args or not all(isinstance(arg, ir.ColumnRef) for arg in node.args):
        raise errors.KqlUnsupportedError("function:bag_pack_columns", hint="it takes the names of columns")
    pairs = [part for arg in node.args for part in (ir.Literal(arg.name, "string"), arg)]
    return str(translate.render_expr(ir.FunctionCall("bag_pack", tuple(pairs))))


def install() -> None:
    """Put them among duckdb-kql's."""
    whole = ("CAST({2} AS BIGINT)", "CAST({3} AS BIGINT)", "CAST({4} AS BIGINT)")
    forms = {count: _index_of(*whole[: count - 2], *("0", "-1", "1")[count - 2 :]) for count in (2, 3, 4, 5)}
    _of_element("array_index_of", forms)
    _of_element("set_has_element", {2: _of_array("coalesce(list_contains(a, {1}), false)")})
    add("array_split", {2: _split()})
    add("array_sum", {1: _sum()})
    for name in ("array_reverse", "array_slice"):
        spec = functions.SCALAR_FUNCTIONS[name]
        add(name, {spec.arities[0]: spec.template.replace("CAST(to_json({0}) AS JSON[])", items("{0}"))})
    translate._SPECIAL_FORMS.pop("array_concat", None)
    add_of_any_number("array_concat", lambda args: lists_sql(args, "flatten(l)"))
    takes = ("VARCHAR", "VARCHAR")
    without = python_sql("bag_remove_keys", _without_keys, takes, "VARCHAR")
    given = ", ".join(f"CAST(to_json({{{at}}}) AS VARCHAR)" for at in (0, 1))
    add("bag_remove_keys", {2: f"CAST({without}({given}) AS JSON)"})
    to_json = python_sql("dynamic_to_json", _to_json, ("VARCHAR",), "VARCHAR")
    add("dynamic_to_json", {1: f"{to_json}(CAST(to_json({{0}}) AS VARCHAR))"}, gives_text=True)
    add_special("bag_pack_columns", _pack_columns)
    add_special("pack_dictionary", translate._SPECIAL_FORMS["bag_pack"])
