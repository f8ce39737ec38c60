"""A folder as a workspace: each Parquet, CSV, TSV, JSON or JSONL file is a table, read in place."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kqlmagic_ext.connections.local.delimited import Rejects, read_delimited, refuse_twins
from kqlmagic_ext.connections.local.json_files import read_json
from kqlmagic_ext.connections.local.sql import quote_path
from kqlmagic_ext.connections.local.tables import described_table
from kqlmagic_ext.connections.local.text_columns import TextRows, typed
from kqlmagic_ext.connections.local.types import native_columns, view
from kqlmagic_ext.connections.local.watchlist_calls import alias_of
from kqlmagic_ext.connections.local.watchlists import columns_of, find_watchlists
from kqlmagic_ext.errors import ConnectError, QueryError
from kqlmagic_ext.kql.known_tables import known_tables
from kqlmagic_ext.query import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from duckdb import DuckDBPyConnection

_TYPE_COLUMN = "Type"
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_ENDINGS = (
    ".parquet",
    ".csv",
    ".csv.gz",
    ".tsv",
    ".tsv.gz",
    ".json",
    ".json.gz",
    ".jsonl",
    ".jsonl.gz",
    ".ndjson",
)


class FolderTables:
    """The files of one folder: `files` maps each table to its file, links resolved."""

    def __init__(self, files: Mapping[str, Path], scratch: str, *, allow_rejects: bool) -> None:
        self._scratch, self._allow_rejects = scratch, allow_rejects
        self.files = files
        self.names: Collection[str] = tuple(self.files)

    def listed(self, name: str) -> Table:
        """The name, the file, and a Parquet file's own count of its rows."""
        path = self.files[name]
        return Table(
            name,
            rows=_parquet_rows(path) if path.suffix.lower() == ".parquet" else None,
            remarks=(path.name,),
        )

    def stamp(self, name: str) -> object:
        """The file's size, its time of change and its identity."""
        try:
            state = self.files[name].stat()
        except OSError:
            return None  # the query that reads the file says what is wrong with it
        return state.st_size, state.st_mtime_ns, state.st_ino

    def load(self, name: str, cursor: DuckDBPyConnection, checkpoint: Callable[[], None]) -> Table:
        """Look at the file, choose the columns' types, make the view."""
        import duckdb

        path = self.files[name]
        try:
            return (
                self._parquet(name, path, cursor)
                if path.suffix.lower() == ".parquet"
                else self._text(name, path, cursor, checkpoint)
            )
        except duckdb.Error as error:
            raise QueryError(f"{path.name} cannot be read: {str(error).splitlines()[0]}") from error
        except OSError as error:
            raise QueryError(f"{path.name} cannot be read: {error.strerror or error}") from error

    def _parquet(self, name: str, path: Path, cursor: DuckDBPyConnection) -> Table:
        from pyarrow import ArrowInvalid, parquet, types

        try:
            schema = parquet.read_schema(path)
        except ArrowInvalid as error:
            raise QueryError(f"{path.name} is no Parquet file: {error}") from error
        refuse_twins(schema.names, path)
        source = f"read_parquet({quote_path(path)}, hive_partitioning=false)"
        durations = {field.name: field.type.unit for field in schema if types.is_duration(field.type)}
        columns = native_columns(source, cursor, durations)
        cursor.execute(view(name, columns, source))
        return described_table(name, columns, _parquet_rows(path), (path.name,))

    def _text(
        self, name: str, path: Path, cursor: DuckDBPyConnection, checkpoint: Callable[[], None]
    ) -> Table:
        rows = self._text_rows(path, cursor, checkpoint)
        if alias_of(name) is not None:
            return self._watchlist(name, path, rows, cursor)
        like = known_table(name) or _type_of_rows(rows, cursor)
        known = known_tables()[like] if like else {}
        found = typed(rows, known, cursor)
        cursor.execute(view(name, found.columns, rows.source))
        types = (f"types of {like}",) if like else ()
        remarks = (path.name, *types, *rows.remarks, *found.remarks)
        table = described_table(name, found.columns, found.rows, remarks)
        return replace(table, losses=(*table.losses, *rows.losses))

    @staticmethod
    def _watchlist(name: str, path: Path, rows: TextRows, cursor: DuckDBPyConnection) -> Table:
        columns, said = columns_of(rows.columns, path.stat().st_mtime)
        cursor.execute(view(name, columns, rows.source))
        table = described_table(name, columns, rows.count, (path.name, *said))
        return replace(table, losses=tuple(f"{name}: {each}" for each in (*said, *rows.losses)))

    def _text_rows(self, path: Path, cursor: DuckDBPyConnection, checkpoint: Callable[[], None]) -> TextRows:
        ending = Path(path.name.lower().removesuffix(".gz")).suffix
        rejects = Rejects(self._scratch, allowed=self._allow_rejects)
        if ending in _DELIMITERS:
            return read_delimited(path, _DELIMITERS[ending], rejects, checkpoint)
        return read_json(path, cursor, rejects, checkpoint)


def find_files(folder: Path) -> dict[str, Path]:
    """Table names with their files, sorted; the name is the file's without its ending. Watchlists come last.

    Raises
    ------
    ConnectError
        When the folder cannot be read, two files give one name, or a link leads nowhere.
    """
    found: dict[str, Path] = {}
    seen: dict[str, str] = {}
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise ConnectError(f"the folder {folder} cannot be read: {error.strerror or error}") from error
    for path in paths:
        ending = next(
            (
                ending
                for ending in sorted(_ENDINGS, key=len, reverse=True)
                if path.name.lower().endswith(ending)
            ),
            None,
        )
        if ending is None or path.name.startswith(".") or path.is_dir():
            continue
        name = path.name[: -len(ending)]
        twin = seen.setdefault(name.casefold(), path.name)
        if twin != path.name:
            raise ConnectError(f"{twin} and {path.name} both give the table {name!r}; rename or move one")
        found[name] = _resolved(path)
    return {**found, **find_watchlists(folder)}


def _resolved(path: Path) -> Path:
    try:
        return path.resolve(strict=True)
    except OSError as error:
        raise ConnectError(
            f"{path.name} is a link to {path.readlink()}, which is not there; remove or mend it"
        ) from error


def known_table(name: str) -> str | None:
    """The Log Analytics table that a file is named after, such as SigninLogs for `signin_logs`."""
    plain = re.sub(r"[\W_]", "", name).casefold()
    return next((known for known in known_tables() if known.casefold().replace("_", "") == plain), None)


def _type_of_rows(rows: TextRows, cursor: DuckDBPyConnection) -> str | None:
    """The Log Analytics table that every row names in its `Type` column, as exports do."""
    if _TYPE_COLUMN not in rows.columns:
        return None
    text = rows.columns[_TYPE_COLUMN]
    least, most = cursor.sql(f"SELECT min({text}), max({text}) FROM {rows.source}").fetchall()[0]
    return str(least) if least == most and least in known_tables() else None


def _parquet_rows(path: Path) -> int | None:
    from pyarrow import ArrowInvalid, parquet

    try:
        return int(parquet.read_metadata(path).num_rows)
    except (ArrowInvalid, OSError):
        return None  # the query that reads the file says what is wrong with it
