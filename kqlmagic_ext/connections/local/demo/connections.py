"""DeviceNetworkEvents: what machines connect to, the beacon and the exfiltration among it."""

from __future__ import annotations

import numpy as np

from kqlmagic_ext.connections.local.demo import internet, programs
from kqlmagic_ext.connections.local.demo.defender import (
    all_programs,
    device_columns,
    initiating_columns,
    process_id,
    step_number,
    work,
)
from kqlmagic_ext.connections.local.demo.recipe import Columns, Facts, Recipe, Scene, at, stacked
from kqlmagic_ext.connections.local.demo.story import beacon_times, session_times
from kqlmagic_ext.connections.local.demo.texts import Ints, picked

_PORTS = (443, 80, 445, 389, 88, 53, 135, 5985)
_TALKERS = (
    "msedge.exe",
    "ms-teams.exe",
    "OUTLOOK.EXE",
    "svchost.exe",
    "ShipTrack.exe",
    "EXCEL.EXE",
    "MpCmdRun.exe",
)
_INSIDE = 0.24  # part of the connections that stay in the company
_REFUSED = 0.025


def everyday(scene: Scene, count: int) -> Facts:
    """Browsing, mail and meetings, and machines among themselves."""
    rng, moments = scene.rng, work(scene, count, servers=0.25)
    inside = rng.random(count) < _INSIDE
    servers = scene.company.hosts_of("DC", "FS", "server")
    site = scene.world.visits(rng, count)
    near = len(scene.world.sites) + servers[rng.integers(0, len(servers), count)]
    return {
        "time": moments.time,
        "host": moments.host,
        "account": moments.account,
        "program": _talkers(scene, moments.host),
        "process": rng.integers(250, 6000, count) * 4,
        "parent": rng.integers(150, 3000, count) * 4,
        "to": np.where(inside, near, site),
        "port": np.where(
            inside, np.array(_PORTS)[rng.integers(2, len(_PORTS), count)], _web_ports(rng, count)
        ),
        "refused": (rng.random(count) < _REFUSED).astype(np.int64),
    }


def _web_ports(rng: np.random.Generator, count: int) -> Ints:
    ports: Ints = np.where(rng.random(count) < 0.93, 443, 80)  # noqa: PLR2004 - few sites are still plain
    return ports


def _talkers(scene: Scene, host: Ints) -> Ints:
    entries = programs.EVERYDAY
    desk = [entry.weight * (entry.file in _TALKERS) for entry in entries]
    server = [weight * (entry.where != programs.DESK) for weight, entry in zip(desk, entries, strict=True)]
    on_desk = host < len(scene.company.people)
    return np.where(on_desk, scene.choose(desk, len(host)), scene.choose(server, len(host)))


def story(scene: Scene) -> Facts:
    """The beacons of the workstation and the server, the hop between them, and the exfiltration."""
    told, company = scene.story, scene.company
    first = len(scene.world.sites) + len(company.hosts)
    user, system = company.account_number(told.phished_account), len(company.accounts) - 1
    desk = {"host": company.host_number(told.workstation), "account": user, **_shell(scene, "shell")}
    server = {"host": company.host_number(told.server), "account": system, **_shell(scene, "server shell")}
    beacon = {"to": first + internet.BEACON, "port": 80, "refused": 0}
    drop = {"to": first + internet.DROP, "port": 443, "refused": 0}
    hop = {"to": len(scene.world.sites) + company.host_number(told.server), "port": 445, "refused": 0}
    return stacked([
        *({"time": time} | desk | beacon for time in beacon_times(told, told.beacon_start, scene.window.end).tolist()),
        *({"time": time} | server | beacon for time in beacon_times(told, told.server_beacon_start, scene.window.end).tolist()),
        *({"time": time} | server | drop for time in session_times(told).tolist()),
        {"time": at(told.lateral_time, -1)} | desk | hop | _shell(scene, "PsExec.exe"),
    ])  # fmt: skip


def _shell(scene: Scene, name: str) -> dict[str, int]:
    return {
        "program": step_number(scene, name),
        "process": process_id(scene, name),
        "parent": process_id(scene, "word"),
    }


def columns(scene: Scene, facts: Facts) -> Columns:
    """The facts in the words of the log."""
    to, count = facts["to"], len(facts["time"])
    sites, fleet, abroad = scene.world.sites, scene.company.hosts, scene.world.addresses
    ips = [*(site.ip for site in sites), *(host.ip for host in fleet), *scene.world.ips]
    urls = [*(site.domain for site in sites), *(host.fqdn for host in fleet), *([""] * len(abroad))]
    kinds = ["Public"] * len(sites) + ["Private"] * len(fleet) + ["Public"] * len(abroad)
    return (
        device_columns(scene, facts["host"])
        | initiating_columns(scene, facts, all_programs(scene))
        | {
            "ActionType": picked(["ConnectionSuccess", "ConnectionFailed"], facts["refused"]),
            "RemoteIP": picked(ips, to),
            "RemoteIPType": picked(kinds, to),
            "RemotePort": facts["port"],
            "RemoteUrl": picked(urls, to),
            "LocalIP": picked(scene.host_pool("ip"), facts["host"]),
            "LocalIPType": "Private",
            "LocalPort": scene.rng.integers(49_152, 65_535, count),
            "Protocol": "Tcp",
        }
    )


RECIPE = Recipe(everyday, story, columns, share=0.14)
