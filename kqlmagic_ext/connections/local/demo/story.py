"""What really happened: the intrusion that the workspace holds traces of."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from kqlmagic_ext.connections.local.demo import internet
from kqlmagic_ext.connections.local.demo.company import OFFICES, Account
from kqlmagic_ext.connections.local.demo.rhythm import microseconds, working
from kqlmagic_ext.connections.local.demo.texts import SECOND, Ints

if TYPE_CHECKING:
    from kqlmagic_ext.connections.local.demo.internet import Internet

_Part = dict[str, Any]  # some of the story's fields

SPRAYED = 60
DENIALS = 7
SESSIONS = 34
BYTES = 4_200_000_000  # about; the story says exactly


@dataclass(frozen=True)
class Story:
    """The ground truth of the intrusion, in the order in which it happened; all times are UTC."""

    # 1. Password spray
    spray_addresses: tuple[str, str]
    spray_country: str  # two-letter code, as in SigninLogs.Location
    spray_start: datetime  # of the first and
    spray_end: datetime  # of the last wrong password
    sprayed_accounts: tuple[str, ...]  # UPNs, sorted; the compromised one is among them
    password_found_time: datetime  # the one right password of the spray, ResultType 50074: MFA is asked for
    # 2. MFA fatigue
    account: str  # the compromised UPN
    account_name: str  # its display name
    account_country: str  # where its owner works
    mfa_denials: int  # prompts denied or timed out, ResultType 500121
    mfa_start: datetime  # of the first prompt
    success_time: datetime  # of the prompt approved
    success_address: str
    success_country: str
    session_id: str  # SessionId of the sign-in and of all tokens renewed from it
    # 3. Persistence in the mailbox and the directory
    method_registered_time: datetime  # AuditLogs: the intruder's phone becomes an authentication method
    device_registered_time: datetime  # AuditLogs: the intruder's machine is registered
    device_name: str  # its name
    inbox_rule_name: str
    inbox_rule_time: datetime
    # 4. Internal phishing and the first process
    phishing_time: datetime
    phishing_subject: str
    phishing_message_id: str  # EmailEvents.NetworkMessageId
    phished_account: str  # UPN
    workstation: str  # host name without domain
    workstation_address: str
    encoded_command: str  # what follows `-enc`
    script: str  # the same, decoded
    powershell_time: datetime
    powershell_process_id: int
    # 5. Lateral movement
    lateral_account: str  # sAMAccountName
    server: str  # host name without domain
    server_address: str
    lateral_time: datetime
    created_account: str  # a local administrator left on the server
    # 6. Beacon
    beacon_address: str
    beacon_period_s: int  # each wait is this, plus or minus a tenth
    beacon_start: datetime  # on the workstation
    server_beacon_start: datetime
    # 7. Exfiltration
    archive_name: str
    archive_time: datetime  # of the first part
    exfiltration_address: str
    exfiltration_start: datetime
    exfiltration_sizes: tuple[int, ...]  # SentBytes of each session, in order
    exfiltration_bytes: int  # their sum
    # 8. What the products noticed
    first_alert_id: str  # SystemAlertId of the spray's alert
    rule_alert_id: str
    powershell_alert_id: str
    first_incident: int  # IncidentNumber
    # What only looks like it
    mistyping_account: str  # UPN of a colleague who often mistypes
    travelling_account: str  # UPN of a colleague who is abroad, rightly
    travel_country: str
    scripting_account: str  # UPN of an administrator whose encoded PowerShell is wanted
    backup_host: str  # sends many bytes each night, rightly
    stale_indicator_address: str  # named by an indicator that is inactive and expired


@dataclass(frozen=True)
class _Cast:
    account: Account
    phished: Account
    mistyper: Account
    traveller: Account
    scripter: Account
    sprayed: tuple[str, ...]


def beacon_times(story: Story, start: datetime, end: int) -> Ints:
    """The moments of the beacon that began at `start` until `end`, in microseconds: one period apart, ± a tenth."""
    rng = np.random.default_rng([microseconds(start) // SECOND, story.powershell_process_id])
    first, period = microseconds(start), story.beacon_period_s * SECOND
    waits = period * (1 + rng.uniform(-0.1, 0.1, (end - first) * 10 // (period * 9) + 1))
    times: Ints = first + np.concatenate([[0], np.cumsum(waits.astype(np.int64))])
    before: Ints = times[times < end]
    return before


def session_times(story: Story) -> Ints:
    """The starts of the exfiltration's sessions, in microseconds: about every seventeen minutes."""
    rng = np.random.default_rng([30, story.powershell_process_id])
    waits = (rng.uniform(11, 23, len(story.exfiltration_sizes)) * 60 * SECOND).astype(np.int64)
    times: Ints = microseconds(story.exfiltration_start) + np.cumsum(waits) - waits[0]
    return times


