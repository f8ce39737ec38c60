"""The operators that the embedded engine has beside duckdb-kql's: how each is read, its columns, its SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.operators import (
    columns,
    mv_apply,
    named,
    parse,
    parse_kv,
    partition,
    plugins,
    rows,
    search,
    series,
    top_nested,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from kqlmagic_ext.connections.local.operators.added import Lowered

# The node of the grammar → how it is read, and the operator's word in KQL.
READERS: dict[str, tuple[str, Callable[[Any], Lowered]]] = {
    "ProjectReorderOperator": ("project-reorder", columns.read_reorder),
    "ProjectKeepOperator": ("project-keep", columns.read_keep),
    "SerializeOperator": ("serialize", rows.read_serialize),
    "SampleOperator": ("sample", rows.read_sample),
    "SampleDistinctOperator": ("sample-distinct", rows.read_sample_distinct),
    "MakeSeriesOperator": ("make-series", series.read_make_series),
    "MvapplyOperator": ("mv-apply", mv_apply.read_mv_apply),
    "AsOperator": ("as", named.read_as),
    "EvaluateOperator": ("evaluate", plugins.read_evaluate),
    "ParseOperator": ("parse", parse.read_parse),
    "ParseWhereOperator": ("parse-where", parse.read_parse),
    "ParseKvOperator": ("parse-kv", parse_kv.read_parse_kv),
    "SearchOperator": ("search", search.read_search),
    "PartitionOperator": ("partition", partition.read_partition),
    "TopNestedOperator": ("top-nested", top_nested.read_top_nested),
    "TopNestedOperatorPart": ("top-nested", top_nested.read_top_nested),
    "DistinctOperator": ("distinct", rows.read_distinct),
}
