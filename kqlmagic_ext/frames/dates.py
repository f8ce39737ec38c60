"""What JavaScript's Date lacks: it counts milliseconds, KQL ticks of 100 ns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

_MILLISECOND = {"us": 1_000, "ns": 1_000_000}
_DIGITS = 3


def lost_in_dates(crossing: pa.Table | Mapping[str, Any], name: str) -> tuple[str, ...]:
    """What the analyst should know when the variable `name` crosses as that table, or as that envelope of a single value."""
    if not isinstance(crossing, dict):
        finer = ", ".join(repr(column) for column in _finer_columns(crossing))
        said = "digits below a millisecond: the Dates of its rows lack them, .arrow has them"
        return (f"{name}[{finer}] has {said}",) if finer else ()
    if crossing["type"] != "datetime" or crossing["value"] is None:
        return ()
    fraction = crossing["value"].rstrip("Z").partition(".")[2]
    is_finer = bool(fraction[_DIGITS:].strip("0"))
    return (f"{name} lost its digits below a millisecond: a Date has none",) if is_finer else ()


def _finer_columns(table: pa.Table) -> list[str]:
    import pyarrow as pa
    import pyarrow.compute as pc

    found = []
    for field, column in zip(table.schema, table.columns, strict=True):
        unit = _MILLISECOND.get(getattr(field.type, "unit", ""))
        if unit is None or not pa.types.is_timestamp(field.type):
            continue
        counts = column.cast(pa.int64())
        whole = pc.multiply(pc.divide(counts, unit), unit)
        if pc.any(pc.not_equal(whole, counts)).as_py():
            found.append(field.name)
    return found