def tell(world: Internet, end: datetime) -> Story:
    """The story of one company, before `end`."""
    company = world.company
    rng = np.random.default_rng([company.seed, 30])
    spray = end - timedelta(hours=74, seconds=int(rng.integers(0, 1800)))
    phishing = end - timedelta(hours=30, minutes=38, seconds=int(rng.integers(0, 240)))
    cast = _cast(world, rng, phishing)
    return Story(
        **_sign_in(world, rng, cast, spray),
        **_persistence(rng, spray + timedelta(hours=2)),
        **_phishing(world, rng, cast, phishing),
        **_movement(world, rng, cast.phished, phishing + timedelta(hours=4)),
        **_exfiltration(
            world, rng, cast.phished, end - timedelta(hours=20, seconds=int(rng.integers(60, 1800)))
        ),
        **_noticed(rng),
        **_decoys(world, cast),
    )


def _cast(world: Internet, rng: np.random.Generator, phishing: datetime) -> _Cast:
    people = world.company.people
    shuffled: list[Account] = [people[number] for number in rng.permutation(len(people)).tolist()]

    def first(departments: set[str], taken: set[str]) -> Account:
        return next(who for who in shuffled if who.department in departments and who.name not in taken)

    account = first({"Sales", "Operations"}, set())
    asleep = {who.name for who in people if not working(microseconds(phishing), OFFICES[who.office].offset)}
    anybody = {"Finance", "IT"} & {who.department for who in people if who.name not in asleep}
    phished = first(anybody or {"Finance"}, asleep if anybody else set())
    mistyper = first({"Warehouse", "Customs"}, set())
    traveller = first({"Sales"}, {account.name})
    scripter = first({"IT"}, {phished.name})
    others = [person.upn for person in shuffled if person not in {account, mistyper, scripter}]
    sprayed = tuple(sorted([account.upn, *others[: SPRAYED - 1]]))
    return _Cast(account, phished, mistyper, traveller, scripter, sprayed)


def _sign_in(world: Internet, rng: np.random.Generator, cast: _Cast, start: datetime) -> _Part:
    spray_end = start + timedelta(minutes=40)
    prompts = spray_end + timedelta(minutes=52, seconds=int(rng.integers(0, 300)))
    return {
        "spray_addresses": tuple(world.addresses[number].ip for number in internet.SPRAYERS),
        "spray_country": world.addresses[internet.SPRAYERS[0]].place.country,
        "spray_start": start,
        "spray_end": spray_end,
        "sprayed_accounts": cast.sprayed,
        "password_found_time": start + timedelta(minutes=27, seconds=int(rng.integers(0, 60))),
        "account": cast.account.upn,
        "account_name": cast.account.display,
        "account_country": OFFICES[cast.account.office].place.country,
        "mfa_denials": DENIALS,
        "mfa_start": prompts,
        "success_time": prompts + timedelta(minutes=19, seconds=int(rng.integers(0, 60))),
        "success_address": world.addresses[internet.INTRUDER].ip,
        "success_country": world.addresses[internet.INTRUDER].place.country,
        "session_id": _guid(rng),
    }


