"""DuckDB's names and texts, quoted: the only way a name or a path enters SQL."""

from __future__ import annotations


def quote_name(name: str) -> str:
    """A SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
