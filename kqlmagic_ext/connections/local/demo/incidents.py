"""SecurityIncident: alerts as the analysts took them up, one row for each change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kqlmagic_ext.connections.local.demo.alerts import NOISE, Alert, alerts
from kqlmagic_ext.connections.local.demo.recipe import (
    Columns,
    Facts,
    Recipe,
    Scene,
    nothing,
    nulls_where,
    stacked,
)
from kqlmagic_ext.connections.local.demo.texts import SECOND, as_json, guid_list, picked

_MOST = 400  # incidents, far more than there are
_MINUTE = 60 * SECOND
_VERDICTS = (
    ("FalsePositive", "InaccurateData", "Known behaviour, rule to be tuned."),
    ("BenignPositive", "SuspiciousButExpected", "Confirmed with the user."),
    ("Undetermined", "", "No further evidence."),
    ("TruePositive", "SuspiciousActivity", "Mail removed, user informed."),
)


@dataclass(frozen=True)
class Incident:
    """One incident as it stands after a change."""

    number: int
    alerts: tuple[Alert, ...]
    status: str
    created: int
    changed: int
    owner: int  # person number; -1: nobody yet
    verdict: int  # place in the verdicts; -1: none yet


def changes(scene: Scene) -> list[Incident]:
    """Every state of every incident, the incidents in the order of their alerts."""
    rng = np.random.default_rng([scene.company.seed, 52])
    staff = [number for number, who in enumerate(scene.company.people) if who.department == "IT"]
    groups = sorted(_groups(alerts(scene)), key=lambda group: group[-1].time)
    first = next(
        place for place, group in enumerate(groups) if group[0].alert_id == scene.story.first_alert_id
    )
    states = []
    for place, group in enumerate(groups):
        number = scene.story.first_incident + place - first
        states += _states(rng, number, group, staff[rng.integers(len(staff))])
    return [state for state in states if state.changed < scene.window.end]


def _groups(listed: tuple[Alert, ...]) -> list[tuple[Alert, ...]]:
    """The intrusion's alerts and the decoys' each alone; of noise, the first two of some kinds together."""
    noise = {kind: [alert for alert in listed if alert.kind == kind and not alert.true] for kind in NOISE}
    single = [(alert,) for alert in listed if alert.kind not in noise]
    pairs = [tuple(alike[:2]) for place, alike in enumerate(noise.values()) if place % 2]
    rest = [
        (alert,)
        for place, alike in enumerate(noise.values())
        for alert in (alike[2:] if place % 2 else alike)
    ]
    return [*single, *pairs, *rest]


def _states(rng: np.random.Generator, number: int, group: tuple[Alert, ...], owner: int) -> list[Incident]:
    """New, then taken up, then closed; those of the intrusion wait for you."""
    created = max(alert.time for alert in group) + int(rng.integers(1, 6)) * _MINUTE
    taken = created + int(rng.integers(10, 300)) * _MINUTE
    closed = taken + int(rng.integers(15, 1500)) * _MINUTE
    new = Incident(number, group, "New", created, created, -1, -1)
    if group[0].true:
        return [new]
    verdict = int(rng.choice(4, p=(0.4, 0.35, 0.15, 0.1)))
    return [
        new,
        Incident(number, group, "Active", created, taken, owner, -1),
        Incident(number, group, "Closed", created, closed, owner, verdict),
    ]


def story(scene: Scene) -> Facts:
    """Every change once."""
    return stacked({"time": state.changed, "change": place} for place, state in enumerate(changes(scene)))


def columns(scene: Scene, facts: Facts) -> Columns:
    """The facts in the words of the log."""
    listed = changes(scene)
    ordered = [listed[place] for place in facts["change"].tolist()]
    return _text_columns(scene, ordered) | _time_columns(ordered) | {
        "IncidentNumber": np.array([state.number for state in ordered]),
        "SourceSystem": "Azure",
        "ProviderName": "Azure Sentinel",
        "BookmarkIds": "[]",
        "Tasks": "[]",
        "RelatedAnalyticRuleIds": "[]",
    }  # fmt: skip


def _time_columns(ordered: list[Incident]) -> Columns:
    created = np.array([state.created for state in ordered])
    changed = np.array([state.changed for state in ordered])
    firsts = np.array([min(alert.time for alert in state.alerts) for state in ordered])
    closed = np.array([state.status == "Closed" for state in ordered])
    return {
        "CreatedTime": created,
        "FirstModifiedTime": created,
        "LastModifiedTime": changed,
        "FirstActivityTime": firsts - 600 * SECOND,
        "LastActivityTime": np.array([max(alert.time for alert in state.alerts) for state in ordered]),
        "ClosedTime": nulls_where(~closed, changed, "datetime"),
    }


def _text_columns(scene: Scene, ordered: list[Incident]) -> Columns:
    names = guid_list(np.random.default_rng([scene.company.seed, 53]), _MOST)
    none = ("", "", "")
    verdicts = [none if state.verdict < 0 else _VERDICTS[state.verdict] for state in ordered]
    told = {
        "IncidentName": [names[state.number % _MOST] for state in ordered],
        "Title": [state.alerts[0].kind.name for state in ordered],
        "Description": [state.alerts[0].kind.description for state in ordered],
        "Severity": [state.alerts[0].kind.severity for state in ordered],
        "Status": [state.status for state in ordered],
        "AlertIds": [as_json([alert.alert_id for alert in state.alerts]) for state in ordered],
        "Owner": [_owner(scene, state.owner) for state in ordered],
        "Classification": [verdict[0] for verdict in verdicts],
        "ClassificationReason": [verdict[1] for verdict in verdicts],
        "ClassificationComment": [verdict[2] for verdict in verdicts],
        "Comments": [as_json([{"message": verdict[2]}] if verdict[2] else []) for verdict in verdicts],
        "Labels": [as_json([]) for _ in ordered],
        "ModifiedBy": [scene.company.people[state.owner].upn if state.owner >= 0 else "Incident created from alert" for state in ordered],
        "ProviderIncidentId": [str(state.number) for state in ordered],
        "AdditionalData": [as_json({"alertsCount": len(state.alerts), "tactics": [state.alerts[0].kind.tactics]}) for state in ordered],
        "IncidentUrl": [f"https://portal.cloudid.example/incidents/{state.number}" for state in ordered],
    }  # fmt: skip
    return {name: picked(texts, np.arange(len(ordered))) for name, texts in told.items()}


def _owner(scene: Scene, number: int) -> str:
    if number < 0:
        return as_json({"objectId": None, "email": None, "assignedTo": None, "userPrincipalName": None})
    who = scene.company.people[number]
    return as_json(
        {"objectId": who.object_id, "email": who.upn, "assignedTo": who.display, "userPrincipalName": who.upn}
    )


RECIPE = Recipe(nothing, story, columns)
