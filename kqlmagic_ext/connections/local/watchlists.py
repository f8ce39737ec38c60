"""`_GetWatchlist("name")`: `watchlists/name.csv` of the opened folder, or an input of that name.

A watchlist is a table under the name of its call, such as `_GetWatchlist('VIPs')`. As in Sentinel every item is text, behind
`_DTItemId`, `LastUpdatedTimeUTC` and `SearchKey`; a file without a column SearchKey has its first column as that, and says so.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kqlmagic_ext.connections.local.sql import quote_name, quote_text
from kqlmagic_ext.connections.local.text_columns import conversion
from kqlmagic_ext.connections.local.types import Column
from kqlmagic_ext.connections.local.watchlist_calls import alias_of, table_of
from kqlmagic_ext.errors import ConnectError, QueryError
from kqlmagic_ext.kql.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from duckdb import DuckDBPyConnection

FOLDER = "watchlists"
_KEY, _OWN = "SearchKey", {"_DTItemId": "string", "LastUpdatedTimeUTC": "datetime", "SearchKey": "string"}
_AS_TEXT = ("string", "bool", "int", "long", "guid")


def find_watchlists(folder: Path) -> dict[str, Path]:
    """The tables of the watchlists of an opened folder with their files; ConnectError when two are told apart by case only."""
    found: dict[str, Path] = {}
    seen: dict[str, str] = {}
    for path in sorted((folder / FOLDER).glob("*")):
        if path.suffix.lower() != ".csv" or path.name.startswith(".") or not path.is_file():
            continue
        twin = seen.setdefault(path.stem.casefold(), path.name)
        if twin != path.name:
            raise ConnectError(f"{FOLDER}/{twin} and {path.name} are one watchlist; rename or move one")
        found[table_of(path.stem)] = path.resolve()
    return found


def no_watchlist(alias: str, known: Iterable[str]) -> tuple[str, str]:
    """What to say of a watchlist that is not there, and what to do."""
    there = sorted(each for each in map(alias_of, known) if each is not None)
    near = did_you_mean(alias, there)
    listed = f"there is {', '.join(there)}" if there else "there is none"
    return (
        f"there is no watchlist {alias!r}; {listed}",
        near
        or f"put {alias}.csv into {FOLDER}/ of the opened folder and connect again, or give a frame by -i {alias}",
    )


def columns_of(texts: Mapping[str, str], changed: float) -> tuple[list[Column], tuple[str, ...]]:
    """The columns of a watchlist from its file's, in SQL that gives text, and what to warn of.

    `changed`: when the file was written, in seconds since 1970.
    """
    first = next(iter(texts))
    moment = datetime.fromtimestamp(changed, UTC).replace(tzinfo=None, microsecond=0)
    row = f"md5(concat_ws(chr(31), {', '.join(texts.values())}, row_number() OVER ()))"
    own = {
        "_DTItemId": f"CAST(CAST({row} AS UUID) AS VARCHAR)",
        "LastUpdatedTimeUTC": f"TIMESTAMP {quote_text(moment.isoformat(sep=' '))}",
        _KEY: conversion("string", texts[first]),
    }
    said = () if _KEY in texts else (f"its {_KEY} is its first column, {first}",)
    columns = [
        Column(name, kind, conversion(kind, texts[name]) if name in texts else own[name])
        for name, kind in _OWN.items()
    ]
    return [
        *columns,
        *(
            Column(name, "string", conversion("string", text))
            for name, text in texts.items()
            if name not in _OWN
        ),
    ], said


def add_input(
    alias: str, columns: Mapping[str, str], cursor: DuckDBPyConnection, now: datetime
) -> tuple[dict[str, str], tuple[str, ...]]:
    """An input as a watchlist, a view of the cursor: its columns with their types, and what to warn of.

    Raises QueryError for a column that is no text and has more than one way to be written as one.
    """
    for name, kind in columns.items():
        if kind not in _AS_TEXT and name not in _OWN:
            raise QueryError(
                f"a watchlist holds text, and {name} of the input {alias} is {kind}",
                hint="make it text first",
            )
    texts = {name: f"CAST({quote_name(name)} AS VARCHAR)" for name in columns}
    made, said = columns_of(texts, now.timestamp())
    listed = ", ".join(f"{column.sql} AS {quote_name(column.name)}" for column in made)
    cursor.execute(
        f"CREATE OR REPLACE TEMP VIEW {quote_name(table_of(alias))} AS SELECT {listed} FROM {quote_name(alias)}"
    )
    return {column.name: column.kql_type for column in made}, tuple(
        f"{table_of(alias)}: {each}" for each in said
    )
