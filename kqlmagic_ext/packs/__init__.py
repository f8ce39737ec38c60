"""Saved queries: `.kql` files with front matter, Microsoft Sentinel's rules in YAML, and the tests that they carry.

`read(path)` and `write(path, query)`; `python -m kqlmagic_ext.packs test queries/` runs the tests.
"""

from __future__ import annotations

from pathlib import Path

from kqlmagic_ext.packs.kql_file import parse_kql
from kqlmagic_ext.packs.parameters import arguments
from kqlmagic_ext.packs.rules import parse_rule
from kqlmagic_ext.packs.saved import Entity, Origin, Parameter, Rows, SavedQuery, Test, wrong
from kqlmagic_ext.packs.writing import write

__all__ = [
    "RULES", "SUFFIXES", "Entity", "Origin", "Parameter", "Rows", "SavedQuery", "Test", "arguments", "read", "write",
]  # fmt: skip

RULES = (".yaml", ".yml")
SUFFIXES = (".kql", *RULES)


def read(path: str | Path) -> SavedQuery:
    """The query of a `.kql` file, or of a Sentinel rule in YAML.

    Raises
    ------
    QueryError
        When the file cannot be read or is none of both: one sentence with the file and, where it is known, the line.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise wrong(str(path), None, f"a saved query is a file that ends in {', '.join(SUFFIXES)}")
    try:
        content = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise wrong(str(path), line, "this is no UTF-8 text") from error
    except (OSError, ValueError) as error:
        raise wrong(
            str(path), None, f"it cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from error
    parse = parse_rule if path.suffix.lower() in RULES else parse_kql
    return parse(content, str(path), path.stem)
