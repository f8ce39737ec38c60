"""Ctrl-C returns at once whatever the query is at, the service is told, and the next cell works."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pandas as pd
import pyarrow as pa
import pytest

from kqlmagic_ext import Query, connect
from kqlmagic_ext.connections.log_analytics import results
from kqlmagic_ext.connections.log_analytics.connection import LogAnalyticsConnection
from kqlmagic_ext.emulator import WORKSPACE, Emulator
from kqlmagic_ext.frames import frame_from_arrow
from tests.local.test_interrupt import ENDLESS, interrupted

SIGN_INS = Query("SigninLogs | take 2000")


def eventually(holds: object) -> None:
    """Wait until `holds()`; what the other side does takes it a moment."""
    assert callable(holds)
    for _ in range(3000):
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come true")


def is_idle(emulator: Emulator) -> bool:
    return all(request.status is not None or request.cancelled for request in emulator.requests)


@pytest.mark.parametrize(
    ("fault", "query"),
    [
        ("slow-first-byte=60", SIGN_INS),
        ("slow-body=60", SIGN_INS),
        ("429=60", SIGN_INS),
        ("503", SIGN_INS),
        (None, Query(ENDLESS)),
    ],
    ids=["waiting", "receiving", "pausing", "pausing after a failure", "while the engine works"],
)
def test_an_interrupt_ends_the_request_and_the_next_query_works(
    emulator: Emulator, fault: str | None, query: Query
) -> None:
    connection = connect(emulator.url)
    try:
        if fault is not None:
            emulator.faults.set(fault)
        interrupted(lambda: connection.run(query), 0.5)
        eventually(lambda: is_idle(emulator))
        emulator.faults.clear()
        assert connection.run(Query("print x = 1")).frame["x"][0] == 1
    finally:
        connection.close()


def test_the_service_stops_working_for_who_has_gone(
    emulator: Emulator, azure: LogAnalyticsConnection
) -> None:
    interrupted(lambda: azure.run(Query(ENDLESS)), 0.5)
    eventually(lambda: emulator.requests[-1].cancelled)


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a socket that takes no connection: the list of those that wait for it is full."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.settimeout(0)
            one.connect_ex(server.getsockname())
        yield server.getsockname()[1]
        for one in waiting:
            one.close()


def test_an_interrupt_ends_a_connection_that_is_being_made(silent: int) -> None:
    connection = connect(f"loganalytics://{WORKSPACE}?endpoint=http://127.0.0.1:{silent}&auth=none")
    try:
        interrupted(lambda: connection.run(Query("print 1")), 0.5)
    finally:
        connection.close()


def stopped_in(connection: LogAnalyticsConnection, phase: str) -> None:
    """Interrupt a query in a phase, and see that nobody works on it any more."""

    def strike(line: str) -> None:
        if line.startswith(phase):
            raise KeyboardInterrupt

    columns = ", ".join(f"d{number} = dynamic({{'a': [1, 2, 3], 'b': 'text'}})" for number in range(12))
    with pytest.raises(KeyboardInterrupt):
        connection.run(Query(f"range x from 1 to 60000 step 1 | extend {columns}"), strike)
    for thread in threading.enumerate():
        if thread.name == "kqlmagic_ext query":
            thread.join(10)
            assert not thread.is_alive(), "somebody still works on the interrupted query"


@pytest.mark.parametrize(
    ("phase", "fault"), [("waiting", "slow-first-byte=60"), ("receiving", "slow-body=60")]
)
def test_an_interrupt_in_any_phase_ends_the_request(
    emulator: Emulator, azure: LogAnalyticsConnection, phase: str, fault: str
) -> None:
    emulator.faults.set(fault)
    stopped_in(azure, phase)
    eventually(lambda: is_idle(emulator))
    emulator.faults.clear()
    assert azure.run(Query("print x = 1")).frame["x"][0] == 1


def test_an_interrupt_ends_the_making_of_the_frame(
    azure: LogAnalyticsConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def slowly(table: pa.Table, checkpoint: Callable[[], None]) -> pd.DataFrame:
        time.sleep(0.3)  # the interrupt comes now, however fast the machine is
        made.append(frame_from_arrow(table, checkpoint))
        return made[-1]

    monkeypatch.setattr(results, "frame_from_arrow", slowly)
    stopped_in(azure, "making the frame")
    assert made == []
    monkeypatch.undo()
    assert azure.run(Query("print x = 1")).frame["x"][0] == 1


def test_closing_the_last_connection_leaves_no_thread(emulator: Emulator) -> None:
    connection = connect(emulator.url)
    connection.run(Query("print 1"))
    before = [thread.name for thread in threading.enumerate()]
    assert before.count("kqlmagic_ext Log Analytics") == 1
    connection.close()
    assert "kqlmagic_ext Log Analytics" not in [thread.name for thread in threading.enumerate()]
