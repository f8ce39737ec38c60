"""Local times of zones, from the reference's text: daylight saving, a gap in it, no time, no such zone."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from kqlmagic_ext import QueryError
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer
from tests.local.test_text_functions import first

Open = Callable[..., LocalConnection]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("datetime_local_to_utc(datetime(2020-02-02 20:02:20), 'US/Pacific')", "2020-02-03 04:02:20"),
        ("datetime_local_to_utc(datetime(2020-07-02 20:02:20), 'Europe/Paris')", "2020-07-02 18:02:20"),
        ("datetime_local_to_utc(datetime(2022-03-27 02:00), 'Europe/Brussels')", "2022-03-27 01:00:00"),
        ("datetime_utc_to_local(datetime(2022-07-11 22:18:48.467862), 'US/Pacific')", "2022-07-11 15:18:48.467862"),
        ("datetime_utc_to_local(datetime(2022-03-27 01:00), 'Europe/Brussels')", "2022-03-27 03:00:00"),
        ("startofday(datetime_utc_to_local(datetime(2022-03-27 23:00), 'Asia/Tokyo'))", "2022-03-28 00:00:00"),
    ],
)  # fmt: skip
def test_a_time_moves_between_utc_and_a_zone(opened: Open, call: str, expected: str) -> None:
    assert first(opened("local://"), f"tostring({call})").replace("T", " ").startswith(expected)


def test_a_time_or_a_zone_that_is_not_there_gives_null(opened: Open) -> None:
    query = """
    datatable (t:datetime, zone:string) [datetime(null), 'Europe/Paris', datetime(2020-01-01), '', datetime(2020-01-01), 'No/Where']
    | project a = datetime_utc_to_local(t, zone), b = datetime_local_to_utc(t, zone)
    """
    assert all(pd.isna(value) for row in answer(opened("local://"), query) for value in row)


def test_a_written_zone_that_does_not_exist_is_told(opened: Open) -> None:
    with pytest.raises(QueryError, match="No/Where"):
        answer(opened("local://"), "print datetime_utc_to_local(datetime(2020-01-01), 'No/Where')")
