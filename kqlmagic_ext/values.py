"""A Python value as a KQL value: which of the ten types it has, and its exact plain form.

Datetimes and timespans are counted in ticks of 100 ns, as KQL counts them: a datetime from 0001-01-01 UTC.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from kqlmagic_ext.errors import ParameterError

TICKS_A_SECOND = 10_000_000
NAIVE = "has no time zone and is read as UTC"
TICKS_A_DAY = 86_400 * TICKS_A_SECOND
NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}  # as JSON writes them, in quotes
LONG_MIN, LONG_MAX = -(2**63), 2**63 - 1
EPOCH_TICKS = date(1970, 1, 1).toordinal() * TICKS_A_DAY - TICKS_A_DAY
_MAX_DEPTH = 100
_TIMESPAN = re.compile(r"(-)?(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?", re.ASCII)
_DATETIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,7}))?(Z|[+-]\d{2}:\d{2})?)?", re.ASCII
)
_SMALL_INTEGERS = ("int8", "int16", "int32", "uint8", "uint16")


@dataclass(frozen=True)
class Value:
    """One KQL value: `type` is one of the ten names; `plain` its exact form, None for a null.

    bool, int, long, real, string: the Python value. decimal: a Decimal. guid: lower-case text. datetime,
    timespan: ticks. dynamic: dict, list, str, int, float, bool or None, and a Value where JSON has no form.
    """

    type: str
    plain: Any


def value_of(value: object, name: str) -> Value:
    """The KQL value of a Python one; a Value is one already.

    Raises
    ------
    ParameterError
        When KQL has no exact form for it; names the variable `name` and the value's Python type.
    """
    if isinstance(value, Value):
        return value
    scalar = _scalar(value, name)
    return Value("dynamic", _json(value, name, 0)) if scalar is None else scalar


def is_naive(value: object) -> bool:
    """Whether the value is a datetime (or pandas Timestamp) without a time zone; a missing time has none to miss."""
    return isinstance(value, datetime) and value.tzinfo is None and not _is_pandas(value, "NaTType")


def refuse(name: str, value: object, why: str) -> ParameterError:
    """The error that says which variable, of which type, cannot become a KQL value, and why."""
    kind = type(value)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__.partition('.')[0]}."
    said = f"{name} ({module}{kind.__qualname__}) cannot cross: {why}"
    return ParameterError(said, name=name.partition("[")[0])


def _scalar(value: Any, name: str) -> Value | None:
    """The value as a scalar; None when it is a collection."""
    if value is None or _is_pandas(value, "NAType"):
        return Value("dynamic", None)
    if _is_pandas(value, "NaTType"):
        return Value("datetime", None)
    if isinstance(value, (bool, float, int, str, Decimal, UUID, datetime, date, timedelta)):
        return _python_scalar(value, name)
    if _is_numpy_scalar(value):
        return _numpy_scalar(value, name)
    return None


def _python_scalar(value: Any, name: str) -> Value:
    if isinstance(value, bool):
        return Value("bool", bool(value))
    if isinstance(value, int):
        return Value("long", _long(int(value), name))
    if isinstance(value, float):
        return Value("real", float(value))
    if isinstance(value, str):
        return Value("string", _text(str.__str__(value), name))
    if isinstance(value, Decimal):
        return Value("decimal", _finite(value, name))
    if isinstance(value, UUID):
        return Value("guid", str(value))
    if isinstance(value, timedelta):
        return Value("timespan", timespan_ticks(value, name))
    return Value("datetime", datetime_ticks(value, name))


def _numpy_scalar(value: Any, name: str) -> Value:
    kind = value.dtype.kind
    if kind == "b":
        return Value("bool", bool(value))
    if kind in "iu":
        small = value.dtype.name in _SMALL_INTEGERS
        return Value("int" if small else "long", _long(int(value), name))
    if kind == "f" and value.dtype.itemsize <= 8:  # noqa: PLR2004 - a double's bytes
        return Value("real", float(value))
    if kind == "U":
        return Value("string", _text(str(value), name))
    if kind in "mM":
        return _numpy_time(value, name)
    raise refuse(name, value, f"there is no type for {value.dtype}; turn it into text or a number first")


def _numpy_time(value: Any, name: str) -> Value:
    import numpy as np

    kql_type = "datetime" if value.dtype.kind == "M" else "timespan"
    if np.isnat(value):
        return Value(kql_type, None)
    unit = "datetime64[ns]" if kql_type == "datetime" else "timedelta64[ns]"
    exact = value.astype(unit)
    if exact.astype(value.dtype) != value:
        raise refuse(name, value, "it lies outside the years 1677 to 2262 that nanoseconds can count")
    offset = EPOCH_TICKS if kql_type == "datetime" else 0
    return Value(kql_type, _whole_ticks(int(exact.astype("int64")), value, name) + offset)


def datetime_ticks(value: date, name: str) -> int:
    """Ticks of 100 ns since 0001-01-01 UTC of a date, datetime or pandas Timestamp; a naive one is UTC."""
    if not isinstance(value, datetime):
        return (value.toordinal() - 1) * TICKS_A_DAY
    try:
        moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo is not None else value
    except OverflowError as error:
        raise refuse(name, value, "in UTC it lies outside the years 1 to 9999") from error
    seconds = (moment.toordinal() - 1) * 86_400 + moment.hour * 3600 + moment.minute * 60 + moment.second
    rest = _whole_ticks(moment.microsecond * 1000 + getattr(moment, "nanosecond", 0), value, name)
    return seconds * TICKS_A_SECOND + rest


def timespan_ticks(value: timedelta, name: str) -> int:
    """Ticks of 100 ns of a timedelta or a pandas Timedelta."""
    whole = (value.days * 86_400 + value.seconds) * TICKS_A_SECOND
    rest = value.microseconds * 1000 + getattr(value, "nanoseconds", 0)
    ticks = whole + _whole_ticks(rest, value, name)
    if not LONG_MIN <= ticks <= LONG_MAX:
        raise refuse(name, value, "it is longer than the 10,675,199 days of a timespan")
    return ticks


def significant_digits(number: Decimal) -> tuple[int, int]:
    """How many digits a finite decimal has before its point, and behind it; trailing zeros do not count."""
    _, digits, exponent = number.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    if not text:
        return 0, 0
    zeros = len(text) - len(text.rstrip("0"))
    return max(0, len(text) + int(exponent)), max(0, -int(exponent) - zeros)


def format_datetime(ticks: int, *, trimmed: bool = True) -> str:
    """`2026-11-24T07:08:09.1234567Z`; trimmed: with as many of the seven digits as are not zero."""
    seconds, rest = divmod(ticks, TICKS_A_SECOND)
    moment = datetime(1, 1, 1) + timedelta(seconds=seconds)  # noqa: DTZ001 - ticks count UTC
    return moment.isoformat() + (_fraction(rest) if trimmed else f".{rest:07}") + "Z"


def shown(value: Value) -> str:
    """A value in an error's sentence: `a datetime (2026-11-24T00:00:00Z)`."""
    write = {"datetime": format_datetime, "timespan": format_timespan}.get(value.type, str)
    return f"a {value.type} ({write(value.plain)})"


