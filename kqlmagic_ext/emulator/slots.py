"""The service's own limits for each user: requests in 30 seconds, queries at once, and a queue for the rest."""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from kqlmagic_ext.emulator.faults import Plan

_RATE_SECONDS = 30
_RATE, _SLOTS, _QUEUE, _QUEUE_SECONDS = 200, 5, 200, 180


class Throttled(Exception):  # noqa: N818 - what happened, in the service's word
    """The user asked too much; `retry_after` is in seconds, None where the service does not tell."""

    def __init__(self, why: str, retry_after: int | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


@dataclass
class _User:
    running: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
    times: deque[float] = field(default_factory=deque)


class Slots:
    """The users of an emulator, each with what runs and waits."""

    def __init__(self) -> None:
        self._users: dict[str, _User] = {}

    def count(self, user: str, limits: Plan) -> None:
        """Count a request of the user; raises Throttled for one too many in 30 seconds."""
        times, now = self._user(user).times, asyncio.get_running_loop().time()
        while times and times[0] <= now - _RATE_SECONDS:
            times.popleft()
        if len(times) >= limits.number("rate-limit", _RATE):
            left = times[0] + _RATE_SECONDS - now if times else _RATE_SECONDS
            raise Throttled("too many requests in 30 seconds", math.ceil(left))
        times.append(now)

    @asynccontextmanager
    async def taken(self, user: str, limits: Plan) -> AsyncIterator[None]:
        """A slot for one query; raises Throttled where the queue is full, or the wait too long."""
        one = self._user(user)
        await self._wait(one, limits)
        try:
            yield
        finally:
            self._leave(one)

    async def _wait(self, user: _User, limits: Plan) -> None:
        """Take a slot, at once or when another query leaves one."""
        if user.running < limits.number("slots", _SLOTS):
            user.running += 1
            return
        if len(user.waiting) >= limits.number("queue", _QUEUE):
            raise Throttled("the queue of concurrent queries is full")
        turn = asyncio.get_running_loop().create_future()
        user.waiting.append(turn)
        try:
            async with asyncio.timeout(limits.number("queue-seconds", _QUEUE_SECONDS)):
                await turn
        except BaseException as error:
            if turn in user.waiting:
                user.waiting.remove(turn)
            elif not turn.cancelled():  # the slot came as we gave up
                self._leave(user)
            if isinstance(error, TimeoutError):
                raise Throttled("the query waited too long for a slot") from error
            raise

    @staticmethod
    def _leave(user: _User) -> None:
        """Hand the slot to the query that has waited longest."""
        user.running -= 1
        while user.waiting:
            turn = user.waiting.popleft()
            if not turn.done():
                user.running += 1
                turn.set_result(None)
                return

    def _user(self, name: str) -> _User:
        return self._users.setdefault(name, _User())


def user_of(headers: Mapping[str, str]) -> str:
    """Who asks, told by a digest of the sign-in: the limits are each user's."""
    return hashlib.sha256(headers.get("Authorization", "").encode()).hexdigest()
