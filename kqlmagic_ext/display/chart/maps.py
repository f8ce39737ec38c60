"""`kind=map`: places as dots on a plain grid of longitude and latitude."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import pandas as pd

from kqlmagic_ext.display.chart.clause import NotDrawn
from kqlmagic_ext.display.chart.columns import MEASURES, NUMBER, TEXT, counted, kinds_of, labels_of, measure
from kqlmagic_ext.display.chart.drawable import Chart
from kqlmagic_ext.display.chart.limits import colouring, few_series
from kqlmagic_ext.display.chart.look import WIDTH, colour_of, quoted
from kqlmagic_ext.display.chart.points import Points
from kqlmagic_ext.display.chart.records import inline
from kqlmagic_ext.display.chart.thinning import MOST_POINTS
from kqlmagic_ext.errors import visible

if TYPE_CHECKING:
    from kqlmagic_ext.display.chart.clause import Clause
    from kqlmagic_ext.display.chart.columns import Floats

_LEAST_SPAN = 2.0  # degrees: one place alone has some ground around it


def map_chart(frame: pd.DataFrame, clause: Clause) -> tuple[Chart, list[str]]:
    """A dot a row that has a place on earth; in a piechart the number sets its size. And notes for the receipt."""
    longitude, latitude, taken = _places(frame, clause)
    left = {name: kind for name, kind in kinds_of(frame).items() if name not in taken}
    texts = tuple(name for name, kind in left.items() if kind == TEXT)[:1]
    names, notes = colouring(frame, clause.series or texts)
    sizes = tuple(name for name, kind in left.items() if kind in MEASURES and name not in names)[:1]
    rows = pd.DataFrame({"x": longitude, "y": latitude, "s": labels_of(frame, names) or [""] * len(frame)})
    if sizes and clause.visualization == "piechart":
        size = measure(frame, sizes[0])
        rows["z"] = size.floats
        notes += size.lost()
    there, lost = _on_earth(rows)
    title = " / ".join(map(visible, names))
    points = few_series(Points(there, NUMBER, "longitude", "latitude", (), title))
    return _dots(points, clause, sizes), [*notes, *lost, *points.notes]


def _places(frame: pd.DataFrame, clause: Clause) -> tuple[Floats, Floats, tuple[str, ...]]:
    """Longitudes, latitudes, and the columns that told them: by name, by order, or a GeoJSON point."""
    kinds = kinds_of(frame)
    numbers = [name for name, kind in kinds.items() if kind == NUMBER]
    if clause.xcolumn and clause.ycolumns:
        pair = (clause.xcolumn, clause.ycolumns[0])
    else:
        lon = next(
            (name for name in numbers if name.lower().endswith(("lon", "lng", "long", "longitude"))), None
        )
        lat = next((name for name in numbers if name.lower().endswith(("lat", "latitude"))), None)
        pair = (lon, lat) if lon and lat else ((numbers[0], numbers[1]) if len(numbers) > 1 else ("", ""))
    if all(kinds.get(name) == NUMBER for name in pair):
        return measure(frame, pair[0]).floats, measure(frame, pair[1]).floats, pair
    for name in map(str, frame.columns):
        if any(_point(value) for value in frame[name]):
            both = np.array([_point(value) or (np.nan, np.nan) for value in frame[name]], dtype=np.float64)
            return both[:, 0], both[:, 1], (name,)
    raise NotDrawn("kind=map wants a longitude and a latitude, as two numeric columns or a GeoJSON point")


def _point(value: Any) -> tuple[float, float] | None:
    """The longitude and latitude of a GeoJSON point."""
    if not isinstance(value, dict) or value.get("type") != "Point":
        return None
    place = value.get("coordinates")
    if (
        not isinstance(place, list)
        or len(place) < 2  # noqa: PLR2004 - a place has two numbers
        or not all(type(one) in (int, float) for one in place[:2])
    ):
        return None
    return float(place[0]), float(place[1])


def _on_earth(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    there = rows["x"].between(-180, 180) & rows["y"].between(-90, 90)
    if not there.any():
        raise NotDrawn("kind=map: no row has a longitude within ±180 and a latitude within ±90")
    notes = (
        [] if there.all() else [f"not drawn: {counted(int((~there).sum()), 'row')} without a place on earth"]
    )
    rows = rows[there]
    distinct = rows.drop_duplicates()
    if "z" in rows:  # rows of one place are one dot, as large as all of them
        distinct = rows.dropna(subset="z").groupby(["x", "y", "s"], sort=False)["z"].sum().reset_index()
    if len(distinct) > MOST_POINTS:
        kept = np.linspace(0, len(distinct) - 1, MOST_POINTS).astype(int)
        notes.append(f"{MOST_POINTS:,} of {len(distinct):,} places drawn")
        distinct = distinct.iloc[kept]
    return distinct.reset_index(drop=True), notes


def _dots(points: Points, clause: Clause, sizes: tuple[str, ...]) -> Chart:
    rows = points.rows
    (west, east), (south, north) = _span(rows["x"], 180), _span(rows["y"], 90)
    height = int(min(max(WIDTH * (north - south) / (east - west), 160), 480))
    degrees = "datum.value + '°'"
    x = alt.X(
        "x:Q",
        scale=alt.Scale(domain=[west, east], nice=False),
        axis=alt.Axis(title=clause.xtitle or "longitude", labelExpr=degrees),
    )
    y = alt.Y(
        "y:Q",
        scale=alt.Scale(domain=[south, north], nice=False),
        axis=alt.Axis(title=clause.ytitle or "latitude", labelExpr=degrees),
    )
    tooltip = [alt.Tooltip("x:Q", title="longitude"), alt.Tooltip("y:Q", title="latitude")]
    if not points.one_series:
        tooltip.insert(0, alt.Tooltip("s:N", title=quoted(points.series_title)))
    chart = Chart(inline(rows, replace(points, x_kind=NUMBER)), width=WIDTH, height=height)
    chart = chart.mark_circle(opacity=0.7, size=60).encode(x=x, y=y, color=colour_of(points, clause))
    if "z" in rows:
        tooltip.append(alt.Tooltip("z:Q", title=quoted(visible(sizes[0])), format=",.12~g"))
        legend = alt.Legend(title=visible(sizes[0])) if clause.legend else None
        chart = chart.encode(size=alt.Size("z:Q", scale=alt.Scale(range=[30, 900]), legend=legend))
    drawn: Chart = chart.encode(tooltip=tooltip)
    return drawn


def _span(values: pd.Series[float], most: float) -> tuple[float, float]:
    """From the least to the largest, with some ground around."""
    least, largest = float(values.min()), float(values.max())
    ground = max((largest - least) * 0.08, _LEAST_SPAN)
    return max(least - ground, -most), min(largest + ground, most)
