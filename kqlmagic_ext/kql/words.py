"""The words of KQL: those that no name may be, and the operators that may stand behind a pipe."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

KEYWORDS = frozenset(
    """accumulate and anomalychart anomalycolumns areachart as asc bagexpansion barchart between bin_legacy boolean by
    card columnchart consume contains contains_cs containscs count datascope datatable date datetime decimal
    decodeblocks desc distinct double dynamic endswith endswith_cs entity_group expandoutput extend external_data
    externaldata filter find first flags float getschema has has_all has_any has_cs hasprefix hasprefix_cs hassuffix
    hassuffix_cs hotcache in int int16 int32 int64 int8 invoke isfuzzy join kind ladderchart last let like likecs limit
    linechart long materialize mvapply mvexpand nooptimization not notcontains notcontainscs notlike notlikecs of or
    order others panels parse piechart pivotchart print project real regex relaxed sample scan scatterchart search
    serialize set simple sort stackedareachart startswith startswith_cs string summarize table take time timechart
    timeline timepivot timespan title to top toscalar totable treemap true false null uint uint16 uint32 uint64 uint8
    ulong union uniqueid where with_itemindex with_match_id with_node_id with_source with_step_name
    withsource""".split()  # noqa: SIM905 - a hundred words read better as lines than as a list
)

OPERATORS = (
    "as",
    "consume",
    "count",
    "distinct",
    "evaluate",
    "extend",
    "facet",
    "filter",
    "find",
    "fork",
    "getschema",
    "graph-match",
    "graph-to-table",
    "invoke",
    "join",
    "limit",
    "lookup",
    "macro-expand",
    "make-graph",
    "make-series",
    "mv-apply",
    "mv-expand",
    "order",
    "parse",
    "parse-kv",
    "parse-where",
    "partition",
    "print",
    "project",
    "project-away",
    "project-by-names",
    "project-keep",
    "project-rename",
    "project-reorder",
    "range",
    "reduce",
    "render",
    "sample",
    "sample-distinct",
    "scan",
    "search",
    "serialize",
    "sort",
    "summarize",
    "take",
    "top",
    "top-hitters",
    "top-nested",
    "union",
    "where",
)


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """`did you mean SigninLogs?` for the nearest of the known names; None when none is near."""
    folded = {candidate.casefold(): candidate for candidate in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=cutoff)
    return f"did you mean {folded[near[0]]}?" if near else None
