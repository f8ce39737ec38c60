"""Regular expressions that come from a row: one that is wrong matches nothing, and does not end the query."""

from __future__ import annotations

from typing import Any

from kqlmagic_ext.connections.local.functions.forms import once
from kqlmagic_ext.connections.local.private_copy import ir, translate

_NOTHING = r"[^\x00-\x{10FFFF}]"
_RIGHT = (
    "CASE WHEN _kql_p IS NULL OR TRY(regexp_matches('', _kql_p)) IS NOT NULL "
    f"THEN _kql_p ELSE '{_NOTHING}' END"
)
_renders_regex = translate.render_regex
_renders_countof = translate._SPECIAL_FORMS["countof"]


def render_regex(node: Any) -> str:
    """The pattern; what is written out or bound is left to the engine, which says what is wrong with it."""
    pattern = str(_renders_regex(node))
    if translate.constant_string(node) is not None or isinstance(node, ir.Parameter):
        return pattern
    return once(f"CAST({pattern} AS VARCHAR)", "_kql_p", _RIGHT)


def _countof(node: Any) -> str:
    kind = node.args[2] if len(node.args) == 3 else None  # noqa: PLR2004 - the text, what is sought, the kind
    if isinstance(kind, ir.Literal) and str(kind.value).lower() == "regex":
        text, pattern = translate.render_expr(node.args[0]), translate.render_regex(node.args[1])
        return f"length(regexp_extract_all({text}, {pattern}))"
    return str(_renders_countof(node))


def install() -> None:
    """Put them in the place of duckdb-kql's."""
    translate.render_regex = render_regex
    translate._SPECIAL_FORMS["countof"] = _countof