def _persistence(rng: np.random.Generator, start: datetime) -> _Part:
    return {
        "method_registered_time": start + timedelta(minutes=6, seconds=int(rng.integers(0, 60))),
        "device_registered_time": start + timedelta(minutes=11, seconds=int(rng.integers(0, 60))),
        "device_name": f"DESKTOP-{rng.integers(10**6, 10**7)}",
        "inbox_rule_name": ("..", ",", "Archive2", "Sync")[rng.integers(4)],
        "inbox_rule_time": start + timedelta(minutes=18, seconds=int(rng.integers(0, 60))),
    }


def _phishing(world: Internet, rng: np.random.Generator, cast: _Cast, time: datetime) -> _Part:
    powershell = time + timedelta(minutes=21, seconds=int(rng.integers(0, 60)))
    host = world.company.hosts[world.company.people.index(cast.phished)]
    beacon = world.addresses[internet.BEACON].ip
    script = (
        f"$u='http://{beacon}/status';while($true){{try{{Invoke-WebRequest -UseBasicParsing $u|Out-Null}}"
        "catch{};Start-Sleep -Seconds 300}"
    )
    return {
        "phishing_time": time,
        "phishing_subject": "Overdue carrier invoices - please check today",
        "phishing_message_id": _guid(rng),
        "phished_account": cast.phished.upn,
        "workstation": host.name,
        "workstation_address": host.ip,
        "script": script,
        "encoded_command": base64.b64encode(script.encode("utf-16-le")).decode(),
        "powershell_time": powershell,
        "powershell_process_id": int(rng.integers(2000, 5000)) * 4,
        "beacon_address": beacon,
        "beacon_period_s": 300,
        "beacon_start": powershell + timedelta(seconds=4),
    }


def _movement(world: Internet, rng: np.random.Generator, phished: Account, time: datetime) -> _Part:
    server = _file_server(phished)
    return {
        "lateral_account": "svc-deploy",
        "server": server,
        "server_address": world.company.hosts[world.company.host_number(server)].ip,
        "lateral_time": time,
        "created_account": f"svc_health{rng.integers(10, 99)}",
        "server_beacon_start": time + timedelta(minutes=12, seconds=int(rng.integers(0, 60))),
    }


def _file_server(phished: Account) -> str:
    return f"{OFFICES[phished.office].code}-FS-01"


def _exfiltration(world: Internet, rng: np.random.Generator, phished: Account, time: datetime) -> _Part:
    parts = rng.dirichlet(np.full(SESSIONS, 12.0))
    sizes = tuple(
        int(BYTES * part) + int(extra)
        for part, extra in zip(parts, rng.integers(0, 999, SESSIONS), strict=True)
    )
    return {
        "archive_name": f"{OFFICES[phished.office].code.lower()}_logs",
        "archive_time": time,
        "exfiltration_address": world.addresses[internet.DROP].ip,
        "exfiltration_start": time + timedelta(minutes=70),
        "exfiltration_sizes": sizes,
        "exfiltration_bytes": sum(sizes),
    }


def _noticed(rng: np.random.Generator) -> _Part:
    return {
        "first_alert_id": _guid(rng),
        "rule_alert_id": _guid(rng),
        "powershell_alert_id": _guid(rng),
        "first_incident": 1000 + int(rng.integers(400, 900)),
    }


def _decoys(world: Internet, cast: _Cast) -> _Part:
    return {
        "mistyping_account": cast.mistyper.upn,
        "travelling_account": cast.traveller.upn,
        "travel_country": world.addresses[internet.TRAVEL].place.country,
        "scripting_account": cast.scripter.upn,
        "backup_host": "RTM-BKP-01",
        "stale_indicator_address": world.sites[world.site(internet.ADS_SITE)].ip,
    }


def _guid(rng: np.random.Generator) -> str:
    return str(uuid.UUID(bytes=rng.bytes(16), version=4))
