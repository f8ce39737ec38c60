"""What the Device tables have in common: the machine, the account, and the process that did it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kqlmagic_ext.connections.local.demo import programs
from kqlmagic_ext.connections.local.demo.company import NETBIOS
from kqlmagic_ext.connections.local.demo.intrusion import intruders
from kqlmagic_ext.connections.local.demo.recipe import Columns, Facts, Scene, at
from kqlmagic_ext.connections.local.demo.rhythm import human_times, machine_times
from kqlmagic_ext.connections.local.demo.texts import SECOND, Ints, joined, picked

if TYPE_CHECKING:
    import pyarrow as pa

    from kqlmagic_ext.connections.local.demo.programs import Program


@dataclass(frozen=True)
class Work:
    """Which host runs something, and as which account, in the rhythm of its kind; arrays of one row each."""

    time: Ints
    host: Ints
    account: Ints


def work(scene: Scene, count: int, servers: float) -> Work:
    """That many moments of work; `servers` is the part that servers do by themselves, day and night."""
    owner = scene.busy_people(count)
    machines = scene.company.hosts_of("DC", "FS", "server", "backup")
    busy = scene.rng.random(count) < servers
    host = np.where(busy, machines[scene.rng.integers(0, len(machines), count)], owner)
    human = human_times(scene.rng, scene.window, scene.company.offsets[owner])
    time = np.where(busy, machine_times(scene.rng, scene.window, count), human)
    system = len(scene.company.accounts) - 1
    return Work(time, host, np.where(busy, system, owner))


def device_columns(scene: Scene, host: Ints) -> Columns:
    """The machine."""
    fleet = scene.company.hosts
    groups = ["Servers" if machine.owner < 0 else "Workstations" for machine in fleet]
    return {
        "DeviceId": picked([machine.device_id for machine in fleet], host),
        "DeviceName": picked([machine.fqdn for machine in fleet], host),
        "MachineGroup": picked(groups, host),
        "ReportId": scene.rng.integers(1, 200_000, len(host)),
    }


def account_columns(scene: Scene, account: Ints, prefix: str = "") -> Columns:
    """The account, as `AccountName` or `InitiatingProcessAccountName` and their neighbours."""
    accounts = scene.company.accounts
    upns = [who.upn if who.object_id else "" for who in accounts]
    domains = [NETBIOS.lower() if who.object_id else "nt authority" for who in accounts]
    return {
        f"{prefix}AccountName": picked([who.name for who in accounts], account),
        f"{prefix}AccountDomain": picked(domains, account),
        f"{prefix}AccountSid": picked([who.sid for who in accounts], account),
        f"{prefix}AccountUpn": picked(upns, account),
        f"{prefix}AccountObjectId": picked([who.object_id for who in accounts], account),
    }


def with_user(scene: Scene, templates: list[str], code: Ints, account: Ints) -> pa.Array:
    """The command lines, the account's name put where a template says `{user}`."""
    heads = [template.partition("{user}")[0] for template in templates]
    tails = [template.partition("{user}")[2] for template in templates]
    takes = np.array(["{user}" in template for template in templates])[code]
    users = ["", *scene.person_pool("name")]
    return joined(picked(heads, code), picked(users, np.where(takes, account + 1, 0)), picked(tails, code))


def all_programs(scene: Scene) -> tuple[Program, ...]:
    """The everyday programs, then the intruder's in the order of `intruders`."""
    return (*programs.EVERYDAY, *(step.program for step in intruders(scene.story)))


def step_number(scene: Scene, name: str) -> int:
    """The place in `all_programs` of a step of the intrusion."""
    steps = intruders(scene.story)
    return len(programs.EVERYDAY) + next(place for place, step in enumerate(steps) if step.name == name)


def process_id(scene: Scene, name: str) -> int:
    """The id of the intruder's process in every table that names it."""
    first = scene.story.powershell_process_id
    return first + 4 * 37 * (step_number(scene, name) - step_number(scene, "shell"))


