"""Thinning: of too many points, those that keep the shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from kqlmagic_ext.display.chart.columns import Floats

    Places = np.ndarray[Any, np.dtype[np.intp]]

MOST_POINTS = 5_000


def thinned(x: Floats, y: Floats, most: int = MOST_POINTS) -> Places:
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
