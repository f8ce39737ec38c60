"""JSON and JSONL files, read in place by DuckDB: each key of the records is a column."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb

from kqlmagic_ext.connections.local.delimited import Rejects, broken_rows, open_text, refuse_twins
from kqlmagic_ext.connections.local.sql import quote_path, quote_text
from kqlmagic_ext.connections.local.text_columns import TextRows
from kqlmagic_ext.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from duckdb import DuckDBPyConnection

_PIECE = 1 << 20
_MAX_OBJECT = 256 * 1024 * 1024


def read_json(
    path: Path, cursor: DuckDBPyConnection, rejects: Rejects, checkpoint: Callable[[], None]
) -> TextRows:
    """The records of a JSON or JSONL file; `checkpoint` is called now and then, and may raise.

    Raises
    ------
    QueryError
        When the file holds broken records and they are not allowed, no objects, or keys that differ only in case.
    """
    if path.name.lower().removesuffix(".gz").endswith(".json"):
        _refuse_cut(path)
    try:
        return _rows(path, path, cursor)
    except duckdb.Error as error:
        if path.name.lower().removesuffix(".gz").endswith(".json"):
            raise QueryError(f"{path.name} is no JSON: {str(error).splitlines()[0]}") from error
    broken = _broken_lines(path, checkpoint)
    sound = rejects.copy(path, ".jsonl", broken)
    _copy_sound_lines(path, sound, {line for line, _ in broken})
    return replace(_rows(sound, path, cursor), losses=(broken_rows(path, broken) + ", left out",))


def _rows(source: Path, path: Path, cursor: DuckDBPyConnection) -> TextRows:
    reader = (
        f"read_json_objects({quote_path(source)}, maximum_object_size={_MAX_OBJECT}, hive_partitioning=false)"
    )
    kinds = {row[0] for row in cursor.sql(f"SELECT DISTINCT json_type(json) FROM {reader}").fetchall()}
    if kinds - {"OBJECT"}:
        raise QueryError(f"{path.name} holds records that are no objects", hint="each record must be {…}")
    found = cursor.sql(
        f"SELECT key, min(place) FROM (SELECT unnest(json_keys(json)) AS key, row_number() OVER () AS place FROM {reader}) "
        "GROUP BY key ORDER BY 2, 1"
    ).fetchall()
    names = [name for name, _ in found]
    if not names:
        raise QueryError(f"{path.name} holds no records with keys")
    refuse_twins(names, path)
    texts = ", ".join(f"bool_or(json_type(json, {_pointer(name)}) = 'VARCHAR')" for name in names)
    quoted = cursor.sql(f"SELECT {texts} FROM {reader}").fetchall()[0]
    strings = frozenset(name for name, is_text in zip(names, quoted, strict=True) if is_text)
    return TextRows(reader, {name: f"(json ->> {_pointer(name)})" for name in names}, quoted=strings)


def _refuse_cut(path: Path) -> None:
    """Raise QueryError when the file stops amid its JSON: DuckDB gives the records before without a word."""
    last = ""
    with open_text(path) as text:
        while piece := text.read(_PIECE):
            last = piece.rstrip()[-1:] or last
    if last not in ("]", "}"):
        raise QueryError(f"{path.name} is no JSON: it ends with {last!r}, amid a value")


def _pointer(key: str) -> str:
    """The SQL text of the JSON pointer to a key."""
    return quote_text("/" + key.replace("~", "~0").replace("/", "~1"))


def _broken_lines(path: Path, checkpoint: Callable[[], None]) -> list[tuple[int, str]]:
    broken = []
    with open_text(path) as text:
        for number, line in enumerate(text, 1):
            checkpoint()
            try:
                if line.strip():
                    json.loads(line)
            except ValueError as error:
                broken.append((number, str(error)))
    return broken


def _copy_sound_lines(path: Path, target: Path, left_out: set[int]) -> None:
    with open_text(path) as text, target.open("w", encoding="utf-8") as out:
        out.writelines(line for number, line in enumerate(text, 1) if number not in left_out)