def format_timespan(ticks: int) -> str:
    """`[-][d.]hh:mm:ss[.fffffff]`, as KQL writes a timespan."""
    days, rest = divmod(abs(ticks), TICKS_A_DAY)
    seconds, fraction = divmod(rest, TICKS_A_SECOND)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{_fraction(fraction)}"
    return ("-" if ticks < 0 else "") + (f"{days}." if days else "") + clock


def parse_timespan(text: str) -> int:
    """Ticks of `[-][d.]hh:mm:ss[.fffffff]`; ValueError when it is not of that form."""
    match = _TIMESPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"not a timespan of the form [-][d.]hh:mm:ss[.fffffff]: {text!r}")
    sign, days, hours, minutes, seconds, fraction = match.groups()
    whole = int(days or 0) * 86_400 + int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    ticks = whole * TICKS_A_SECOND + int((fraction or "").ljust(7, "0"))
    return -ticks if sign else ticks


def parse_datetime(text: str) -> int:
    """Ticks since 0001-01-01 UTC of ISO 8601 text with up to 7 fraction digits; ValueError when it is not that."""
    match = _DATETIME.fullmatch(text)
    if match is None:
        raise ValueError(f"not an ISO 8601 time with at most 7 fraction digits: {text!r}")
    day, clock, fraction, zone = match.groups()
    moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}{zone or 'Z'}")
    try:
        moment = moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"in UTC it lies outside the years 1 to 9999: {text!r}") from error
    return datetime_ticks(moment, text) + int((fraction or "").ljust(7, "0"))


