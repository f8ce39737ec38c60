"""`local://`: the embedded workspace.

| URL | tables |
|---|---|
| `local://` | none but the inputs of a query |
| `local://demo` | a synthetic company under attack; `?end=2026-11-01&rows=200000&seed=7` pins it, and now() with it |
| `local:///folder` | each Parquet, CSV, TSV, JSON or JSONL file, read in place; `?rejects=allow` leaves broken rows out |
| `local:///file.duckdb` | those of a DuckDB file, read-only |
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from kqlmagic_ext.errors import ConnectError
from kqlmagic_ext.kql.words import did_you_mean

if TYPE_CHECKING:
    from kqlmagic_ext.connections.local.connection import LocalConnection
    from kqlmagic_ext.connections.local.outside.reach import Reach


def open_local(
    url: str,
    *,
    name: str | None = None,
    memory_limit: str | None = None,
    externaldata: str = "folder",
    geoip: str | None = None,
) -> LocalConnection:
    """The embedded workspace that a `local://` URL names; raises ConnectError when it cannot be opened.

    `externaldata`: what that operator may read: `folder`, the files of an opened folder; `https`, addresses of the web, too.
    `geoip`: the GeoIP database file (.mmdb) that `geo_info_from_ip_address` reads.
    """
    from kqlmagic_ext.connections.local.outside.reach import REACHES, Reach

    if externaldata not in REACHES:
        raise ConnectError(f"externaldata={externaldata!r}; it can be {' or '.join(REACHES)}")
    settings = _Settings(memory_limit, Reach(https=externaldata == "https", geoip=geoip))
    place, _, query = url.removeprefix("local://").partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if place == "demo":
        return _open_demo(url, name or "demo", options, settings)
    if place == "":
        _refuse_options(url, options, ())
        return _open_empty(url, name or "local", settings)
    path = _path(url, place)
    if path.is_dir():
        return _open_folder(url, name or path.name, path, options, settings)
    _refuse_options(url, options, ())
    return _open_file(url, name or path.stem, path, settings)


@dataclass(frozen=True)
class _Settings:
    """How a workspace is opened, whatever it holds."""

    memory_limit: str | None
    reach: Reach


def _path(url: str, place: str) -> Path:
    """The folder or file of the URL, links resolved."""
    place = unquote(place)
    if not place.startswith(("/", "./", "../")):
        near = did_you_mean(place, ["demo"])
        hint = "did you mean local://demo?" if near else "write local://demo, or a path with three slashes"
        raise ConnectError(f"{url} names no place: {hint}" + ("" if near else f", local:///{place}"))
    if place.startswith("/~") or place[2:3] == ":":
        place = place[1:]
    path = Path(place).expanduser()
    try:
        return path.resolve(strict=True)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ConnectError(f"{path} is not there or cannot be read: {why}") from error


def _url(folder: Path) -> str:
    return "local://" + folder.as_uri().removeprefix("file://")


def _refuse_options(url: str, options: dict[str, str], known: tuple[str, ...]) -> None:
    for option in options:
        if option not in known:
            there = f"; there is {', '.join(known)}" if known else ""
            raise ConnectError(f"{url}: unknown option {option!r}{there}")


def _open_empty(url: str, name: str, settings: _Settings) -> LocalConnection:
    from kqlmagic_ext.connections.local.connection import LocalConnection
    from kqlmagic_ext.connections.local.database import Database
    from kqlmagic_ext.connections.local.tables import NoTables

    return LocalConnection(
        name, url, Database(memory_limit=settings.memory_limit), NoTables(), reach=settings.reach
    )


def _open_demo(url: str, name: str, options: dict[str, str], settings: _Settings) -> LocalConnection:
    _refuse_options(url, options, ("end", "rows", "seed"))
    from kqlmagic_ext.connections.local.connection import LocalConnection
    from kqlmagic_ext.connections.local.database import Database
    from kqlmagic_ext.connections.local.demo import Demo
    from kqlmagic_ext.connections.local.tables import DemoTables

    end = _moment(url, options["end"]) if "end" in options else _hour()
    numbers: dict[str, Any] = {
        key: _whole(url, key, options[key]) for key in ("rows", "seed") if key in options
    }
    try:
        demo = Demo(end, **numbers)
    except ValueError as error:
        raise ConnectError(f"{url}: {error}") from error
    now = end if "end" in options else None
    place = f"local://demo?end={end.isoformat().replace('+00:00', 'Z')}&rows={demo.rows}&seed={demo.seed}"
    return LocalConnection(
        name,
        url,
        Database(memory_limit=settings.memory_limit),
        DemoTables(demo),
        now=now,
        synthetic=True,
        place=place,
        reach=settings.reach,
    )


def _hour() -> datetime:
    """The last full hour."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def _moment(url: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConnectError(f"{url}: end={text!r} is no ISO 8601 date or time") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _whole(url: str, option: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ConnectError(f"{url}: {option}={text!r} is no whole number") from error


def _open_folder(
    url: str, name: str, path: Path, options: dict[str, str], settings: _Settings
) -> LocalConnection:
    _refuse_options(url, options, ("rejects",))
    if options.get("rejects", "allow") != "allow":
        raise ConnectError(f"{url}: rejects={options['rejects']!r}; the one choice is rejects=allow")
    from kqlmagic_ext.connections.local.connection import LocalConnection
    from kqlmagic_ext.connections.local.database import Database
    from kqlmagic_ext.connections.local.folder import FolderTables, find_files

    files = find_files(path)
    outside = [file for file in files.values() if not file.is_relative_to(path)]
    database = Database(folders=[path], files=outside, memory_limit=settings.memory_limit)
    tables = FolderTables(files, database.scratch, allow_rejects="rejects" in options)
    return LocalConnection(name, url, database, tables, reach=replace(settings.reach, folder=path))


def _open_file(url: str, name: str, path: Path, settings: _Settings) -> LocalConnection:
    from kqlmagic_ext.connections.local.connection import LocalConnection
    from kqlmagic_ext.connections.local.database import Database
    from kqlmagic_ext.connections.local.tables import AttachedTables

    with path.open("rb") as file:
        if file.read(12)[8:] != b"DUCK":
            raise ConnectError(
                f"{path.name} is no DuckDB file; for a file of rows, open its folder: {_url(path.parent)}"
            )
    database = Database(attached=path, memory_limit=settings.memory_limit)
    cursor = database.cursor()
    tables = AttachedTables(cursor)
    cursor.close()
    return LocalConnection(name, url, database, tables, reach=settings.reach)
