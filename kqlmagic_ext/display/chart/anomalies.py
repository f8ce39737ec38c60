"""anomalychart: lines, and on them the points that an anomaly column marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import pandas as pd

from kqlmagic_ext.display.chart.clause import NotDrawn
from kqlmagic_ext.display.chart.columns import (
    MEASURES,
    TIME,
    counted,
    kind_of,
    kinds_of,
    measure,
    milliseconds,
)
from kqlmagic_ext.display.chart.drawable import Chart, LayerChart
from kqlmagic_ext.display.chart.look import ALARM, tooltip_of, x_of, y_of
from kqlmagic_ext.display.chart.records import inline
from kqlmagic_ext.errors import visible

if TYPE_CHECKING:
    from kqlmagic_ext.display.chart.clause import Clause
    from kqlmagic_ext.display.chart.points import Points
    from kqlmagic_ext.display.chart.roles import Roles


def anomaly_columns(frame: pd.DataFrame, clause: Clause) -> tuple[str, ...]:
    """The columns that mark anomalies: those that are named, else numeric ones whose name speaks of anomalies."""
    kinds = kinds_of(frame)
    for name in clause.anomalycolumns:
        if kinds.get(name) not in MEASURES:
            raise NotDrawn(f"render anomalychart: {visible(name)} marks no anomalies, it holds no numbers")
    if clause.anomalycolumns:
        return clause.anomalycolumns
    return tuple(name for name, kind in kinds.items() if kind in MEASURES and "anomal" in name.lower())


def with_anomalies(
    lines: LayerChart, points: Points, frame: pd.DataFrame, roles: Roles, clause: Clause
) -> tuple[LayerChart, list[str]]:
    """The lines with a mark on each anomaly; the first anomaly column belongs to the first y column, and so on."""
    if not clause.anomalycolumns:
        return lines, ["no column marks anomalies; anomalycolumns= names them"]
    marked = _marked(frame, roles, clause)
    if marked.empty:
        return lines, ["no anomaly is marked"]
    here = pd.DataFrame(marked.assign(s=""))
    mark = Chart(inline(here, points)).mark_point(
        size=110, strokeWidth=2.5, color=ALARM, opacity=1, clip=clause.is_bounded
    )
    tooltip = tooltip_of(points, clause, series=False)
    layer = mark.encode(x=alt.X(**x_of(points, clause)), y=alt.Y(**y_of(points, clause)), tooltip=tooltip)
    lines.layer = [*lines.layer, layer]
    return lines, [f"{counted(len(marked), 'anomaly', 'anomalies')} marked"]


def _marked(frame: pd.DataFrame, roles: Roles, clause: Clause) -> pd.DataFrame:
    """X and y where an anomaly column is not 0."""
    parts = []
    x = milliseconds(frame[roles.x]) if kind_of(frame[roles.x]) == TIME else measure(frame, roles.x).floats
    for at, name in enumerate(clause.anomalycolumns):
        y = measure(frame, roles.ys[at] if at < len(roles.ys) else roles.ys[0]).floats
        flags = measure(frame, name).floats
        here = (flags != 0) & (flags == flags) & (y == y) & (x == x)  # noqa: PLR0124 - NaN differs from itself
        parts.append(pd.DataFrame({"x": x[here], "y": y[here]}))
    return pd.concat(parts, ignore_index=True).drop_duplicates()
