"""What is asked and what came back: the frozen values that travel between cells and connections."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    import pyarrow as pa

_SHORT_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_SHORT = re.compile(r"(\d+(?:\.\d+)?)([dhms])")
_ISO_DURATION = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_LONGEST = timedelta(days=365_000)
_ORIGIN_BYTES = 4096 - 256  # the rest is for what the record adds
_ORIGIN_LENGTHS = (1200, 400, 100, 0)


@dataclass(frozen=True)
class Window:
    """Two moments (UTC), half-open: `start` belongs to it, `end` does not; None means unbounded."""

    start: datetime | None = None
    end: datetime | None = None

    def __str__(self) -> str:
        return "/".join("" if moment is None else _iso(moment) for moment in (self.start, self.end))


@dataclass(frozen=True)
class Timespan:
    """The times a query may see, made from `7d`, `P1D`, `START/END`, `START/DURATION` or `DURATION/END`.

    `duration` alone means the time up to the moment of the query. Datetimes without a zone are UTC.
    """

    text: str
    start: datetime | None = None
    end: datetime | None = None
    duration: timedelta | None = None

    @classmethod
    def parse(cls, text: str) -> Timespan | None:
        """The timespan that `text` names, None for `all`; ValueError with one sentence when it names none."""
        text = text.strip()
        if text.lower() == "all":
            return None
        first, slash, second = text.partition("/")
        try:
            if not slash:
                return cls(text, duration=_duration(first))
            start, end = _ends(first, second)
        except (ValueError, OverflowError) as error:
            raise ValueError(
                f"{text!r} is no timespan: write 7d, 12h, P1D, START/END or START/DURATION (ISO 8601 times, UTC "
                "unless they name a zone), or all"
            ) from error
        if end <= start:
            raise ValueError(f"the timespan {text!r} ends before it starts")
        return cls(text, start=start, end=end)

    def window(self, now: datetime) -> Window:
        """The absolute window at the moment `now`."""
        if self.duration is None:
            return Window(self.start, self.end)
        return Window(now - self.duration, now)

    def __str__(self) -> str:
        """As a receipt names it: `last 7 days`, `2026-11-01T00:00:00Z/2026-11-02T00:00:00Z`."""
        if self.duration is None:
            return str(Window(self.start, self.end))
        for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
            count, rest = divmod(self.duration.total_seconds(), length)
            if count and not rest:
                return f"last {unit}" if count == 1 else f"last {int(count)} {unit}s"
        return f"last {self.duration}"


@dataclass(frozen=True)
class Query:
    """A KQL text, the Python values it uses, the times it may see, and how many rows at most (a preview).

    `inputs`: a DataFrame (or an Arrow table whose fields tell KQL types) becomes a table of that name, any other value a
    parameter; `{{name}}` in the text uses an input wherever a column may bear the same name. `refresh`: no answer from
    a cache. `search`: in Log Analytics, the endpoint for Basic and Auxiliary tables. `now`: the moment that now() gives, and
    from which the timespan counts back, where the place can be told (the embedded one can).
    """

    text: str
    inputs: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    timespan: Timespan | None = None
    limit: int | None = None
    refresh: bool = False
    search: bool = False
    now: datetime | None = None


@dataclass(frozen=True)
class Table:
    """What a place tells of one of its tables.

    `columns`: names with KQL types, empty while they are not read. `rows`: their number where it is known without a
    query. `remarks`: how the table was read. `losses`: what it could not keep; each answer from it warns of them.
    """

    name: str
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    rows: int | None = None
    remarks: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """The answer to a query.

    `frames`: one DataFrame a result table; `tables`: the Arrow tables they were made from. `complete`: whether all rows
    came, `missing`: why not; `warnings`: what the analyst should know. `render`: the `visualization` and properties of a
    `render` clause. `statistics`: what the place told of its work. `origin`: where the frames came from, as strict JSON
    of at most 4 KB, which stands in each frame's `attrs["kql"]`. `sent`: the query as it was sent, in full.
    """

    frames: tuple[pd.DataFrame, ...]
    tables: tuple[pa.Table, ...]
    origin: Mapping[str, Any]
    complete: bool = True
    missing: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    render: Mapping[str, Any] | None = None
    statistics: Mapping[str, Any] | None = None
    sent: Sent | None = None

    @property
    def frame(self) -> pd.DataFrame:
        """The first, for most queries the only, result table."""
        return self.frames[0]


@dataclass(frozen=True)
class Sent:
    """A query as it was sent: the text, short forms of its parameters, the place, the window, the moment."""

    text: str
    parameters: Mapping[str, str]
    connection: str
    window: Window
    start: datetime
    timespan: str = "all times"
    synthetic: bool = False

    def origin(
        self, *, rows: int, seconds: float, complete: bool = True, warnings: tuple[str, ...] = (), **ids: str
    ) -> dict[str, Any]:
        """The answer's origin as strict JSON of at most 4 KB; a long text is cut in the middle, with its hash."""
        fixed = {
            "timespan": self.timespan,
            "window": [None if at is None else _iso(at) for at in (self.window.start, self.window.end)],
            "start": _iso(self.start),
            "seconds": round(seconds, 3),
            "rows": rows,
            "complete": complete,
            "synthetic": self.synthetic,
            **ids,
        }
        for length in _ORIGIN_LENGTHS:
            origin = {**self._texts(length, warnings), **fixed}
            if len(json.dumps(origin)) <= _ORIGIN_BYTES:
                break
        return origin

    def _texts(self, length: int, warnings: tuple[str, ...]) -> dict[str, Any]:
        """The parts whose length the analyst decides, each cut to a length that follows from `length`."""
        short = length // 10
        return {
            "query": shortened(self.text, length),
            "parameters": {name: shortened(text, short) for name, text in self.parameters.items()}
            if length
            else {"…": f"{len(self.parameters):,} parameters"},
            "connection": shortened(self.connection, short),
            "warnings": [shortened(warning, 2 * short) for warning in warnings]
            if length
            else [f"{len(warnings):,} warnings"],
        }


def shortened(text: str, length: int) -> str:
    """The text, or its head and tail with its length and hash between them when it is longer."""
    if len(text) <= length:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    tail = length // 4
    return (
        f"{text[: length - tail]} … ({len(text):,} characters, sha256 {digest}) … {text[len(text) - tail :]}"
    )


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _ends(first: str, second: str) -> tuple[datetime, datetime]:
    """The two moments of `START/END`, `START/DURATION` or `DURATION/END`."""
    if _is_duration(first):
        end = _moment(second)
        return end - _duration(first), end
    start = _moment(first)
    return start, start + _duration(second) if _is_duration(second) else _moment(second)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _is_duration(text: str) -> bool:
    return text.strip().startswith("P") or _SHORT.fullmatch(text.strip()) is not None


def _duration(text: str) -> timedelta:
    """The length that `7d` or `P1DT2H` names; ValueError when it names none, or none that reaches back from now."""
    text = text.strip()
    if short := _SHORT.fullmatch(text):
        duration = timedelta(**{_SHORT_UNITS[short[2]]: float(short[1])})
    elif iso := _ISO_DURATION.fullmatch(text):
        duration = timedelta(**{unit: float(count) for unit, count in iso.groupdict().items() if count})
    else:
        raise ValueError(text)
    if not timedelta(0) < duration < _LONGEST:
        raise ValueError(text)
    return duration
