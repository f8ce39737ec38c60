"""What repeats in a series, its trend, and what stands out: series_decompose(), series_outliers() and their kin.

The reference says how a series is taken apart, and neither how a period is found nor how percentiles are taken: where an
answer depends on that, the query's warnings say so.
"""

from __future__ import annotations

import math
import re
from statistics import NormalDist, median
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.functions.over_series import (
    FIT_LINE,
    PREFIX,
    add_over_series,
    array,
    fit_line,
    is_number,
    line_through,
    numbers,
    stats,
)
from kqlmagic_ext.connections.local.functions.several_columns import add_of_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

_PERIOD = "a period that is not given may be found otherwise than in Azure"
_SCORES = "scores, and so flags near the threshold, may differ from those of Azure"
# What the SQL of a function holds → what to warn of.
_WARNINGS = {
    r"series_seasonal_1\(": f"series_seasonal(): {_PERIOD}",
    r"series_decompose_\d\(": f"series_decompose(): {_PERIOD}",
    r"series_decompose_anomalies_\d\(": f"series_decompose_anomalies(): {_SCORES}; {_PERIOD}",
    r"series_outliers_\d\(": f"series_outliers(): {_SCORES}",
}
_NOISE = 1e-9  # of the largest value: what is smaller comes from reckoning
_LEAST_PERIODS = 3  # fewer are too short to tell a period by


def warnings(sql: str) -> list[str]:
    """What to say of the functions in a query's SQL."""
    return [said for found, said in _WARNINGS.items() if re.search(f"{PREFIX}{found}", sql)]


def _period(values: Sequence[float], threshold: float) -> int:
    """The period of a series, 0 for none: the shortest of the lags at which it is like itself, without its trend."""
    if len(values) < 2 * _LEAST_PERIODS:
        return 0
    line = line_through(values)
    flat = [each - line.at(place) for place, each in enumerate(values)]
    if max(map(abs, flat)) <= _NOISE * max(map(abs, values)):
        return 0
    last = len(values) // 2
    alike = _alike(flat, last + 1)
    peaks = [lag for lag in range(2, last + 1) if alike[lag - 1] <= alike[lag] >= alike[lag + 1]]
    found = [lag for lag in peaks if alike[lag] >= threshold]
    best = max((alike[lag] for lag in found), default=0)
    period = next((lag for lag in found if alike[lag] >= 0.9 * best), 0)
    return period if period * _LEAST_PERIODS <= len(values) else 0


def _alike(values: Sequence[float], last: int) -> list[float]:
    """For each lag up to the last the correlation of the series with itself that much later; 0 where there is none."""
    import numpy as np

    x, lags = np.asarray(values, float), np.arange(last + 1)
    count, size = len(x) - lags, 2 * len(x)
    sums, squares = (np.concatenate(([0.0], np.cumsum(each))) for each in (x, x * x))
    before, behind = sums[count], sums[-1] - sums[lags]
    product = np.fft.irfft(np.abs(np.fft.rfft(x, size)) ** 2, size)[: last + 1] - before * behind / count
    spread = (squares[count] - before**2 / count) * (squares[-1] - squares[lags] - behind**2 / count)
    known = (count > 1) & (spread > _NOISE * squares[-1] ** 2)
    found: list[float] = np.where(known, product / np.sqrt(np.where(known, spread, 1.0)), 0.0).tolist()
    return found


def _medians(values: Sequence[float], period: int, length: int) -> list[float]:
    """The median of each place in the period, for a series of that length."""
    phases = [values[phase::period] for phase in range(period)]
    return [
        float(median(phases[place % period])) if phases[place % period] else 0.0 for place in range(length)
    ]


def _seasonal(series: Any, period: Any = -1) -> list[float]:
    values = numbers(series)
    if not isinstance(period, int) or period < -1:
        return [0.0] * len(values)
    found = _period(values, 0.7) if period == -1 else period
    return _medians(values, found, len(values)) if found else [0.0] * len(values)


