"""Points as the records that a chart carries: fields with names of our own, so that no column's name is ever read as a path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np

from kqlmagic_ext.display.chart.columns import TIME, time_text

if TYPE_CHECKING:
    import pandas as pd

    from kqlmagic_ext.display.chart.points import Points


def inline(rows: pd.DataFrame, points: Points) -> alt.InlineData:
    """The rows as data of the chart itself: x, y, the label s where there are several, its place k in a stack, the time's text t, and other columns."""
    shown = rows.drop(columns="s") if points.one_series else rows
    columns = {str(name): plain(column) for name, column in shown.items()}
    if points.stacked:
        order = {name: at for at, name in enumerate(points.series)}
        columns["k"] = [order[name] for name in rows["s"]]
    if points.x_kind == TIME:
        columns["t"] = [time_text(at) for at in rows["x"]]
    names = list(columns)
    return data([dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)])


def data(records: list[dict[str, Any]]) -> alt.InlineData:
    """Records as inline data, which no transformer or row limit of Altair concerns."""
    made = alt.InlineData(values=[])
    made["values"] = records  # past Altair's check of each record, which takes seconds
    return made


def plain(column: pd.Series[Any]) -> list[Any]:
    """Values as JSON has them: a NaN is None, a whole float an integer."""
    if column.dtype.kind != "f":
        return column.tolist()
    values = column.to_numpy()
    whole = np.isfinite(values) & (values == np.round(values)) & (np.abs(values) < 2**53)
    return [
        int(value) if is_whole else (None if value != value else value)  # noqa: PLR0124 - NaN differs from itself
        for value, is_whole in zip(values.tolist(), whole.tolist(), strict=True)
    ]
