"""The points of a chart: one row an x and a series, made of a frame and the roles of its columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kqlmagic_ext.display.chart.clause import NotDrawn
from kqlmagic_ext.display.chart.columns import (
    NUMBER,
    SPAN,
    TEXT,
    TIME,
    counted,
    kind_of,
    labels,
    labels_of,
    measure,
    milliseconds,
    unit_of,
    with_unit,
)
from kqlmagic_ext.display.chart.limits import colouring, few_categories, few_series
from kqlmagic_ext.display.chart.thinning import few_points
from kqlmagic_ext.errors import visible

if TYPE_CHECKING:
    from kqlmagic_ext.display.chart.clause import Clause
    from kqlmagic_ext.display.chart.columns import Measure
    from kqlmagic_ext.display.chart.roles import Roles

BARS = ("barchart", "columnchart")
_FEW_NUMBERS = 50


@dataclass(frozen=True)
class Points:
    """`rows`: columns x (milliseconds of a time, a number, or a label), y (float; NaN is a gap), s (the series' label).

    Sorted by series and x, but for labels, which keep the order of the frame. `x_kind`: time, number or text. `series` and
    `categories`: the labels in order. `whole`: no y has a fraction. `notes`: sentences for the receipt.
    """

    rows: pd.DataFrame
    x_kind: str
    x_title: str
    y_title: str
    series: tuple[str, ...]
    series_title: str = ""
    categories: tuple[str, ...] = ()
    whole: bool = False
    stacked: bool = False
    notes: tuple[str, ...] = ()
    colour: str = ""  # of its one series; empty: the first colour
    every_x: Any = None  # of one series among several: the x of all, which share an axis
    marks: pd.DataFrame | None = None  # of an anomalychart: those of the rows that are marked, thinned or not

    def only(self, name: str, colour: str) -> Points:
        """One series alone, in its colour."""
        rows = self.rows[self.rows["s"] == name].reset_index(drop=True)
        marks = None if self.marks is None else self.marks[self.marks["s"] == name]
        every_x = self.rows["x"]
        return replace(
            self, rows=rows, series=(name,), y_title=name, colour=colour, marks=marks, every_x=every_x
        )

    @property
    def one_series(self) -> bool:
        """Whether there is nothing to tell apart."""
        return len(self.series) == 1


def points_of(frame: pd.DataFrame, roles: Roles, clause: Clause, *, stacked: bool) -> Points:
    """The points, thinned, with what was left out told in their notes."""
    x_kind, x, x_title = _x(frame, roles, clause)
    measures = _measures(frame, roles.ys)
    series = roles.series
    crowded: list[str] = []
    if clause.visualization == "scatterchart":
        series, crowded = colouring(frame, series)
    names = labels_of(frame, series)
    rows = _long(x, measures, names)
    if clause.visualization == "anomalychart":
        rows = rows.assign(m=_flags(frame, clause, len(measures)))
    series_title = (
        " / ".join(visible(name) for name in series) if names is not None and len(measures) == 1 else ""
    )
    points = Points(
        rows, x_kind, x_title, _y_title(measures, clause), (), series_title,
        whole=_are_whole(rows["y"]), stacked=stacked,
        notes=(*roles.notes, *crowded, *_measure_notes(measures)),
    )  # fmt: skip
    points = _drop_lost_x(points)
    if stacked or clause.visualization in BARS:
        points = _summed(points)
    points = few_categories(few_series(points))
    if stacked and (clause.accumulate or clause.visualization not in BARS):
        points = _filled(points)
    points = _sorted(_accumulated(points) if clause.accumulate else points)
    return _without_logless(few_points(_with_marks(points, clause), clause), clause)


# ---------------------------------------------------------------- the axes


def _x(frame: pd.DataFrame, roles: Roles, clause: Clause) -> tuple[str, Any, str]:
    """The kind of x, its values, and the title of its axis."""
    column = frame[roles.x]
    kind = kind_of(column)
    title = clause.xtitle or visible(roles.x)
    is_bars = clause.visualization in BARS
    if kind == TIME and not (is_bars and len(column.dropna().unique()) == 1):
        return TIME, milliseconds(column), f"{title} (UTC)"
    if kind in (NUMBER, SPAN):
        values = measure(frame, roles.x)
        title = with_unit(title, values.unit)
        if not is_bars or column.nunique() > _FEW_NUMBERS:
            return NUMBER, values.floats, title
        return TEXT, labels(column) if kind == NUMBER else labels(pd.Series(values.floats)), title
    return TEXT, labels(column), f"{title} (UTC)" if kind == TIME else title


def _measures(frame: pd.DataFrame, names: tuple[str, ...]) -> list[Measure]:
    """The y columns; all timespans in one unit."""
    spans = [frame[name] for name in names if kind_of(frame[name]) == SPAN]
    unit = unit_of(spans) if spans else None
    return [measure(frame, name, unit) for name in names]


def _y_title(measures: list[Measure], clause: Clause) -> str:
    units = {one.unit for one in measures}
    unit = units.pop() if len(units) == 1 else ""
    if clause.ytitle:
        return with_unit(clause.ytitle, unit)
    return measures[0].title if len(measures) == 1 else unit


def _measure_notes(measures: list[Measure]) -> list[str]:
    notes = []
    for one in measures:
        if one.infinite:
            notes.append(f"{visible(one.name)}: {counted(one.infinite, 'infinite value')} drawn as a gap")
        if one.inexact:
            notes.append(f"{visible(one.name)}: numbers beyond 2^53 are drawn rounded; the frame is exact")
    return notes


def _are_whole(values: pd.Series[float]) -> bool:
    present = values.dropna()
    return bool((present == present.round()).all())


# ---------------------------------------------------------------- the rows


def _long(x: Any, measures: list[Measure], names: list[str] | None) -> pd.DataFrame:
    """The long form: of several y columns, each is a series, or one for each label."""
    parts = []
    for one in measures:
        title = one.title if len({m.unit for m in measures}) > 1 else visible(one.name)
        if names is None:
            series: Any = title
        else:
            series = names if len(measures) == 1 else [f"{name}: {title}" for name in names]
        parts.append(pd.DataFrame({"x": x, "y": one.floats, "s": series}))
    rows = pd.concat(parts, ignore_index=True)
    return rows.astype({"s": object} if rows["x"].dtype.kind == "f" else {"s": object, "x": object})


def _flags(frame: pd.DataFrame, clause: Clause, count: int) -> Any:
    """Which rows of the long form are marked: the first anomaly column is the first y column's, and so on, others the first's."""
    flags = np.zeros((count, len(frame)), dtype=bool)
    for at, name in enumerate(clause.anomalycolumns):
        values = measure(frame, name).floats
        flags[at if at < count else 0] |= (values != 0) & ~np.isnan(values)
    return flags.ravel()


def _with_marks(points: Points, clause: Clause) -> Points:
    """The marked rows apart from the others, which may be thinned: where they are drawn, in their unit, added up as they are."""
    if "m" not in points.rows:
        return points
    rows = points.rows.drop(columns="m")
    marks = rows[points.rows["m"] & rows["y"].notna()].drop_duplicates()
    if clause.ylog:
        marks = marks[marks["y"] > 0]
    if clause.xlog and points.x_kind == NUMBER:
        marks = marks[marks["x"] > 0]
    return replace(points, rows=rows, marks=marks.reset_index(drop=True))


def _drop_lost_x(points: Points) -> Points:
    """Without the rows that have no place on the axis."""
    lost = points.rows["x"].isna()
    if not lost.any():
        return points
    note = f"not drawn: {counted(int(lost.sum()), 'row')} without a value of {points.x_title}"
    return replace(points, rows=points.rows[~lost], notes=(*points.notes, note))


def _sorted(points: Points) -> Points:
    """By series, then by x; labels keep the order of the frame."""
    rank = points.rows["s"].map({name: at for at, name in enumerate(points.series)})
    place = (
        points.rows["x"].map({name: at for at, name in enumerate(points.categories)})
        if points.categories
        else points.rows["x"]
    )
    order = np.lexsort((place.to_numpy(dtype=float), rank.to_numpy(dtype=float)))
    return replace(points, rows=points.rows.iloc[order].reset_index(drop=True))


def _summed(points: Points) -> Points:
    """One row an x and a series, the sum of all: what stands on each other must not lose height when points are left out."""
    rows = points.rows.groupby(["s", "x"], sort=False)["y"].sum(min_count=1).reset_index()
    return replace(points, rows=rows[["x", "y", "s"]])


def _filled(points: Points) -> Points:
    """Each series with every x of the others: where a stacked one has no row, it is 0 high."""
    rows = points.rows
    every = pd.MultiIndex.from_product([points.series, rows["x"].unique()], names=["s", "x"])
    missing = every.difference(pd.MultiIndex.from_frame(rows[["s", "x"]]), sort=False)
    rows = pd.concat([rows, missing.to_frame(index=False).assign(y=0.0)], ignore_index=True)
    return replace(points, rows=rows[["x", "y", "s"]])


def _accumulated(points: Points) -> Points:
    """Each y with all before it added; a gap stays one."""
    points = _sorted(points)
    rows = points.rows.assign(y=points.rows["y"].groupby(points.rows["s"]).cumsum())
    return replace(points, rows=rows)


def _without_logless(points: Points, clause: Clause) -> Points:
    """What has no logarithm is a gap."""
    lost = (points.rows["y"] <= 0) if clause.ylog else pd.Series(data=False, index=points.rows.index)
    if clause.xlog and points.x_kind == NUMBER:
        lost |= points.rows["x"] <= 0
    if not lost.any():
        return points
    if (lost | points.rows["y"].isna()).all():
        raise NotDrawn(
            f"render {clause.visualization}: a logarithmic axis wants a value above 0, and there is none"
        )
    note = f"a logarithmic axis has no place for {counted(int(lost.sum()), 'value')} not above 0"
    return replace(
        points,
        rows=points.rows[~lost] if clause.xlog else points.rows.assign(y=points.rows["y"].mask(lost)),
        notes=(*points.notes, note),
    )


# ---------------------------------------------------------------- too many
