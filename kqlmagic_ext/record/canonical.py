"""The canonical form of a result, of which the hash is taken: bytes that its columns and values decide, and nothing else.

Version 1, all numbers little-endian, counts and lengths in 8 bytes:

| part | bytes |
|---|---|
| head | `kqlmagic_ext table 1`, a line feed, count of rows, count of columns |
| each column | length and UTF-8 of its name, length and text of its form, validity bits, values |
| form | the KQL type; of times with the unit (`datetime 100ns`), of decimals with the scale (`decimal 2`) |
| bits (validity, bool) | eight a byte, the first row lowest, the last byte filled with zeros |
| int, long, real | 4, 8, 8 bytes a value; all NaN are one, -0.0 is not 0.0 |
| datetime, timespan | 8 bytes a value, a datetime since 1970: counts of 100 ns where those are exact for the whole column, else of the first of ns, us, ms, s that is |
| string, guid, dynamic | all lengths, then the UTF-8 of all values; dynamic as it was received |
| decimal | like text: the digits of the value without its point, after the least scale that is exact for the whole column |

Under a null stands zero, false or no text. KQL has no null string: it is the empty one, and valid.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.record.chunks import filled, numpy_values, plain_chunks, valid
from kqlmagic_ext.values import LONG_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    import pyarrow as pa

    Chunks = Sequence[pa.Array]

_HEAD = b"kqlmagic_ext table 1\n"
_NUMBERS = {"int": "<i4", "long": "<i8", "real": "<f8"}
_UNITS = {
    "100ns": 100,
    "ns": 1,
    "us": 10**3,
    "ms": 10**6,
    "s": 10**9,
}  # in ns; the first that is exact is taken


def content_hash(table: pa.Table, checkpoint: Callable[[], None] = lambda: None) -> str:
    """The SHA-256, in hexadecimal, of the canonical form of an Arrow table whose fields tell their KQL types.

    The same for equal values however they are kept: chunks, slices, dictionaries, wide offsets, units of time, scales of
    decimals. `checkpoint` is called between columns: what it raises ends the work.

    Raises
    ------
    ValueError
        When a field tells no KQL type, or one that its Arrow type cannot be; it names the column.
    """
    digest = hashlib.sha256(_HEAD + _count(table.num_rows) + _count(table.num_columns))
    for field, column in zip(table.schema, table.columns, strict=True):
        checkpoint()
        for part in _column_parts(field, column):
            digest.update(part)
    return digest.hexdigest()


def _column_parts(field: pa.Field, column: pa.ChunkedArray) -> Iterator[Any]:
    """The bytes of a column, piece by piece."""
    kind, chunks = plain_chunks(field, column)
    form, values = _form_and_values(kind, chunks)
    for text in (field.name.encode(), form.encode()):
        yield _count(len(text))
        yield text
    yield _bits([valid(chunk) for chunk in chunks])
    yield from values


def _form_and_values(kind: str, chunks: Chunks) -> tuple[str, Iterator[Any]]:
    if kind in _NUMBERS:
        return kind, (one_nan(numpy_values(chunk, 0)).astype(_NUMBERS[kind], copy=False) for chunk in chunks)
    if kind in ("datetime", "timespan"):
        unit, counts = _exact_times(chunks)
        return f"{kind} {unit}", (count.astype("<i8", copy=False) for count in counts)
    if kind == "decimal":
        scale, digits = exact_digits(chunks)
        return f"{kind} {scale}", _text_parts(digits)
    if kind == "bool":
        return kind, iter([_bits([numpy_values(chunk, value=False) for chunk in chunks])])
    return kind, _text_parts(chunks)


def _count(number: int) -> bytes:
    return number.to_bytes(8, "little")


def _bits(flags: Sequence[np.ndarray[Any, Any]]) -> bytes:
    import numpy as np

    return np.packbits(np.concatenate(flags), bitorder="little").tobytes() if flags else b""


def one_nan(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The values with one and the same NaN in place of each: it has 2**52 bit patterns."""
    import numpy as np

    if values.dtype.kind != "f":
        return values
    nans = np.isnan(values)
    return np.where(nans, np.uint64(0x7FF8 << 48).view(np.float64), values) if nans.any() else values


