"""Text columns, drawn or composed without a Python loop over the rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

SECOND = 1_000_000  # microseconds, the unit of every time in this folder
DAY = 86_400 * SECOND

_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
_GUID_GROUPS = ((0, 8), (9, 13), (14, 18), (19, 23), (24, 36))


def as_json(value: object) -> str:
    """The value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def fixed(rows: Bytes) -> pa.Array:
    """A string column of the matrix's rows, each row the ASCII bytes of one text."""
    count, width = rows.shape
    offsets = np.arange(0, (count + 1) * width, width, dtype=np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(rows))]
    return pa.Array.from_buffers(pa.string(), count, buffers)


def _digits(rng: np.random.Generator, count: int, width: int) -> Bytes:
    drawn = np.frombuffer(rng.bytes(count * width), np.uint8).reshape(count, width)
    digits: Bytes = _DIGITS[drawn & 15]
    return digits


def hexes(rng: np.random.Generator, count: int, width: int) -> pa.Array:
    """Random lower-case hexadecimal texts of one width: hashes, device ids."""
    return fixed(_digits(rng, count, width))


def guids(rng: np.random.Generator, count: int) -> pa.Array:
    """Random version 4 guids in lower case."""
    digits = _digits(rng, count, 32)
    rows = np.full((count, 36), ord("-"), np.uint8)
    taken = 0
    for start, stop in _GUID_GROUPS:
        rows[:, start:stop] = digits[:, taken : taken + stop - start]
        taken += stop - start
    rows[:, 14] = ord("4")
    rows[:, 19] = np.frombuffer(b"89ab", np.uint8)[rng.integers(0, 4, count)]
    return fixed(rows)


def guid_list(rng: np.random.Generator, count: int) -> list[str]:
    """The same guids as a Python list, for people, hosts and the story."""
    drawn: list[str] = guids(rng, count).to_pylist()
    return drawn


def picked(pool: Sequence[str | None], codes: Ints) -> pa.Array:
    """A string column: for each code the text of the pool at that place."""
    return pa.array(pool, pa.string()).take(pa.array(codes))


def picked_where(where: NDArray[np.bool_], pool: Sequence[str], codes: Ints) -> pa.Array:
    """A string column: `picked` where true, and empty elsewhere."""
    return picked(["", *pool], np.where(where, codes + 1, 0))


def joined(*parts: Any) -> pa.Array:
    """A string column: the parts (columns or single texts) put together row by row."""
    return pc.binary_join_element_wise(*parts, pa.scalar(""))


def replaced(column: pa.Array, where: NDArray[np.bool_], text: str) -> pa.Array:
    """The column with one text in the places given."""
    return pc.if_else(pa.array(where), pa.scalar(text), column)


def written(numbers: Ints) -> pa.Array:
    """The numbers as decimal text."""
    return pc.cast(pa.array(numbers), pa.string())


def hexadecimal(numbers: Ints) -> pa.Array:
    """The numbers (below 2^32) as Windows writes ids: `0x` and eight digits."""
    shifts = np.arange(28, -1, -4)
    digits = _DIGITS[(numbers[:, None] >> shifts) & 15]
    return joined(pa.scalar("0x"), fixed(digits))


def _two_digits(numbers: Ints) -> Bytes:
    return np.stack([_DIGITS[numbers // 10], _DIGITS[numbers % 10]], axis=1)


def iso(times: Ints) -> pa.Array:
    """Times in microseconds since 1970 as ISO 8601 text of whole seconds, `2026-03-01T08:15:00Z`."""
    days, seconds = np.divmod(times // SECOND, 86_400)
    first = int(days.min()) if len(days) else 0
    last = int(days.max()) if len(days) else 0
    dates = np.datetime_as_string(np.arange(first, last + 1).astype("datetime64[D]")).tolist()
    clock = np.arange(86_400)
    rows = np.full((86_400, 10), ord(":"), np.uint8)
    rows[:, 0] = ord("T")
    rows[:, 1:3] = _two_digits(clock // 3600)
    rows[:, 4:6] = _two_digits(clock // 60 % 60)
    rows[:, 7:9] = _two_digits(clock % 60)
    rows[:, 9] = ord("Z")
    return joined(picked(dates, days - first), fixed(rows).take(pa.array(seconds)))
