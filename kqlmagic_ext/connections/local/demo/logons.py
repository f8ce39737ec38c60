"""DeviceLogonEvents: sign-ins to machines, the hop to the file server among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqlmagic_ext.connections.local.demo.defender import account_columns, device_columns, work
from kqlmagic_ext.connections.local.demo.recipe import Columns, Facts, Recipe, Scene, at, nulls_where, stacked
from kqlmagic_ext.connections.local.demo.texts import Ints, picked

if TYPE_CHECKING:
    from collections.abc import Iterator

# Logon type, protocol, weight at a desk, weight at a server.
LOGONS = (
    ("Interactive", "Negotiate", 40, 1),
    ("CachedInteractive", "Negotiate", 9, 0),
    ("Unlock", "Negotiate", 46, 0),
    ("Network", "Kerberos", 5, 70),
    ("Network", "NTLM", 0, 6),
    ("RemoteInteractive", "Negotiate", 0, 5),
    ("Service", "Negotiate", 0, 10),
    ("Batch", "Negotiate", 0, 8),
)
NETWORK, NTLM, REMOTE, SERVICE = 3, 4, 5, 6
_WRONG = 0.03
_WINDOWS = ("DC", "FS", "server", "backup")


def sign_ins(scene: Scene, count: int, servers: float) -> Facts:
    """Who signs in to which machine, from which (-1: from none), how, and whether the password was right."""
    rng, moments = scene.rng, work(scene, count, servers=0.12)
    machines = scene.company.hosts_of(*_WINDOWS)
    far = rng.random(count) < servers
    person = scene.busy_people(count)
    host = np.where(far, machines[rng.integers(0, len(machines), count)], person)
    desk, server = (scene.choose([row[column] for row in LOGONS], count) for column in (2, 3))
    kind = np.where(far, server, desk)
    return {
        "time": moments.time,
        "host": host,
        "account": _accounts(scene, person, kind),
        "source": np.where(np.isin(kind, (NETWORK, NTLM, REMOTE)), person, -1),
        "kind": kind,
        "failed": (rng.random(count) < _WRONG).astype(np.int64),
    }


def _accounts(scene: Scene, person: Ints, kind: Ints) -> Ints:
    """People sign in themselves, IT staff from afar, and programs as services."""
    people = scene.company.people
    staff = np.array([number for number, who in enumerate(people) if who.department == "IT"], np.int64)
    services = len(people) + scene.rng.integers(0, len(scene.company.services), len(person))
    account = np.where(kind == REMOTE, staff[scene.rng.integers(0, len(staff), len(person))], person)
    return np.where(kind >= SERVICE, services, account)


def everyday(scene: Scene, count: int) -> Facts:
    """Desks unlocked, shares opened, services started."""
    return sign_ins(scene, count, servers=0.55)


def story(scene: Scene) -> Facts:
    """The hop to the file server, tried once in vain, and the visits that follow."""
    return stacked(hops(scene))


def hops(scene: Scene) -> Iterator[dict[str, int]]:
    """The intruder's sign-ins to the file server, in every table that logs them."""
    told, company = scene.story, scene.company
    fixed = {
        "host": company.host_number(told.server),
        "account": company.account_number(told.lateral_account),
        "source": company.host_number(told.workstation),
    }
    for seconds, kind, failed in (
        (-48, NTLM, 1),
        (0, NTLM, 0),
        (2, NETWORK, 0),
        (1460, REMOTE, 0),
        (20_900, NTLM, 0),
    ):
        yield {"time": at(told.lateral_time, seconds), "kind": kind, "failed": failed} | fixed


def columns(scene: Scene, facts: Facts) -> Columns:
    """The facts in the words of the log."""
    count, failed, source = len(facts["time"]), facts["failed"], facts["source"]
    return (
        device_columns(scene, facts["host"])
        | _account_columns(scene, facts["account"])
        | _source_columns(scene, source)
        | {
            "ActionType": picked(["LogonSuccess", "LogonFailed"], failed),
            "FailureReason": picked(["", "InvalidUserNameOrPassword"], failed),
            "LogonType": picked([row[0] for row in LOGONS], facts["kind"]),
            "Protocol": picked([row[1] for row in LOGONS], facts["kind"]),
            "LogonId": scene.rng.integers(100_000, 90_000_000, count),
            "IsLocalAdmin": _administrators(scene)[facts["account"]],
            "AdditionalFields": picked(
                ['{"IsLocalLogon":true}', '{"IsLocalLogon":false}'], (source >= 0).astype(np.int64)
            ),
            "InitiatingProcessFileName": "lsass.exe",
            "InitiatingProcessFolderPath": r"c:\windows\system32\lsass.exe",
            "InitiatingProcessCommandLine": "lsass.exe",
            "InitiatingProcessAccountName": "system",
            "InitiatingProcessAccountDomain": "nt authority",
            "InitiatingProcessId": 712,
        }
    )


def _account_columns(scene: Scene, account: Ints) -> Columns:
    columns = account_columns(scene, account)
    return {
        name: columns[name] for name in ("AccountName", "AccountDomain", "AccountSid")
    }  # all that the table has


def _administrators(scene: Scene) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    accounts = scene.company.accounts
    return np.array(
        [who.department == "IT" or who.name in {"svc-deploy", "svc-backup", "system"} for who in accounts]
    )


def _source_columns(scene: Scene, source: Ints) -> Columns:
    names, ips = scene.host_pool("name"), scene.host_pool("ip")
    return {
        "RemoteDeviceName": picked(["", *(name.lower() for name in names)], source + 1),
        "RemoteIP": picked(["", *ips], source + 1),
        "RemoteIPType": picked(["", "Private"], (source >= 0).astype(np.int64)),
        "RemotePort": nulls_where(source < 0, scene.rng.integers(49_152, 65_535, len(source)), "int"),
    }


RECIPE = Recipe(everyday, story, columns, share=0.03)
