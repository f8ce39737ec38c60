"""duckdb-kql as a second, independent package under a name of ours: what is added to it, the user's own never sees.

Its imports are all relative, so that the copy shares no module with `duckdb_kql`. Nothing here changes the copy; `dialect.py`
does. `PINNED` lists the private parts that we rely on: a duckdb-kql without one of them is refused when it is loaded.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import Any

from kqlmagic_ext.errors import ConnectError

NAME = "kqlmagic_ext_duckdb_kql"
PINNED = {
    "lower": (
        "_lower_operator", "_lower_source", "_TABULAR_VALUE", "_find_all", "_string_literal", "_lower_expr", "_lower_named", "_lower_sort_key", "_lower_operators", "_substitute",
        "_substitute_operator", "_substitute_query", "_resolve_in_subqueries", "_inline_let_function", "_lower_mv_expand_target",
        "_cls", "_collapse", "_rule_children", "_children", "_find_names", "_unparenthesize", "_unsupported", "_is_tabular_value", "_lower_head", "_declare_let_function", "_lower_let_parameter", "_stored", "_expand", "_bind_stored_arguments", "_lower", "_FN_STATE", "_refuse_redeclared_let", "_lower_query_node", "_lower_function_call", "_lower_in_list", "_LET_FUNCTIONS_STATE", "_span", "_name_text",
    ),
    "schema": ("_operator_columns_unchecked", "_operator_name", "output_columns", "replacing", "match_wildcard"),
    "translate": (
        "render_operator", "render_expr", "render_sort_keys", "render_between", "render_union", "render_mv_expand",
        "summarize_names", "render_summarize", "_SPECIAL_FORMS", "_STRING_RETURNING", "_STRING_ARG_POSITIONS", "_is_dynamic", "_is_timespan_expr", "_is_datetime_expr", "_render_in_list", "_render_has_list", "_parse_pattern", "render_toscalar", "render_path", "_static_path", "_is_string_expr", "_in_result", "_referenced_columns", "arg_max_targets", "arg_max_names", "_ARG_EXTREMES",
    ),
    "translate.functions": ("SCALAR_FUNCTIONS", "AGGREGATE_FUNCTIONS", "FunctionSpec", "AggregateSpec"),
    "translate.naming": ("_aggregate_name", "expression_name", "project_names", "extend_names"),
}  # fmt: skip


def _load() -> Any:
    found = importlib.util.find_spec("duckdb_kql")
    if found is None or found.origin is None or found.loader is None:
        raise ConnectError("duckdb-kql is not installed: pip install 'kqlmagic_ext'")
    spec = importlib.util.spec_from_file_location(
        NAME, found.origin, submodule_search_locations=list(found.submodule_search_locations or ())
    )
    if spec is None or spec.loader is None:
        raise ConnectError(f"duckdb-kql cannot be loaded from {found.origin}")
    package = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = package
    spec.loader.exec_module(package)
    return package


def part(name: str) -> Any:
    """A module of the copy, such as `translate.functions`."""
    return importlib.import_module(f"{NAME}.{name}")


def missing_parts() -> list[str]:
    """The private parts that this duckdb-kql does not have."""
    return [
        f"{module}.{name}"
        for module, names in PINNED.items()
        for name in names
        if not hasattr(part(module), name)
    ]


package = sys.modules.get(NAME) or _load()
errors, ir, lower, schema, translate = (
    part(name) for name in ("errors", "ir", "lower", "schema", "translate")
)
params, types, functions, naming = (
    part(name) for name in ("params", "types", "translate.functions", "translate.naming")
)
if _missing := missing_parts():
    raise ConnectError(
        f"this duckdb-kql does not fit: it has no {', '.join(_missing)}; pip install 'duckdb-kql==1.1.2'"
    )
