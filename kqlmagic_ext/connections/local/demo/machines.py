"""Heartbeat and Syslog: that the servers live, and what the Linux ones say."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from kqlmagic_ext.connections.local.demo import internet
from kqlmagic_ext.connections.local.demo.company import DOMAIN
from kqlmagic_ext.connections.local.demo.recipe import Columns, Facts, Recipe, Scene, resource_path
from kqlmagic_ext.connections.local.demo.rhythm import DAYS, machine_times
from kqlmagic_ext.connections.local.demo.texts import DAY, SECOND, as_json, joined, picked, written

_SERVERS = ("DC", "FS", "server", "backup", "linux")

# Process, facility, severity, text before and after an address or number, weight.
_LINES = (
    ("sshd", "authpriv", "info", "Accepted publickey for deploy from ", " port 50122 ssh2", 14),
    ("sshd", "authpriv", "info", "Failed password for invalid user admin from ", " port 40522 ssh2", 5),
    ("sshd", "authpriv", "info", "Connection closed by ", " port 40524 [preauth]", 6),
    ("CRON", "cron", "info", "pam_unix(cron:session): session opened for user root by (uid=", ")", 26),
    ("systemd", "daemon", "info", "Started Session ", " of user deploy.", 18),
    ("sudo", "authpriv", "notice", "deploy : TTY=pts/0 ; PWD=/srv ; USER=root ; COMMAND=/usr/bin/systemctl status app", "", 4),
    ("kernel", "kern", "warning", "TCP: request_sock_TCP: Possible SYN flooding on port ", ". Sending cookies.", 1),
    ("edi-gateway", "local0", "info", "message delivered to partner, bytes=", "", 22),
    ("edi-gateway", "local0", "err", "partner refused message, retry ", "", 2),
)  # fmt: skip
_ADDRESSED = 3  # the first so many lines name an address
_SUDO = 5  # this one names nothing


def beats(scene: Scene, count: int) -> Facts:
    """Each server's signs of life, evenly over the days."""
    servers = scene.company.hosts_of(*_SERVERS)
    turn, place = np.divmod(np.arange(count), len(servers))
    step = DAYS * DAY / max(1, -(-count // len(servers)))
    phase = scene.rng.random(len(servers))[place]
    late = scene.rng.integers(0, 2 * SECOND, count)
    time = scene.window.start + ((turn + phase) * step).astype(np.int64) + late
    return {"time": scene.window.inside(time), "host": servers[place]}


def lines(scene: Scene, count: int) -> Facts:
    """What the Linux servers log."""
    servers = scene.company.hosts_of("linux")
    return {
        "time": machine_times(scene.rng, scene.window, count),
        "host": servers[scene.rng.integers(0, len(servers), count)],
        "line": scene.choose([row[5] for row in _LINES], count),
        "from": scene.rng.integers(0, internet.FIRST_HIDEOUT, count),
        "number": scene.rng.integers(1, 60_000, count),
    }


def story(scene: Scene) -> Facts:  # noqa: ARG001 - the signature of every table's story
    """Nothing: the intruder never came to the Linux servers and stopped no agent."""
    return {}


def beat_columns(scene: Scene, facts: Facts) -> Columns:
    """The facts in the words of Heartbeat."""
    host, fleet = facts["host"], scene.company.hosts
    linux = np.array([machine.kind == "linux" for machine in fleet])[host].astype(np.int64)
    return {
        "Computer": picked([f"{machine.name}.{DOMAIN}" for machine in fleet], host),
        "ComputerIP": picked([scene.world.ips[machine.office * 2] for machine in fleet], host),
        "ComputerPrivateIPs": picked([as_json([machine.ip]) for machine in fleet], host),
        "ComputerEnvironment": "Non-Azure",
        "Category": "Azure Monitor Agent",
        "OSType": picked(["Windows", "Linux"], linux),
        "OSName": picked(["Windows Server 2022", "Ubuntu 24.04"], linux),
        "OSMajorVersion": picked(["10", "24"], linux),
        "OSMinorVersion": picked(["0", "04"], linux),
        "Version": picked(["1.30.0.0", "1.33.1"], linux),
        "SourceComputerId": picked(scene.host_pool("agent_id"), host),
        "VMUUID": picked(scene.host_pool("agent_id"), host),
        "RemoteIPCountry": picked(
            [scene.world.addresses[machine.office * 2].place.country for machine in fleet], host
        ),
        "RemoteIPLatitude": np.array(
            [scene.world.addresses[machine.office * 2].place.latitude for machine in fleet]
        )[host],
        "RemoteIPLongitude": np.array(
            [scene.world.addresses[machine.office * 2].place.longitude for machine in fleet]
        )[host],
        "Resource": picked(scene.host_pool("name"), host),
        "_ResourceId": picked([resource_path(scene, machine.name) for machine in fleet], host),
        "SubscriptionId": scene.company.subscription,
        "SCAgentChannel": "Direct",
        "SourceSystem": "OpsManager",
    }


def line_columns(scene: Scene, facts: Facts) -> Columns:
    """The facts in the words of Syslog."""
    line, host = facts["line"], facts["host"]
    subject = pc.if_else(line < _ADDRESSED, picked(scene.world.ips, facts["from"]), written(facts["number"]))
    heads, tails = picked([row[3] for row in _LINES], line), picked([row[4] for row in _LINES], line)
    return {
        "SyslogMessage": joined(heads, pc.if_else(line == _SUDO, "", subject), tails),
        "ProcessName": picked([row[0] for row in _LINES], line),
        "ProcessID": scene.rng.integers(400, 60_000, len(line)),
        "Facility": picked([row[1] for row in _LINES], line),
        "SeverityLevel": picked([row[2] for row in _LINES], line),
        "Computer": picked(scene.host_pool("name"), host),
        "HostName": picked(scene.host_pool("name"), host),
        "HostIP": picked(scene.host_pool("ip"), host),
        "CollectorHostName": "RTM-LOG-01",
        "EventTime": facts["time"] // SECOND * SECOND,
        "TimeCollected": facts["time"] + 4 * SECOND,
        "SourceSystem": "Linux",
    }


HEARTBEAT = Recipe(beats, story, beat_columns, share=0.06)
SYSLOG = Recipe(lines, story, line_columns, share=0.028)
