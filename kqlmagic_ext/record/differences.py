"""A difference between two answers as a DataFrame, and in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqlmagic_ext.frames import frame_from_arrow

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from kqlmagic_ext.record.compare import Changed, Difference, Rows


def difference_frame(lies: Difference) -> pd.DataFrame:
    """One row a difference: `change` (str), `times` (Int64), then the columns of both answers with their dtypes."""
    import pandas as pd

    parts = [_labelled(lies.gone, "gone"), _labelled(lies.appeared, "appeared")]
    if lies.changed is not None:
        parts.insert(0, _pairs(lies.changed))
    filled = [part for part in parts if len(part)] or parts[:1]
    return pd.concat(filled, ignore_index=True).astype({"times": "Int64"})


def difference_line(lies: Difference) -> str:
    """`3 rows gone, 5 appeared`; `no difference`."""
    return ", ".join(_told(lies)) or "no difference"


def _told(lies: Difference) -> Iterator[str]:
    if lies.changed is not None and lies.changed.before.num_rows:
        yield f"{lies.changed.before.num_rows:,} changed in {', '.join(lies.changed.columns)}"
    for rows, what in ((lies.gone, "gone"), (lies.appeared, "appeared")):
        if rows.count:
            yield f"{rows.count:,} row{'s' * (rows.count != 1)} {what}"
    for what, names in (("added", lies.columns.added), ("removed", lies.columns.removed)):
        if names:
            yield f"column{'s' * (len(names) != 1)} {what}: {', '.join(names)}"
    for name, old, new in lies.columns.retyped:
        yield f"{name} was {old} and is {new}"


def _labelled(rows: Rows, label: str) -> pd.DataFrame:
    frame = frame_from_arrow(rows.table)
    frame.insert(0, "change", label)
    frame.insert(1, "times", rows.times.to_pylist())
    return frame


def _pairs(changed: Changed) -> pd.DataFrame:
    """Each changed row as it was, with what it became below it."""
    import pandas as pd

    parts = []
    for table, label in ((changed.before, "before"), (changed.after, "after")):
        frame = frame_from_arrow(table)
        frame.insert(0, "change", label)
        frame.insert(1, "times", 1)
        parts.append(frame)
    return pd.concat(parts).sort_index(kind="stable")
