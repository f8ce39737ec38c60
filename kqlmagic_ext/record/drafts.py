"""What a query leaves when it has been answered: the record without its hashes, and the tables that they are taken of."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import KqlMagicError
from kqlmagic_ext.frames import arrow_from_frame, frame_from_arrow
from kqlmagic_ext.record.canonical import content_hash
from kqlmagic_ext.record.records import FrameInput, KeptTable, number_of
from kqlmagic_ext.record.results import ResultGone, described

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    import pyarrow as pa

    from kqlmagic_ext.record.records import Record
    from kqlmagic_ext.record.store import Store


@dataclass(frozen=True)
class Origin:
    """Where a frame came from, as its `attrs` tell: a case, the number of a record in it, the place in that answer."""

    case: str
    number: int
    table: int = 0


@dataclass(frozen=True)
class Draft:
    """A record to keep; `tables` are those of the answer, `inputs` the frames that went in, with what they came from."""

    record: Record
    tables: tuple[pa.Table, ...] = ()
    inputs: Mapping[str, tuple[pa.Table, Origin | None]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def bytes(self) -> int:
        """The memory that it holds."""
        return sum(table.nbytes for table in (*self.tables, *(table for table, _ in self.inputs.values())))

    def outlined(self, why: str) -> Draft:
        """The draft without its tables, whose shapes its record still tells; `why` they are not there."""
        tables = tuple(described(table, "") for table in self.tables)
        inputs = {name: _outline(table, origin) for name, (table, origin) in self.inputs.items()}
        return Draft(self.record.with_(tables=tables, inputs=inputs, lost=why))


def origin_of(attrs: Mapping[str, Any]) -> Origin | None:
    """The origin that a frame's `attrs` tell; None where it is unknown."""
    told = attrs.get("kql")
    if not isinstance(told, dict):
        return None
    try:
        return Origin(str(told["case"]), number_of(told["record"]), int(told["table"]))
    except (KeyError, ValueError, AttributeError, TypeError):  # the analyst may have written anything
        return None


def mark(frame: pd.DataFrame, record: Record, table: int) -> None:
    """Let the frame's `attrs` tell that it is a table of that record's answer."""
    frame.attrs["kql"].update(record=record.id, case=record.case, table=table)


def own(table: pa.Table) -> pa.Table:
    """The table with numbers and times in memory of its own: in a frame's, the analyst may change them at any time."""
    import pyarrow as pa

    columns = [pa.chunked_array(map(_own, column.chunks), column.type) for column in table.columns]
    return pa.Table.from_arrays(columns, schema=table.schema)


def _own(chunk: pa.Array) -> pa.Array:
    import pyarrow as pa

    if not pa.types.is_primitive(chunk.type) or pa.types.is_boolean(chunk.type):
        return chunk  # Arrow made it: pandas keeps no such memory that can be written to
    valid, values = chunk.buffers()
    copied = pa.py_buffer(values.to_pybytes()) if values is not None else None
    return pa.Array.from_buffers(chunk.type, len(chunk), [valid, copied], chunk.null_count, chunk.offset)


def _outline(table: pa.Table, origin: Origin | None) -> FrameInput:
    shape = described(table, "")
    fed = ("", 0) if origin is None else (f"R{origin.number} of {origin.case}", origin.table)
    return FrameInput(shape.rows, shape.columns, "", *fed)


class Lineage:
    """Tells of an input which record it came from, and whether it is still that answer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._as_frames: dict[str, str] = {}

    def told(self, table: pa.Table, origin: Origin | None) -> FrameInput:
        """What the record says of a frame that went in."""
        shape = described(table, content_hash(table))
        if origin is None:
            return FrameInput(shape.rows, shape.columns, shape.sha256)
        if origin.case != self._store.case:
            elsewhere = f"R{origin.number} of {origin.case}"
            return FrameInput(shape.rows, shape.columns, shape.sha256, elsewhere, origin.table)
        return FrameInput(
            shape.rows,
            shape.columns,
            shape.sha256,
            f"R{origin.number}",
            origin.table,
            self._same(shape, origin),
        )

    def _same(self, found: KeptTable, origin: Origin) -> bool | None:
        """Whether a frame is what the record kept; None when that cannot be told."""
        try:
            kept = self._store.record(origin.number).tables[origin.table]
        except (KeyError, IndexError, ValueError):
            return None
        if found.rows != kept.rows or [name for name, _ in found.columns] != [
            name for name, _ in kept.columns
        ]:
            return False
        if found.sha256 == kept.sha256:
            return True
        expected = self._as_frame(kept)
        return None if expected is None else found.sha256 == expected

    def _as_frame(self, kept: KeptTable) -> str | None:
        """The hash that a kept table has after its way through pandas, where a NaN is a null and a guid is text."""
        if kept.sha256 not in self._as_frames:
            try:
                crossed, _ = arrow_from_frame(frame_from_arrow(self._store.table(kept)), "frame")
            except (ResultGone, KqlMagicError):
                return None
            self._as_frames[kept.sha256] = content_hash(crossed)
        return self._as_frames[kept.sha256]
