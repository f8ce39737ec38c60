"""The look of a chart: colours, sizes, axes, titles, tooltips; readable on a light and on a dark page."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np

from kqlmagic_ext.display.chart.columns import TEXT, TIME
from kqlmagic_ext.errors import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kqlmagic_ext.display.chart.clause import Clause
    from kqlmagic_ext.display.chart.points import Points

WIDTH, HEIGHT = 640, 300
# Okabe and Ito's colours, which the colour-blind tell apart, without black and yellow: each is seen on white and on black.
_HUES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C8C")
FIRST, ALARM, HUES = _HUES[0], _HUES[5], len(_HUES)
_DAY_MS = 86_400_000.0
_LABEL_LIMIT = 220
_TITLE = 64  # characters in a line, which a narrow output shows
_FEW = 8  # ticks of whole numbers; more of them are whole without a word
_HEIGHT = 44  # characters of a title beside a plot
_APART = 6  # pixels between two labels of an axis, else one is left out
_LETTERS = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "labelLimit": _LABEL_LIMIT}
# Of every chart; what an analyst configures goes before it.
LOOK: Mapping[str, Any] = {
    "font": "Arial, Helvetica, sans-serif",  # with the widths that an exported picture was measured by
    "view": {"stroke": None},
    # Vega-Lite would write every title into an expression, unescaped, and times in the browser's zone.
    "mark": {"aria": False},
    "axis": {
        **_LETTERS,
        "titlePadding": 10,
        "gridColor": "#888888",
        "gridOpacity": 0.22,
        "maxExtent": 400,  # else a title stands in long labels
    },
    "axisQuantitative": {"labelSeparation": _APART},
    "legend": {**_LETTERS, "symbolLimit": 0},
}


def palette(count: int, *, hues: bool = False) -> list[str]:
    """So many colours: seven hues, then lighter, then darker ones; or the seven `hues` over and over."""
    mixed = (
        _HUES
        if hues
        else [*_HUES, *(_mix(hue, 255, 0.5) for hue in _HUES), *(_mix(hue, 0, 0.35) for hue in _HUES)]
    )
    return [mixed[at % len(mixed)] for at in range(count)]


def _mix(colour: str, towards: int, share: float) -> str:
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(part + (towards - part) * share):02X}" for part in parts)


def finish(chart: Any, clause: Clause) -> Any:
    """The chart with its title, on a transparent ground, so that it takes the page's."""
    said = f"{clause.visualization}: {visible(clause.title)}" if clause.title else clause.visualization
    properties: dict[str, Any] = {"background": "transparent", "description": said}
    if clause.title.strip():
        room = chart.width // 8 if hasattr(chart, "width") else _TITLE
        properties["title"] = alt.TitleParams(
            wrapped(visible(clause.title), min(max(room, 30), _TITLE)),
            anchor="start",
            fontSize=15,
            fontWeight="bold",
            offset=14,
        )
    return chart.properties(**properties).configure(**LOOK)


def wrapped(text: str, most: int) -> str | list[str]:
    """The text, in lines of at most so many characters where it needs more than one."""
    lines = textwrap.wrap(text, most)
    return lines if len(lines) > 1 else text


def quoted(text: str) -> str:
    """A text as the name of a row in a tooltip: Vega-Lite writes these into an expression, and reads `image` as an address."""
    escaped = "".join(
        f"\\u{ord(char):04x}" if char in "\"\\'" or ord(char) < ord(" ") else char for char in text
    )
    return f"{escaped} " if escaped.strip() in ("image", "title", "") else escaped


# ---------------------------------------------------------------- axes


def x_of(points: Points, clause: Clause) -> dict[str, Any]:
    """What the channel of x takes: field, type, scale, axis."""
    if points.x_kind == TEXT:
        return {
            "shorthand": "x:N",
            "scale": alt.Scale(domain=list(points.categories)),
            "axis": alt.Axis(title=points.x_title or None),
        }
    scale: dict[str, Any] = _bounds(clause.xmin, clause.xmax)
    if points.x_kind == TIME:
        every = points.rows["x"] if points.every_x is None else points.every_x
        values = every.to_numpy(dtype=float)
        return {"shorthand": "x:T", "scale": alt.Scale(type="utc"), "axis": time_axis(values, points.x_title)}
    scale |= {"type": "log"} if clause.xlog else {"zero": False}
    return {"shorthand": "x:Q", "scale": alt.Scale(**scale), "axis": alt.Axis(title=points.x_title or None)}


