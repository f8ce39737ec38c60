"""The columns of a frame as a chart sees them: times, numbers, timespans, texts, arrays."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kqlmagic_ext.errors import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    Floats = np.ndarray[Any, np.dtype[np.float64]]

TIME, NUMBER, SPAN, TEXT, ARRAY, OTHER = "time", "number", "span", "text", "array", "other"
MEASURES = (NUMBER, SPAN)
LABEL_LENGTH = 120
_UNITS = (("days", 86_400e9), ("hours", 3600e9), ("minutes", 60e9), ("seconds", 1e9), ("milliseconds", 1e6))
_MICROSECONDS = ("microseconds", 1e3)
_EXACT = 2**53
_RESOLUTIONS = {"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1.0}


def kind_of(column: pd.Series[Any]) -> str:
    """What a chart can do with the column: time, number, span, text, array (a dynamic one of lists), other."""
    dtype = column.dtype
    if pd.api.types.is_bool_dtype(dtype):
        return TEXT
    if pd.api.types.is_numeric_dtype(dtype):
        return NUMBER
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return TIME
    if pd.api.types.is_timedelta64_dtype(dtype):
        return SPAN
    if pd.api.types.is_object_dtype(dtype):
        return _kind_of_objects(column)
    return TEXT


def _kind_of_objects(column: pd.Series[Any]) -> str:
    types = {type(value) for value in column if value is not None and value is not pd.NaT and value == value}  # noqa: PLR0124 - NaN differs from itself
    if types and types <= {int, float, Decimal}:
        return NUMBER
    if types and types <= {str, bool}:
        return TEXT
    return ARRAY if types == {list} else OTHER


def kinds_of(frame: pd.DataFrame) -> dict[str, str]:
    """The kind of each column."""
    return {str(name): kind_of(column) for name, column in frame.items()}


# ---------------------------------------------------------------- numbers


@dataclass(frozen=True)
class Measure:
    """A column as floats: null, NaN and infinite values are NaN.

    `unit` of a timespan; `infinite`: how many were; `inexact`: whether integers lie beyond what a float holds.
    """

    name: str
    floats: Floats
    unit: str = ""
    infinite: int = 0
    inexact: bool = False

    @property
    def title(self) -> str:
        """The column's name with its unit."""
        return with_unit(visible(self.name), self.unit)

    def lost(self) -> list[str]:
        """The note of values that have no size: infinite ones, and nulls."""
        nulls = int(np.isnan(self.floats).sum()) - self.infinite
        parts = [counted(self.infinite, "infinite value")] * bool(self.infinite)
        parts += [counted(nulls, "null")] * bool(nulls)
        verb = "is" if self.infinite + nulls == 1 else "are"
        return [f"{visible(self.name)}: not drawn {verb} {' and '.join(parts)}"] if parts else []


def with_unit(title: str, unit: str) -> str:
    """The title of an axis of timespans tells their unit; any other stays."""
    return f"{title} ({unit})" if unit else title


def measure(frame: pd.DataFrame, name: str, unit: str | None = None) -> Measure:
    """A numeric or timespan column as floats; timespans in `unit`, or in the one that suits their size."""
    column = frame[name]
    if kind_of(column) == SPAN:
        unit = unit or unit_of([column])
        return Measure(name, nanoseconds(column) / dict((*_UNITS, _MICROSECONDS))[unit], unit)
    values = _floats(column)
    infinite = np.isinf(values)
    inexact = bool(
        pd.api.types.is_integer_dtype(column.dtype) and (np.abs(values[~np.isnan(values)]) >= _EXACT).any()
    )
    return Measure(name, np.where(infinite, np.nan, values), infinite=int(infinite.sum()), inexact=inexact)


def _floats(column: pd.Series[Any]) -> Floats:
    if pd.api.types.is_object_dtype(column.dtype):
        return np.array([np.nan if value is None else float(value) for value in column], dtype=np.float64)
    return np.asarray(column.to_numpy(dtype="float64", na_value=np.nan))


