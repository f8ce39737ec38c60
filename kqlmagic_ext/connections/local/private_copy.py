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
        "_FN_STATE", "_LET_FUNCTIONS_STATE", "_TABULAR_VALUE", "_bind_stored_arguments", "_children", "_cls",
        "_collapse", "_declare_let_function", "_expand", "_find_all", "_find_names", "_inline_let_function",
        "_is_tabular_value", "_lower", "_lower_expr", "_lower_function_call", "_lower_head", "_lower_in_list",
        "_lower_let_parameter", "_lower_mv_expand_target", "_lower_named", "_lower_operator", "_lower_operators",
        "_lower_parse_segment", "_lower_query_node", "_lower_sort_key", "_lower_source", "_name_text",
        "_pipeline_scope", "_refuse_redeclared_let", "_resolve_in_subqueries", "_rule_children", "_see_tabular",
        "_span", "_stored", "_string_literal", "_substitute", "_substitute_operator", "_substitute_query",
        "_unparenthesize", "_unsupported",
    ),
    "schema": (
        "_operator_columns_unchecked", "_operator_name", "match_wildcard", "output_columns", "replacing",
    ),
    "translate": (
        "_ARG_EXTREMES", "_DATETIME_RETURNING", "_PARSE_CAPTURES", "_SPECIAL_FORMS", "_STRING_ARG_POSITIONS",
        "_STRING_RETURNING", "_alias_label", "_in_result", "_is_datetime_expr", "_is_dynamic", "_is_string_expr",
        "_is_timespan_expr", "_parse_convert", "_parse_flags", "_parse_pattern", "_referenced_columns",
        "_refuse_empty_literal", "_render_has_list", "_render_in_list", "_static_path", "arg_max_names",
        "arg_max_targets", "render_between", "render_expr", "render_mv_expand", "render_operator", "render_parse",
        "render_path", "render_sort_keys", "render_summarize", "render_toscalar", "render_union", "summarize_names",
    ),
    "translate.functions": (
        "AGGREGATE_FUNCTIONS", "AggregateSpec", "FunctionSpec", "SCALAR_FUNCTIONS",
    ),
    "translate.naming": (
        "_aggregate_name", "expression_name", "extend_names", "project_names",
    ),
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