def _fraction(ticks: int) -> str:
    return f".{ticks:07}".rstrip("0") if ticks else ""


def _whole_ticks(nanoseconds: int, value: object, name: str) -> int:
    ticks, finer = divmod(nanoseconds, 100)
    if finer:
        raise refuse(
            name,
            value,
            "it is finer than 100 ns, the shortest time that crosses; round it first (.round('100ns'))",
        )
    return ticks


def _long(value: int, name: str) -> int:
    if LONG_MIN <= value <= LONG_MAX:
        return value
    raise refuse(name, value, "it does not fit in 64 bits; a Decimal or text may")


def _finite(value: Decimal, name: str) -> Decimal:
    if value.is_finite():
        return value
    raise refuse(name, value, "a decimal has no NaN or infinity here; a float has")


def _text(value: str, name: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise refuse(name, value, f"character {error.start} is half of a surrogate pair, no text") from error
    return value


def _json(value: Any, name: str, depth: int) -> Any:
    """A collection as JSON's own shapes; a leaf for which JSON has no form stays a Value."""
    if depth > _MAX_DEPTH:
        raise refuse(name, value, f"it is nested deeper than {_MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        return {_key(key, name): _item(item, name, depth) for key, item in value.items()}
    items = _items(value)
    if items is None:
        raise refuse(name, value, "there is no type for it; turn it into text, a number or a list first")
    return [_item(item, name, depth) for item in items]


def _items(value: Any) -> Iterable[Any] | None:
    """What a collection holds, in order; None when it is none."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return None
    if isinstance(value, AbstractSet) and not isinstance(value, Sequence):
        return sorted(value, key=lambda item: (type(item).__name__, repr(item)))
    if isinstance(value, Sequence) or type(value).__name__ == "dict_values":
        return list(value)
    if _is_one_dimensional(value):
        return _pandas_items(value)
    return None


def _is_one_dimensional(value: Any) -> bool:
    """Whether it is a pandas Series, Index or array, or a numpy array, of one dimension."""
    module = type(value).__module__.partition(".")[0]
    return module in ("pandas", "numpy") and getattr(value, "ndim", None) == 1


def _pandas_items(value: Any) -> list[Any]:
    """The items of a Series, Index or array; pandas' marks of a missing value become None."""
    return [None if gone else item for item, gone in zip(value, missing(value), strict=True)]


def missing(items: Any) -> list[bool]:
    """Which are pandas' marks of a missing value; a nan among numbers is such a mark, a Decimal never is."""
    import pandas as pd

    if str(getattr(items, "dtype", "")) != "object":
        return [bool(gone) for gone in pd.isna(items)]
    shown = [0 if isinstance(item, Decimal) else item for item in items]  # pandas takes their NaN for a mark
    return [bool(gone) for gone in pd.isna(pd.Series(shown, dtype=object))]


def _key(key: object, name: str) -> str:
    if isinstance(key, str):
        return _text(str.__str__(key), name)
    raise refuse(name, key, "keys must be text")


def _item(value: Any, name: str, depth: int) -> Any:
    scalar = _scalar(value, name)
    if scalar is None:
        return _json(value, name, depth + 1)
    if scalar.plain is None or scalar.type in ("bool", "int", "long", "string"):
        return scalar.plain
    if scalar.type == "real" and math.isfinite(scalar.plain):
        return scalar.plain
    return scalar


def _is_pandas(value: object, type_name: str) -> bool:
    kind = type(value)
    return kind.__name__ == type_name and kind.__module__.startswith("pandas.")


def _is_numpy_scalar(value: object) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.generic)
