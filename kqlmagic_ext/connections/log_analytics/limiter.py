"""What the service lets one user do: under 5 queries at once, and under 200 in 30 seconds."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


@dataclass(frozen=True)
class Limits:
    """How many queries at once, and how many in a span of seconds; below what the service allows."""

    at_once: int = 4
    in_span: int = 190
    span_s: float = 30.0


class Limiter:
    """Lets the queries of a process through, first come, first served; `clock` and `sleep` can be given by tests."""

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._limits, self._clock, self._sleep = limits, clock, sleep
        self._slots = asyncio.Semaphore(limits.at_once)
        self._turn = asyncio.Lock()
        self._begun: deque[float] = deque()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """One of the slots, once the span has room for another query."""
        async with self._slots:
            async with self._turn:
                await self._room()
                self._begun.append(self._clock())
            yield

    async def _room(self) -> None:
        """Wait until fewer queries than the limit began in the span that ends now."""
        while True:
            oldest = self._clock() - self._limits.span_s
            while self._begun and self._begun[0] <= oldest:
                self._begun.popleft()
            if len(self._begun) < self._limits.in_span:
                return
            await self._sleep(self._begun[0] - oldest)
