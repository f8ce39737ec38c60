"""An interrupt stops the engine at once, and the next query starts fresh."""

from __future__ import annotations

import _thread
import gc
import signal
import threading
import time
from collections.abc import Callable

import pytest

from kqlmagic_ext import Query
from kqlmagic_ext.connections.local.connection import LocalConnection
from kqlmagic_ext.connections.worker import Cancellation, interruptible
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]
# About 10^14 pairs: hours of work.
ENDLESS = "range a from 1 to 10000000 step 1 | extend k = 1 | join kind=inner (range b from 1 to 10000000 step 1 | extend k = 1) on k | summarize sum(a * b % 7)"


def interrupted(work: Callable[[], object], after: float) -> None:
    """Interrupt the main thread `after` seconds into the work, which would go on for hours."""

    def strike() -> None:
        time.sleep(after)
        _thread.interrupt_main()

    threading.Thread(target=strike, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        work()


def test_an_interrupt_stops_a_running_query_and_the_next_one_works(opened: Open) -> None:
    connection = opened("local://")
    interrupted(lambda: connection.run(Query(ENDLESS)), 0.5)
    assert answer(connection, "print x = 1") == [(1,)]
    for thread in threading.enumerate():
        if thread.name == "kqlmagic_ext query":
            thread.join(10)
            assert not thread.is_alive(), "the engine still works on the interrupted query"


def test_an_interrupt_stops_the_reading_of_a_query_text(opened: Open) -> None:
    connection = opened("local://")
    text = "print x = dynamic([" + ",".join(map(str, range(200_000))) + "])"
    interrupted(lambda: connection.run(Query(text)), 0.3)
    assert answer(connection, "print x = 1") == [(1,)]


def test_an_interrupt_stops_the_making_of_tables(opened: Open) -> None:
    connection = opened("local://demo?rows=8000000")
    interrupted(lambda: connection.run(Query("SigninLogs | count")), 0.3)
    assert answer(connection, "IdentityInfo | count")[0][0] > 0
    assert answer(connection, "SigninLogs | count")[0][0] == connection.table("SigninLogs").rows


def test_work_that_is_cancelled_before_its_stop_is_known_still_ends() -> None:
    ended = threading.Event()

    def work(cancellation: Cancellation) -> None:
        time.sleep(0.5)
        try:
            with cancellation.stopping(lambda: None):
                time.sleep(60)
        finally:
            ended.set()

    interrupted(lambda: interruptible(work), 0.2)
    assert ended.wait(5)


def test_what_the_work_raises_is_raised_to_the_caller() -> None:
    def work(_: Cancellation) -> None:
        raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        interruptible(work)


def test_an_interrupt_that_falls_into_the_garbage_collector_is_heard() -> None:
    """Python drops what is raised in a callback of its collector."""
    pressed: list[str] = []

    def press(phase: str, _: object) -> None:
        if not pressed:
            pressed.append(phase)
            signal.raise_signal(signal.SIGINT)

    def collect() -> None:
        gc.callbacks.append(press)
        try:
            gc.collect()
        finally:
            gc.callbacks.remove(press)

    ended = threading.Event()
    with pytest.raises(KeyboardInterrupt):
        interruptible(lambda _: ended.wait(10), collect)
    ended.set()
    assert pressed
