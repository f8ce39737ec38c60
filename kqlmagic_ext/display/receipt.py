"""The receipt: the one line that a cell shows for what it bound, and what the analyst should know of it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd


def bound_line(name: str, value: Any) -> str:
    """`failed: 1,204 rows × 3 from demo, last 7 days, in 0.18 s`; of what is no answer to a query, what it is."""
    origin = getattr(value, "attrs", {}).get("kql")
    if origin is None:
        return f"{name}: {described(value)}"
    window = "/".join(moment or "" for moment in origin["window"]) if any(origin["window"]) else ""
    times = (
        origin["timespan"]
        if origin["timespan"] in ("all times", window)
        else f"{origin['timespan']} ({window})"
    )
    return f"{name}: {size(value)} from {origin['connection']}, {times}, in {origin['seconds']:.2f} s"


def described(value: Any) -> str:
    """`1,204 rows × 3` of a frame, the name of its type of any other value."""
    return size(value) if type(value).__name__ == "DataFrame" else type(value).__name__


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
