"""A query that is run again is not read again, and answers as if it were."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pandas as pd
import pytest

from kqlmagic_ext import Query
from kqlmagic_ext.connections.local import translation
from kqlmagic_ext.connections.local.connection import LocalConnection
from kqlmagic_ext.connections.local.kept import Recent
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that were read as KQL since the test began."""
    seen: list[str] = []
    reads = translation.read_query

    def read(text: str) -> object:
        seen.append(text)
        return reads(text)

    monkeypatch.setattr(translation, "_RECENT", Recent())
    monkeypatch.setattr(translation, "read_query", read)
    return seen


def test_a_query_is_read_once_for_each_text_type_and_value(opened: Open, readings: list[str]) -> None:
    connection = opened("local://")
    for value, expected in ((1, 2), (1, 2), (True, None), (1.5, 2.5), (2, 3), (1, 2)):
        text = "print x" if value is True else "print x + 1"
        assert answer(connection, text, x=value) == [(True if expected is None else expected,)]
    assert len(readings) == 4  # 1; True; 1.5; 2


def test_now_is_the_moment_of_each_run(opened: Open, readings: list[str]) -> None:
    connection = opened("local://")
    for hour in (5, 6):
        moment = datetime(2026, 3, 6, hour, tzinfo=UTC)
        frame = connection.run(Query("print now(), ago(1h)", now=moment)).frame
        assert frame.iloc[0].tolist() == [pd.Timestamp(moment), pd.Timestamp(moment) - pd.Timedelta("1h")]
    assert len(readings) == 1


def test_a_table_that_changed_its_columns_is_read_anew(opened: Open, readings: list[str]) -> None:
    connection = opened("local://")
    for frame, columns in (
        (pd.DataFrame({"a": [1]}), ["a", "b"]),
        (pd.DataFrame({"a": [1], "c": ["x"]}), ["a", "c", "b"]),
        (pd.DataFrame({"a": ["x"]}), ["a", "b"]),
    ):
        result = connection.run(Query("t | extend b = 1", {"t": frame})).frame
        assert result.columns.tolist() == columns
        assert result["a"].tolist() == frame["a"].tolist()
    assert len(readings) == 3


def test_zero_and_minus_zero_are_not_one_value(opened: Open) -> None:
    connection = opened("local://")
    signs = [str(answer(connection, "print x", x=value)[0][0]) for value in (0.0, -0.0)]
    assert signs == ["0.0", "-0.0"]
