from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kqlmagic_ext.values import (
    LONG_MAX,
    LONG_MIN,
    datetime_ticks,
    format_datetime,
    format_timespan,
    parse_datetime,
    parse_timespan,
    significant_digits,
    timespan_ticks,
    value_of,
)

MAX_DATETIME_TICKS = 3_155_378_975_999_999_999


@given(st.integers(LONG_MIN, LONG_MAX))
def test_a_timespan_survives_its_text(ticks: int) -> None:
    assert parse_timespan(format_timespan(ticks)) == ticks


@given(st.integers(0, MAX_DATETIME_TICKS), st.booleans())
def test_a_datetime_survives_its_text(ticks: int, trimmed: bool) -> None:
    assert parse_datetime(format_datetime(ticks, trimmed=trimmed)) == ticks


@pytest.mark.parametrize(
    ("ticks", "text"),
    [
        (0, "00:00:00"),
        (-1, "-00:00:00.0000001"),
        (937_840_000_000, "1.02:03:04"),
        (LONG_MAX, "10675199.02:48:05.4775807"),
        (LONG_MIN, "-10675199.02:48:05.4775808"),
    ],
)
def test_a_timespan_is_written_as_kql_writes_it(ticks: int, text: str) -> None:
    assert format_timespan(ticks) == text


@pytest.mark.parametrize(
    "text", ["", "1", "1d", "1.2", "25:00", "1:2:3", "00:00:00.12345678", "--00:00:00", "00:00:00 "]
)
def test_what_is_no_timespan_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a timespan"):
        parse_timespan(text)


@pytest.mark.parametrize("text", ["", "x", "2026-13-01", "2026-01-01T00:00:00.12345678Z", "2026-1-1"])
def test_what_is_no_datetime_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"ISO 8601|month"):
        parse_datetime(text)


def test_ticks_count_from_the_year_one_in_utc() -> None:
    assert datetime_ticks(datetime(1, 1, 1, tzinfo=UTC), "v") == 0
    assert datetime_ticks(datetime(1, 1, 1), "v") == 0
    assert (
        format_datetime(datetime_ticks(pd.Timestamp("2026-03-08T02:30:00.1234567+02:00"), "v"))
        == "2026-03-08T00:30:00.1234567Z"
    )
    assert timespan_ticks(timedelta(microseconds=-1), "v") == -10
    assert timespan_ticks(pd.Timedelta("100ns"), "v") == 1


@pytest.mark.parametrize(
    ("number", "digits"),
    [
        ("0", (0, 0)),
        ("0E+5", (0, 0)),
        ("1.50", (1, 1)),
        ("-0.000000001000", (0, 9)),
        ("1E+28", (29, 0)),
        ("100", (3, 0)),
        ("826634611157055516.87516971705", (18, 11)),
    ],
)
def test_the_digits_of_a_decimal_are_counted_exactly(number: str, digits: tuple[int, int]) -> None:
    assert significant_digits(Decimal(number)) == digits


def test_a_numpy_integer_of_up_to_32_bits_is_an_int() -> None:
    import numpy as np

    assert value_of(np.int32(1), "v").type == value_of(np.uint16(1), "v").type == "int"
    assert (
        value_of(np.uint32(1), "v").type == value_of(np.int64(1), "v").type == value_of(1, "v").type == "long"
    )
