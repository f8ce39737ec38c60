"""Functions over a whole series: products, statistics, filters, lines and what fills its gaps.

A series comes as JSON text. No answer is kept for the next one, as series are long and seldom the same.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.functions import in_python
from kqlmagic_ext.connections.local.functions.forms import add
from kqlmagic_ext.connections.local.private_copy import functions
from kqlmagic_ext.connections.local.sql import quote_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PREFIX = "kql_py_"
_CENTER = (
    "series_fir(): where a filter of an even length has its centre is not known; give one of an odd length"
)


def is_number(value: Any) -> bool:
    """Whether it is one; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def numbers(series: Any) -> list[Any]:
    """The numbers of a series; ValueError where it is none, is empty, or has something else in it."""
    if not isinstance(series, list) or not series or not all(map(is_number, series)):
        raise ValueError("no series of numbers")
    return series


def array(series: Any) -> list[Any]:
    """The series; ValueError for what is none."""
    if isinstance(series, list):
        return series
    raise ValueError("no series")


def add_over_series(
    name: str, call: Callable[..., Any], counts: Sequence[int], *, gives: str = "dynamic", under: str = ""
) -> None:
    """Put a function of Python among duckdb-kql's, which takes values read from JSON.

    `counts`: the numbers of arguments; `gives`: dynamic, or DuckDB's type; `under`: its name in SQL. ValueError is null.
    """
    forms = {}
    for count in counts:
        sql_name = f"{PREFIX}{under or name}_{count}"
        kind = "VARCHAR" if gives == "dynamic" else gives
        function = _of_json(call, is_dynamic=gives == "dynamic")
        in_python.FUNCTIONS[sql_name] = in_python.PythonFunction(
            sql_name, ("VARCHAR",) * count, kind, function
        )
        given = ", ".join(f"CAST(to_json({{{at}}}) AS VARCHAR)" for at in range(count))
        forms[count] = f"CAST({sql_name}({given}) AS JSON)" if gives == "dynamic" else f"{sql_name}({given})"
    add(name, forms)


def _of_json(call: Callable[..., Any], *, is_dynamic: bool) -> Callable[..., Any]:
    def answer(*texts: str | None) -> Any:
        try:
            found = call(*(None if text is None else json.loads(text) for text in texts))
        except (ValueError, OverflowError, ZeroDivisionError):
            return None
        return found if found is None or not is_dynamic else json.dumps(_plain(found), ensure_ascii=False)

    return answer


def _plain(value: Any) -> Any:
    """NaN and the infinities as KQL's JSON writes them."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


# ---------------------------------------------------------------- products


def _dot_product(first: Any, second: Any) -> float:
    """The sum of the products; one of both may be a number, and what is no number is left out."""
    if is_number(first) and isinstance(second, list):
        first = [first] * len(second)
    if is_number(second) and isinstance(first, list):
        second = [second] * len(first)
    if not (isinstance(first, list) and isinstance(second, list) and first and second):
        raise ValueError("no two series")
    pairs = zip(first, second, strict=False)
    return math.fsum(a * b for a, b in pairs if is_number(a) and is_number(b))


def _magnitude(series: Any) -> float:
    return math.sqrt(_dot_product(series, series))


def _cosine_similarity(first: Any, second: Any) -> float:
    length = min(len(array(first)), len(array(second)))
    lengths = _magnitude(first[:length]) * _magnitude(second[:length])
    return _dot_product(first, second) / lengths if lengths else math.nan


def _pearson_correlation(first: Any, second: Any) -> float:
    x, y = numbers(first), numbers(second)
    if len(x) != len(y):
        raise ValueError("not of one length")
    return correlation(x, y)


def correlation(x: Sequence[float], y: Sequence[float]) -> float:
    """Pearson's coefficient; NaN where one of both does not vary."""
    of_x, of_y = math.fsum(x) / len(x), math.fsum(y) / len(y)
    product = math.fsum((a - of_x) * (b - of_y) for a, b in zip(x, y, strict=True))
    spread = math.fsum((a - of_x) ** 2 for a in x) * math.fsum((b - of_y) ** 2 for b in y)
    return product / math.sqrt(spread) if spread else math.nan


# ---------------------------------------------------------------- statistics and lines


def stats(series: Any, ignores: Any = False) -> list[Any]:  # noqa: FBT002 - KQL's own argument
    """min, min_idx, max, max_idx, avg, stdev, variance, sum, len; nulls where something in it is no finite number."""
    finite = [(at, each) for at, each in enumerate(array(series)) if is_number(each) and math.isfinite(each)]
    if not finite or (len(finite) < len(series) and ignores is not True):
        return [None] * 9
    values = [each for _, each in finite]
    least, most = min(values), max(values)
    places = [next(at for at, each in finite if each == wanted) for wanted in (least, most)]
    total = math.fsum(values)
    spread = variance(values)
    shown = [float(least), places[0], float(most), places[1], total / len(values)]
    return [*shown, math.sqrt(spread), spread, total, len(values)]


def variance(values: Sequence[float]) -> float:
    """Of a sample."""
    mean = math.fsum(values) / len(values)
    return math.fsum((each - mean) ** 2 for each in values) / (len(values) - 1) if len(values) > 1 else 0.0


_STATS = ("min", "min_idx", "max", "max_idx", "avg", "stdev", "variance", "sum", "len")


def _stats_dynamic(series: Any, ignores: Any = False) -> dict[str, Any]:  # noqa: FBT002 - KQL's own argument
    return dict(zip(_STATS, stats(series, ignores), strict=True))


