"""SecurityEvent: the Windows security log, the lateral movement among it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from kqlmagic_ext.connections.local.demo.company import DOMAIN, NETBIOS
from kqlmagic_ext.connections.local.demo.defender import (
    Work,
    all_programs,
    ordinary_programs,
    scripted_facts,
    step_facts,
    with_user,
)
from kqlmagic_ext.connections.local.demo.events import (
    AT_CONTROLLERS,
    BY_STAFF,
    EVENTS,
    PLACE,
    PROCESS,
    SERVICE_LOGON,
)
from kqlmagic_ext.connections.local.demo.logons import NETWORK, NTLM, REMOTE, hops, sign_ins
from kqlmagic_ext.connections.local.demo.recipe import (
    Columns,
    Facts,
    Recipe,
    Scene,
    at,
    nulls_where,
    resource_path,
    stacked,
)
from kqlmagic_ext.connections.local.demo.texts import Ints, hexadecimal, picked, picked_where, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from numpy.typing import NDArray


_GROUPS = ("VPN Users", "Finance Reports", "Server Operators", "Administrators")
_SERVICES = ("DeployAgent", "EndpointSensor", "PSEXESVC")
_SERVICE_FILES = (
    r"C:\Program Files\DeployAgent\DeployAgent.exe",
    r"C:\Program Files\Sensor\sensor.exe",
    r"%SystemRoot%\PSEXESVC.exe",
)


def everyday(scene: Scene, count: int) -> Facts:
    """Sign-ins, processes and tickets, and now and then a change by IT."""
    facts = sign_ins(scene, count, servers=0.62)
    event = scene.choose([kind.weight for kind in EVENTS], count)
    number, logon = _numbers(event), np.array([kind.logon for kind in EVENTS])[event]
    host = _hosts(scene, facts["host"], number)
    account = _accounts(scene, host, number, logon)
    program, runner = ordinary_programs(scene, Work(facts["time"], host, account))
    people = len(scene.company.people)
    return {
        "time": facts["time"],
        "event": event,
        "host": host,
        "account": np.where(number == PROCESS, runner, account),
        "other": scene.busy_people(count),
        "source": np.where(
            (host >= people) & (account < people), account, -1
        ),  # who comes from afar sits at a desk
        "program": program,
        "process": scene.rng.integers(250, 6000, count) * 4,
        "parent": scene.rng.integers(150, 3000, count) * 4,
        "detail": scene.rng.integers(0, 2, count),
    }


def _numbers(event: Ints) -> Ints:
    return np.array([kind.number for kind in EVENTS], np.int64)[event]


def _hosts(scene: Scene, host: Ints, number: Ints) -> Ints:
    """The hosts, but a domain controller for what only those log."""
    controllers = scene.company.hosts_of("DC")
    drawn = controllers[scene.rng.integers(0, len(controllers), len(host))]
    return np.where(np.isin(number, AT_CONTROLLERS), drawn, host)


def _accounts(scene: Scene, host: Ints, number: Ints, logon: Ints) -> Ints:
    """A desk's owner or a server's visitor; IT for what only IT does, and services as services."""
    count, people = len(host), scene.company.people
    staff = np.array([place for place, who in enumerate(people) if who.department == "IT"], np.int64)
    account = np.where(host < len(people), host, scene.busy_people(count))
    account = np.where(np.isin(number, BY_STAFF), staff[scene.rng.integers(0, len(staff), count)], account)
    services = len(people) + scene.rng.integers(0, len(scene.company.services), count)
    return np.where(logon == SERVICE_LOGON, services, account)


def story(scene: Scene) -> Facts:
    """The intruder's processes, the hop to the server, the service and the account left there."""
    return stacked([*_processes(scene), *_hops(scene), *_left_behind(scene)])


def _processes(scene: Scene) -> Iterator[dict[str, int]]:
    for step in (*step_facts(scene), *scripted_facts(scene)):
        yield _row(PLACE[4688, 0], step["time"], step["host"], step["account"]) | step


def _row(event: int, time: int, host: int, account: int, other: int = 0) -> dict[str, int]:
    where = {"event": event, "time": time, "host": host, "account": account, "other": other}
    return where | {"source": -1, "program": 0, "process": 712, "parent": 600, "detail": 0}


