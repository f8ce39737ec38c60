"""anomalychart: lines, and on them the points that an anomaly column marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from kqlmagic_ext.display.chart.clause import NotDrawn
from kqlmagic_ext.display.chart.columns import MEASURES, counted, kinds_of
from kqlmagic_ext.display.chart.drawable import Chart, LayerChart
from kqlmagic_ext.display.chart.look import ALARM, tooltip_of, x_of, y_of
from kqlmagic_ext.display.chart.records import inline
from kqlmagic_ext.errors import visible

if TYPE_CHECKING:
    import pandas as pd

    from kqlmagic_ext.display.chart.clause import Clause
    from kqlmagic_ext.display.chart.points import Points


def anomaly_columns(frame: pd.DataFrame, clause: Clause) -> tuple[str, ...]:
    """The columns that mark anomalies: those that are named, else numeric ones whose name speaks of anomalies."""
    kinds = kinds_of(frame)
    for name in clause.anomalycolumns:
        if kinds.get(name) not in MEASURES:
            raise NotDrawn(f"render anomalychart: {visible(name)} marks no anomalies, it holds no numbers")
    if clause.anomalycolumns:
        return clause.anomalycolumns
    return tuple(name for name, kind in kinds.items() if kind in MEASURES and "anomal" in name.lower())


def with_anomalies(lines: LayerChart, points: Points, clause: Clause) -> LayerChart:
    """The lines with a mark on each anomaly."""
    if points.marks is None or points.marks.empty:
        return lines
    mark = Chart(inline(points.marks, points)).mark_point(
        size=110, strokeWidth=2.5, color=ALARM, opacity=1, clip=clause.is_bounded
    )
    tooltip = tooltip_of(points, clause)
    layer = mark.encode(x=alt.X(**x_of(points, clause)), y=alt.Y(**y_of(points, clause)), tooltip=tooltip)
    lines.layer = [*lines.layer, layer]
    return lines


def anomaly_note(points: Points, clause: Clause) -> str:
    """How many anomalies are marked, or why none is."""
    if not clause.anomalycolumns:
        return "no column marks anomalies; anomalycolumns= names them"
    count = 0 if points.marks is None else len(points.marks)
    return f"{counted(count, 'anomaly', 'anomalies')} marked" if count else "no anomaly is marked"