@dataclass(frozen=True)
class Line:
    """`slope` × place + `interception`."""

    slope: float
    interception: float

    def at(self, place: int) -> float:
        """Its value there."""
        return self.slope * place + self.interception


def line_through(values: Sequence[float]) -> Line:
    """The line of least squares through two values or more."""
    count = len(values)
    if count < 2:  # noqa: PLR2004 - a line has two points
        raise ValueError("no line")
    middle, mean = (count - 1) / 2, math.fsum(values) / count
    product = math.fsum((at - middle) * (each - mean) for at, each in enumerate(values))
    slope = product / math.fsum((at - middle) ** 2 for at in range(count))
    return Line(slope, mean - slope * middle)


FIT_LINE = ("rsquare", "slope", "variance", "rvariance", "interception", "line_fit")


def fit_line(series: Any) -> list[Any]:
    """What `FIT_LINE` names; nulls for what is no series of two numbers or more."""
    values = numbers(series)
    line = line_through(values)
    fitted = [line.at(place) for place in range(len(values))]
    residuals = [a - b for a, b in zip(values, fitted, strict=True)]
    all_, rest = variance(values), variance(residuals)
    return [1 - rest / all_ if all_ else None, line.slope, all_, rest, line.interception, fitted]


def _fit_line_dynamic(series: Any) -> dict[str, Any]:
    return dict(zip(FIT_LINE, fit_line(series), strict=True))


# ---------------------------------------------------------------- filters


def _iir(series: Any, numerators: Any, denominators: Any) -> list[float]:
    x, b, a = numbers(series), numbers(numerators), numbers(denominators)
    y: list[float] = []
    for place in range(len(x)):
        forward = sum(b[at] * x[place - at] for at in range(min(len(b), place + 1)))
        back = sum(a[at] * y[place - at] for at in range(1, min(len(a), place + 1)))
        y.append((forward - back) / a[0])
    return [float(each) for each in y]


def _fir(series: Any, coefficients: Any, normalize: Any = None, center: Any = None) -> list[float]:
    x, f = numbers(series), numbers(coefficients)
    has_negative = min(f) < 0
    if normalize is True and has_negative:
        raise ValueError("it cannot be normalized")
    total = sum(f) if normalize is not False and not has_negative else 1
    ahead = (len(f) - 1) // 2 if center is True else 0
    places = [[(k, place + ahead - k) for k in range(len(f))] for place in range(len(x))]
    return [sum(f[k] * x[at] for k, at in each if 0 <= at < len(x)) / total for each in places]


# ---------------------------------------------------------------- gaps


def _gaps(series: Any, missing: Any) -> list[bool]:
    """Which elements are missing: null, or equal to `missing`."""
    return [
        each is None if missing is None else each == missing and each is not None for each in array(series)
    ]


def _fill_const(series: Any, constant: Any, missing: Any = None) -> list[Any]:
    return [constant if gap else each for each, gap in zip(series, _gaps(series, missing), strict=True)]


def _fill_forward(series: Any, missing: Any = None) -> list[Any]:
    filled: list[Any] = []
    there = False
    for each, gap in zip(series, _gaps(series, missing), strict=True):
        filled.append(filled[-1] if gap and there else each)
        there = there or not gap
    return filled


def _fill_backward(series: Any, missing: Any = None) -> list[Any]:
    return _fill_forward(array(series)[::-1], missing)[::-1]


def _fill_linear(series: Any, missing: Any = None, edges: Any = True, constant: Any = 0.0) -> list[Any]:  # noqa: FBT002 - KQL's own
    gaps = _gaps(series, missing)
    known = [place for place, gap in enumerate(gaps) if not gap]
    if not all(is_number(series[place]) for place in known):
        raise ValueError("no series of numbers")
    if not known:
        return [float(constant) if is_number(constant) else constant] * len(series)
    whole = all(isinstance(series[place], int) for place in known)
    filled = list(series)
    for before, behind in pairwise(known):
        step = (series[behind] - series[before]) / (behind - before)
        for place in range(before + 1, behind):
            value = series[before] + step * (place - before)
            filled[place] = int(value) if whole else value
    if edges is not False:
        filled[: known[0]] = [series[known[0]]] * known[0]
        filled[known[-1] + 1 :] = [series[known[-1]]] * (len(series) - known[-1] - 1)
    return filled


def install() -> None:
    """Put them among duckdb-kql's."""
    for name, call in {
        "dot_product": _dot_product,
        "cosine_similarity": _cosine_similarity,
        "pearson_correlation": _pearson_correlation,
    }.items():
        add_over_series(f"series_{name}", call, (2,), gives="DOUBLE")
    add_over_series("series_magnitude", _magnitude, (1,), gives="DOUBLE")
    add_over_series("series_stats_dynamic", _stats_dynamic, (1, 2))
    add_over_series("series_fit_line_dynamic", _fit_line_dynamic, (1,))
    add_over_series("series_iir", _iir, (3,))
    add_over_series("series_fir", _fir, (2, 3, 4))
    _refuse_even_center()
    add_over_series("series_fill_const", _fill_const, (2, 3))
    add_over_series("series_fill_forward", _fill_forward, (1, 2))
    add_over_series("series_fill_backward", _fill_backward, (1, 2))
    add_over_series("series_fill_linear", _fill_linear, (1, 2, 3, 4))


def _refuse_even_center() -> None:
    forms = dict(functions.SCALAR_FUNCTIONS["series_fir"].forms)
    is_even = "{3} AND json_array_length(to_json({1})) % 2 = 0"
    forms[4] = f"CASE WHEN {is_even} THEN error({quote_text(_CENTER)}) ELSE {forms[4]} END"
    add("series_fir", forms)
