"""`geo_info_from_ip_address(ip)`: where an address is, from a GeoIP database file (.mmdb) that the user names.

Without one every answer is null, and the query's warnings say so. The file is the user's own: nothing is looked up elsewhere.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.functions.forms import add
from kqlmagic_ext.connections.local.functions.in_python import PythonFunction, remembered
from kqlmagic_ext.errors import ConnectError

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = "geo_info_from_ip_address"
SQL_NAME = "kql_geo_info"
NO_DATABASE = f"{_NAME} gives null: no GeoIP database is named (KqlMagics.geoip takes the path of a .mmdb file, %kql_connect heeds it)"


def geo_function(database: str | None) -> PythonFunction:
    """The function of SQL that looks an address up.

    Raises
    ------
    ConnectError
        When the file cannot be read, is no GeoIP database, or maxminddb is not installed.
    """
    reader = None if not database else _open(Path(database).expanduser())

    def look_up(text: str | None) -> str | None:
        return None if reader is None or text is None else _told(reader, text)

    return PythonFunction(SQL_NAME, ("VARCHAR",), "VARCHAR", remembered(look_up))


def _open(path: Path) -> Any:
    try:
        import maxminddb
    except ImportError as error:
        raise ConnectError("a GeoIP database needs maxminddb: pip install 'kqlmagic_ext[geoip]'") from error
    try:
        return maxminddb.open_database(path)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise ConnectError(f"{path} is not there or no GeoIP database: {error}") from error


def _told(reader: Any, text: str) -> str | None:
    """The place as JSON with the keys that Kusto has; null for what is no address or in no network of the file."""
    import orjson

    address = ipaddress.ip_address(text)
    if address.version == 6 and reader.metadata().ip_version == 4:  # noqa: PLR2004 - versions of IP
        return None
    found = reader.get(address)
    return orjson.dumps(_place(found)).decode() if isinstance(found, dict) else None


def _place(found: Mapping[str, Any]) -> dict[str, Any]:
    where = found.get("location") or {}
    regions = found.get("subdivisions") or [{}]
    return {
        "country": _english(found.get("country")),
        "state": _english(regions[0]),
        "city": _english(found.get("city")),
        "latitude": where.get("latitude"),
        "longitude": where.get("longitude"),
    }


def _english(named: Mapping[str, Any] | None) -> str:
    return str(((named or {}).get("names") or {}).get("en", ""))


def install() -> None:
    """Put it among duckdb-kql's."""
    add(_NAME, {1: f"CAST({SQL_NAME}(CAST({{0}} AS VARCHAR)) AS JSON)"}, texts=(0,))