def nanoseconds(column: pd.Series[Any]) -> Floats:
    """Times since 1970, or timespans, as nanoseconds; a null is NaN."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    values = column.to_numpy()
    counts = values.astype("int64").astype(np.float64) * _RESOLUTIONS[np.datetime_data(values.dtype)[0]]
    return np.where(np.isnat(values), np.nan, counts)


def milliseconds(column: pd.Series[Any]) -> Floats:
    """Times as milliseconds since 1970, in UTC, as Vega counts them; a null is NaN."""
    return nanoseconds(column) / 1e6


def unit_of(columns: Sequence[pd.Series[Any]]) -> str:
    """The unit in which the largest of all these timespans is a number of some size."""
    largest = max(
        (
            float(np.nanmax(np.abs(values)))
            for values in map(nanoseconds, columns)
            if not np.isnan(values).all()
        ),
        default=0,
    )
    if not largest:
        return "seconds"
    return next((name for name, length in _UNITS if largest >= 2 * length), _MICROSECONDS[0])


# ---------------------------------------------------------------- labels


def labels(column: pd.Series[Any]) -> list[str]:
    """One text a value, harmless and short; what differs stays different. An empty text is named so, and a null."""
    told: dict[Any, str] = {}
    taken: set[str] = set()
    found = []
    for value in column:
        key = _key(value)
        if key not in told:
            told[key] = _other_than(_label(value), taken)
            taken.add(told[key])
        found.append(told[key])
    return found


def _together(columns: Sequence[list[str]]) -> list[str]:
    """One label a row of the labels of several columns; what differs stays different."""
    told: dict[tuple[str, ...], str] = {}
    taken: set[str] = set()
    found = []
    for texts in zip(*columns, strict=True):
        if texts not in told:
            told[texts] = _other_than(" / ".join(texts), taken)
            taken.add(told[texts])
        found.append(told[texts])
    return found


def labels_of(frame: pd.DataFrame, names: tuple[str, ...]) -> list[str] | None:
    """One label a row, made of all these columns; None without any."""
    if not names:
        return None
    return _together([labels(frame[name]) for name in names])


def _is_null(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or bool(value != value)  # noqa: PLR0124 - NaN differs from itself


def _key(value: Any) -> tuple[str, Any]:
    """What tells a value from others: True is no 1, and a null no text."""
    if _is_null(value):
        return "null", None
    if isinstance(value, bool | np.bool_):
        return "bool", bool(value)
    return ("number", value) if isinstance(value, int | float) else (type(value).__name__, str(value))


def _label(value: Any) -> str:
    if _is_null(value):
        return "(null)"
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, pd.Timestamp):
        return time_text(value.value / 1e6 if value.unit == "ns" else value.timestamp() * 1e3)
    text = visible(str(int(value)) if isinstance(value, float) and value.is_integer() else str(value))
    if not text.strip():
        return "(empty)" if not text else f"“{text}”"
    return text if len(text) <= LABEL_LENGTH else f"{text[: LABEL_LENGTH - 30]}…{text[-28:]}"


def _other_than(text: str, taken: set[str]) -> str:
    """The text, numbered when another value has it already."""
    if text not in taken:
        return text
    return next(numbered for at in range(2, len(taken) + 3) if (numbered := f"{text} ({at})") not in taken)


def counted(count: int, noun: str, nouns: str = "") -> str:
    """`1 row`, `1,204 rows`."""
    return f"{count:,} {noun if count == 1 else nouns or f'{noun}s'}"


def time_text(milliseconds: float) -> str:
    """`2026-11-24 15:08:53`, with a fraction where there is one; UTC."""
    moment = np.datetime64(round(milliseconds * 1e3), "us")
    text = str(moment).replace("T", " ")
    return text.removesuffix(".000000")