def _decompose(
    series: Any, seasonality: Any = -1, trend: Any = "avg", test_points: Any = 0, threshold: Any = 0.6
) -> list[list[float]]:
    """baseline, seasonal, trend, residual."""
    values = numbers(series)
    seasonality, test_points = _whole(seasonality), _whole(test_points)
    if trend not in ("avg", "linefit", "none") or seasonality < -1 or not 0 <= test_points < len(values):
        raise ValueError("no such decomposition")
    learned = values[: len(values) - test_points]
    period = _period(learned, float(threshold)) if seasonality == -1 else seasonality
    seasonal = _medians(learned, period, len(values)) if period else [0.0] * len(values)
    trends = _trend([a - b for a, b in zip(learned, seasonal, strict=False)], trend, len(values))
    baseline = [a + b for a, b in zip(seasonal, trends, strict=True)]
    noise = _NOISE * max(map(abs, values))
    rest = [a - b for a, b in zip(values, baseline, strict=True)]
    return [baseline, seasonal, trends, [each if abs(each) > noise else 0.0 for each in rest]]


def _whole(value: Any) -> int:
    if not is_number(value) or value != int(value):
        raise ValueError("no whole number")
    return int(value)


def _trend(values: Sequence[float], kind: str, length: int) -> list[float]:
    if kind == "none":
        return [0.0] * length
    if kind == "linefit" and len(values) > 1:
        line = line_through(values)
        return [line.at(place) for place in range(length)]
    return [math.fsum(values) / len(values)] * length


def _outliers(
    series: Any, kind: Any = "ctukey", ignored: Any = None, low: Any = 10, high: Any = 90
) -> list[float]:
    """How many widths of the normal range each value lies outside of it; 0 inside, and for what is missing.

    The normal range is that of the quarters, which for other percentiles are those of values that are spread normally: so a
    threshold means the same for both kinds, and the reference's pictures of its examples are met.
    """
    if kind not in ("tukey", "ctukey"):
        raise ValueError("no such kind")
    low, high = (25.0, 75.0) if kind == "tukey" else (float(low), float(high))
    if not 2 <= low < high <= 98:  # noqa: PLR2004 - KQL's own limits
        raise ValueError("no such percentiles")
    known = sorted(each for each in array(series) if is_number(each) and each != ignored)
    if not known:
        return [0.0] * len(series)
    quarters = _quarters(known, low, high)
    return [_score(each, *quarters) if is_number(each) and each != ignored else 0.0 for each in series]


def _quarters(ordered: Sequence[float], low: float, high: float) -> tuple[float, float]:
    """The lower and the upper quarter of a normal distribution that has these percentiles."""
    first, last = _percentile(ordered, low), _percentile(ordered, high)
    normal = NormalDist()
    at = normal.inv_cdf(low / 100), normal.inv_cdf(high / 100), normal.inv_cdf(0.75)
    sigma = (last - first) / (at[1] - at[0])
    middle = first - at[0] * sigma
    return middle - at[2] * sigma, middle + at[2] * sigma


def _percentile(ordered: Sequence[float], percent: float) -> float:
    place = (len(ordered) - 1) * percent / 100
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _score(value: float, low: float, high: float) -> float:
    outside = max(value - high, 0) + min(value - low, 0)
    if not outside:
        return 0.0
    return outside / (high - low) if high > low else math.copysign(math.inf, outside)


def _anomalies(
    series: Any,
    threshold: Any = 1.5,
    seasonality: Any = -1,
    trend: Any = "avg",
    test_points: Any = 0,
    method: Any = "ctukey",
    of_season: Any = 0.6,
) -> list[list[Any]]:
    """ad_flag, ad_score, baseline."""
    baseline, _, _, residual = _decompose(series, seasonality, trend, test_points, of_season)
    scores = _outliers(residual, method)
    flags = [(score > threshold) - (score < -threshold) for score in scores]
    return [flags, scores, baseline]


def install() -> None:
    """Put them among duckdb-kql's."""
    add_over_series("series_seasonal", _seasonal, (1, 2))
    add_over_series("series_outliers", _outliers, (1, 2, 3, 5))
    dynamic = [(name, "dynamic") for name in ("baseline", "seasonal", "trend", "residual")]
    add_of_columns("series_decompose", _decompose, range(1, 6), dynamic)
    found = [(name, "dynamic") for name in ("ad_flag", "ad_score", "baseline")]
    add_of_columns("series_decompose_anomalies", _anomalies, range(1, 8), found)
    lines = [(name, "dynamic" if name == "line_fit" else "real") for name in FIT_LINE]
    add_of_columns("series_fit_line", fit_line, (1,), lines)
    shown = ("min", "min_idx", "max", "max_idx", "avg", "stdev", "variance")
    kinds = [(name, "long" if name.endswith("_idx") else "real") for name in shown]
    add_of_columns("series_stats", stats, (1, 2), kinds)
