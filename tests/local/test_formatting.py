"""Lengths of time as texts and texts as decimals, from the reference's text."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from kqlmagic_ext import QueryError, UnsupportedError
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer
from tests.local.test_text_functions import first

Open = Callable[..., LocalConnection]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("format_timespan(time(29.09:00:05.12345), 'dd.hh:mm:ss:FF')", "29.09:00:05:12"),
        ("format_timespan(time(29.09:00:05.12345), 'ddd.h:mm:ss [fffffff]')", "029.9:00:05 [1234500]"),
        ("format_timespan(time(15.13:45:30.000115), 'FFFFFFF fff FFF')", "000115 000 "),
        ("format_timespan(datetime(2020-01-02) - datetime(2020-01-01 01:00), 'd HH')", "0 23"),
        ("format_timespan(timespan(null), 'd')", ""),
    ],
)
def test_a_timespan_is_written_as_its_format_says(opened: Open, call: str, expected: str) -> None:
    assert first(opened("local://"), call) == expected


@pytest.mark.parametrize(
    "call",
    ["format_timespan(1h, 'xx')", "format_timespan(1h, 'hhh')", "format_timespan(1h, tostring(now()))"],
)
def test_a_format_that_the_reference_does_not_list_is_refused(opened: Open, call: str) -> None:
    with pytest.raises(UnsupportedError, match="format_timespan"):
        first(opened("local://"), call)


def test_a_negative_timespan_is_refused(opened: Open) -> None:
    with pytest.raises(QueryError, match="negative"):
        first(opened("local://"), "format_timespan(-1h, 'hh')")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("'123.45678'", Decimal("123.45678")),
        ("5", Decimal(5)),
        ("0.1", Decimal("0.1")),
        ("' -1e3 '", Decimal(-1000)),
        ("dynamic('2.5')", Decimal("2.5")),
        ("decimal(1.5)", Decimal("1.5")),
        ("''", None),
        ("'1_000'", None),
        ("'nan'", None),
        ("'x'", None),
        ("dynamic(null)", None),
    ],
)
def test_a_text_becomes_a_decimal_or_null(opened: Open, value: str, expected: Any) -> None:
    assert first(opened("local://"), f"todecimal({value})") == expected


@pytest.mark.parametrize("value", ["'0.12345678901'", "'1e200'", "true", "now()"])
def test_what_the_decimals_of_the_engine_do_not_hold_is_said(opened: Open, value: str) -> None:
    with pytest.raises(QueryError, match="decimal"):
        first(opened("local://"), f"todecimal({value})")


def test_decimals_of_a_column_are_summed_without_loss(opened: Open) -> None:
    rows = answer(
        opened("local://"), "datatable(a: string) ['0.1', '', 'z', '0.2'] | summarize sum(todecimal(a))"
    )
    assert rows == [(Decimal("0.3"),)]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("format_bytes(564)", "564 Bytes"),
        ("format_bytes(10332, 1)", "10.1 KB"),
        ("format_bytes(20010332)", "19 MB"),
        ("format_bytes(20010332, 2)", "19.08 MB"),
        ("format_bytes(20010332, 0, 'KB')", "19541 KB"),
        ("format_bytes(0)", "0 Bytes"),
        ("format_bytes(1024)", "1 KB"),
        ("format_bytes(long(null))", ""),
    ],
)
def test_a_size_is_written_in_its_largest_unit(opened: Open, call: str, expected: str) -> None:
    assert first(opened("local://"), call) == expected


@pytest.mark.parametrize(
    "call",
    [
        "format_bytes(1024, 2)", "format_bytes(2560)", "format_bytes(1048575)", "format_bytes(-5)", "format_bytes(5, 0, 'kilo')",
        "format_bytes(10250, 1)", "format_bytes(real(+inf))",
    ],
)  # fmt: skip
def test_a_size_whose_writing_the_reference_leaves_open_is_refused(opened: Open, call: str) -> None:
    with pytest.raises(QueryError, match="format_bytes"):
        first(opened("local://"), call)
