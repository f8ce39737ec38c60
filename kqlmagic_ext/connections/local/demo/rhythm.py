"""When things happen: the fourteen days of the workspace and the rhythm of work in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from kqlmagic_ext.connections.local.demo.texts import DAY, SECOND, Ints

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOUR = 3600 * SECOND
DAYS = 14
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_THURSDAY = 3  # 1 January 1970, counted from Monday
_SATURDAY = 5

# How busy people are at each hour of a working day, local time.
_PEOPLE = (2, 1, 1, 1, 1, 3, 12, 45, 90, 100, 98, 92, 66, 80, 96, 94, 86, 62, 30, 16, 12, 10, 7, 4)
# Machines run through the night and follow people a little.
_MACHINES = (60, 60, 64, 60, 56, 56, 60, 70, 88, 96, 96, 94, 84, 88, 94, 94, 90, 80, 70, 66, 64, 62, 60, 60)


def microseconds(time: datetime) -> int:
    """The time as whole microseconds since 1970."""
    return (time - _EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True)
class Window:
    """The time that the workspace covers: `[end - 14 days, end)`, in microseconds since 1970."""

    end: int

    @property
    def start(self) -> int:
        """The first moment inside."""
        return self.end - DAYS * DAY

    def inside(self, times: Ints) -> Ints:
        """The times, those outside moved to the nearest moment inside."""
        return np.clip(times, self.start, self.end - 1)


def working(time: int, offset: int) -> bool:
    """Whether it is between 8 and 18 o'clock local time, `offset` hours east of Greenwich."""
    opens, closes = 8, 18
    return opens <= (time // HOUR + offset) % 24 < closes


def _hourly(window: Window, offset: int, curve: tuple[int, ...], weekend: float) -> NDArray[np.float64]:
    hours = (window.start / HOUR + np.arange(DAYS * 24) + 0.5 + offset) % (7 * 24 * 10_000)
    weekday = (hours // 24 + _THURSDAY) % 7
    busy = np.interp(hours % 24, np.arange(24) + 0.5, curve, period=24)
    weights: NDArray[np.float64] = busy * np.where(weekday >= _SATURDAY, weekend, 1.0)
    return weights


def _moments(rng: np.random.Generator, window: Window, weights: NDArray[np.float64], count: int) -> Ints:
    cumulative = np.cumsum(weights)
    hour = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
    times: Ints = window.start + ((hour + rng.random(count)) * HOUR).astype(np.int64)
    return times


def human_times(rng: np.random.Generator, window: Window, offsets: Ints) -> Ints:
    """A time for each row in which people work: `offsets` holds each row's hours east of Greenwich."""
    times = np.empty(len(offsets), np.int64)
    for offset in np.unique(offsets):
        here = np.flatnonzero(offsets == offset)
        weights = _hourly(window, int(offset), _PEOPLE, weekend=0.07)
        times[here] = _moments(rng, window, weights, len(here))
    return window.inside(times)


def machine_times(rng: np.random.Generator, window: Window, count: int) -> Ints:
    """Times of what machines do by themselves: day and night, a little more by day."""
    return window.inside(_moments(rng, window, _hourly(window, 1, _MACHINES, weekend=0.8), count))
