"""Under 5 queries at once, and under 200 in 30 seconds, whatever the cells do."""

from __future__ import annotations

import asyncio

import pytest

from kqlmagic_ext.connections.log_analytics.limiter import Limiter, Limits


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


def test_no_more_than_the_limit_begin_in_any_span() -> None:
    async def begun() -> list[float]:
        clock, times = Clock(), []
        limiter = Limiter(Limits(at_once=4, in_span=10, span_s=30), clock, clock.sleep)

        async def query() -> None:
            async with limiter.slot():
                times.append(clock())
                await clock.sleep(0.5)

        await asyncio.gather(*[query() for _ in range(35)])
        return times

    times = asyncio.run(begun())
    assert len(times) == 35
    for start in times:
        assert sum(start <= one < start + 30 for one in times) <= 10


def test_no_more_than_the_limit_run_at_once() -> None:
    async def most() -> int:
        running = highest = 0
        limiter = Limiter(Limits(at_once=4), Clock())

        async def query() -> None:
            nonlocal running, highest
            async with limiter.slot():
                running += 1
                highest = max(highest, running)
                await asyncio.sleep(0)
                running -= 1

        await asyncio.gather(*[query() for _ in range(20)])
        return highest

    assert asyncio.run(most()) == 4


def test_a_query_that_fails_or_is_stopped_gives_its_slot_back() -> None:
    async def again() -> str:
        limiter = Limiter(Limits(at_once=1), Clock())
        with pytest.raises(ValueError, match="inside"):
            async with limiter.slot():
                raise ValueError("inside")

        async def holds() -> None:
            async with limiter.slot():
                await asyncio.sleep(60)

        task = asyncio.create_task(holds())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with limiter.slot():
            return "free"

    assert asyncio.run(again()) == "free"


def test_the_default_limits_stay_below_the_services() -> None:
    assert Limits().at_once < 5
    assert Limits().in_span < 200
    assert Limits().span_s == 30
