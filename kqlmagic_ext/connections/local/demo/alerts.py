"""SecurityAlert: what the products noticed, little of it true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kqlmagic_ext.connections.local.demo import internet
from kqlmagic_ext.connections.local.demo.company import DOMAIN
from kqlmagic_ext.connections.local.demo.recipe import Columns, Facts, Recipe, Scene, at, nothing, stacked
from kqlmagic_ext.connections.local.demo.rhythm import human_times
from kqlmagic_ext.connections.local.demo.texts import DAY, SECOND, as_json, guid_list, picked

if TYPE_CHECKING:
    from kqlmagic_ext.connections.local.demo.company import Account, Host

TURNS = 3  # noise alerts of each kind


@dataclass(frozen=True)
class Kind:
    """A kind of alert: `about` says whom its entities name ("person", "host", "both")."""

    name: str
    severity: str
    product: str
    provider: str
    tactics: str
    techniques: tuple[str, ...]
    about: str
    description: str


_IDENTITY = ("Azure Active Directory Identity Protection", "IPC")
_ENDPOINT = ("Microsoft Defender Advanced Threat Protection", "MDATP")
_OFFICE = ("Office 365 Advanced Threat Protection", "OATP")
_CLOUD = ("Microsoft Cloud App Security", "MCAS")
_SENTINEL = ("Azure Sentinel", "ASI Scheduled Alerts")

SPRAY = Kind(
    "Password spray attack from two addresses",
    "Medium",
    *_SENTINEL,
    "CredentialAccess",
    ("T1110",),
    "",
    "Many accounts failed to sign in from a few addresses in a short time.",
)
RULE = Kind(
    "Suspicious inbox manipulation rule",
    "Medium",
    *_CLOUD,
    "DefenseEvasion",
    ("T1564",),
    "person",
    "A rule was made that moves or deletes mail with certain words.",
)
SHELL = Kind(
    "Suspicious PowerShell command line",
    "Medium",
    *_ENDPOINT,
    "Execution",
    ("T1059",),
    "both",
    "A suspicious PowerShell activity was observed on the machine.",
)
TRAVEL = Kind(
    "Atypical travel",
    "Medium",
    *_IDENTITY,
    "InitialAccess",
    ("T1078",),
    "person",
    "Sign-ins from places too far apart for the time between them.",
)
VOLUME = Kind(
    "Unusual volume of data sent to one address",
    "Medium",
    *_SENTINEL,
    "Exfiltration",
    ("T1048",),
    "host",
    "A machine sent much more than on other days.",
)
NOISE = (
    Kind("Unfamiliar sign-in properties", "Low", *_IDENTITY, "InitialAccess", ("T1078",), "person", "A sign-in with properties not seen lately for the user."),
    Kind("Anonymous IP address", "Low", *_IDENTITY, "InitialAccess", ("T1078",), "person", "A sign-in from an address that hides its origin."),
    Kind("Email messages containing malicious URL removed after delivery", "Informational", *_OFFICE, "InitialAccess", ("T1566",), "person", "Mail was removed after delivery."),
    Kind("Email reported by user as malware or phish", "Low", *_OFFICE, "InitialAccess", ("T1566",), "person", "A user reported a mail."),
    Kind("Mass download", "Low", *_CLOUD, "Exfiltration", ("T1567",), "person", "A user downloaded many files in a short time."),
    Kind("Activity from infrequent country", "Medium", *_CLOUD, "InitialAccess", ("T1078",), "person", "Activity from a place not seen lately."),
    Kind("Potentially unwanted application detected", "Low", *_ENDPOINT, "Execution", ("T1204",), "both", "An unwanted program was found and removed."),
    Kind("'Wacatac' malware was prevented", "Informational", *_ENDPOINT, "Execution", ("T1204",), "both", "Malware was prevented from running."),
    Kind("Suspicious scheduled task", "Medium", *_ENDPOINT, "Persistence", ("T1053",), "host", "A task was made by an uncommon program."),
    Kind("Multiple failed logons on a machine", "Low", *_SENTINEL, "CredentialAccess", ("T1110",), "host", "Many sign-ins to a machine failed."),
    Kind("Rare process on a server", "Low", *_SENTINEL, "Execution", ("T1059",), "host", "A program ran that is rare among servers."),
    Kind("Network scan from an internal address", "Medium", *_SENTINEL, "Discovery", ("T1046",), "host", "One machine tried many ports of others."),
    Kind("Failed sign-ins of one user", "Low", *_SENTINEL, "CredentialAccess", ("T1110",), "person", "One account failed to sign in many times."),
    Kind("User added to a privileged group", "Medium", *_SENTINEL, "Persistence", ("T1098",), "person", "A member was added to a group with rights."),
)  # fmt: skip


@dataclass(frozen=True)
class Alert:
    """One alert: `true` says whether it belongs to the intrusion."""

    kind: Kind
    time: int
    alert_id: str
    entities: str
    compromised: str
    true: bool


def alerts(scene: Scene) -> tuple[Alert, ...]:
    """All alerts of the workspace: those of the intrusion first."""
    return (*_true(scene), *_decoys(scene), *_noise(scene))


def _account(who: Account) -> dict[str, Any]:
    return {
        "Type": "account",
        "Name": who.name,
        "UPNSuffix": DOMAIN,
        "AadUserId": who.object_id,
        "DisplayName": who.display,
    }


def _host(host: Host) -> dict[str, Any]:
    return {"Type": "host", "HostName": host.name, "DnsDomain": DOMAIN, "OSFamily": "Windows"}


def _entities(*entities: dict[str, Any]) -> str:
    return as_json([{"$id": str(place)} | entity for place, entity in enumerate(entities, 2)])


def _true(scene: Scene) -> list[Alert]:
    told, company = scene.story, scene.company
    account = company.accounts[company.account_number(told.account)]
    phished = company.accounts[company.account_number(told.phished_account)]
    host = company.hosts[company.host_number(told.workstation)]
    sources = [{"Type": "ip", "Address": address} for address in told.spray_addresses]
    process = {
        "Type": "process",
        "ProcessId": str(told.powershell_process_id),
        "CommandLine": f"powershell.exe -nop -w hidden -enc {told.encoded_command}",
    }
    mailbox = {"Type": "mailbox", "MailboxPrimaryAddress": told.account}
    intruder = {"Type": "ip", "Address": told.success_address}
    return [
        Alert(SPRAY, at(told.spray_end, 310), told.first_alert_id, _entities(*sources), "", true=True),
        Alert(RULE, at(told.inbox_rule_time, 1260), told.rule_alert_id, _entities(_account(account), mailbox, intruder), told.account, true=True),
        Alert(SHELL, at(told.powershell_time, 205), told.powershell_alert_id, _entities(_host(host), _account(phished), process), host.fqdn, true=True),
    ]  # fmt: skip


def _decoys(scene: Scene) -> list[Alert]:
    """What the traveller, the administrator, the backup and the mistyper set off."""
    told, company, rng = scene.story, scene.company, np.random.default_rng([scene.company.seed, 50])
    traveller, scripter, mistyper = (
        company.accounts[company.account_number(upn)]
        for upn in (told.travelling_account, told.scripting_account, told.mistyping_account)
    )
    desk, backup = (
        company.hosts[company.account_number(scripter.name)],
        company.hosts[company.host_number(told.backup_host)],
    )
    abroad = {"Type": "ip", "Address": scene.world.ips[internet.TRAVEL]}
    ids = guid_list(rng, 4)
    days = [scene.window.end - int(day * DAY) for day in (3.4, 5.2, 2.3, 1.7)]
    return [
        Alert(TRAVEL, days[0], ids[0], _entities(_account(traveller), abroad), traveller.upn, true=False),
        Alert(SHELL, days[1], ids[1], _entities(_host(desk), _account(scripter)), desk.fqdn, true=False),
        Alert(VOLUME, days[2], ids[2], _entities(_host(backup)), backup.fqdn, true=False),
        Alert(NOISE[12], days[3], ids[3], _entities(_account(mistyper)), mistyper.upn, true=False),
    ]


def _noise(scene: Scene) -> list[Alert]:
    company, rng = scene.company, np.random.default_rng([scene.company.seed, 51])
    count = len(NOISE) * TURNS
    people = rng.integers(0, len(company.people), count)
    times = human_times(rng, scene.window, company.offsets[people])
    return [
        _about(scene, NOISE[turn % len(NOISE)], int(people[turn]), int(times[turn]), alert_id)
        for turn, alert_id in enumerate(guid_list(rng, count))
    ]


def _about(scene: Scene, kind: Kind, number: int, time: int, alert_id: str) -> Alert:
    who, host = scene.company.people[number], scene.company.hosts[number]
    named = [_account(who)] * (kind.about != "host") + [_host(host)] * (kind.about != "person")
    compromised = who.upn if kind.about == "person" else host.fqdn
    return Alert(kind, time, alert_id, _entities(*named), compromised, true=False)


def story(scene: Scene) -> Facts:
    """Every alert once."""
    return stacked({"time": alert.time, "alert": number} for number, alert in enumerate(alerts(scene)))


def columns(scene: Scene, facts: Facts) -> Columns:
    """The facts in the words of the log."""
    listed = alerts(scene)
    ordered = [listed[number] for number in facts["alert"].tolist()]
    starts = facts["time"] - 600 * SECOND
    told: Columns = {
        "AlertName": [alert.kind.name for alert in ordered],
        "DisplayName": [alert.kind.name for alert in ordered],
        "AlertSeverity": [alert.kind.severity for alert in ordered],
        "Description": [alert.kind.description for alert in ordered],
        "ProductName": [alert.kind.product for alert in ordered],
        "ProviderName": [alert.kind.provider for alert in ordered],
        "Tactics": [alert.kind.tactics for alert in ordered],
        "Techniques": [as_json(alert.kind.techniques) for alert in ordered],
        "AlertType": [alert.kind.name.replace(" ", "") for alert in ordered],
        "SystemAlertId": [alert.alert_id for alert in ordered],
        "Entities": [alert.entities for alert in ordered],
        "CompromisedEntity": [alert.compromised for alert in ordered],
        "ExtendedProperties": [as_json({"Alert generation status": "Full alert created", "Category": alert.kind.tactics}) for alert in ordered],
    }  # fmt: skip
    return {name: picked(texts, np.arange(len(ordered))) for name, texts in told.items()} | {
        "VendorName": "Microsoft",
        "VendorOriginalId": scene.guids(len(ordered)),
        "Status": "New",
        "StartTime": starts,
        "EndTime": facts["time"] - 60 * SECOND,
        "ProcessingEndTime": facts["time"],
        "ConfidenceLevel": "Unknown",
        "IsIncident": False,
        "SourceSystem": "Detection",
        "WorkspaceSubscriptionId": scene.company.subscription,
        "WorkspaceResourceGroup": "rg-security",
    }


RECIPE = Recipe(nothing, story, columns)
