"""Pies: a slice a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from kqlmagic_ext.display.chart.clause import NotDrawn
from kqlmagic_ext.display.chart.columns import labels_of, measure, with_unit
from kqlmagic_ext.display.chart.drawable import Chart, LayerChart
from kqlmagic_ext.display.chart.limits import MOST_SERIES
from kqlmagic_ext.display.chart.look import palette, quoted
from kqlmagic_ext.display.chart.records import data
from kqlmagic_ext.errors import visible

if TYPE_CHECKING:
    import pandas as pd

    from kqlmagic_ext.display.chart.clause import Clause
    from kqlmagic_ext.display.chart.roles import Roles

_RADIUS = 130
_GREY = "#7A7A7A"  # is read on white and on black
_TOLD_SHARE = 0.03  # a smaller slice has no room for its share


def pie_chart(frame: pd.DataFrame, roles: Roles, clause: Clause) -> tuple[LayerChart, list[str]]:
    """A slice a label, clockwise from the top, largest first; shares beside the larger ones. And notes for the receipt.

    Raises NotDrawn for too many slices, and for values below 0.
    """
    names = labels_of(frame, clause.series or (roles.x,)) or []
    value = measure(frame, roles.ys[0])
    slices: dict[str, float] = {}
    for name, size in zip(names, value.floats.tolist(), strict=True):
        slices[name] = slices.get(name, 0.0) + (size if size == size else 0.0)  # noqa: PLR0124 - NaN differs from itself
    total = _check(slices)
    slices = dict(sorted(slices.items(), key=lambda one: -one[1]))
    records = [
        {
            "s": name,
            "y": size,
            "p": size / total,
            "o": at,
            "l": f"{size / total:.0%}" if size >= _TOLD_SHARE * total else "",
        }
        for at, (name, size) in enumerate(slices.items())
    ]
    title = " / ".join(map(visible, clause.series or (roles.x,)))
    y_title = with_unit(clause.ytitle, value.unit) if clause.ytitle else value.title
    others = [
        f"a piechart draws one number, {visible(value.name)}, and not {visible(name)}"
        for name in roles.ys[1:]
    ]
    return _layers(records, title, y_title, clause), [*value.lost(), *others]


def _check(slices: dict[str, float]) -> float:
    """The sum of all slices."""
    if len(slices) > MOST_SERIES:
        raise NotDrawn(
            f"a piechart of {len(slices):,} slices is not readable, {MOST_SERIES} are; `top {MOST_SERIES} by …` or a barchart helps"
        )
    if any(size < 0 for size in slices.values()):
        raise NotDrawn("a piechart cannot draw values below 0; a barchart can")
    total = sum(slices.values())
    if not total:
        raise NotDrawn("a piechart wants a value above 0, and there is none")
    return total


def _layers(records: list[dict[str, Any]], title: str, y_title: str, clause: Clause) -> LayerChart:
    names = [record["s"] for record in records]
    colour = alt.Color(
        "s:N",
        scale=alt.Scale(domain=names, range=palette(len(names))),
        legend=alt.Legend(title=clause.xtitle or title) if clause.legend else None,
    )
    order, theta = alt.Order("o:Q"), alt.Theta("y:Q", stack=True)
    tooltip = [
        alt.Tooltip("s:N", title=quoted(title)),
        alt.Tooltip("y:Q", title=quoted(y_title), format=",.12~g"),
        alt.Tooltip("p:Q", title="share", format=".1%"),
    ]
    slices = (
        Chart()
        .mark_arc(outerRadius=_RADIUS, stroke="white", strokeWidth=1)
        .encode(theta=theta, color=colour, order=order, tooltip=tooltip)
    )
    shares = (
        Chart()
        .mark_text(radius=_RADIUS + 18, fontSize=12, color=_GREY)
        .encode(theta=theta, order=order, text="l:N", detail="s:N")
    )
    size = 2 * _RADIUS + 60
    return LayerChart(layer=[slices, shares], data=data(records), width=size, height=size)
