"""The forms of `datetime(…)`: each that the reference lists is a moment, and what cannot be read is said."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from kqlmagic_ext import UnsupportedError
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2018", "2018-01-01"),
        ("2018-06", "2018-06-01"),
        ("2018-06-09 02", "2018-06-09T02:00"),
        ("2018-06-09T02", "2018-06-09T02:00"),
        ("2018-06-09 02:23", "2018-06-09T02:23"),
        ("2018-06-09T02:23:59.123Z", "2018-06-09T02:23:59.123"),
        ("06/09/2018", "2018-06-09"),
    ],
)
def test_a_literal_of_each_form_is_its_moment(opened: Open, written: str, moment: str) -> None:
    connection = opened("local://")
    expected = pd.Timestamp(moment, tz="UTC")
    assert answer(connection, f"let a = datetime({written}); print a, datetime({written})") == [
        (expected,) * 2
    ]
    assert answer(connection, f"datatable(t: datetime) [datetime({written})]") == [(expected,)]


@pytest.mark.parametrize("written", ["2018-02-31", "2018-99", "2018-06-09 10:00 XM"])
def test_a_literal_that_cannot_be_read_is_said_with_its_place(opened: Open, written: str) -> None:
    with pytest.raises(UnsupportedError, match=r"line 1, column 16: .* cannot read datetime"):
        answer(opened("local://"), f"print datetime({written})")


def test_a_null_literal_stays_null(opened: Open) -> None:
    assert answer(opened("local://"), "print isnull(datetime(null))") == [(True,)]
