"""What example 09 asks outside the workspace, on this machine: `python -m tests.notebooks.outside COMMAND …` runs a command with it.

The answers are of the forms that the real services give, and about the addresses of the synthetic company: nobody's.
"""

from __future__ import annotations

import csv
import getpass
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.demo import Demo

if TYPE_CHECKING:
    from collections.abc import Iterator

END = datetime(2026, 11, 24, tzinfo=UTC)


@contextmanager
def outside() -> Iterator[dict[str, str]]:
    """The environment variables of example 09, while what they name is there."""
    story = Demo(END).story
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        yield {
            "THREATS_CSV": str(threats_csv(folder, story)),
            "THREATS_STIX": str(threats_stix(folder, story)),
            "GEO_DATABASE": str(geo_database(folder, story)),
            "ASSETS_XLSX": str(assets_xlsx(folder, story)),
            "RDAP_SERVER": stack.enter_context(rdap_server()),
            "HR_DATABASE": stack.enter_context(hr_database(story)),
        }


# ---------------------------------------------------------------- files


def threats_csv(folder: Path, story: Any) -> Path:
    """A threat-intelligence export as CSV: the beacon's address among others, and one that has expired."""
    rows = [
        ("203.0.113.200", "ip", 40, "2026-10-01T00:00:00Z", "2027-04-01T00:00:00Z", "scanner"),
        (
            story.beacon_address,
            "ip",
            90,
            "2026-11-19T08:00:00Z",
            "2027-05-19T08:00:00Z",
            "loader, command and control",
        ),
        (
            story.stale_indicator_address,
            "ip",
            60,
            "2025-03-01T00:00:00Z",
            "2025-09-01T00:00:00Z",
            "shared host",
        ),
        (
            "invoices.carrier.example",
            "domain",
            70,
            "2026-11-01T00:00:00Z",
            "",
            "phishing, “overdue invoices”",
        ),
    ]
    file = folder / "threats.csv"
    with file.open("w", encoding="utf-8", newline="") as text:
        csv.writer(text).writerows(
            [("indicator", "type", "confidence", "first_seen", "valid_until", "label"), *rows]
        )
    return file


def threats_stix(folder: Path, story: Any) -> Path:
    """A STIX 2.1 bundle with two indicators and what belongs to them."""
    moment = "2026-11-20T10:00:00.000Z"

    def indicator(number: int, name: str, pattern: str) -> dict[str, Any]:
        return {
            "type": "indicator", "spec_version": "2.1", "id": f"indicator--00000000-0000-4000-8000-{number:012}",
            "created": moment, "modified": moment, "name": name, "pattern": pattern, "pattern_type": "stix",
            "valid_from": moment, "indicator_types": ["malicious-activity"], "confidence": 80,
        }  # fmt: skip

    bundle = {
        "type": "bundle",
        "id": "bundle--00000000-0000-4000-8000-000000000001",
        "objects": [
            {"type": "identity", "spec_version": "2.1", "id": "identity--00000000-0000-4000-8000-000000000009",
             "created": moment, "modified": moment, "name": "A sharing group", "identity_class": "organization"},
            indicator(1, "Staging of stolen archives", f"[ipv4-addr:value = '{story.exfiltration_address}']"),
            indicator(2, "A loader's file", "[file:hashes.'SHA-256' = '" + "0" * 64 + "']"),
        ],
    }  # fmt: skip
    file = folder / "threats.stix.json"
    file.write_text(json.dumps(bundle), "utf-8")
    return file


def geo_database(folder: Path, story: Any) -> Path:
    """A geolocation database in MaxMind's format, written by a library."""
    from mmdb_writer import MMDBWriter
    from netaddr import IPSet

    writer = MMDBWriter(ip_version=4, database_type="GeoLite2-City", languages=["en"])
    places = {
        "198.18.0.0/15": ("NL", "Rotterdam", 51.92, 4.48),
        f"{story.success_address}/32": (story.success_country, "Reykjavik", 64.15, -21.94),
        **{
            f"{address}/32": (story.spray_country, "Victoria", -4.62, 55.45)
            for address in story.spray_addresses
        },
    }
    for network, (country, city, latitude, longitude) in places.items():
        writer.insert_network(
            IPSet([network]),
            {
                "country": {"iso_code": country},
                "city": {"names": {"en": city}},
                "location": {"latitude": latitude, "longitude": longitude},
            },
        )
    file = folder / "places.mmdb"
    writer.to_db_file(str(file))
    return file


