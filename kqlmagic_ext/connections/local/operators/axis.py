"""The axis of make-series: the step of each row, the bounds of a series, and how a step is written."""

from __future__ import annotations

from dataclasses import dataclass

from kqlmagic_ext.connections.local.private_copy import translate
from kqlmagic_ext.connections.local.sql import quote_text

_YEAR_1_US = -62_135_596_800_000_000  # where bin() starts to count days
_NO_RANGE = (
    "make-series in range(): the reference does not say whether the first and the last step count rows that stand in them but "
    "outside of the range, or which step is the last when stop lies earlier in its step than start does; use from … to … step"
)


@dataclass(frozen=True)
class Axis:
    """The axis as SQL numbers: of times, in microseconds; else as they are.

    `kind`: what tells the axis's type; `in_range`: whether the steps are those of bin(), and the last may begin at `stop`.
    """

    of_time: bool
    value: str
    step: str
    start: str | None
    stop: str | None
    kind: str
    in_range: bool = False

    @property
    def position(self) -> str:
        """Where a row stands."""
        return f"epoch_us({self.value})" if self.of_time else self.value

    @property
    def origin(self) -> str:
        """Where the steps are counted from: the start, or where bin() counts from."""
        return self._origin(self.kind)

    def _origin(self, kind: str) -> str:
        if self.start is not None and not self.in_range:
            return self.start
        return (
            f"(CASE WHEN typeof({kind}) = 'TIMESTAMP' THEN {_YEAR_1_US} ELSE 0 END)" if self.of_time else "0"
        )

    @property
    def index(self) -> str:
        """The number of a row's step."""
        return self._index(self.position)

    def _index(self, position: str) -> str:
        offset = f"({position} - {self.origin})"
        if self.of_time:
            return f"(({offset} - (({offset} % {self.step}) + {self.step}) % {self.step}) // {self.step})"
        return f"CAST(floor({offset} / {self.step}) AS BIGINT)"

    @property
    def inside(self) -> str:
        """Whether a row stands on the axis at all."""
        tests = [f"{self.value} IS NOT NULL"]
        if self.in_range:
            return f"{tests[0]} AND {self._in_steps()}"
        tests += [f"{self.position} >= {self.start}"] if self.start else []
        tests += [f"{self.position} < {self.stop}"] if self.stop else []
        return " AND ".join(tests)

    def _in_steps(self) -> str:
        """Whether a row stands in a step of `in range(…)`; an error where the reference leaves that open."""
        first, last = self._index(str(self.start)), self._index(str(self.stop))
        is_outside = f"{self.position} < {self.start} OR {self.position} > {self.stop}"
        in_steps = f"{self.index} BETWEEN {first} AND {last}"
        return (
            f"CASE WHEN {in_steps} AND ({is_outside}) THEN error({quote_text(_NO_RANGE)}) ELSE {in_steps} END"
        )

    def bounds(self, step: str) -> tuple[str, str]:
        """The first and the last step of a series, from the steps that have rows."""
        if self.in_range:
            low, high = self._index(str(self.start)), self._index(str(self.stop))
            steps = f"CAST(floor(({self.stop} - {self.start}) / {self.step}) AS BIGINT)"
            is_open = f"{self.stop} >= {self.start} AND {high} - {low} <> {steps}"
            return low, f"CASE WHEN {is_open} THEN error({quote_text(_NO_RANGE)}) ELSE {high} END"
        first = f"min({step})" if self.start is None else "0"
        if self.start is None or self.stop is None:
            return first, f"max({step})"
        return first, f"CAST(ceil(({self.stop} - {self.start}) / {self.step}) AS BIGINT) - 1"

    def shown(self, number: str, kind: str) -> str:
        """A step's value on the axis, as it stands in the array."""
        value = f"({self._origin(kind)} + {number} * {self.step})"
        if not self.of_time:
            return value
        time = translate._kql_datetime_text(f"make_timestamp({value})")
        return f"CASE WHEN typeof({kind}) = 'TIMESTAMP' THEN {time} ELSE {translate._kql_timespan_text(f'to_microseconds({value})')} END"
