"""A kept answer as the Result that it was: exact dtypes, and no query sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqlmagic_ext.frames import frame_from_arrow
from kqlmagic_ext.query import Result
from kqlmagic_ext.record.results import ResultGone

if TYPE_CHECKING:
    from collections.abc import Callable

    from kqlmagic_ext.record.records import Record
    from kqlmagic_ext.record.store import Store


def opened(store: Store, record: Record, checkpoint: Callable[[], None] = lambda: None) -> Result:
    """The kept answer of a record, found to be what its hash says; `checkpoint` as for `frame_from_arrow`.

    Raises
    ------
    ResultGone
        When there is none, or its file is gone or damaged; says which.
    """
    if not record.tables:
        raise ResultGone(f"it has no answer ({store.state(record)})")
    tables = tuple(store.table(kept) for kept in record.tables)
    frames = tuple(frame_from_arrow(table, checkpoint) for table in tables)
    for place, frame in enumerate(frames):
        marks = {"record": record.id, "case": store.case, "table": place}
        frame.attrs["kql"] = {**record.origin, "rows": len(frame), **marks}
    return Result(
        frames,
        tables,
        frames[0].attrs["kql"],
        complete=record.complete,
        missing=record.missing,
        warnings=record.warnings,
        render=record.render,
    )
