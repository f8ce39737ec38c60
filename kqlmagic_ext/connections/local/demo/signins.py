"""SigninLogs: interactive sign-ins, with the password spray and the MFA fatigue among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kqlmagic_ext.connections.local.demo import clients, internet, spray
from kqlmagic_ext.connections.local.demo.clients import APPS, CLIENTS, OUTCOMES, STEPS_HEAD
from kqlmagic_ext.connections.local.demo.recipe import Columns, Facts, Recipe, Scene, people_columns
from kqlmagic_ext.connections.local.demo.rhythm import human_times
from kqlmagic_ext.connections.local.demo.texts import (
    DAY,
    Ints,
    as_json,
    guid_list,
    iso,
    joined,
    picked,
    picked_where,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_AT_HOME, _ON_THE_MOVE = 0.38, 0.08  # the latter's part is taken from the former's
_TRIPS = 6  # colleagues who travel
_SLIPS = 0.35  # part of the mistyping colleague's sign-ins that fail


def everyday(scene: Scene, count: int) -> Facts:
    """Ordinary sign-ins: mostly from the office or home, with the usual slips."""
    person = scene.busy_people(count)
    time = human_times(scene.rng, scene.window, scene.company.offsets[person])
    facts = {
        "time": time,
        "person": person,
        "address": whereabouts(scene, person, time),
        "client": scene.choose([client.weight for client in CLIENTS], count),
        "app": scene.choose([weight for *_, weight in APPS], count),
        "outcome": scene.choose([outcome.weight for outcome in OUTCOMES], count),
    }
    _mistype(scene, facts)
    return facts


def whereabouts(scene: Scene, person: Ints, time: Ints) -> Ints:
    """From which address each person works at each time: office, home, mobile network, or a trip abroad."""
    rng, count = scene.rng, len(person)
    office = scene.company.person_offices[person]
    address = scene.world.egress(rng, office)
    die = rng.random(count)
    address = np.where(die < _AT_HOME, internet.FIRST_HOME + person, address)
    address = np.where(die < _ON_THE_MOVE, scene.world.carriers(rng, office), address)
    return np.where(_travelling(scene, person, time), scene.world.abroad(rng, count), address)


def _travelling(scene: Scene, person: Ints, time: Ints) -> NDArray[np.bool_]:
    rng = np.random.default_rng([scene.company.seed, 41])
    leave = np.full(len(scene.company.people), scene.window.end)
    travellers = rng.choice(len(leave), _TRIPS, replace=False)
    leave[travellers] = scene.window.start + rng.integers(0, 9 * DAY, _TRIPS)
    away: NDArray[np.bool_] = (time >= leave[person]) & (time < leave[person] + 3 * DAY)
    return away


def _mistype(scene: Scene, facts: Facts) -> None:
    mistyper = scene.company.account_number(scene.story.mistyping_account)
    slips = (facts["person"] == mistyper) & (scene.rng.random(len(facts["time"])) < _SLIPS)
    facts["outcome"][slips] = clients.WRONG


def columns(scene: Scene, facts: Facts) -> Columns:
    """The facts in the words of the log."""
    return (
        people_columns(scene, facts["person"])
        | shared_columns(scene, facts)
        | device_columns(scene, facts)
        | _security_columns(facts)
        | _interactive_columns(scene, facts)
    )


def shared_columns(scene: Scene, facts: Facts) -> Columns:
    """What both sign-in tables say alike: ids, application, place, outcome."""
    count, world = len(facts["time"]), scene.world
    return {
        "CreatedDateTime": facts["time"],
        "Id": scene.guids(count),
        "CorrelationId": scene.guids(count),
        "AADTenantId": scene.company.tenant,
        "HomeTenantId": scene.company.tenant,
        "ResourceTenantId": scene.company.tenant,
        "AppDisplayName": picked([app for app, *_ in APPS], facts["app"]),
        "AppId": picked([app_id for _, app_id, *_ in APPS], facts["app"]),
        "ResourceIdentity": picked([app_id for _, app_id, *_ in APPS], facts["app"]),
        "ResourceDisplayName": picked([resource for _, _, resource, _ in APPS], facts["app"]),
        "IPAddress": picked(world.ips, facts["address"]),
        "Location": picked(world.countries, facts["address"]),
        "LocationDetails": picked(world.location_details, facts["address"]),
        "AutonomousSystemNumber": picked(
            [str(address.network) for address in world.addresses], facts["address"]
        ),
        "OperationName": "Sign-in activity",
        "OperationVersion": "1.0",
        "SourceSystem": "Azure AD",
        "UserType": "Member",
        "CrossTenantAccessType": "none",
        "TokenIssuerType": "AzureAD",
        "SessionId": _sessions(scene, facts),
    } | _outcome_columns(facts["outcome"])


def _outcome_columns(outcome: Ints) -> Columns:
    return {
        "ResultType": picked([kind.code for kind in OUTCOMES], outcome),
        "ResultDescription": picked([kind.description for kind in OUTCOMES], outcome),
        "ResultSignature": picked(
            ["SUCCESS" if kind.code == "0" else "FAILURE" for kind in OUTCOMES], outcome
        ),
        "Status": picked([kind.status for kind in OUTCOMES], outcome),
        "AuthenticationRequirement": picked([kind.requirement for kind in OUTCOMES], outcome),
        "ConditionalAccessStatus": picked([kind.policy for kind in OUTCOMES], outcome),
    }


def _sessions(scene: Scene, facts: Facts) -> pa.Array:
    """A session for each person and week, and the intruder's own; none where the sign-in failed."""
    people = len(scene.company.people)
    drawn = guid_list(np.random.default_rng([scene.company.seed, 46]), 2 * people)
    week = (facts["time"] - scene.window.start) // (7 * DAY)
    code = np.where(facts["address"] == internet.INTRUDER, 2 * people, facts["person"] * 2 + week)
    succeeded = np.array([kind.code == "0" for kind in OUTCOMES])[facts["outcome"]]
    return picked_where(succeeded, [*drawn, scene.story.session_id], code)


