"""CommonSecurityLog: the firewalls' sessions, the beacon and the exfiltration among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqlmagic_ext.connections.local.demo import internet
from kqlmagic_ext.connections.local.demo.company import OFFICES
from kqlmagic_ext.connections.local.demo.recipe import Columns, Facts, Recipe, Scene, stacked
from kqlmagic_ext.connections.local.demo.rhythm import human_times, machine_times
from kqlmagic_ext.connections.local.demo.story import beacon_times, session_times
from kqlmagic_ext.connections.local.demo.texts import DAY, SECOND, Ints, joined, picked

if TYPE_CHECKING:
    from collections.abc import Iterator

# Vendor, product, version and the words of each office's firewall.
_FIREWALLS = (
    ("Palo Alto Networks", "PAN-OS", "11.1.4", "TRAFFIC", "allow", "deny"),
    ("Palo Alto Networks", "PAN-OS", "11.1.4", "TRAFFIC", "allow", "deny"),
    ("Fortinet", "Fortigate", "v7.4.5", "traffic", "accept", "deny"),
    ("Fortinet", "Fortigate", "v7.4.5", "traffic", "accept", "deny"),
)
_APPLICATIONS = ("ssl", "web-browsing", "dns", "office365-base", "ms-teams", "ntp")
_BACKUP_NIGHT = 12  # sessions of each night's backup
_SERVERS = 0.16
_DENIED = 0.045
LATER = 400_000  # microseconds after the machine itself, the firewall logs the session


def everyday(scene: Scene, count: int) -> Facts:
    """Sessions from desks and servers to the sites they visit."""
    rng, person = scene.rng, scene.busy_people(count)
    machines = scene.company.hosts_of("DC", "server", "linux")
    by_itself = rng.random(count) < _SERVERS
    human = human_times(rng, scene.window, scene.company.offsets[person])
    sent = rng.lognormal(7.8, 1.3, count) + 200
    return {
        "time": np.where(by_itself, machine_times(rng, scene.window, count), human),
        "host": np.where(by_itself, machines[rng.integers(0, len(machines), count)], person),
        "to": scene.world.visits(rng, count),
        "application": scene.choose((50, 14, 0, 20, 14, 2), count),
        "denied": (rng.random(count) < _DENIED).astype(np.int64),
        "sent": sent.clip(0, 3e7).astype(np.int64),
        "received": (sent * rng.lognormal(1.6, 1.2, count)).clip(0, 9e8).astype(np.int64),
        "seconds": (rng.lognormal(2.2, 1.2, count)).clip(0, 7200).astype(np.int64),
    }


def story(scene: Scene) -> Facts:
    """The beacons, the exfiltration, and the backup that only looks like one."""
    return stacked([*_beacons(scene), *_exfiltration(scene), *_backups(scene)])


def _beacons(scene: Scene) -> Iterator[dict[str, int]]:
    told, to = scene.story, len(scene.world.sites) + internet.BEACON
    for host, start in ((told.workstation, told.beacon_start), (told.server, told.server_beacon_start)):
        fixed = {
            "host": scene.company.host_number(host),
            "to": to,
            "application": 1,
            "denied": 0,
            "seconds": 1,
        }
        for time in beacon_times(told, start, scene.window.end - LATER).tolist():
            size = {"sent": int(scene.rng.integers(310, 330)), "received": int(scene.rng.integers(180, 196))}
            yield {"time": time + LATER} | fixed | size


def _exfiltration(scene: Scene) -> Iterator[dict[str, int]]:
    told, to = scene.story, len(scene.world.sites) + internet.DROP
    host = scene.company.host_number(told.server)
    for time, size in zip(session_times(told).tolist(), told.exfiltration_sizes, strict=True):
        fixed = {"host": host, "to": to, "application": 0, "denied": 0}
        yield {
            "time": time + LATER,
            "sent": size,
            "received": size // 900,
            "seconds": size // 900_000,
        } | fixed


def _backups(scene: Scene) -> Iterator[dict[str, int]]:
    host = scene.company.host_number(scene.story.backup_host)
    fixed = {"host": host, "to": scene.world.site(internet.BACKUP_SITE), "application": 0, "denied": 0}
    for night in range(14):
        for session in range(_BACKUP_NIGHT):
            time = scene.window.start + night * DAY + (DAY * 23 // 24 - scene.window.start % DAY) % DAY
            size = int(scene.rng.integers(350, 700)) * 1_000_000
            time = min(time + session * 240 * SECOND, scene.window.end - 1 - session)
            yield {"time": time, "sent": size, "received": size // 2000, "seconds": 220} | fixed


def columns(scene: Scene, facts: Facts) -> Columns:
    """The facts in the words of the log."""
    office = np.array([host.office for host in scene.company.hosts], np.int64)[facts["host"]]
    return (
        _firewall_columns(facts, office)
        | _ends_columns(scene, facts, office)
        | {
            "ApplicationProtocol": picked(_APPLICATIONS, facts["application"]),
            "Protocol": picked(
                ["TCP", "UDP"], (facts["application"] == _APPLICATIONS.index("ntp")).astype(np.int64)
            ),
            "SentBytes": facts["sent"] * (1 - facts["denied"]),
            "ReceivedBytes": facts["received"] * (1 - facts["denied"]),
            "StartTime": facts["time"] - facts["seconds"] * SECOND,
            "EndTime": facts["time"],
            "EventCount": 1,
            "RequestMethod": picked(
                ["", "GET"], (facts["application"] == _APPLICATIONS.index("web-browsing")).astype(np.int64)
            ),
            "DeviceCustomString1": picked(["Allow web", "Deny all"], facts["denied"]),
            "DeviceCustomString1Label": "Rule",
            "AdditionalExtensions": picked(
                ["reason=aged-out;cat=session", "reason=policy-deny;cat=session"], facts["denied"]
            ),
            "CommunicationDirection": "Outbound",
            "DeviceInboundInterface": "ethernet1/2",
            "DeviceOutboundInterface": "ethernet1/1",
            "SourceSystem": "OpsManager",
        }
    )


def _firewall_columns(facts: Facts, office: Ints) -> Columns:
    allowed = [row[4] for row in _FIREWALLS]
    refused = [row[5] for row in _FIREWALLS]
    action = facts["denied"] * len(_FIREWALLS) + office
    return {
        "DeviceVendor": picked([row[0] for row in _FIREWALLS], office),
        "DeviceProduct": picked([row[1] for row in _FIREWALLS], office),
        "DeviceVersion": picked([row[2] for row in _FIREWALLS], office),
        "Activity": picked([row[3] for row in _FIREWALLS], office),
        "DeviceAction": picked(allowed + refused, action),
        "SimplifiedDeviceAction": picked(["Allow", "Deny"], facts["denied"]),
        "DeviceEventClassID": picked(["end", "drop"], facts["denied"]),
        "LogSeverity": picked(["1", "3"], facts["denied"]),
        "DeviceName": picked([f"{place.code}-FW-01" for place in OFFICES], office),
        "Computer": picked([f"{place.code}-FW-01" for place in OFFICES], office),
        "CollectorHostName": "RTM-LOG-01",
        "DeviceAddress": picked([f"10.{place.subnet}.0.1" for place in OFFICES], office),
        "DeviceExternalID": picked([f"0123010000{place.subnet}" for place in OFFICES], office),
    }


def _ends_columns(scene: Scene, facts: Facts, office: Ints) -> Columns:
    sites, to, fleet = scene.world.sites, facts["to"], scene.company.hosts
    ips = [*(site.ip for site in sites), *scene.world.ips]
    names = [*(site.domain for site in sites), *([""] * len(scene.world.ips))]
    urls = [f"{name or ip}/" for name, ip in zip(names, ips, strict=True)]
    kinds = [*(site.category for site in sites), *(["unknown"] * len(scene.world.ips))]
    people = [scene.company.accounts[host.owner].name if host.owner >= 0 else "" for host in fleet]
    plain = np.array([443, 80, 53, 443, 443, 123])[facts["application"]]
    return {
        "SourceIP": picked([host.ip for host in fleet], facts["host"]),
        "SourceHostName": picked([host.name for host in fleet], facts["host"]),
        "SourcePort": scene.rng.integers(49_152, 65_535, len(to)),
        "SourceUserName": picked(people, facts["host"]),
        "SourceTranslatedAddress": picked(scene.world.ips, office * 2),
        "DestinationIP": picked(ips, to),
        "DestinationPort": plain,
        "DestinationHostName": picked(names, to),
        "RequestURL": picked(urls, to),
        "DeviceEventCategory": picked(kinds, to),
        "Message": joined("session to ", picked(ips, to)),
    }


RECIPE = Recipe(everyday, story, columns, share=0.12)