def _hops(scene: Scene) -> Iterator[dict[str, int]]:
    types = {NETWORK: 3, NTLM: 3, REMOTE: 10}
    for hop in hops(scene):
        logon = types[hop["kind"]]
        event = PLACE[4625, 3] if hop["failed"] else PLACE[4624, logon]
        yield _row(event, hop["time"], hop["host"], hop["account"]) | {"source": hop["source"]}
        if not hop["failed"]:
            yield _row(PLACE[4672, 0], hop["time"] + 900, hop["host"], hop["account"])


def _left_behind(scene: Scene) -> Iterator[dict[str, int]]:
    told, company = scene.story, scene.company
    server, desk = company.host_number(told.server), company.host_number(told.workstation)
    user, service = company.account_number(told.phished_account), company.account_number(told.lateral_account)
    created = len(company.accounts)
    yield _row(PLACE[4648, 0], at(told.lateral_time, -3), desk, user, other=service)
    for event in (4697, 7045):
        yield _row(PLACE[event, 0], at(told.lateral_time, 0.8), server, service) | {"detail": 2}
    yield _row(PLACE[4720, 0], at(told.lateral_time, 341), server, service, other=created)
    yield _row(PLACE[4732, 0], at(told.lateral_time, 353), server, service, other=created) | {"detail": 3}


def columns(scene: Scene, facts: Facts) -> Columns:
    """The facts in the words of the log."""
    number = _numbers(facts["event"])
    return (
        _event_columns(scene, facts, number)
        | _account_columns(scene, facts, number)
        | _logon_columns(scene, facts, number)
        | _process_columns(scene, facts, number)
        | _change_columns(scene, facts, number)
    )


def _event_columns(scene: Scene, facts: Facts, number: Ints) -> Columns:
    event = facts["event"]
    from_services = (number == 7045).astype(np.int64)  # noqa: PLR2004 - an event's number is its name
    return {
        "EventID": number,
        "Activity": picked([kind.activity for kind in EVENTS], event),
        "Task": np.array([kind.task for kind in EVENTS])[event],
        "Level": "8",
        "EventLevelName": "LogAlways",
        "Channel": picked(["Security", "System"], from_services),
        "EventSourceName": picked(
            ["Microsoft-Windows-Security-Auditing", "Service Control Manager"], from_services
        ),
        "Computer": picked([f"{host.name}.{DOMAIN}" for host in scene.company.hosts], facts["host"]),
        "SourceComputerId": picked(scene.host_pool("agent_id"), facts["host"]),
        "EventRecordId": written(np.arange(len(event)) + 40_000),
        "TimeCollected": facts["time"] + 2_000_000,
        "_ResourceId": picked(
            [resource_path(scene, machine.name) for machine in scene.company.hosts], facts["host"]
        ),
        "SourceSystem": "OpsManager",
    }


def _account_columns(scene: Scene, facts: Facts, number: Ints) -> Columns:
    """The account, as the subject or the target by the kind of event; the other account beside it."""
    accounts, told = scene.company.accounts, scene.story
    names = [*(who.name for who in accounts), told.created_account]
    domains = [*(NETBIOS if who.object_id else "NT AUTHORITY" for who in accounts), told.server]
    sids = [*(who.sid for who in accounts), "S-1-5-21-1004336348-1177238915-682003330-1013"]
    full = [rf"{domain}\{name}" for domain, name in zip(domains, names, strict=True)]
    acts = np.array([kind.acts for kind in EVENTS])[facts["event"]]
    system = len(accounts) - 1
    subject = np.where(acts, facts["account"], system)
    on_other = np.isin(number, (4648, 4720, 4726, 4728, 4732))
    target, has_target = np.where(acts, facts["other"], facts["account"]), ~acts | on_other
    machine = [str(who.name == "system") for who in accounts]
    return {
        "Account": picked(full, facts["account"]),
        "AccountName": picked(names, facts["account"]),
        "AccountDomain": picked(domains, facts["account"]),
        "AccountType": picked(
            ["Machine" if is_system == "True" else "User" for is_system in machine], facts["account"]
        ),
        "SubjectAccount": picked(full, subject),
        "SubjectUserName": picked(names, subject),
        "SubjectDomainName": picked(domains, subject),
        "SubjectUserSid": picked(sids, subject),
        "SubjectLogonId": hexadecimal(scene.rng.integers(50_000, 2**31, len(target))),
        "TargetAccount": picked_where(has_target, full, target),
        "TargetUserName": picked_where(has_target, names, target),
        "TargetDomainName": picked_where(has_target, domains, target),
        "TargetUserSid": picked_where(has_target, sids, target),
        "TargetSid": picked_where(has_target, sids, target),
    }