def device_columns(scene: Scene, facts: Facts) -> Columns:
    """The program and its device."""
    devices = device_details(scene)
    return {
        "UserAgent": picked([client.agent for client in CLIENTS], facts["client"]),
        "ClientAppUsed": picked([client.app for client in CLIENTS], facts["client"]),
        "DeviceDetail": picked(devices, facts["person"] * len(CLIENTS) + facts["client"]),
    }


def device_details(scene: Scene) -> list[str]:
    """The `DeviceDetail` of each person with each client, person by person."""
    ids = guid_list(np.random.default_rng([scene.company.seed, 42]), len(scene.company.people))
    return [
        _device(scene.company.hosts[number].name, ids[number], client)
        for number in range(len(scene.company.people))
        for client in CLIENTS
    ]


def _device(host: str, device_id: str, client: clients.Client) -> str:
    device: dict[str, object] = {"deviceId": "", "operatingSystem": client.system, "browser": client.browser}
    if client.own:
        device |= {"deviceId": device_id, "displayName": host, "trustType": "Azure AD joined"}
        device |= {"isCompliant": True, "isManaged": True}
    return as_json(device)


def _security_columns(facts: Facts) -> Columns:
    outcome = facts["outcome"]
    return {
        "AuthenticationDetails": steps_column(facts),
        "MfaDetail": picked([kind.mfa for kind in OUTCOMES], outcome),
        "ConditionalAccessPolicies": picked([_policies(kind.policy) for kind in OUTCOMES], outcome),
        "RiskLevelDuringSignIn": picked([kind.risk for kind in OUTCOMES], outcome),
        "RiskLevelAggregated": picked([kind.risk for kind in OUTCOMES], outcome),
        "RiskState": picked(["none" if kind.risk == "none" else "atRisk" for kind in OUTCOMES], outcome),
        "RiskEventTypes": picked(
            ["[]" if kind.risk == "none" else _RISK_EVENTS for kind in OUTCOMES], outcome
        ),
        "RiskEventTypes_V2": picked(
            ["[]" if kind.risk == "none" else _RISK_EVENTS for kind in OUTCOMES], outcome
        ),
    }


_RISK_EVENTS = as_json(["unfamiliarFeatures"])


def _policies(result: str) -> str:
    names = ("Require MFA outside offices", "Block legacy authentication")
    return as_json(
        [
            {"displayName": name, "result": result if not turn else "notApplied"}
            for turn, name in enumerate(names)
        ]
    )


def steps_column(facts: Facts) -> pa.Array:
    """`AuthenticationDetails`: each step with the time of its row."""
    moments = iso(facts["time"])
    first = picked([kind.steps[0] for kind in OUTCOMES], facts["outcome"])
    second = picked([kind.steps[1] for kind in OUTCOMES], facts["outcome"])
    two = np.array([kind.second is not None for kind in OUTCOMES])[facts["outcome"]]
    again = pc.if_else(pa.array(two), moments, "")
    return joined(STEPS_HEAD, moments, first, again, second)


def _interactive_columns(scene: Scene, facts: Facts) -> Columns:
    count = len(facts["time"])
    return {
        "Category": "SignInLogs",
        "IsInteractive": True,
        "Identity": picked(scene.person_pool("display"), facts["person"]),
        "OriginalRequestId": scene.guids(count),
        "UniqueTokenIdentifier": scene.guids(count),
        "AuthenticationProtocol": "none",
        "IncomingTokenType": "none",
        "DurationMs": scene.rng.integers(20, 900, count),
        "FlaggedForReview": False,
        "IsRisky": False,
        "RiskDetail": "none",
        "NetworkLocationDetails": picked(scene.world.networks, facts["address"]),
    }


RECIPE = Recipe(everyday, spray.story, columns, share=0.12)