def step_facts(scene: Scene) -> list[dict[str, int]]:
    """Each process of the intrusion: time, host, account, program, its id and its parent's."""
    told, company = scene.story, scene.company
    rows = []
    for step in intruders(told):
        host = company.host_number(told.server if step.on_server else told.workstation)
        user = company.account_number(told.phished_account)
        rows.append({
            "time": at(getattr(told, step.anchor), step.seconds),
            "host": host,
            "account": len(company.accounts) - 1 if step.on_server else user,
            "program": step_number(scene, step.name),
            "process": process_id(scene, step.name),
            "parent": process_id(scene, _PARENTS[step.name]) if step.name in _PARENTS else 812,
        })  # fmt: skip
    return rows


_PARENTS = dict.fromkeys(
    ("whoami.exe", "net.exe", "nltest.exe", "rundll32.exe", "cmdkey.exe", "PsExec.exe"), "shell"
) | {
    "shell": "word",
    "remote shell": "service",
    "user": "remote shell",
    "group": "remote shell",
    "server shell": "remote shell",
    "archive": "server shell",
}


def scripted_facts(scene: Scene) -> list[dict[str, int]]:
    """The administrator's wanted encoded PowerShell, about once each working day."""
    account = scene.company.account_number(scene.story.scripting_account)
    rng = np.random.default_rng([scene.company.seed, 45])  # the same in every table that logs processes
    fixed = {"host": account, "account": account, "program": programs.SCRIPTED, "parent": 4420}
    times = human_times(rng, scene.window, scene.company.offsets[[account] * 14]).tolist()
    return [fixed | {"time": time, "process": int(rng.integers(500, 6000)) * 4} for time in times]


def ordinary_programs(scene: Scene, moments: Work) -> tuple[Ints, Ints]:
    """A program for each moment that fits the host, and the account as which it runs."""
    count, system = len(moments.time), len(scene.company.accounts) - 1
    known = programs.EVERYDAY
    desk = [program.weight * (program.where != programs.SERVERS) for program in known]
    server = [program.weight * (program.where != programs.DESK) for program in known]
    on_desk = moments.host < len(scene.company.people)
    program = np.where(on_desk, scene.choose(desk, count), scene.choose(server, count))
    as_system = np.array([entry.system for entry in known])[program]
    return program, np.where(as_system, system, moments.account)


def _started(scene: Scene, facts: Facts) -> Ints:
    """When each acting process began: the intruder's are the same ones all the time."""
    told = [at(getattr(scene.story, step.anchor), step.seconds) for step in intruders(scene.story)]
    begun = np.array([0] * len(programs.EVERYDAY) + told, np.int64)[facts["program"]]
    before = facts["time"] - scene.rng.integers(0, 3600, len(begun)) * SECOND
    return np.where(begun > 0, begun, before)


def initiating_columns(scene: Scene, facts: Facts, known: tuple[Program, ...]) -> Columns:
    """The process that acts, for tables of what processes do (`program` acts)."""
    program, prefix = facts["program"], "InitiatingProcess"
    hashes = programs.hashes(scene.company.seed, [entry.file for entry in known])
    return account_columns(scene, facts["account"], prefix) | {
        f"{prefix}FileName": picked([entry.file for entry in known], program),
        f"{prefix}FolderPath": picked([entry.path.lower() for entry in known], program),
        f"{prefix}CommandLine": with_user(
            scene, [entry.command for entry in known], program, facts["account"]
        ),
        f"{prefix}ParentFileName": picked([entry.parent for entry in known], program),
        f"{prefix}Id": facts["process"],
        f"{prefix}ParentId": facts["parent"],
        f"{prefix}SHA1": picked([hashes.sha1[entry.file] for entry in known], program),
        f"{prefix}SHA256": picked([hashes.sha256[entry.file] for entry in known], program),
        f"{prefix}MD5": picked([hashes.md5[entry.file] for entry in known], program),
        f"{prefix}CreationTime": _started(scene, facts),
        f"{prefix}VersionInfoCompanyName": picked([entry.maker for entry in known], program),
        f"{prefix}VersionInfoProductName": picked([entry.product for entry in known], program),
        f"{prefix}VersionInfoOriginalFileName": picked([entry.file for entry in known], program),
    }
