"""Thinning: of too many points, those that keep the shape."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kqlmagic_ext.display.chart.columns import TEXT

if TYPE_CHECKING:
    from collections.abc import Callable

    from kqlmagic_ext.display.chart.clause import Clause
    from kqlmagic_ext.display.chart.columns import Floats
    from kqlmagic_ext.display.chart.points import Points

    Places = np.ndarray[Any, np.dtype[np.intp]]

MOST_POINTS = 5_000


def few_points(points: Points, clause: Clause) -> Points:
    """At most 5,000 points a series; in a stack the same x of each, chosen by their sum."""
    if points.x_kind == TEXT or len(points.rows) <= MOST_POINTS:
        return points
    choose = _sampled if clause.visualization == "scatterchart" else _thinned
    rows = _thin_stack(points.rows) if points.stacked else _thin_each(points.rows, choose)
    drawn, all_ = int(rows["y"].notna().sum()), int(points.rows["y"].notna().sum())
    if drawn == all_:
        return points
    note = f"{drawn:,} of {all_:,} points drawn"
    return replace(points, rows=rows.reset_index(drop=True), notes=(*points.notes, note))


def _thin_each(rows: pd.DataFrame, choose: Callable[[Floats, Floats], Any]) -> pd.DataFrame:
    parts: list[pd.DataFrame] = []
    for _, part in rows.groupby("s", sort=False):
        parts.append(part.iloc[choose(_floats(part["x"]), _floats(part["y"]))])
    return pd.concat(parts)


def _thin_stack(rows: pd.DataFrame) -> pd.DataFrame:
    sums = rows.groupby("x")["y"].sum()
    kept = sums.index[_thinned(_floats(sums.index), _floats(sums))]
    return rows[rows["x"].isin(kept)]


def _floats(values: Any) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _thinned(x: Floats, y: Floats, most: int = MOST_POINTS) -> Places:
    """The places of at most `most` points of a series that is sorted by x, its extremes among them, and of its gaps.

    NaN in y is a gap: where one lies between two points that stay, it stays between them, once.
    """
    present = np.flatnonzero(~np.isnan(y))
    if len(present) <= most:
        return _with_gaps(present, y)
    from tsdownsample import MinMaxLTTBDownsampler

    # Nulls would pass for points, and other than contiguous memory is refused.
    chosen = MinMaxLTTBDownsampler().downsample(  # type: ignore[no-untyped-call, unused-ignore]  # it says nothing of its class
        np.ascontiguousarray(x[present]), np.ascontiguousarray(y[present]), n_out=most
    )
    return _with_gaps(present[np.asarray(chosen, dtype=np.intp)], y)


def _sampled(x: Floats, y: Floats, most: int = MOST_POINTS) -> Places:
    """The places of at most `most` points, spread as all are, drawn by a lot that is always the same; the extremes among them.

    What keeps the shape of a line would leave nothing between the extremes of a cloud.
    """
    present = np.flatnonzero(~np.isnan(y))
    if len(present) <= most:
        return present
    ends = {int(present[at]) for axis in (x[present], y[present]) for at in (axis.argmin(), axis.argmax())}
    lot = np.random.default_rng(0).choice(present, most - len(ends), replace=False)
    return np.unique(np.concatenate([lot, np.array(sorted(ends), dtype=np.intp)]))


def _with_gaps(kept: Places, y: Floats) -> Places:
    """The places with the first null between any two of them."""
    nulls = np.isnan(y)
    if not nulls.any() or not len(kept):
        return kept
    before = np.concatenate([[0], np.cumsum(nulls)])  # the nulls before each place
    broken = before[kept[1:]] > before[kept[:-1]]
    where = np.flatnonzero(nulls)
    first = where[before[kept[:-1][broken]]]  # a kept place is no null, so the next null lies behind it
    return np.sort(np.concatenate([kept, first]))
