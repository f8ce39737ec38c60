"""Aggregates of `summarize` and `make-series` that duckdb-kql lacks, or gives otherwise than KQL does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kqlmagic_ext.connections.local.functions.arrays import entries, merged
from kqlmagic_ext.connections.local.functions.forms import apart
from kqlmagic_ext.connections.local.private_copy import functions

_MOST = 1_048_576  # KQL's own limit of make_set and make_list
_IS_ARRAY = "typeof({0}) = 'JSON' AND json_type(TRY_CAST({0} AS JSON)) = 'ARRAY'"
_IS_THERE = "{0} IS NOT NULL AND NOT (typeof({0}) = 'JSON' AND CAST({0} AS VARCHAR) = 'null')"
# The elements of arrays are united; a value of another type is an element.
_SET = (
    f"to_json(list_slice(coalesce(list_distinct(flatten(list(CASE WHEN {_IS_ARRAY} THEN CAST(to_json({{0}}) AS JSON[]) "
    f"ELSE [to_json({{0}})] END) FILTER (WHERE {_IS_THERE}{{1}}))), []), 1, {{2}}))"
)
_BAGS = f"flatten(list({entries('{0}')}) FILTER (WHERE json_type(TRY_CAST({{0}} AS JSON)) = 'OBJECT'{{1}}))"
_MAKE_BAG = apart(merged(f"coalesce({_BAGS}, [])"))
_LIST = f"list_slice(coalesce(list({{0}}) FILTER (WHERE {_IS_THERE}{{1}}), []), 1, {{2}})"


@dataclass(frozen=True)
class Collected(functions.AggregateSpec):  # type: ignore[misc]  # duckdb-kql's classes are untyped
    """`make_set` and its kin: `f(x[, limit])`, or `f(x, condition[, limit])`."""

    conditional: bool = False

    def render(self, args: list[str]) -> str:
        """The SQL; ValueError for a wrong number of arguments."""
        least = 2 if self.conditional else 1
        if not least <= len(args) <= least + 1:
            raise ValueError(f"{self.name}() takes {least} or {least + 1} arguments")
        condition = f" AND ({args[1]})" if self.conditional else ""
        template: str = self.template
        return template.format(args[0], condition, args[least] if len(args) > least else _MOST)


def _collected(name: str, template: str, prefix: str, *, conditional: bool = False) -> Any:
    return Collected(name, template, name_prefix=prefix, conditional=conditional)


def _plain(name: str, template: str, count: int, **names: Any) -> Any:
    return functions.AggregateSpec(name, template, (count,), **names)


_ADDED = [
    _collected("make_set", _SET, "set"),
    _collected("makeset", _SET, "set"),
    _collected("make_set_if", _SET, "set", conditional=True),
    _collected("make_list", _LIST, "list"),
    _collected("makelist", _LIST, "list"),
    _collected("make_list_if", _LIST, "list", conditional=True),
    _collected("make_bag", _MAKE_BAG, "bag"),
    _collected("make_bag_if", _MAKE_BAG, "bag", conditional=True),
    _plain("minif", "min({0}) FILTER (WHERE {1})", 2),
    _plain("maxif", "max({0}) FILTER (WHERE {1})", 2),
    _plain("take_anyif", "any_value({0}) FILTER (WHERE {1})", 2, name_is_argument=True),
    _plain("count_distinct", "count(DISTINCT {0})", 1),
    _plain("count_distinctif", "count(DISTINCT {0}) FILTER (WHERE {1})", 2),
    _plain("binary_all_and", "bit_and({0})", 1),
    _plain("binary_all_or", "bit_or({0})", 1),
    _plain("binary_all_xor", "bit_xor({0})", 1),
]


def install() -> None:
    """Put them among duckdb-kql's."""
    functions.AGGREGATE_FUNCTIONS.update({spec.name: spec for spec in _ADDED})
