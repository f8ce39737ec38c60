"""IdentityInfo: who the accounts are, as a weekly snapshot tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqlmagic_ext.connections.local.demo import names
from kqlmagic_ext.connections.local.demo.company import DOMAIN, OFFICES
from kqlmagic_ext.connections.local.demo.recipe import Columns, Facts, Recipe, Scene, nothing, stacked
from kqlmagic_ext.connections.local.demo.texts import DAY, as_json, picked

if TYPE_CHECKING:
    from kqlmagic_ext.connections.local.demo.company import Account

_SNAPSHOTS = (13.3, 6.3)  # days before the end
_ADMINISTRATORS = 3  # of the IT people, the first so many
_PURPOSES = {name: group for name, _, group in names.SERVICES}


def story(scene: Scene) -> Facts:
    """Each account in each snapshot."""
    known = len(scene.company.accounts) - 1  # SYSTEM is nobody's identity
    return stacked(
        {"time": scene.window.end - int(days * DAY) + number * 20_000, "account": number}
        for days in _SNAPSHOTS
        for number in range(known)
    )


def columns(scene: Scene, facts: Facts) -> Columns:
    """The facts in the words of the log."""
    accounts, number = scene.company.accounts, facts["account"]
    told = {
        "AccountUPN": [who.upn for who in accounts],
        "MailAddress": [who.upn if who.department else "" for who in accounts],
        "AccountName": [who.name for who in accounts],
        "SAMAccountName": [who.name for who in accounts],
        "AccountDisplayName": [who.display for who in accounts],
        "GivenName": [who.given for who in accounts],
        "Surname": [who.surname for who in accounts],
        "AccountObjectId": [who.object_id for who in accounts],
        "AccountSID": [who.sid for who in accounts],
        "Department": [who.department for who in accounts],
        "JobTitle": [who.title for who in accounts],
        "City": [OFFICES[who.office].place.city for who in accounts],
        "Country": [OFFICES[who.office].country for who in accounts],
        "EmployeeId": [f"MF{10_000 + place}" if who.department else "" for place, who in enumerate(accounts)],
        "OnPremisesDistinguishedName": [
            f"CN={who.display},OU=Staff,DC=meridianfreight,DC=example" for who in accounts
        ],
        "BlastRadius": ["High" if _weighty(scene, who) else "Low" for who in accounts],
        "Tags": [as_json(_tags(scene, who)) for who in accounts],
        "AssignedRoles": [as_json(_roles(scene, who)) for who in accounts],
        "GroupMembership": [as_json(_groups(scene, who)) for who in accounts],
        "Manager": [_manager(scene, who) for who in accounts],
    }
    service = np.array([not who.department for who in accounts])[number]
    return (
        {name: picked(texts, number) for name, texts in told.items()}
        | _state_columns(scene, facts)
        | {"IsServiceAccount": service}
    )


def _state_columns(scene: Scene, facts: Facts) -> Columns:
    count = len(facts["time"])
    years = np.random.default_rng([scene.company.seed, 44]).integers(60, 4000, len(scene.company.accounts))
    return {
        "AccountCreationTime": scene.window.start - years[facts["account"]] * DAY,
        "AccountDomain": DOMAIN,
        "AccountTenantId": scene.company.tenant,
        "CompanyName": "Meridian Freight",
        "IsAccountEnabled": True,
        "IsMFARegistered": scene.rng.random(count) < 0.97,  # noqa: PLR2004 - a few never did
        "UserType": "Member",
        "UserState": "Accepted",
        "UserAccountControl": as_json(["NormalAccount"]),
        "RiskLevel": "None",
        "RiskState": "None",
        "InvestigationPriority": scene.rng.integers(0, 40, count),
        "ChangeSource": "FullSync",
        "SourceSystem": "AzureActiveDirectory",
    }


def _administrators(scene: Scene) -> list[Account]:
    return [who for who in scene.company.people if who.department == "IT"][:_ADMINISTRATORS]


def _weighty(scene: Scene, who: Account) -> bool:
    return who.department == "Executive" or who in _administrators(scene) or who.name == "svc-deploy"


def _tags(scene: Scene, who: Account) -> list[str]:
    if who.department == "Executive":
        return ["Sensitive", "Executive"]
    return ["Sensitive", "Critical asset"] if _weighty(scene, who) else []


def _roles(scene: Scene, who: Account) -> list[str]:
    if who not in _administrators(scene):
        return ["Directory Synchronization Accounts"] if who.name == "svc-sync" else []
    return (
        ["Global Administrator"]
        if who == _administrators(scene)[0]
        else ["Exchange Administrator", "User Administrator"]
    )


def _groups(scene: Scene, who: Account) -> list[str]:
    if not who.department:
        return [
            _PURPOSES.get(who.name, "Service Accounts"),
            *(["Server Administrators"] if who.name == "svc-deploy" else []),
        ]
    groups = ["All Employees", who.department, f"Office {OFFICES[who.office].place.city}"]
    return groups + ["Domain Admins", "Server Administrators"] * (who in _administrators(scene))


def _manager(scene: Scene, who: Account) -> str:
    if not who.department or who.department == "Executive":
        return ""
    near = [one for one in scene.company.people if one.department == who.department]
    return near[0].upn if near[0] != who else scene.company.people[0].upn


RECIPE = Recipe(nothing, story, columns)