def time_counts(chunk: pa.Array) -> tuple[np.ndarray[Any, Any], int]:
    """The counts of a chunk of times, 0 for a null, and how many ns one is."""
    import pyarrow as pa

    return numpy_values(chunk.cast(pa.int64()), 0), _UNITS[chunk.type.unit]


def _exact_times(chunks: Chunks) -> tuple[str, list[np.ndarray[Any, Any]]]:
    """The first unit in which every time is a whole number of 64 bits, and those numbers, 0 for a null."""
    told = [time_counts(chunk) for chunk in chunks]
    tried = ((name, [_converted(numbers, of, unit) for numbers, of in told]) for name, unit in _UNITS.items())
    # At the latest in the unit of the column.
    return next(
        (name, exact)
        for name, counts in tried
        if len(exact := [count for count in counts if count is not None]) == len(chunks)
    )


def _converted(numbers: np.ndarray[Any, Any], of: int, unit: int) -> np.ndarray[Any, Any] | None:
    """Counts of one unit as counts of another (both in ns); None when one of them is no whole number of 64 bits."""
    if of >= unit:
        most = LONG_MAX // (of // unit)
        fits = of == unit or (numbers.min() >= -most and numbers.max() <= most)
        return numbers * (of // unit) if fits else None
    counts = numbers // (unit // of)
    return counts if (counts * (unit // of) == numbers).all() else None


def exact_digits(chunks: Chunks) -> tuple[int, list[pa.Array]]:
    """The least scale at which every decimal is exact, and the digits of each at that scale: text, without a point."""
    numbers = filled(chunks, 0)
    scale = max((_least_scale(chunk) for chunk in numbers), default=0)
    return scale, [_digits(chunk, scale, nulls) for chunk, nulls in zip(numbers, chunks, strict=True)]


def _least_scale(decimals: pa.Array) -> int:
    """The least scale at which the decimals are exact; each greater one is exact, too."""
    import pyarrow as pa

    low, high = 0, decimals.type.scale
    while low < high:
        middle = (low + high) // 2
        try:
            decimals.cast(_widest(decimals, middle))
        except pa.ArrowInvalid:
            low = middle + 1
        else:
            high = middle
    return low


def _widest(decimals: pa.Array, scale: int) -> pa.DataType:
    """The type of the most digits, of the width that the decimals have."""
    import pyarrow as pa

    return pa.decimal128(38, scale) if pa.types.is_decimal128(decimals.type) else pa.decimal256(76, scale)


def _digits(decimals: pa.Array, scale: int, nulls: pa.Array) -> pa.Array:
    """Text of the digits at a scale; read as whole numbers, because Arrow's text of small ones changes with its version."""
    import pyarrow as pa
    import pyarrow.compute as pc

    scaled = decimals.cast(_widest(decimals, scale))
    whole = pa.Array.from_buffers(_widest(decimals, 0), len(scaled), scaled.buffers(), offset=scaled.offset)
    text = whole.cast(pa.string())
    return pc.if_else(nulls.is_valid(), text, None) if nulls.null_count else text


def _text_parts(chunks: Chunks) -> Iterator[Any]:
    """All lengths, then all text."""
    import pyarrow.compute as pc

    texts = filled(chunks, "")
    for chunk in texts:
        yield pc.binary_length(chunk).to_numpy().astype("<i8")
    for chunk in texts:
        yield _text_of(chunk)


def _text_of(chunk: pa.Array) -> Any:
    """The text of all values together, in Arrow's own memory."""
    import numpy as np
    import pyarrow as pa

    _, offsets, text = chunk.buffers()
    ends = np.frombuffer(offsets, np.int64 if pa.types.is_large_string(chunk.type) else np.int32)
    first, last = int(ends[chunk.offset]), int(ends[chunk.offset + len(chunk)])
    return text.slice(first, last - first) if text is not None else b""
