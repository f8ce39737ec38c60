"""`geo_info_from_ip_address`: from the file that the user names, null with a warning without one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from kqlmagic_ext import ConnectError, Query
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]
SYDNEY: dict[str, Any] = {
    "country": {"iso_code": "AU", "names": {"en": "Australia", "de": "Australien"}},
    "subdivisions": [{"names": {"en": "New South Wales"}}],
    "city": {"names": {"en": "Sydney"}},
    "location": {"latitude": -33.5, "longitude": 151.25},
}


@pytest.fixture
def database(tmp_path: Path) -> str:
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True)
    writer.insert_network(IPSet(["203.0.113.0/24", "2001:db8::/32"]), SYDNEY)
    writer.insert_network(IPSet(["198.51.100.0/24"]), {"country": {"names": {"en": "Chile"}}})
    writer.to_db_file(str(tmp_path / "geo.mmdb"))
    return str(tmp_path / "geo.mmdb")


def test_an_address_is_placed_by_the_file(opened: Open, database: str) -> None:
    rows = answer(
        opened("local://", geoip=database),
        "datatable (ip: string) ['203.0.113.9', '2001:db8::1', '198.51.100.1', '192.0.2.1', 'no address', ''] "
        "| extend place = geo_info_from_ip_address(ip) | project place",
    )
    sydney = {
        "country": "Australia",
        "state": "New South Wales",
        "city": "Sydney",
        "latitude": -33.5,
        "longitude": 151.25,
    }
    chile = {"country": "Chile", "state": "", "city": "", "latitude": None, "longitude": None}
    assert [place for (place,) in rows] == [sydney, sydney, chile, None, None, None]


def test_parts_of_a_place_are_read_in_every_position(opened: Open, database: str) -> None:
    query = (
        "let near = (ip: string) { tostring(geo_info_from_ip_address(ip).city) }; "
        "print d = dynamic({'ip': '203.0.113.9'}) | where tostring(geo_info_from_ip_address(tostring(d.ip)).country) == 'Australia' "
        "| project near(tostring(d.ip))"
    )
    assert answer(opened("local://", geoip=database), query) == [("Sydney",)]


def test_without_a_file_the_answer_is_null_and_that_is_said(opened: Open) -> None:
    result = opened("local://").run(Query("print geo_info_from_ip_address('203.0.113.9')"))
    assert result.frame.iloc[0, 0] is None
    assert [warning for warning in result.warnings if "no GeoIP database is named" in warning]


def test_a_file_that_is_no_database_is_refused_when_it_is_opened(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "x.mmdb").write_text("no database", "utf-8")
    for name in ("x.mmdb", "none.mmdb"):
        with pytest.raises(ConnectError, match="is not there or no GeoIP database"):
            opened("local://", geoip=str(tmp_path / name))
