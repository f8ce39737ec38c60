"""Lines, areas and points over a continuous or a named x: timechart, linechart, areachart, anomalychart, scatterchart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np

from kqlmagic_ext.display.chart.columns import NUMBER
from kqlmagic_ext.display.chart.drawable import Chart, LayerChart
from kqlmagic_ext.display.chart.look import HEIGHT, HUES, WIDTH, colour_of, legend_of, tooltip_of, x_of, y_of
from kqlmagic_ext.display.chart.records import inline

if TYPE_CHECKING:
    from kqlmagic_ext.display.chart.clause import Clause
    from kqlmagic_ext.display.chart.points import Points

_DASHES = ([1, 0], [6, 3], [2, 3])  # whole lines, then dashed, then dotted ones
_SEEN_DOTS = 100  # up to so many points, a line shows each
_FELT_DOTS = 20_000  # up to so many, each tells its values to the pointer


def line_chart(points: Points, clause: Clause) -> LayerChart:
    """A line a series, broken where a value is null, and the points that tell their values."""
    x, y = alt.X(**x_of(points, clause)), alt.Y(**y_of(points, clause))
    line = Chart().mark_line(strokeWidth=2, strokeJoin="round", clip=clause.is_bounded)
    line = line.encode(x=x, y=y, color=colour_of(points, clause, hues=True))
    if len(points.series) > HUES:
        dashes = [_DASHES[at // HUES % len(_DASHES)] for at in range(len(points.series))]
        scale = alt.Scale(domain=list(points.series), range=dashes)
        line = line.encode(
            strokeDash=alt.StrokeDash("s:N", scale=scale, legend=legend_of(points, clause, lines=True))
        )
    return _with_dots(line, points, clause, stack=None)


def area_chart(points: Points, clause: Clause) -> LayerChart:
    """An area a series: each on its own and translucent, or stacked."""
    stack = stack_of(points, clause)
    x = alt.X(**x_of(points, clause))
    y = alt.Y(**share_axis(y_of(points, clause), stack), stack=stack)
    mark = Chart().mark_area(opacity=0.85, clip=clause.is_bounded)
    if not stack:
        mark = Chart().mark_area(opacity=0.4, line={"strokeWidth": 1.5}, clip=clause.is_bounded)
    mark = mark.encode(x=x, y=y, color=colour_of(points, clause), **order_of(points))
    return _with_dots(mark, points, clause, stack=stack)


def scatter_chart(points: Points, clause: Clause) -> Chart:
    """A dot a point."""
    x = x_of(points, clause)
    y = y_of(points, clause, zero=False)
    if points.x_kind == NUMBER:
        x["scale"] = alt.Scale(**{**x["scale"].to_dict(), "nice": True})
    mark = Chart(inline(points.rows, points), width=WIDTH, height=HEIGHT).mark_circle(
        size=45, opacity=0.7, clip=clause.is_bounded
    )
    drawn: Chart = mark.encode(
        x=alt.X(**x), y=alt.Y(**y), color=colour_of(points, clause), tooltip=tooltip_of(points, clause)
    )
    return drawn


def stack_of(points: Points, clause: Clause) -> Any:
    """How areas and bars stack: a logarithmic axis has no 0 to stand on."""
    if not points.stacked or clause.ylog:
        return None
    return "normalize" if clause.kind == "stacked100" else "zero"


def order_of(points: Points) -> dict[str, Any]:
    """In a stack, the first series lies at the bottom."""
    return {"order": alt.Order("k:Q")} if points.stacked else {}


def share_axis(y: dict[str, Any], stack: Any) -> dict[str, Any]:
    """The y axis; of shares in per cent."""
    if stack == "normalize":
        y["axis"] = alt.Axis(**{**y["axis"].to_dict(), "format": "%", "tickCount": 10})
    return y


def _with_dots(mark: Chart, points: Points, clause: Clause, *, stack: Any) -> LayerChart:
    """The mark and the points on it: seen where there are few or no neighbours, else there for the pointer alone."""
    rows, layers = points.rows, [mark]
    lone = _lone(points)
    seen = len(rows) <= _SEEN_DOTS
    if len(rows) <= _FELT_DOTS or lone.any():
        dots = Chart().mark_circle(size=28, opacity=1 if seen else 0, clip=clause.is_bounded)
        y = alt.Y(**y_of(points, clause), stack=stack)
        dots = dots.encode(
            x=alt.X(**x_of(points, clause)),
            y=y,
            color=colour_of(points, replace(clause, legend=False), hues=stack is None),
            tooltip=tooltip_of(points, clause),
            **order_of(points),
        )
        if not seen and lone.any():
            rows = rows.assign(o=lone.astype(int))
            dots = dots.encode(opacity=alt.Opacity("o:Q", scale=None, legend=None))
        layers.append(dots)
    return LayerChart(layer=layers, data=inline(rows, points), width=WIDTH, height=HEIGHT)


def _lone(points: Points) -> Any:
    """Which points have no neighbour to draw a line to: between two gaps, or alone in their series."""
    rows = points.rows
    present = rows["y"].notna().to_numpy()
    codes = rows["s"].map({name: at for at, name in enumerate(points.series)}).to_numpy()
    with_next = np.zeros(len(rows), dtype=bool)
    with_next[:-1] = present[:-1] & present[1:] & (codes[:-1] == codes[1:])
    with_last = np.roll(with_next, 1)
    return present & ~with_next & ~with_last
