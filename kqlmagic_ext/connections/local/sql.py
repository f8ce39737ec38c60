"""DuckDB's names and texts, quoted: the only way a name or a path enters SQL."""

from __future__ import annotations

import re


def quote_name(name: str) -> str:
    """A SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def quote_path(path: object) -> str:
    """A SQL string literal that names this one file: DuckDB's readers take `[`, `*` and `?` for patterns."""
    return quote_text(re.sub(r"[\[*?]", r"[\g<0>]", str(path)))
