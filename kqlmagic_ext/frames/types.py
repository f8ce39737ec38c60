"""The type table towards Arrow: a field of a travelling table tells its KQL type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqlmagic_ext.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

UNTOLD = "kql_types"  # in a frame's attrs: the KQL types of columns whose dtype does not tell them


def arrow_type(kql_type: str) -> pa.DataType:
    """The Arrow type in which a column of a KQL type travels; for decimal the engine's own, 38 digits with 9 after the point."""
    import pyarrow as pa

    types: dict[str, pa.DataType] = {
        "bool": pa.bool_(),
        "int": pa.int32(),
        "long": pa.int64(),
        "real": pa.float64(),
        "decimal": pa.decimal128(38, 9),
        "datetime": pa.timestamp("us", "UTC"),
        "timespan": pa.duration("us"),
    }
    return types.get(kql_type, pa.string())


def refuse_twins(names: Sequence[str]) -> None:
    """Raise QueryError when two columns of an answer have one name: a frame would keep the last alone."""
    twins = [name for name in names if names.count(name) > 1]
    if twins:
        raise QueryError(
            f"the answer has two columns named {twins[0]!r}", hint="give one of them another name"
        )


def kql_field(name: str, kql_type: str, type_: pa.DataType | None = None) -> pa.Field:
    """An Arrow field that tells its KQL type."""
    import pyarrow as pa

    return pa.field(name, type_ or arrow_type(kql_type), metadata={"kql": kql_type})


def kql_type(field: pa.Field) -> str:
    """The KQL type of a field made by `kql_field`."""
    return str(field.metadata[b"kql"].decode())
