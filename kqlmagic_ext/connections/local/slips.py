"""What was probably left out or written twice where a query cannot be read, by its text alone."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from kqlmagic_ext.errors import QueryError
from kqlmagic_ext.kql.language_service.language import words
from kqlmagic_ext.kql.statements import without_semicolon
from kqlmagic_ext.kql.tokens import code, split

if TYPE_CHECKING:
    from kqlmagic_ext.connections.local.diagnosis import Source

_WANTED = {
    "take": ("a number of rows", "take 10"),
    "limit": ("a number of rows", "limit 10"),
    "sample": ("a number of rows", "sample 10"),
    "top": ("a number of rows and by", "top 5 by TimeGenerated"),
    "where": ("a condition", "where isnotempty(Computer)"),
    "filter": ("a condition", "filter isnotempty(Computer)"),
    "extend": ("a column and its value", "extend Day = bin(TimeGenerated, 1d)"),
    "project": ("columns", "project TimeGenerated"),
    "project-away": ("columns", "project-away TenantId"),
    "project-rename": ("a new name and a column", "project-rename When = TimeGenerated"),
    "distinct": ("columns, or *", "distinct Computer"),
    "sort": ("by and a column", "sort by TimeGenerated"),
    "order": ("by and a column", "order by TimeGenerated"),
    "join": ("a table and on", "join (SecurityEvent) on Computer"),
    "union": ("a table", "union SecurityEvent"),
    "mv-expand": ("a column", "mv-expand Entities"),
}
# Functions of KQL that language.txt does not describe.
UNDESCRIBED = frozenset(
    [
        "all",
        "array_iif",
        "array_strcat",
        "cnt",
        "column_names_of",
        "covariancepif",
        "current_cursor",
        "current_node_id",
        "cursor_before_or_at",
        "datepart",
        "entity_group",
        "extentid",
        "geo_closest_point_on_line",
        "geo_closest_point_on_polygon",
        "geo_from_wkt",
        "geo_geohash_neighbors",
        "geo_h3cell_children",
        "geo_h3cell_level",
        "geo_h3cell_neighbors",
        "geo_h3cell_parent",
        "geo_h3cell_rings",
        "geo_h3cell_to_polygon",
        "geo_intersection_2lines",
        "geo_intersection_2polygons",
        "geo_intersection_line_with_polygon",
        "geo_intersects_2lines",
        "geo_intersects_2polygons",
        "geo_intersects_line_with_polygon",
        "geo_line_buffer",
        "geo_line_centroid",
        "geo_line_densify",
        "geo_line_interpolate_point",
        "geo_line_locate_point",
        "geo_line_simplify",
        "geo_line_to_s2cells",
        "geo_point_buffer",
        "geo_polygon_buffer",
        "geo_polygon_centroid",
        "geo_polygon_densify",
        "geo_polygon_perimeter",
        "geo_polygon_simplify",
        "geo_polygon_to_h3cells",
        "geo_polygon_to_s2cells",
        "geo_s2cell_neighbors",
        "geo_s2cell_to_polygon",
        "geo_simplify_polygons_array",
        "geo_union_lines_array",
        "geo_union_polygons_array",
        "graph",
        "hll_isvalid",
        "inner_nodes",
        "iscolumnexists",
        "labels",
        "map",
        "node_degree_in",
        "node_degree_out",
        "node_id",
        "parseurl",
        "parseurlquery",
        "passthrough",
        "percentiles_array_tdigest",
        "row_id",
        "row_rank",
        "rowstore_ordinal_range",
        "set_equals",
        "stored_query_result",
        "tdigest_isvalid",
        "to_utf8",
        "toobject",
    ]
)
# Those that take more values than the signature in language.txt tells.
MORE_VALUES = frozenset(
    [
        "count",
        "external_table",
        "geo_distance_2points",
        "materialized_view",
        "series_cosine_similarity",
        "series_decompose_anomalies",
        "series_outliers",
        "series_seasonal",
        "table",
        "tdigest_merge",
    ]
)
_FUNCTIONS = ("function", "aggregate", "window", "tabular", "plugin", "keyword")


def missing_semicolon(source: Source, offset: int) -> QueryError | None:
    """The error for a `let` that runs on into the statement at an offset, the next line's; None when none does."""
    if without_semicolon(source.text) != offset:
        return None
    return QueryError(
        "a ; is missing before this", hint="each let ends with one", syntax=True, **source.place(offset)
    )


def incomplete(word: str, source: Source, offset: int) -> QueryError | None:
    """The error for an operator at an offset that has no table before it, no arguments, or no `by`."""
    before, place = code(source.text[:offset]), source.place(offset)
    if [token.text for token in before[-2:]] in (["|"], [";", "|"]):
        hint = f"begin with one, such as SigninLogs | {word}"
        return QueryError("no table stands before the first |", hint=hint, syntax=True, **place)
    if word == "|":
        said = "no operator stands between this | and the one before"
        return QueryError(said, hint="take one of them away", syntax=True, **place)
    wanted, example = _WANTED.get(word, ("", ""))
    rest = source.text[offset + len(word) :]
    arguments = [token.text for token in code(rest[slice(*split(rest, "|")[0])]) if token.text != ";"]
    if wanted and not arguments:
        said = f"this {word} says nothing"
        return QueryError(said, hint=f"it wants {wanted}, as in {example}", syntax=True, **place)
    if word in ("top", "sort", "order") and "by" not in arguments:
        return QueryError(f"this {word} has no by", hint=f"write it as in {example}", syntax=True, **place)
    return None


def wrong_call(name: str, source: Source) -> str | None:
    """What is wrong with a call that KQL itself does not know: its name, or how many values it is given."""
    if name in UNDESCRIBED or name.startswith("__"):
        return None
    known = words(*_FUNCTIONS).get(name)
    if known is None:
        return f"there is no function {name}()"
    most, given = most_values(known.signature), _most_given(name, source.text)
    if most is None or given <= most or name in MORE_VALUES:
        return None
    return f"{name}() takes {most or 'no'} value{'s' * (most != 1)}, not {given}: {known.signature}"


def most_values(signature: str) -> int | None:
    """How many values a call may have by a signature; None for any number."""
    inside = signature.partition("(")[2].rpartition(")")[0]
    return None if "…" in inside else len(inside.split(",")) if inside else 0


def _most_given(name: str, text: str) -> int:
    """How many values the longest call of a name has."""
    found, tokens = 0, code(text)
    for token, behind in itertools.pairwise(tokens):
        if token.text == name and behind.text == "(":
            inside = text[behind.end : _close(text, behind.start)]
            found = max(found, len(split(inside, ",")) if code(inside) else 0)
    return found


def _close(text: str, start: int) -> int:
    """The offset of the parenthesis that closes the one at an offset."""
    depth = 0
    for token in code(text[start:]):
        depth += (token.text in ("(", "[", "{")) - (token.text in (")", "]", "}"))
        if depth == 0:
            return start + token.start
    return len(text)
