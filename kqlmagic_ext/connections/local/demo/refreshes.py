"""AADNonInteractiveUserSignInLogs: programs that renew tokens for people, the intruder's program among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqlmagic_ext.connections.local.demo import clients, internet
from kqlmagic_ext.connections.local.demo.clients import APPS
from kqlmagic_ext.connections.local.demo.recipe import (
    Columns,
    Facts,
    Recipe,
    Scene,
    at,
    people_columns,
    stacked,
)
from kqlmagic_ext.connections.local.demo.rhythm import human_times
from kqlmagic_ext.connections.local.demo.signins import device_columns, shared_columns, whereabouts
from kqlmagic_ext.connections.local.demo.texts import as_json, picked

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLIENT_WEIGHTS = (30, 8, 18, 12, 4, 40, 0, 0.2, 0)
_ENDS = (
    (0, 930),
    (clients.ASKED, 30),
    (clients.BLOCKED, 6),
    (clients.NO_SESSION, 20),
)  # outcome and weight: programs send no passwords
_EVERY_H = 1.05  # the intruder's program renews its token about hourly


def everyday(scene: Scene, count: int) -> Facts:
    """Tokens renewed while people work."""
    person = scene.busy_people(count)
    time = human_times(scene.rng, scene.window, scene.company.offsets[person])
    ends = scene.choose([weight for _, weight in _ENDS], count)
    return {
        "time": time,
        "person": person,
        "address": whereabouts(scene, person, time),
        "client": scene.choose(_CLIENT_WEIGHTS, count),
        "app": scene.choose([weight for *_, weight in APPS], count),
        "outcome": stacked({"end": number} for number, _ in _ENDS)["end"][ends],
    }


def story(scene: Scene) -> Facts:
    """The compromised account's tokens, renewed from the intruder's address until the end."""
    return stacked(_renewals(scene))


def _renewals(scene: Scene) -> Iterator[dict[str, int]]:
    told = scene.story
    person = scene.company.account_number(told.account)
    time = at(told.success_time, 95)
    while time < scene.window.end:
        yield {
            "time": time,
            "person": person,
            "address": internet.INTRUDER,
            "client": clients.REFRESHER,
            "app": (clients.EXCHANGE, clients.EXCHANGE, clients.SHAREPOINT)[int(scene.rng.integers(3))],
            "outcome": 0,
        }
        time += int(_EVERY_H * 3600e6 * scene.rng.uniform(0.6, 1.4))


def columns(scene: Scene, facts: Facts) -> Columns:
    """The facts in the words of the log."""
    outcome, count = facts["outcome"], len(facts["time"])
    return (
        people_columns(scene, facts["person"])
        | shared_columns(scene, facts)
        | device_columns(scene, facts)
        | {
            "Category": "NonInteractiveUserSignInLogs",
            "IsInteractive": False,
            "UniqueTokenIdentifier": scene.guids(count),
            "IncomingTokenType": "refreshToken",
            "AuthenticationProtocol": "none",
            "DurationMs": scene.rng.integers(10, 400, count),
            "AuthenticationDetails": "[]",
            "RiskLevelDuringSignIn": "none",
            "RiskLevelAggregated": "none",
            "RiskState": "none",
            "SignInEventTypes": picked([as_json(["nonInteractiveUser"])], outcome * 0),
        }
    )


RECIPE = Recipe(everyday, story, columns, share=0.15)
