"""Numbers of whole series: products, lengths, angles and statistics; null where an element is no number."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from kqlmagic_ext.connections.local.functions.in_python import add_in_python

if TYPE_CHECKING:
    from collections.abc import Callable


def _numbers(series: str | None) -> list[float]:
    """The numbers of an array; ValueError for anything else."""
    found = json.loads(series or "null")
    if not isinstance(found, list) or any(
        isinstance(each, bool) or not isinstance(each, (int, float)) for each in found
    ):
        raise ValueError(series)
    return [float(each) for each in found]


def _dot_product(first: str | None, second: str | None) -> float:
    one, other = _numbers(first), _numbers(second)
    return math.fsum(a * b for a, b in zip(one, other, strict=True))


def _magnitude(series: str | None) -> float:
    return math.sqrt(math.fsum(each * each for each in _numbers(series)))


def _cosine_similarity(first: str | None, second: str | None) -> float:
    return _over(_dot_product(first, second), _magnitude(first) * _magnitude(second))


def _over(number: float, by: float) -> float:
    return number / by if by else math.nan


def _correlation(first: str | None, second: str | None) -> float:
    """Pearson's coefficient of correlation."""
    one, other = _numbers(first), _numbers(second)
    means = [math.fsum(each) / len(each) for each in (one, other) if each]
    if len(one) != len(other) or not means:
        raise ValueError(first)
    pairs = [(a - means[0], b - means[1]) for a, b in zip(one, other, strict=True)]
    spread = math.sqrt(math.fsum(a * a for a, _ in pairs) * math.fsum(b * b for _, b in pairs))
    return _over(math.fsum(a * b for a, b in pairs), spread)


def _statistics(series: str | None) -> str:
    """A bag of the least and the largest element with their places, mean, deviation, variance (of a sample), sum and count."""
    numbers = _numbers(series)
    if len(numbers) < 2:  # noqa: PLR2004 - what the variance of one is, the reference does not say
        raise ValueError(series)
    low, high, total = min(numbers), max(numbers), math.fsum(numbers)
    mean = total / len(numbers)
    variance = math.fsum((each - mean) ** 2 for each in numbers) / (len(numbers) - 1)
    return json.dumps(
        {
            "min": low, "min_idx": numbers.index(low), "max": high, "max_idx": numbers.index(high), "avg": mean,
            "stdev": math.sqrt(variance), "variance": variance, "sum": total, "len": len(numbers),
        }
    )  # fmt: skip


_OF_TWO: dict[str, Callable[..., object]] = {
    "series_dot_product": _dot_product,
    "series_cosine_similarity": _cosine_similarity,
    "series_pearson_correlation": _correlation,
}


def install() -> None:
    """Put them among duckdb-kql's."""
    add_in_python("series_magnitude", {1: _magnitude}, takes=("VARCHAR",), gives="DOUBLE")
    for name, call in _OF_TWO.items():
        add_in_python(name, {2: call}, takes=("VARCHAR", "VARCHAR"), gives="DOUBLE")
    add_in_python("series_stats_dynamic", {1: _statistics}, takes=("VARCHAR",), gives="dynamic")
