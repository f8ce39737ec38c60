"""The garbage collector is paused while rows and frames are made, and afterwards as it was."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pyarrow as pa
import pytest

from kqlmagic_ext.connections.log_analytics.decode import AnswerDecoder
from kqlmagic_ext.frames import frame_from_arrow, kql_field, paused_collector


@pytest.fixture(params=[True, False], ids=["enabled", "disabled by the user"])
def enabled(request: pytest.FixtureRequest) -> Iterator[bool]:
    before = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if before else gc.disable)()


def test_the_outermost_pause_restores(enabled: bool) -> None:
    with paused_collector():
        assert not gc.isenabled()
        with paused_collector():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled() == enabled


def test_an_error_restores(enabled: bool) -> None:
    with pytest.raises(KeyboardInterrupt), paused_collector(), paused_collector():
        raise KeyboardInterrupt
    assert gc.isenabled() == enabled


def test_the_last_of_several_threads_restores(enabled: bool) -> None:
    inside, leave = threading.Barrier(4), [threading.Event() for _ in range(3)]

    def pause(number: int) -> None:
        with paused_collector():
            inside.wait(10)
            leave[number].wait(10)

    threads = [threading.Thread(target=pause, args=[number]) for number in range(3)]
    for thread in threads:
        thread.start()
    inside.wait(10)
    for thread, event in zip(threads, leave, strict=True):
        assert not gc.isenabled()
        event.set()
        thread.join(10)
    assert gc.isenabled() == enabled


def test_no_collection_while_rows_and_frames_are_made(enabled: bool) -> None:
    seen = []
    table = pa.table([pa.array(["{}"])], schema=pa.schema([kql_field("d", "dynamic")]))
    frame_from_arrow(table, lambda: seen.append(gc.isenabled()))
    assert set(seen) == {False}
    assert gc.isenabled() == enabled

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        frame_from_arrow(table, stop)
    assert gc.isenabled() == enabled


def test_decoding_rows_starts_no_collection(enabled: bool) -> None:
    runs = []
    body = (
        b'{"tables":[{"columns":[{"name":"n","type":"dynamic"}],"rows":['
        + b",".join([b'["{}"]'] * 500_000)
        + b"]}]}"
    )
    decoder = AnswerDecoder(gzipped=False)

    def note(phase: str, _: object) -> None:
        runs.append(phase)

    gc.callbacks.append(note)
    try:
        decoder.feed(body)
        decoder.finish()
    finally:
        gc.callbacks.remove(note)
    assert len(runs) < 40  # 500,000 lists would start hundreds
    assert gc.isenabled() == enabled
