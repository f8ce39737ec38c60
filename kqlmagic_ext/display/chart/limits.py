"""How much a chart can show: series and named values, beyond which some are left out, and it is told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from kqlmagic_ext.display.chart.columns import TEXT, labels_of
from kqlmagic_ext.errors import visible

if TYPE_CHECKING:
    from kqlmagic_ext.display.chart.points import Points

MOST_SERIES = 21  # colours that can be told apart
MOST_CATEGORIES = 100


def colouring(frame: pd.DataFrame, names: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
    """The columns that colour dots, and a note: none when they tell more apart than colours can, since each dot counts."""
    count = len(set(labels_of(frame, names) or ()))
    if count <= MOST_SERIES:
        return names, []
    said = " / ".join(map(visible, names))
    return (), [
        f"{said} has {count:,} values, and {MOST_SERIES} colours can be told apart: all dots have one"
    ]


def few_series(points: Points) -> Points:
    """At most as many series as there are colours: the largest; in a stack, the sum of the others stays as one."""
    rows = points.rows
    series = _by_size(rows) if points.series_title else tuple(dict.fromkeys(rows["s"]))
    if len(series) <= MOST_SERIES:
        return replace(points, series=series)
    kept = MOST_SERIES - 1
    largest = set(_by_size(rows)[:kept])
    names = [name for name in series if name in largest]
    if not points.stacked:
        note = f"{kept} of {len(series):,} series drawn, those with the largest sums"
        return replace(
            points, rows=rows[rows["s"].isin(names)], series=tuple(names), notes=(*points.notes, note)
        )
    others = f"({len(series) - kept:,} others)"
    rest = rows[~rows["s"].isin(names)].groupby("x", sort=False)["y"].sum(min_count=1).reset_index()
    rows = pd.concat([rows[rows["s"].isin(names)], rest.assign(s=others)], ignore_index=True)
    note = f"the {kept} largest of {len(series):,} series drawn, and the sum of the others"
    return replace(points, rows=rows, series=(*names, others), notes=(*points.notes, note))


def _by_size(rows: pd.DataFrame) -> tuple[str, ...]:
    """The series, those with the largest sums first."""
    sizes = rows["y"].abs().groupby(rows["s"], sort=False).sum()
    return tuple(map(str, sizes.sort_values(ascending=False, kind="stable").index))


def few_categories(points: Points) -> Points:
    """At most a hundred named values of x: the first."""
    if points.x_kind != TEXT:
        return points
    categories = tuple(dict.fromkeys(points.rows["x"]))
    kept = categories[:MOST_CATEGORIES]
    if len(kept) == len(categories):
        return replace(points, categories=categories)
    note = f"the first {len(kept)} of {len(categories):,} values of {points.x_title} drawn"
    rows = points.rows[points.rows["x"].isin(kept)]
    series = tuple(name for name in points.series if name in set(rows["s"]))
    return replace(points, rows=rows, categories=kept, series=series, notes=(*points.notes, note))
