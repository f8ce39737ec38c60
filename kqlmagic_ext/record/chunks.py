"""A column of a result in plain pieces: what its field tells, without slices, dictionaries or null strings to think of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pyarrow as pa

_TEXTS = ("string", "guid", "dynamic")


def plain_chunks(field: pa.Field, column: pa.ChunkedArray) -> tuple[str, list[pa.Array]]:
    """The KQL type that a field tells, and its column in pieces: none empty, no dictionaries, no null string.

    Raises
    ------
    ValueError
        When the field tells no KQL type, or one that its Arrow type cannot be; it names the column.
    """
    kind = (field.metadata or {}).get(b"kql", b"").decode(errors="replace")
    chunks = [_decoded(chunk) for chunk in column.chunks if len(chunk)]
    for type_ in {chunk.type for chunk in chunks} or {_value_type(field.type)}:
        if not _can_be(kind, type_):
            said = f"tells the KQL type {kind!r}" if kind else "tells no KQL type"
            raise ValueError(f"column {field.name!r} {said}, and Arrow keeps it as {field.type}")
    if kind == "string":
        chunks = filled(chunks, "")
    return kind, chunks


def _value_type(type_: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    return type_.value_type if pa.types.is_dictionary(type_) else type_


def _decoded(chunk: pa.Array) -> pa.Array:
    """The chunk without a dictionary; its text with wide offsets, because it may grow beyond 2 GiB."""
    import pyarrow as pa

    if not pa.types.is_dictionary(chunk.type):
        return chunk
    values = chunk.dictionary
    return (values.cast(pa.large_string()) if pa.types.is_string(values.type) else values).take(chunk.indices)


def _can_be(kind: str, type_: pa.DataType) -> bool:
    """Whether an Arrow type can keep a KQL type."""
    import pyarrow as pa

    types = pa.types
    found: Any = {
        "bool": types.is_boolean,
        "int": types.is_int32,
        "long": types.is_int64,
        "real": types.is_float64,
        "datetime": types.is_timestamp,
        "timespan": types.is_duration,
        "decimal": lambda type_: types.is_decimal128(type_) or types.is_decimal256(type_),
    }.get(kind, lambda type_: kind in _TEXTS and (types.is_string(type_) or types.is_large_string(type_)))
    return bool(found(type_))


def filled(chunks: Sequence[pa.Array], value: object) -> list[pa.Array]:
    """The chunks with a value in place of each null."""
    import pyarrow as pa

    return [chunk.fill_null(pa.scalar(value, chunk.type)) if chunk.null_count else chunk for chunk in chunks]


def numpy_values(chunk: pa.Array, value: object) -> np.ndarray[Any, Any]:
    """A chunk's values with `value` in place of each null, in Arrow's own memory where that can be."""
    array: np.ndarray[Any, Any] = filled([chunk], value)[0].to_numpy(zero_copy_only=False)
    return array


def valid(chunk: pa.Array) -> np.ndarray[Any, Any]:
    """Which values of a chunk are not null."""
    import numpy as np

    if not chunk.null_count:
        return np.ones(len(chunk), np.bool_)
    valid: np.ndarray[Any, Any] = chunk.is_valid().to_numpy(zero_copy_only=False)
    return valid
