"""Local times: `datetime_local_to_utc()` and `datetime_utc_to_local()`, by DuckDB's zones."""

from __future__ import annotations

from functools import partial
from typing import Any

from kqlmagic_ext.connections.local.functions.forms import add_special
from kqlmagic_ext.connections.local.private_copy import errors, ir, translate

_TO_UTC = "timezone('UTC', timezone({zone}, {time}))"
_TO_LOCAL = "timezone({zone}, timezone('UTC', {time}))"
_KNOWN = "list_contains((SELECT list(name) FROM pg_timezone_names()), {zone})"


def _moved(name: str, sql: str, node: Any) -> str:
    """The time in the other zone; a written zone that does not exist is an error, one in a column gives null."""
    if len(node.args) != 2:  # noqa: PLR2004 - time, zone
        raise errors.KqlUnsupportedError(f"function:{name}", hint="it takes a time and a zone")
    time, zone = (translate.render_expr(arg) for arg in node.args)
    moved = sql.format(time=f"CAST({time} AS TIMESTAMP)", zone=zone)
    is_written = isinstance(node.args[1], ir.Literal)
    return f"({moved})" if is_written else f"CASE WHEN {_KNOWN.format(zone=zone)} THEN {moved} END"


def install() -> None:
    """Put them among duckdb-kql's."""
    for name, sql in (("datetime_local_to_utc", _TO_UTC), ("datetime_utc_to_local", _TO_LOCAL)):
        add_special(name, partial(_moved, name, sql))
        translate._DATETIME_RETURNING |= {name}