def assets_xlsx(folder: Path, story: Any) -> Path:
    """A list of machines as people keep it: two sheets, a title above the table, dates, an empty cell."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = "Servers"
    for row in (
        ["Critical machines, kept by IT operations"],
        ["Machine", "Owner", "Criticality", "Reviewed"],
        [story.server, "Freight accounting", 5, datetime(2026, 9, 1)],
        [story.backup_host, "Backup team", 4, datetime(2026, 10, 12)],
        ["HOU-DC-01", "Directory services", 5, None],
    ):
        sheet.append(row)
    book.create_sheet("Notes").append(["Ask before you change this list."])
    file = folder / "assets.xlsx"
    book.save(file)
    return file


# ---------------------------------------------------------------- services


class Registry(http.server.BaseHTTPRequestHandler):
    """RDAP (RFC 9083): the network of an address, or an error of the standard's form."""

    def do_GET(self) -> None:
        address = self.path.removeprefix("/ip/")
        known = address.startswith(("203.0.113.", "198.51.100."))
        answer = (
            network(address)
            if known
            else {"errorCode": 404, "title": "Not found", "rdapConformance": ["rdap_level_0"]}
        )
        body = json.dumps(answer).encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/rdap+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def network(address: str) -> dict[str, Any]:
    """An `ip network` object for the /24 of an address."""
    first = address.rpartition(".")[0]
    card = ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", "Bulletproof Hosting Ltd"]]]
    return {
        "objectClassName": "ip network", "rdapConformance": ["rdap_level_0"], "handle": f"NET-{first.replace('.', '-')}-0-1",
        "startAddress": f"{first}.0", "endAddress": f"{first}.255", "ipVersion": "v4", "name": "DOCUMENTATION-NET",
        "country": "SC", "events": [{"eventAction": "registration", "eventDate": "2026-10-30T09:00:00Z"}],
        "entities": [{"objectClassName": "entity", "handle": "BPH-1", "roles": ["registrant"], "vcardArray": card}],
    }  # fmt: skip


@contextmanager
def rdap_server() -> Iterator[str]:
    """An RDAP server on loopback."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def postgres_programs() -> Path | None:
    """The folder of PostgreSQL's programs; None where there are none."""
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return Path(found).parent if found else next(iter(folders), None)


@contextmanager
def hr_database(story: Any) -> Iterator[str]:
    """A PostgreSQL server of its own on loopback, with the table of people; its URL for SQLAlchemy."""
    programs = postgres_programs()
    if programs is None:
        raise FileNotFoundError("PostgreSQL is not installed: apt-get install postgresql")
    port, data = free_port(), Path(tempfile.mkdtemp(prefix="hr-"))
    # PostgreSQL refuses to run as root; Debian's package brings a user for it.
    is_root = getpass.getuser() == "root"
    as_user = ["runuser", "-u", "postgres", "--"] if is_root else []
    if is_root:
        shutil.chown(data, "postgres", "postgres")

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [*as_user, str(programs / program), *arguments], check=True, capture_output=True, cwd=data
        )

    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    try:
        run("initdb", "-D", str(data / "db"), "-U", "hr", "-A", "trust", "-E", "UTF8", "--no-sync")
        run("pg_ctl", "-D", str(data / "db"), "-w", "-l", str(data / "log"), "-o", options, "start")
        url = f"postgresql+psycopg://hr@127.0.0.1:{port}/postgres"
        try:
            fill_people(url, story)
            yield url
        finally:
            run("pg_ctl", "-D", str(data / "db"), "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(data, ignore_errors=True)


def fill_people(url: str, story: Any) -> None:
    """Three people: one on leave since before the intrusion, one who travels, one at work."""
    from sqlalchemy import create_engine, text

    engine = create_engine(url)
    rows = [
        {"upn": story.account, "away_from": "2026-11-14", "away_until": "2026-11-28", "reason": "leave", "manager": None},
        {"upn": story.travelling_account, "away_from": "2026-11-18", "away_until": "2026-11-22", "reason": "travel", "manager": "Amara Kowalski"},
        {"upn": story.mistyping_account, "away_from": None, "away_until": None, "reason": None, "manager": "Diego Weber"},
    ]  # fmt: skip
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE people (upn text PRIMARY KEY, away_from date, away_until date, reason text, manager text)"
            )
        )
        connection.execute(
            text(
                "INSERT INTO people VALUES (:upn, CAST(:away_from AS date), CAST(:away_until AS date), :reason, :manager)"
            ),
            rows,
        )
    engine.dispose()


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def main() -> int:
    """Run a command with everything outside in place."""
    with outside() as places:
        return subprocess.run(sys.argv[1:], env={**os.environ, **places}, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
