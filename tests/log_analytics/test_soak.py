"""Hundreds of queries on many threads while the service fails at random: the rows are all there, or the query raises."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from kqlmagic_ext import KqlMagicError, PartialResultError, Query
from kqlmagic_ext.connections import Connection
from kqlmagic_ext.emulator import Emulator
from tests.emulated import UNLIMITED, hasty_connection

QUERIES, THREADS = 500, 8
FAULTS = [
    "429@1", "429=1@1", "500@1", "502@2", "503@4", "504@1", "204@1", "empty@1", "cut=3000@1", "cut-length=3000@1",
    "cut-gzip=1000@1", "cut-json=4000@2", "bad-tail@1", "bad-tail@2", "malformed-row@1", "row-limit=50@1", "partial@1",
    "warning@1", "cached=9@1", "403@1",
]  # fmt: skip


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator("local://", faults=[UNLIMITED]) as running:
        yield running


def end_of(connection: Connection, size: int) -> str:
    """How a query of `size` rows ended; whatever came is what was asked for."""
    text = f"range x from 1 to {size} step 1 | extend s = strcat('row ', x, '],[')"
    try:
        frame = connection.run(Query(text)).frame
    except PartialResultError as error:
        part = error.result.frame
        assert error.reasons
        assert part["x"].tolist() == list(range(1, len(part) + 1))
        assert part.attrs["kql"]["complete"] is False
        return "incomplete"
    except KqlMagicError as error:
        return type(error).__name__
    assert frame["x"].tolist() == list(range(1, size + 1))
    assert frame["s"].iloc[-1] == f"row {size}],["
    return "whole"


@pytest.mark.slow
def test_the_rows_received_are_those_sent_or_the_query_raises(emulator: Emulator) -> None:
    dice = random.Random(7)  # noqa: S311 - which fault strikes when
    with hasty_connection(emulator.url) as connection:

        def ask(size: int) -> str:
            if dice.random() < 0.6:
                emulator.faults.set(dice.choice(FAULTS))
            return end_of(connection, size)

        with ThreadPoolExecutor(THREADS) as pool:
            ends = list(pool.map(ask, [dice.randrange(1, 3000) for _ in range(QUERIES)]))
        emulator.faults.clear()
        emulator.faults.set(UNLIMITED)
        assert end_of(connection, 100) == "whole"
    assert len(ends) == QUERIES
    assert {"whole", "incomplete", "QueryError"} <= set(ends)
    assert ends.count("whole") > QUERIES / 3
