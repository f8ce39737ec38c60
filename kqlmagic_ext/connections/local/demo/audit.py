"""AuditLogs: what changed in the directory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from kqlmagic_ext.connections.local.demo import internet
from kqlmagic_ext.connections.local.demo.recipe import Columns, Facts, Recipe, Scene, at, stacked
from kqlmagic_ext.connections.local.demo.rhythm import human_times
from kqlmagic_ext.connections.local.demo.texts import as_json, joined, picked

if TYPE_CHECKING:
    import pyarrow as pa

_GROUPS = (
    "Freight Tools Users",
    "VPN Users",
    "Finance Reports",
    "Customs Filing",
    "Project Quay",
    "All Sales",
)


@dataclass(frozen=True)
class Change:
    """A kind of change: by IT for others, or by people for themselves; `what` is changed about the target, `name=value`."""

    name: str
    category: str
    service: str
    verb: str
    own: bool
    weight: float
    what: tuple[str, ...] = ("",)
    result: str = "success"
    reason: str = ""


CHANGES = (
    Change("Update user", "UserManagement", "Core Directory", "Update", own=False, weight=240, what=("Department=Customs", "JobTitle=Account Manager", "TelephoneNumber=")),
    Change("Add member to group", "GroupManagement", "Core Directory", "Assign", own=False, weight=110, what=_GROUPS),
    Change("Remove member from group", "GroupManagement", "Core Directory", "Unassign", own=False, weight=40, what=_GROUPS),
    Change("Reset user password", "UserManagement", "Core Directory", "Update", own=False, weight=24),
    Change("Change user password", "UserManagement", "Core Directory", "Update", own=True, weight=60),
    Change("Add user", "UserManagement", "Core Directory", "Add", own=False, weight=6),
    Change("Disable account", "UserManagement", "Core Directory", "Update", own=False, weight=4),
    Change("Consent to application", "ApplicationManagement", "Core Directory", "Assign", own=True, weight=9, what=("DisplayName=ShipTrack Portal", "DisplayName=Form Collector")),
    Change("Add app role assignment to service principal", "ApplicationManagement", "Core Directory", "Assign", own=False, weight=5, what=("DisplayName=ShipTrack Portal",)),
    Change("Update application", "ApplicationManagement", "Core Directory", "Update", own=False, weight=8, what=("DisplayName=ShipTrack Portal",)),
    Change("Add member to role", "RoleManagement", "Core Directory", "Assign", own=False, weight=2, what=("Role.DisplayName=Helpdesk Administrator", "Role.DisplayName=Reports Reader")),
    Change("Update conditional access policy", "Policy", "Conditional Access", "Update", own=False, weight=1.5, what=("DisplayName=Block legacy authentication",)),
    Change("User registered security info", "UserManagement", "Authentication Methods", "Update", own=True, weight=26, what=("StrongAuthenticationMethod=Authenticator App", "StrongAuthenticationMethod=Phone"), reason="User registered Authenticator App with Notification and Code"),
    Change("User started security info registration", "UserManagement", "Authentication Methods", "Update", own=True, weight=30, reason="User started the registration for Authenticator App"),
    Change("Register device", "Device", "Device Registration Service", "Add", own=True, weight=22, what=("DeviceOSType=IOS", "DeviceOSType=Android")),
    Change("Update device", "Device", "Core Directory", "Update", own=True, weight=140, what=("DeviceOSVersion=18.1",)),
    Change("User registered security info", "UserManagement", "Authentication Methods", "Update", own=True, weight=4, result="failure", reason="User failed to register Phone"),
)  # fmt: skip
REGISTERED, DEVICE = 12, 14
_WIDEST = 6  # the most choices that a change has


def everyday(scene: Scene, count: int) -> Facts:
    """Changes by IT for colleagues, and by colleagues for themselves."""
    target = scene.busy_people(count)
    change = scene.choose([change.weight for change in CHANGES], count)
    own = np.array([change.own for change in CHANGES])[change]
    staff = np.array(
        [n for n, person in enumerate(scene.company.people) if person.department == "IT"], np.int64
    )
    actor = np.where(own, target, staff[scene.rng.integers(0, len(staff), count)])
    return {
        "time": human_times(scene.rng, scene.window, scene.company.offsets[actor]),
        "actor": actor,
        "target": target,
        "address": scene.world.egress(scene.rng, scene.company.person_offices[actor]),
        "change": change,
        "what": scene.rng.integers(0, _WIDEST, count),
        "told": np.zeros(count, np.int64),
    }


def story(scene: Scene) -> Facts:
    """The intruder's phone and machine become the compromised account's."""
    told = scene.story
    person = scene.company.account_number(told.account)
    fixed = {"actor": person, "target": person, "address": internet.INTRUDER, "what": 0}
    return stacked([
        {"time": at(told.method_registered_time, -41), "change": REGISTERED + 1, "told": 0} | fixed,
        {"time": at(told.method_registered_time), "change": REGISTERED, "told": 0} | fixed,
        {"time": at(told.device_registered_time), "change": DEVICE, "told": 1} | fixed,
    ])  # fmt: skip


def columns(scene: Scene, facts: Facts) -> Columns:
    """The facts in the words of the log."""
    change, count = facts["change"], len(facts["time"])
    names = [kind.name for kind in CHANGES]
    return {
        "ActivityDateTime": facts["time"],
        "ActivityDisplayName": picked(names, change),
        "OperationName": picked(names, change),
        "OperationVersion": "1.0",
        "Category": picked([kind.category for kind in CHANGES], change),
        "AADOperationType": picked([kind.verb for kind in CHANGES], change),
        "LoggedByService": picked([kind.service for kind in CHANGES], change),
        "Result": picked([kind.result for kind in CHANGES], change),
        "ResultReason": picked([kind.reason for kind in CHANGES], change),
        "ResultDescription": picked([kind.reason for kind in CHANGES], change),
        "Identity": picked(scene.person_pool("display"), facts["actor"]),
        "InitiatedBy": _initiated_by(scene, facts),
        "TargetResources": _targets(scene, facts),
        "AdditionalDetails": as_json([{"key": "User-Agent", "value": "Mozilla/5.0"}]),
        "CorrelationId": scene.guids(count),
        "Id": scene.guids(count),
        "AADTenantId": scene.company.tenant,
        "Resource": "Microsoft.aadiam",
        "ResourceGroup": "Microsoft.aadiam",
        "SourceSystem": "Azure AD",
        "Level": "4",
        "DurationMs": 0,
    }


def _initiated_by(scene: Scene, facts: Facts) -> pa.Array:
    people = [
        as_json({"id": who.object_id, "displayName": who.display, "userPrincipalName": who.upn})[:-1]
        for who in scene.company.accounts
    ]
    ip = picked(scene.world.ips, facts["address"])
    return joined('{"user":', picked(people, facts["actor"]), ',"ipAddress":"', ip, '","roles":[]}}')


def _targets(scene: Scene, facts: Facts) -> pa.Array:
    people = [
        as_json(
            {"id": who.object_id, "displayName": who.display, "userPrincipalName": who.upn, "type": "User"}
        )[:-1]
        for who in scene.company.accounts
    ]
    is_device = np.array([kind.category == "Device" for kind in CHANGES])[facts["change"]]
    target = pc.if_else(is_device, _devices(scene, facts), picked(people, facts["target"]))
    pool = [_modified(kind, turn) for kind in CHANGES for turn in range(_WIDEST)]
    modified = picked(pool, facts["change"] * _WIDEST + facts["what"])
    return joined("[", target, ',"modifiedProperties":', modified, "}]")


def _devices(scene: Scene, facts: Facts) -> pa.Array:
    """Devices as targets: people's own, and the one that the intruder registers."""
    owners = [f"{person.given}s device" for person in scene.company.people]
    pool = [
        as_json({"displayName": name, "type": "Device"})[1:-1] for name in (*owners, scene.story.device_name)
    ]
    code = np.where(facts["told"] > 0, len(pool) - 1, facts["target"])
    return joined('{"id":"', scene.guids(len(code)), '",', picked(pool, code))


def _modified(kind: Change, turn: int) -> str:
    name, _, value = kind.what[turn % len(kind.what)].partition("=")
    return as_json([{"displayName": name, "oldValue": None, "newValue": as_json(value)}] if name else [])


RECIPE = Recipe(everyday, story, columns, share=0.015)
