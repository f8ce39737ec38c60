"""The way back, message by message: which are taken, which are refused, and when a value is bound."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from IPython.core.interactiveshell import InteractiveShell

from kqlmagic_ext.frames import arrow_from_frame, to_envelope
from kqlmagic_ext.magics.relay import Relay

MOST = 10_000


class Kernel:
    """A relay in a shell without a browser; what it binds, and what it tells the frames."""

    def __init__(self, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shell = shell
        self.bound: list[tuple[str, Any]] = []
        self.told: list[str] = []
        self.relay = Relay(shell, lambda name, value: self.bound.append((name, value)))
        self.relay.follow("first", {"picked": "picked"}, MOST)
        monkeypatch.setattr(self.relay._widget, "send", lambda message: self.told.extend(message["told"]))

    def send(self, value: Any, run: str = "first", buffers: list[bytes] | None = None, **rest: Any) -> None:
        text = None if buffers else value if isinstance(value, str) else json.dumps(to_envelope(value, "x"))
        content = {
            "token": run,
            "instance": "one",
            "acted": False,
            "name": "picked",
            "kind": "value",
            "json": text,
        }
        self.relay.receive(None, {**content, **rest}, [memoryview(buffer) for buffer in buffers or []])


@pytest.fixture
def kernel(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    made = Kernel(shell, monkeypatch)
    yield made
    made.relay.close()


def test_a_value_is_bound_under_the_variables_name(kernel: Kernel) -> None:
    kernel.relay.follow("second", {"choice": "chosen"}, MOST)
    kernel.send(2**60 + 1, "second", name="choice")
    assert kernel.bound == [("chosen", 2**60 + 1)]


def test_a_frame_arrives_with_its_types(kernel: Kernel) -> None:
    frame = pd.DataFrame(
        {"a": pd.array([1, None], "Int64"), "b": pd.to_datetime(["2026-01-02T00:00:00Z", None])}
    )
    table, _ = arrow_from_frame(frame, "frame")
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    kernel.send(None, buffers=[sink.getvalue().to_pybytes()], kind="table")
    kernel.send(frame, kind="table")
    for _, value in kernel.bound:
        assert str(value["a"].dtype) == "Int64"
        assert value["a"].tolist() == [1, pd.NA]
    assert len(kernel.bound) == 2


@pytest.mark.parametrize(
    "wrong",
    [{"token": "stale"}, {"token": None}, {"name": "other"}, {"name": None}, {"name": ["picked"]}],
)
def test_what_no_run_asked_for_is_dropped(kernel: Kernel, wrong: dict[str, Any]) -> None:
    kernel.send(1, **wrong)
    assert kernel.bound == []


@pytest.mark.parametrize("content", [None, [], "text", 5, {}])
def test_what_is_no_message_is_dropped(kernel: Kernel, content: Any) -> None:
    kernel.relay.receive(None, content, [])
    assert kernel.bound == kernel.told == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "picked was not taken: "),
        ('{"kind":"value"}', "picked was not taken: "),
        ("[]", "picked was not taken: "),
        ("[" * 100_000, "picked was not taken: it has 100,000 bytes, and at most 10,000 come back"),
        ('{"kind":"value","type":"long","value":' + "9" * 30 + "}", "picked was not taken: "),
        ('{"kind":"table","columns":[{"name":"a","type":"long"}],"rows":[["x"]]}', "picked was not taken: picked['a']"),
        ("[" * 9_000, "picked was not taken: "),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_in_its_frame_and_binds_nothing(
    kernel: Kernel, text: str, said: str
) -> None:
    kernel.send(text)
    assert kernel.bound == []
    assert kernel.told[0].startswith(said)


@pytest.mark.parametrize("buffer", [b"ARROW1", b"", b"x" * 20_000])
def test_bytes_that_are_no_arrow_file_are_refused(kernel: Kernel, buffer: bytes) -> None:
    kernel.send(None, buffers=[buffer])
    assert kernel.bound == []
    assert kernel.told[0].startswith("picked was not taken: ")


def test_a_message_without_a_value_is_refused(kernel: Kernel) -> None:
    kernel.relay.receive(None, {"token": "first", "instance": "one", "name": "picked", "json": None}, [])
    assert kernel.told[0].startswith("picked was not taken: ")


def test_a_frame_that_is_drawn_again_is_heard_after_its_user_acted(kernel: Kernel) -> None:
    kernel.send(1)
    kernel.send(2, instance="again")
    assert kernel.bound == [("picked", 1)]
    kernel.send(3, instance="again", acted=True)
    kernel.send(4)
    assert kernel.bound == [("picked", 1), ("picked", 3), ("picked", 4)]


def test_the_frame_that_greets_first_is_the_first(kernel: Kernel) -> None:
    kernel.relay.receive(None, {"token": "first", "instance": "one"}, [])
    kernel.send(1, instance="again")
    assert kernel.bound == []


def test_a_variable_follows_the_last_run_that_names_it(kernel: Kernel) -> None:
    kernel.relay.follow("second", {"picked": "picked"}, MOST)
    kernel.send(1, "first")
    kernel.send(2, "second")
    assert kernel.bound == [("picked", 2)]
    assert kernel.relay._widget.runs == {"first": [], "second": ["picked"]}


def test_what_comes_while_a_cell_runs_is_bound_at_its_end_whatever_thread_brought_it(kernel: Kernel) -> None:
    def send() -> None:
        thread = threading.Thread(target=kernel.send, args=[7])
        thread.start()
        thread.join()
        assert kernel.bound == []

    kernel.shell.user_ns["send_now"] = send
    kernel.shell.run_cell("get_ipython().run_cell('pass')\nsend_now()").raise_error()
    assert kernel.bound == [("picked", 7)]
    thread = threading.Thread(target=kernel.send, args=[8])
    thread.start()
    thread.join()
    assert kernel.bound[-1] == ("picked", 8)


def test_many_threads_lose_nothing(kernel: Kernel) -> None:
    threads = [threading.Thread(target=kernel.send, args=[number]) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(value for _, value in kernel.bound) == list(range(50))


def test_old_runs_are_forgotten(kernel: Kernel) -> None:
    for number in range(300):
        kernel.relay.follow(f"run{number}", {"x": f"x{number}"}, MOST)
    assert len(kernel.relay._widget.runs) == 100


def test_a_closed_relay_hears_nothing(kernel: Kernel) -> None:
    kernel.relay.close()
    kernel.send(1)
    assert kernel.bound == []
