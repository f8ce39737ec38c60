"""Columns and bars: over named values, or over the bins of a time or a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import altair as alt
import numpy as np

from kqlmagic_ext.display.chart.columns import TEXT
from kqlmagic_ext.display.chart.drawable import Chart
from kqlmagic_ext.display.chart.lines import order_of, share_axis, stack_of
from kqlmagic_ext.display.chart.look import HEIGHT, WIDTH, above, colour_of, tooltip_of, x_of, y_of
from kqlmagic_ext.display.chart.records import inline

if TYPE_CHECKING:
    from kqlmagic_ext.display.chart.clause import Clause
    from kqlmagic_ext.display.chart.points import Points

_WIDE_BAR, _BAR, _THIN_BAR = 70, 22, 9
_TALL = 420  # of bars along a time
_TILTED = 24  # so many tilted labels are readable
_CHARACTER = 7  # its width


def bar_chart(points: Points, clause: Clause) -> Chart:
    """One bar an x and a series: side by side, or stacked; columns stand, bars lie."""
    if points.x_kind == TEXT:
        return _named_bars(points, clause)
    return _binned_bars(points, clause)


def _oriented(clause: Clause, x: dict[str, Any], y: dict[str, Any], stack: Any) -> dict[str, Any]:
    """The channels of x and y, which a barchart exchanges."""
    if clause.visualization == "barchart":
        return {"y": alt.Y(**x), "x": alt.X(**y, stack=stack)}
    return {"x": alt.X(**x), "y": alt.Y(**y, stack=stack)}


def _named_bars(points: Points, clause: Clause) -> Chart:
    lying = clause.visualization == "barchart"
    grouped = not points.one_series and not points.stacked
    count, beside = len(points.categories), len(points.series) if grouped else 1
    # Rows of one x and one series are stacked, so that none hides another.
    stack = stack_of(points, clause) if points.stacked or clause.ylog else "zero"
    x, y = x_of(points, clause), share_axis(y_of(points, clause), stack)
    x["scale"] = alt.Scale(domain=list(points.categories), paddingInner=0.2, paddingOuter=0.1)
    size = _length(count, beside, lying=lying)
    if lying:
        x["axis"] = above(points.x_title)
    else:
        x["axis"] = alt.Axis(**{**x["axis"].to_dict(), **_angle(points, size / count)})
    channels = _oriented(clause, x, y, stack)
    if grouped:
        offset = alt.XOffset if not lying else alt.YOffset
        channels["yOffset" if lying else "xOffset"] = offset(
            "s:N", scale=alt.Scale(domain=list(points.series))
        )
    width, height = (WIDTH, size) if lying else (size, HEIGHT)
    return _bars(Chart(inline(points.rows, points), width=width, height=height), points, clause, channels)


def _bars(chart: Chart, points: Points, clause: Clause, channels: dict[str, Any]) -> Chart:
    """The chart's bars; which way they lie is said, since their ends on x would turn them."""
    orient: Literal["horizontal", "vertical"] = (
        "horizontal" if clause.visualization == "barchart" else "vertical"
    )
    chart = chart.mark_bar(orient=orient, clip=clause.is_bounded, minBandSize=1)
    chart = chart.encode(color=colour_of(points, clause), tooltip=tooltip_of(points, clause))
    drawn: Chart = chart.encode(**channels, **order_of(points))
    return drawn


def _length(count: int, beside: int, *, lying: bool) -> int:
    """How long the axis of named values is, so that bars are neither fat nor invisible."""
    least = count * max(_BAR if lying else _THIN_BAR, beside * (8 if lying else 4))
    most = count * (_BAR if lying and beside == 1 else _WIDE_BAR)
    return int(max(least, min(most, WIDTH if not lying else HEIGHT), 60))


def _angle(points: Points, room: float) -> dict[str, Any]:
    """Labels of columns lie where they fit, else they are tilted; of many, upright, as many as are readable are written."""
    longest = max((len(name) for name in points.categories), default=0)
    if longest * _CHARACTER <= room:
        return {"labelAngle": 0}
    if len(points.categories) > _TILTED:
        return {"labelAngle": -90, "labelOverlap": "greedy", "labelLimit": 180}
    return {"labelAngle": -40, "labelAlign": "right", "labelLimit": 180}


def _binned_bars(points: Points, clause: Clause) -> Chart:
    """Each bar as wide as the smallest step between two x, from its x on."""
    rows = points.rows
    step = _step(rows["x"].to_numpy(dtype=float))
    grouped = not points.one_series and not points.stacked
    beside = len(points.series) if grouped else 1
    at = rows["s"].map({name: at for at, name in enumerate(points.series)}) if grouped else 0
    width = 0.9 * step / beside
    begin = rows["x"] + 0.05 * step + at * width
    rows = rows.assign(b=begin, e=begin + width)
    x, y = x_of(points, clause), y_of(points, clause)
    stack = stack_of(points, clause) if points.stacked or clause.ylog else "zero"
    x["shorthand"] = x["shorthand"].replace("x", "b")
    channels = _oriented(clause, x, share_axis(y, stack), stack)
    lying = clause.visualization == "barchart"
    channels["y2" if lying else "x2"] = alt.Y2("e") if lying else alt.X2("e")
    height = HEIGHT if not lying else _TALL
    return _bars(Chart(inline(rows, points), width=WIDTH, height=height), points, clause, channels)


def _step(x: Any) -> float:
    """The smallest step between two values, and at least a six-hundredth of their span, which still is a pixel wide."""
    distinct = np.unique(x)
    if len(distinct) < 2:  # noqa: PLR2004 - a step is between two
        return 1.0
    return max(float(np.diff(distinct).min()), float(distinct[-1] - distinct[0]) / WIDTH)