_TYPE_NAMES = {
    2: "2 - Interactive",
    3: "3 - Network",
    5: "5 - Service",
    7: "7 - Unlock",
    10: "10 - RemoteInteractive",
}


def _logon_columns(scene: Scene, facts: Facts, number: Ints) -> Columns:
    kind, source = np.array([event.logon for event in EVENTS])[facts["event"]], facts["source"]
    is_logon, failed = np.isin(number, (4624, 4625)), (number == 4625).astype(np.int64)  # noqa: PLR2004
    far = is_logon & (source >= 0) & np.isin(kind, (3, 10))
    ports = scene.rng.integers(49_152, 65_535, len(kind))
    return {
        "LogonType": nulls_where(kind == 0, kind, "int"),
        "LogonTypeName": picked([_TYPE_NAMES.get(event.logon, "") for event in EVENTS], facts["event"]),
        "LogonProcessName": picked_where(is_logon, ["NtLmSsp", "Kerberos", "User32"], facts["detail"]),
        "AuthenticationPackageName": picked_where(
            is_logon, ["NTLM", "Kerberos", "Negotiate"], facts["detail"]
        ),
        "IpAddress": picked_where(far, scene.host_pool("ip"), source),
        "IpPort": pc.if_else(far, written(ports), ""),
        "WorkstationName": picked_where(far, scene.host_pool("name"), source),
        "TargetLogonId": hexadecimal(scene.rng.integers(50_000, 2**31, len(kind))),
        "ProcessName": picked_where(is_logon, [r"C:\Windows\System32\lsass.exe"], kind * 0),
        "Status": picked(["", "0xc000006d"], failed),
        "SubStatus": picked(["", "0xc000006a"], failed),
        "FailureReason": picked(["", "%%2313"], failed),
    }


def _process_columns(scene: Scene, facts: Facts, number: Ints) -> Columns:
    known, program = all_programs(scene), facts["program"]
    started = number == 4688  # noqa: PLR2004 - an event's number is its name
    above = [entry.parent_path for entry in known]
    commands = with_user(
        scene, ["", *(entry.command for entry in known)], np.where(started, program + 1, 0), facts["account"]
    )
    return {
        "Process": picked_where(started, [entry.file for entry in known], program),
        "NewProcessName": picked_where(started, [entry.path for entry in known], program),
        "NewProcessId": pc.if_else(started, hexadecimal(facts["process"]), ""),
        "ParentProcessName": picked_where(started, above, program),
        "CommandLine": commands,
        "ProcessId": pc.if_else(started, hexadecimal(facts["parent"]), ""),
        "TokenElevationType": picked_where(started, ["%%1936", "%%1938"], facts["detail"].clip(0, 1)),
        "MandatoryLabel": picked_where(started, ["S-1-16-8192", "S-1-16-16384"], facts["detail"].clip(0, 1)),
    }


def _change_columns(scene: Scene, facts: Facts, number: Ints) -> Columns:
    """Services installed and members added."""
    installed, joining = np.isin(number, (4697, 7045)), np.isin(number, (4728, 4732))
    accounts = scene.company.accounts
    members = [*(f"CN={who.display},OU=Staff,DC=meridianfreight,DC=example" for who in accounts), "-"]
    sids = [*(who.sid for who in accounts), "S-1-5-21-1004336348-1177238915-682003330-1013"]
    service = facts["detail"].clip(0, 2)
    return {
        "ServiceName": picked_where(installed, _SERVICES, service),
        "ServiceFileName": picked_where(installed, _SERVICE_FILES, service),
        "ServiceType": picked_where(installed, ["0x10"], service * 0),
        "MemberName": picked_where(joining, members, facts["other"]),
        "MemberSid": picked_where(joining, sids, facts["other"]),
        "EventData": _event_data(installed, joining, facts["detail"]),
    }


def _event_data(installed: NDArray[np.bool_], joining: NDArray[np.bool_], detail: Ints) -> pa.Array:
    services = [
        f'<EventData><Data Name="ServiceName">{name}</Data><Data Name="ImagePath">{path}</Data></EventData>'
        for name, path in zip(_SERVICES, _SERVICE_FILES, strict=True)
    ]
    groups = [f'<EventData><Data Name="TargetUserName">{name}</Data></EventData>' for name in _GROUPS]
    code = np.where(installed, detail.clip(0, 2), len(services) + detail.clip(0, len(groups) - 1))
    return picked_where(installed | joining, [*services, *groups], code)


RECIPE = Recipe(everyday, story, columns, share=0.12)
