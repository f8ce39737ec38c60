"""Counts of 100 ns in Arrow: as nanoseconds, as microseconds where those are too narrow, and how many lost a tick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pyarrow as pa

MOST_TICKS = (2**63 - 1) // 100  # what nanoseconds can count


def datetime_type(unit: str) -> pa.DataType:
    """The Arrow type of a datetime."""
    import pyarrow as pa

    return pa.timestamp(unit, "UTC")


def timespan_type(unit: str) -> pa.DataType:
    """The Arrow type of a timespan."""
    import pyarrow as pa

    return pa.duration(unit)


def ticks_array(ticks: Sequence[int | None] | pa.Array, kind: str) -> tuple[pa.Array, int]:
    """Ticks (of a datetime: since 1970) as `kind`, and how many are finer than the microseconds they became.

    Raises
    ------
    ValueError
        When a tick does not fit in 64 bits.
    """
    import pyarrow as pa

    try:
        counted = pa.array(ticks, pa.int64())
    except (OverflowError, pa.ArrowInvalid) as error:
        raise ValueError(f"a {kind} is beyond what 64 bits of 100 ns can count") from error
    numbers, missing = _numbers(counted)
    if not len(numbers) or (numbers.min() >= -MOST_TICKS and numbers.max() <= MOST_TICKS):
        return _typed(numbers * 100, missing, kind, "ns"), 0
    return _typed(numbers // 10, missing, kind, "us"), int((numbers % 10 != 0).sum())


def in_microseconds(times: pa.Array) -> tuple[pa.Array, int]:
    """Times in microseconds, rounded down, and how many were finer."""
    import pyarrow as pa

    if times.type.unit == "us":
        return times, 0
    kind = "datetime" if pa.types.is_timestamp(times.type) else "timespan"
    numbers, missing = _numbers(times.cast(pa.int64()))
    return _typed(numbers // 1000, missing, kind, "us"), int((numbers % 1000 != 0).sum())


def _numbers(counted: pa.Array) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The numbers of an array of integers, 0 for a null, and where it is null."""
    missing = counted.is_null().to_numpy(zero_copy_only=False)
    return counted.fill_null(0).to_numpy(), missing


def _typed(numbers: Any, missing: Any, kind: str, unit: str) -> pa.Array:
    import pyarrow as pa

    type_ = datetime_type(unit) if kind == "datetime" else timespan_type(unit)
    return pa.array(numbers, pa.int64(), mask=missing).cast(type_)


def column_ticks(column: pa.ChunkedArray, kind: str, name: str) -> list[int | None]:
    """The counts of a column of times, in ticks of 100 ns; ParameterError, naming `name`, for a finer one."""
    import pyarrow as pa

    counts = column.cast(pa.int64()).to_pylist()
    if column.type.unit == "us":
        return [None if count is None else count * 10 for count in counts]
    if any(count is not None and count % 100 for count in counts):
        raise ParameterError(
            f"{name}: a {kind} column is finer than 100 ns, the shortest time that crosses; round it first",
            name=name,
        )
    return [None if count is None else count // 100 for count in counts]
