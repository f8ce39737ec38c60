"""Times and texts on the wire → Arrow: exact or not at all."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.frames.ticks import datetime_type, ticks_array
from kqlmagic_ext.values import EPOCH_TICKS, parse_datetime, parse_timespan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

_TICK_LOST = r"\.\d{6}[1-9]"
_FINER_THAN_TICKS = r"\.\d{8}"
_BEYOND_MICROSECONDS = r"(\.\d{6})\d+"
_FURTHEST_US = (2**63 - 1) // 1000 - 1  # nanoseconds surely count it
_TICKS = {"days": 864_000_000_000, "hours": 36_000_000_000, "minutes": 600_000_000, "seconds": 10_000_000}
_TIMESPAN = (
    r"^(?P<sign>-)?(?:(?P<days>\d{1,7})\.)?(?P<hours>\d{1,2}):(?P<minutes>\d{2}):(?P<seconds>\d{2})"
    r"(?:\.(?P<ticks>\d{1,7}))?$"
)


def no_value(kind: str, value: Any) -> ValueError:
    """The error for a value that its column's type cannot hold."""
    said = repr(value)
    return ValueError(f"{said if len(said) < 80 else said[:80] + '…'} is no {kind}")  # noqa: PLR2004 - a line's worth


def texts_of(kind: str, values: Sequence[Any]) -> pa.Array:
    """Texts in Arrow; ValueError for anything else, and for half of a surrogate pair."""
    import pyarrow as pa

    try:
        return pa.array(values, pa.string(), memory_pool=pa.system_memory_pool())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        wrong = next(value for value in values if value is not None and not isinstance(value, str))
        raise no_value(kind, wrong) from None
    except UnicodeEncodeError as error:
        raise ValueError("a text holds half of a surrogate pair") from error


def datetimes(values: Sequence[Any]) -> tuple[pa.Array, int]:
    """ISO 8601 texts as UTC datetimes, and how many lost a tick; ValueError when one is none."""
    import pyarrow as pa

    texts = texts_of("datetime", values)
    try:
        if not _arrow_wraps_around() or _are_near(texts):
            return _cast(texts, datetime_type("ns")), 0
    except pa.ArrowInvalid:
        pass  # beyond nanoseconds, or written in a way that Arrow does not know
    try:
        return _far_datetimes(texts)
    except pa.ArrowInvalid:
        return ticks_array(_ticks(parse_datetime, EPOCH_TICKS, values), "datetime")


@cache
def _arrow_wraps_around() -> bool:
    """Whether this Arrow reads the year 9999 as another one in nanoseconds, without a word; older ones do."""
    import pyarrow as pa

    try:
        pa.array(["9999-12-31T00:00:00Z"]).cast(datetime_type("ns"))
    except pa.ArrowInvalid:
        return False
    return True


def _are_near(texts: pa.Array) -> bool:
    """Whether all datetimes are within nanoseconds by their years alone."""
    import pyarrow.compute as pc

    ends = pc.min_max(texts).as_py()
    return ends["min"] is None or (ends["min"] >= "1678" and ends["max"] < "2262")


def _cast(array: pa.Array, type_: pa.DataType) -> pa.Array:
    import pyarrow as pa

    return array.cast(type_, memory_pool=pa.system_memory_pool())


def _far_datetimes(texts: pa.Array) -> tuple[pa.Array, int]:
    """Datetimes of which one may lie beyond nanoseconds."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pc.any(pc.match_substring_regex(texts, _FINER_THAN_TICKS)).as_py():
        raise pa.ArrowInvalid("finer than a tick")
    times = pc.replace_substring_regex(texts, _BEYOND_MICROSECONDS, r"\1").cast(datetime_type("us"))
    ends = pc.min_max(times.cast(pa.int64())).as_py()
    furthest = max(-ends["min"], ends["max"])
    if furthest < _FURTHEST_US:
        return _cast(texts, datetime_type("ns")), 0
    if furthest <= _FURTHEST_US + 2:  # at the very end of nanoseconds the ticks decide
        raise pa.ArrowInvalid("at the edge")
    return times, pc.sum(pc.match_substring_regex(texts, _TICK_LOST)).as_py()


def timespans(values: Sequence[Any]) -> tuple[pa.Array, int]:
    """`[-][d.]hh:mm:ss[.fffffff]` texts as timespans, and how many lost a tick; ValueError when one is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = texts_of("timespan", values)
    parts = pc.extract_regex(texts, _TIMESPAN)
    if parts.null_count > texts.null_count:
        return ticks_array(_ticks(parse_timespan, 0, values), "timespan")
    total = pc.utf8_rpad(parts.field("ticks"), 7, "0").cast(pa.int64())
    for name, ticks in _TICKS.items():
        count = pc.utf8_lpad(parts.field(name), 2, "0").cast(pa.int64())
        total = pc.add(total, pc.multiply(count, ticks))
    signed = pc.if_else(pc.equal(parts.field("sign"), "-"), pc.negate(total), total)
    return ticks_array(pc.if_else(texts.is_valid(), signed, None), "timespan")


def _ticks(parse: Callable[[str], int], offset: int, values: Sequence[Any]) -> list[int | None]:
    return [None if value is None else parse(value) - offset for value in values]
