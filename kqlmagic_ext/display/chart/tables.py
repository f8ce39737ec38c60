"""What `render` shows without a drawing: a card of values, a pivot table."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kqlmagic_ext.display.chart.clause import NotDrawn
from kqlmagic_ext.display.chart.columns import MEASURES, TEXT, TIME, counted, kinds_of, labels, measure
from kqlmagic_ext.display.chart.limits import MOST_CATEGORIES
from kqlmagic_ext.errors import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kqlmagic_ext.display.chart.clause import Clause

_CARD = "display:inline-block;min-width:8em;margin:0 2em 0.5em 0;vertical-align:top"


def card(frame: pd.DataFrame, clause: Clause) -> tuple[Mapping[str, str], list[str]]:
    """A mime bundle of the first row's values, each large above its name; and notes for the receipt."""
    if frame.empty:
        raise NotDrawn("render card wants a row, and there is none")
    values = [(visible(str(name)), _value(frame[name].iloc[0])) for name in frame.columns]
    title = visible(clause.title)
    boxes = "".join(
        f'<div style="{_CARD}"><div style="font-size:2em;line-height:1.3">{html.escape(value)}</div><div>{html.escape(name)}</div></div>'
        for name, value in values
    )
    lines = [title] * bool(title) + [f"{name}: {value}" for name, value in values]
    notes = [f"the first of {len(frame):,} rows shown"] if len(frame) > 1 else []
    return {"text/html": f"<div>{_heading(title)}{boxes}</div>", "text/plain": "\n".join(lines)}, notes


def heading(title: str) -> Mapping[str, str]:
    """A mime bundle of a title alone, above a table."""
    return {"text/html": _heading(visible(title)), "text/plain": visible(title)}


def _heading(title: str) -> str:
    if not title:
        return ""
    return f'<div style="font-size:1.2em;font-weight:bold;margin-bottom:0.5em">{html.escape(title)}</div>'


def _value(value: Any) -> str:
    """The value as an analyst reads it."""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, float) and np.isfinite(value):
        return f"{value:,.4f}".rstrip("0").rstrip(".") if abs(value) >= 1 else f"{value:.4g}"
    [text] = labels(pd.Series([value], dtype=object))
    return f"{text} UTC" if isinstance(value, pd.Timestamp) else text


def pivot(frame: pd.DataFrame, clause: Clause) -> tuple[pd.DataFrame, list[str]]:
    """A table with a row for each value of the first named column, and a column for each of the second.

    The cells hold the sums of the first number, or how many rows there are. And notes for the receipt.
    """
    kinds = kinds_of(frame)
    named = [name for name, kind in kinds.items() if kind in (TEXT, TIME)]
    across = [name for name in (*clause.series, *named) if name != clause.xcolumn]
    down = clause.xcolumn or next((name for name in named if name not in clause.series), None)
    across = [name for name in across if name != down]
    if down is None or not across:
        raise NotDrawn(
            "render pivotchart wants two columns that are no numbers: one for the rows, one for the columns"
        )
    number = next(iter(clause.ycolumns), None) or next(
        (name for name, kind in kinds.items() if kind in MEASURES), None
    )
    if number is not None and kinds.get(number) not in MEASURES:
        raise NotDrawn(f"render pivotchart cannot sum {visible(number)}: it holds no numbers")
    columns = labels(frame[across[0]])
    if len(set(columns)) > MOST_CATEGORIES:
        raise NotDrawn(
            f"a pivot table of {len(set(columns)):,} columns is not readable, {MOST_CATEGORIES} are"
        )
    value = measure(frame, number) if number else None
    rows = pd.DataFrame(
        {"down": labels(frame[down]), "across": columns, "value": value.floats if value else 1}
    )
    table = rows.groupby(["down", "across"], sort=False)["value"].sum(min_count=1).unstack()  # noqa: PD010 - pivot_table would make nulls 0
    table = table.reindex(index=list(dict.fromkeys(rows["down"])), columns=list(dict.fromkeys(columns)))
    if value is None or _is_whole(table):
        table = table.astype("Int64")
    table.index.name, table.columns.name = visible(down), visible(across[0])
    said = f"sums of {value.title}" if value else "numbers of rows"
    lost = (
        [f"{visible(value.name)}: {counted(value.infinite, 'infinite value')} left out"]
        if value and value.infinite
        else []
    )
    return table, [f"the table of the pivotchart: {said}; the frame is as it came", *lost]


def _is_whole(table: pd.DataFrame) -> bool:
    values = table.to_numpy(dtype=float)
    present = values[~np.isnan(values)]
    return bool((present == np.round(present)).all() and (np.abs(present) < 2**53).all())
