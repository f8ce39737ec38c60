"""The sign-ins of the story: the password spray, the MFA fatigue, and who only looks suspicious."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqlmagic_ext.connections.local.demo import clients, internet
from kqlmagic_ext.connections.local.demo.recipe import Facts, Scene, at, stacked
from kqlmagic_ext.connections.local.demo.rhythm import human_times
from kqlmagic_ext.connections.local.demo.texts import DAY, SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCKED = 0.06  # part of the spray's later tries that find the account locked
_GULF = 4  # hours east of Greenwich where the traveller is


def story(scene: Scene) -> Facts:
    """The spray, the prompts, the intruder's sign-ins, and the two colleagues who only look suspicious."""
    return stacked([*_spray(scene), *_fatigue(scene), *_intruder(scene), *_traveller(scene), *_slips(scene)])


def _row(who: dict[str, int], time: int, outcome: int, app: int = clients.OFFICE_HOME) -> dict[str, int]:
    return who | {"time": time, "outcome": outcome, "app": app}


def _who(person: int, address: int, client: int) -> dict[str, int]:
    return {"person": person, "address": address, "client": client}


def _spray(scene: Scene) -> Iterator[dict[str, int]]:
    told, numbers = scene.story, [scene.company.account_number(upn) for upn in scene.story.sprayed_accounts]
    tries = np.concatenate(
        [scene.rng.permutation(numbers), scene.rng.permutation(numbers), scene.rng.permutation(numbers[::2])]
    )
    found = scene.company.account_number(told.account)
    span = at(told.spray_end) - at(told.spray_start)
    steps = np.linspace(0, span, len(tries)).astype(np.int64)
    steps[1:-1] += scene.rng.integers(-4 * SECOND, 4 * SECOND, len(tries) - 2)
    locked = scene.rng.random(len(tries)) < _LOCKED
    for number, (person, step) in enumerate(zip(tries.tolist(), steps.tolist(), strict=True)):
        outcome = (
            clients.LOCKED if locked[number] and number > len(numbers) and person != found else clients.WRONG
        )
        who = _who(person, internet.SPRAYERS[number % 2], clients.SPRAYER)
        yield _row(who, at(told.spray_start) + step, outcome, clients.EXCHANGE)
    who = _who(found, internet.SPRAYERS[0], clients.SPRAYER)
    yield _row(who, at(told.password_found_time), clients.ASKED, clients.EXCHANGE)


def _fatigue(scene: Scene) -> Iterator[dict[str, int]]:
    told = scene.story
    who = _who(scene.company.account_number(told.account), internet.INTRUDER, clients.INTRUDER)
    span = at(told.success_time) - at(told.mfa_start)
    for prompt in range(told.mfa_denials):
        outcome = clients.DECLINED if prompt % 3 == 2 else clients.TIMED_OUT  # noqa: PLR2004 - each third
        time = at(told.mfa_start) + span * prompt // told.mfa_denials
        yield _row(who, time, outcome)
    yield _row(who, at(told.success_time), clients.RISKY)


def _intruder(scene: Scene) -> Iterator[dict[str, int]]:
    told = scene.story
    who = _who(scene.company.account_number(told.account), internet.INTRUDER, clients.INTRUDER)
    for hours, app in (
        (0.2, clients.EXCHANGE),
        (2.5, clients.SHAREPOINT),
        (22.0, clients.EXCHANGE),
        (40.5, clients.OFFICE_HOME),
    ):
        yield _row(who, at(told.success_time, hours * 3600), 0, app)


def _traveller(scene: Scene) -> Iterator[dict[str, int]]:
    told = scene.story
    who = _who(scene.company.account_number(told.travelling_account), internet.TRAVEL, clients.MANAGED)
    times = np.sort(human_times(scene.rng, scene.window, np.full(60, _GULF)))
    for turn, time in enumerate(times[times > scene.window.end - 4 * DAY].tolist()):
        outcome = clients.PUSHED if turn % 4 == 0 else 0
        yield _row(who, time, outcome, int(scene.rng.integers(0, 5)))


def _slips(scene: Scene) -> Iterator[dict[str, int]]:
    """Wrong twice, right at the third: once or so each day."""
    person = scene.company.account_number(scene.story.mistyping_account)
    who = _who(person, internet.FIRST_HOME + person, clients.MANAGED)
    for time in human_times(scene.rng, scene.window, scene.company.offsets[[person] * 14]).tolist():
        start = min(time, scene.window.end - 60 * SECOND)
        for seconds, outcome in ((0, clients.WRONG), (21, clients.WRONG), (47, clients.PUSHED)):
            yield _row(who, start + seconds * SECOND, outcome)
