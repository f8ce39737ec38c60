"""The receipt: the one line that a cell shows for what it bound, and what the analyst should know of it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from kqlmagic_ext.errors import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd


def bound_line(name: str, frame: pd.DataFrame) -> str:
    """`failed: 1,204 rows × 3 from demo, last 7 days, in 0.18 s`."""
    origin = frame.attrs["kql"]
    window = "/".join(moment or "" for moment in origin["window"]) if any(origin["window"]) else ""
    times = (
        origin["timespan"]
        if origin["timespan"] in ("all times", window)
        else f"{origin['timespan']} ({window})"
    )
    return f"{name}: {size(frame)} from {origin['connection']}, {times}, in {origin['seconds']:.2f} s"


def size(frame: pd.DataFrame) -> str:
    """`1,204 rows × 3`."""
    rows, columns = frame.shape
    return f"{rows:,} row{'s' * (rows != 1)} × {columns}"


def receipt(lines: Iterable[str], warnings: Iterable[str] = ()) -> Mapping[str, str]:
    """A mime bundle of lines; warnings stand below them and say so. All text is escaped: it may come from logs."""
    shown = [visible(line) for line in lines]
    warned = [f"warning: {visible(warning)}" for warning in warnings]
    markup = "<br>".join(
        [f"<small>{html.escape(line)}</small>" for line in shown]
        + [f"<small><b>{html.escape(line)}</b></small>" for line in warned]
    )
    return {"text/plain": "\n".join([*shown, *warned]), "text/html": f"<div>{markup}</div>"}