def y_of(points: Points, clause: Clause, *, title: str | None = None, **scale: Any) -> dict[str, Any]:
    """What the channel of y takes."""
    scale |= _bounds(clause.ymin, clause.ymax)
    if clause.ylog:
        scale = {name: value for name, value in scale.items() if name != "zero"} | {"type": "log"}
    rows, height = points.rows["y"], _height_of(points, scale)
    axis: dict[str, Any] = {"title": wrapped(points.y_title if title is None else title, _HEIGHT) or None}
    if points.whole and not clause.ylog and 0 < height <= _FEW:
        axis["tickCount"] = height  # else there would be ticks between whole numbers
    if len(rows) and rows.abs().max() >= 1e7:  # noqa: PLR2004 - from here on, 12M reads better than 12,000,000
        axis["format"] = "~s"
    return {"shorthand": "y:Q", "scale": alt.Scale(**scale), "axis": alt.Axis(**axis)}


def _height_of(points: Points, scale: dict[str, Any]) -> int:
    """How many whole numbers the axis of y spans; 0 when that is not known."""
    rows = points.rows
    if rows["y"].isna().all() or not points.whole:
        return 0
    sums = rows.groupby("x")["y"].sum() if points.stacked else rows["y"]
    least = sums.min() if scale.get("zero") is False else min(sums.min(), 0)
    return int(sums.max() - least)


def _bounds(least: float | None, most: float | None) -> dict[str, float]:
    bounds = {"domainMin": least, "domainMax": most}
    return {name: value for name, value in bounds.items() if value is not None}


def above(title: str | None) -> alt.Axis:
    """The axis of names that stand left of their bars; its title lies above them, where no long name can run into it."""
    place: dict[str, Any] = {
        "titleAngle": 0,
        "titleAlign": "right",
        "titleBaseline": "bottom",
        "titleX": -8,
        "titleY": -6,
    }
    return alt.Axis(title=title or None, **place)


def time_axis(milliseconds: Any, title: str) -> alt.Axis:
    """The axis of times in UTC: as much of a date as its span needs, the rest in its title."""
    present = milliseconds[~np.isnan(milliseconds)]
    if not len(present):
        return alt.Axis(title=title)
    first, last = (np.datetime64(int(at), "ms") for at in (present.min(), present.max()))
    span = float(present.max() - present.min())
    first_day, last_day = str(first)[:10], str(last)[:10]
    rest: dict[str, Any] = {"labelOverlap": True, "labelSeparation": _APART, "tickCount": 8}
    if first_day == last_day:
        title = f"{title}, {first_day}"
        rest["format"] = "%H:%M" if span > 10 * 60_000 else "%H:%M:%S"  # ten minutes
    elif span <= 4 * _DAY_MS:
        # Two lines: the time, and below midnight the day.
        rest["labelExpr"] = (
            "[utcFormat(datum.value, '%H:%M'), utcFormat(datum.value, '%H:%M') == '00:00' ? utcFormat(datum.value, '%d %b') : '']"
        )
        title = f"{title}, {first_day} to {last_day}"
    elif span <= 370 * _DAY_MS:
        title = f"{title}, {first_day} to {last_day}"
        rest["format"] = "%d %b"
        if span <= 12 * _DAY_MS:  # else Vega would put labels of days at their middle, too
            rest["tickCount"] = alt.TimeIntervalStep(interval="day", step=1 if span <= 8 * _DAY_MS else 2)
    else:
        rest["format"] = "%b %Y" if span <= 5 * 365 * _DAY_MS else "%Y"
    return alt.Axis(title=title, **rest)


# ---------------------------------------------------------------- series and tooltips


def colour_of(points: Points, clause: Clause, *, hues: bool = False) -> Any:
    """The colour channel: one colour a series, and the legend. `hues`: the same seven over and over, where dashes differ."""
    if points.one_series:
        return alt.value(points.colour or FIRST)
    scale = alt.Scale(domain=list(points.series), range=palette(len(points.series), hues=hues))
    legend = legend_of(points, clause, lines=hues)
    return alt.Color("s:N", scale=scale, legend=legend)


def legend_of(points: Points, clause: Clause, *, lines: bool = False) -> alt.Legend | None:
    """The legend, None when it is to be hidden."""
    symbol: dict[str, Any] = (
        {"symbolType": "stroke", "symbolStrokeWidth": 3, "symbolSize": 250} if lines else {}
    )
    return alt.Legend(title=points.series_title or None, **symbol) if clause.legend else None


def tooltip_of(points: Points, clause: Clause) -> list[alt.Tooltip]:
    """What is told of a point that the pointer rests on; times are texts, since a browser would shift them to its zone."""
    rows = [_told_x(points)]
    if not points.one_series:
        rows.append(("s:N", points.series_title or "series", None))
    number = "," if points.whole else ",.12~g"
    rows.append(("y:Q", points.y_title or clause.ytitle or "value", number))
    return [
        # A name that another row has would hide that row.
        alt.Tooltip(field, title=quoted(name) + " " * at, format=written or alt.Undefined)
        for at, (field, name, written) in enumerate(rows)
    ]


def _told_x(points: Points) -> tuple[str, str, str | None]:
    field = {TIME: "t:N", TEXT: "x:N"}.get(points.x_kind, "x:Q")
    return field, points.x_title or "x", None
