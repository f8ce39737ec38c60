"""The one writer of literals: the engine reads back what it wrote, as far as the engine can hold it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqlmagic_ext import ParameterError, Query, connect
from kqlmagic_ext.connections import Connection
from kqlmagic_ext.kql.literals import literal


@pytest.fixture(scope="module")
def engine() -> Iterator[Connection]:
    place = connect("local://")
    yield place
    place.close()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (np.bool_(0), "false"),
        (-(2**63), "long(-9223372036854775808)"),
        (np.int32(5), "int(5)"),
        (0.1, "real(0.1)"),
        (float("nan"), "real(nan)"),
        (float("inf"), "real(+inf)"),
        (float("-inf"), "real(-inf)"),
        (Decimal("1.50"), "decimal(1.50)"),
        ('a"\\\n\x00é😀', '"a\\"\\\\\\n\\u0000\\u00e9\\U0001f600"'),
        (datetime(2026, 1, 1, 2, 3, 4, 500), "datetime(2026-01-01T02:03:04.0005Z)"),
        (pd.Timestamp("2026-01-01T00:00:00.1234567+01:00"), "datetime(2025-12-31T23:00:00.1234567Z)"),
        (timedelta(days=-1, hours=-2), "timespan(-1.02:00:00)"),
        (UUID(int=1), "guid(00000000-0000-0000-0000-000000000001)"),
        (None, "dynamic(null)"),
        (pd.NaT, "datetime(null)"),
        ([1, "a", None, {"k": 1.5}], 'dynamic([1,"a",null,{"k":1.5}])'),
        ([datetime(2026, 1, 1, tzinfo=UTC)], "dynamic([datetime(2026-01-01T00:00:00Z)])"),
        (pd.Series(["a", None]), 'dynamic(["a",null])'),
    ],
    ids=str,
)
def test_a_value_is_written_as_kql_writes_it(value: Any, text: str) -> None:
    assert literal(value, "v") == text


plain = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(min_codepoint=32, max_codepoint=126)),
    st.datetimes(min_value=datetime(1, 1, 2), timezones=st.just(UTC)),
    st.uuids(),
)


@given(plain)
@settings(max_examples=60, deadline=None)
def test_the_engine_reads_back_what_is_written(engine: Connection, value: Any) -> None:
    came = engine.run(Query(f"print x = {literal(value, 'v')}")).frame["x"][0]
    assert came == (str(value) if isinstance(value, UUID) else value)


@pytest.mark.parametrize(
    "value",
    [b"x", object(), {1: 2}, 2**63, Decimal("nan"), "\udc00"],
    ids=["bytes", "object", "int keys", "2^63", "decimal nan", "half a pair"],
)
def test_what_kql_cannot_tell_is_refused_by_name(value: Any) -> None:
    with pytest.raises(ParameterError) as caught:
        literal(value, "v")
    assert caught.value.name == "v"
