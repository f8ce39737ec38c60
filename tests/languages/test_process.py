"""What all languages share: a child that ends with us, numbered requests to it, and what its faults become."""

from __future__ import annotations

import gc
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import IO, Any

import pytest

from kqlmagic_ext import interrupts
from kqlmagic_ext.errors import SessionDied
from kqlmagic_ext.languages import Settings, child
from kqlmagic_ext.languages.child import Child, environment
from kqlmagic_ext.languages.conversation import Conversation, Ended, Refused, TooSlow
from kqlmagic_ext.languages.process import Process
from tests.magics.test_languages import alive

# Answers each line with the same object and an event; some operations do otherwise.
ECHO = """
import json, os, sys, time
print(json.dumps({"event": "hello"}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    told = {"id": request["id"], "event": "done"}
    if request["op"] == "refuse":
        told = {"id": request["id"], "event": "error", "code": "no", "message": "not today"}
    elif request["op"] == "records":
        for number in range(request["count"]):
            print(json.dumps({"id": request["id"], "event": "record", "number": number}), flush=True)
    elif request["op"] in ("silent", "stop"):
        continue
    elif request["op"] == "hang up":
        os.close(1)
        time.sleep(60)
    elif request["op"] == "exit":
        print("famous last words", file=sys.stderr, flush=True)
        sys.exit(request["status"])
    print(json.dumps(told), flush=True)
"""


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(pid)


class Said:
    """What a child wrote on its stderr."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._said = b""
        self._thread = Thread(target=self._read, args=[stream], daemon=True)
        self._thread.start()

    def text(self) -> str:
        self._thread.join(0.5)
        return self._said.decode()

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            self._said = stream.read()


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[Process]:
    running = Child([sys.executable, "-c", ECHO], tmp_path)

    def send(line: bytes) -> None:
        running.stdin.write(line)
        running.stdin.flush()

    conversation = Conversation(send, running.stdout)
    words = Said(running.stderr)
    assert conversation.greeting(10) == {"event": "hello"}
    process = Process(
        "echo", "Echo", running, conversation, lambda: process.tell("stop"), words, Settings(grace=0.3)
    )
    yield process
    process.close()
    running.stdout.close()


def test_answers_come_to_their_requests_and_records_before_them(echo: Process) -> None:
    heard: list[Any] = []
    assert echo.ask("records", heard.append, count=3)["event"] == "done"
    assert [message["number"] for message in heard] == [0, 1, 2]
    with pytest.raises(Refused, match="not today") as caught:
        echo.ask("refuse")
    assert caught.value.code == "no"


def test_many_threads_ask_at_once_and_no_line_mixes_with_another(echo: Process) -> None:
    came: list[Any] = []
    threads = [
        threading.Thread(target=lambda: came.append(echo.ask("run", code="x" * 300_000))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [message["event"] for message in came] == ["done"] * 8


def test_a_late_answer_is_not_waited_for_and_disturbs_nobody(echo: Process) -> None:
    assert echo.try_ask("silent", 0.1) is None
    assert echo.ask("run")["event"] == "done"


def test_a_death_is_told_with_status_last_words_and_what_is_gone(echo: Process) -> None:
    echo.known = ("a", "b")
    with pytest.raises(SessionDied) as caught:
        echo.ask("exit", status=3)
    assert str(caught.value) == (
        "the process of Echo ended (exit status 3): famous last words; gone are a, b; the next cell starts a new one"
    )
    assert (caught.value.exit_code, caught.value.lost, caught.value.language) == (3, ("a", "b"), "echo")
    assert not echo.alive
    assert echo.try_ask("run", 0.1) is None
    with pytest.raises(SessionDied):
        echo.ask("run")


def test_one_that_closes_its_line_and_lives_on_is_ended_and_told(
    echo: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kqlmagic_ext.languages.process._FAREWELL_S", 0.1)
    with pytest.raises(SessionDied, match="the process of Echo closed its line, and was ended"):
        echo.ask("hang up")
    assert gone(echo._child.process.pid)


def test_an_interrupt_of_what_does_not_stop_ends_it_and_says_so(echo: Process) -> None:
    timer = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        echo.ask("silent")
    timer.join()
    assert caught.value.__notes__ == ["Echo did not stop within 0.3 s, and its process was ended"]
    assert gone(echo._child.process.pid)


def test_where_showing_fails_the_work_is_stopped_and_the_session_goes_on(echo: Process) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        echo.ask("records", lambda _: 1 / 0, count=3)
    assert caught.value.__notes__ == ["the cell was stopped; the variables of Echo are kept"]
    assert echo.ask("run")["event"] == "done"


def test_closing_twice_is_closing_once(echo: Process) -> None:
    farewells: list[int] = []
    folder = echo.folder
    echo.close(lambda: farewells.append(1))
    echo.close(lambda: farewells.append(2))
    assert farewells == [1]
    assert not folder.exists()


# ---------------------------------------------------------------- the conversation


def told(*lines: bytes) -> Conversation:
    """A conversation in which these lines come."""
    return Conversation(lambda _: None, iter(lines))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"event":"done"', "a line was cut"),
        (b"nonsense\n", "no message"),
        (b'{"event":"caf\xe9"}\n', "no message"),
        (b"[]\n", "no event"),
        (b'{"event":1}\n', "no event"),
        (b'{"event":"done","id":[1]}\n', "no number"),
        (b'{"event":"done","id":{}}\n', "no number"),
        (b"[" * 200_000 + b"\n", "no message"),
    ],
)
def test_what_is_no_message_ends_the_conversation_and_never_hangs_it(line: bytes, says: str) -> None:
    conversation = told(line)
    with pytest.raises(Ended) as caught:
        conversation.ask("run", seconds=10)
    assert says in str(caught.value.broken)
    with pytest.raises(Ended):
        conversation.ask("run", seconds=10)
    assert conversation.over


def test_a_time_limit_holds_though_records_never_end() -> None:
    stop = threading.Event()

    def lines() -> Iterator[bytes]:
        while not stop.is_set():
            yield b'{"event":"record","id":1}\n'

    conversation = Conversation(lambda _: None, lines())
    try:
        with pytest.raises(TooSlow):
            conversation.ask("run", seconds=0.2)
    finally:
        stop.set()


def test_a_child_that_writes_faster_than_it_is_heard_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kqlmagic_ext.languages.conversation._MOST_WAITING", 10)
    taken: list[int] = []
    asked = threading.Event()

    def lines() -> Iterator[bytes]:
        asked.wait(10)
        for number in range(100):
            taken.append(number)
            yield b'{"event":"record","id":1}\n'
        yield b'{"event":"done","id":1}\n'

    conversation = Conversation(lambda _: asked.set(), lines())
    number = conversation.request("run")
    time.sleep(0.3)
    assert len(taken) <= 12
    heard: list[Any] = []
    conversation.wait(number, heard.append, 10)
    assert len(heard) == 100


def test_what_is_forgotten_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kqlmagic_ext.languages.conversation._MOST_WAITING", 10)
    sent: queue.Queue[int] = queue.Queue()

    def lines() -> Iterator[bytes]:
        for _ in range(2):
            number = sent.get(timeout=10)
            for _ in range(100):
                yield json.dumps({"event": "record", "id": number}).encode() + b"\n"
            yield json.dumps({"event": "done", "id": number}).encode() + b"\n"

    conversation = Conversation(lambda line: sent.put(json.loads(line)["id"]), lines())
    forgotten = conversation.request("run")
    time.sleep(0.1)
    assert conversation.expects(forgotten)
    conversation.forget(forgotten)
    assert not conversation.expects(forgotten)
    assert conversation.ask("run", seconds=10)["event"] == "done"


def test_a_line_that_cannot_be_written_is_the_end() -> None:
    def broken(_: bytes) -> None:
        raise BrokenPipeError

    blocked = threading.Event()

    def lines() -> Iterator[bytes]:
        blocked.wait(10)
        yield from ()

    try:
        with pytest.raises(Ended):
            Conversation(broken, lines()).ask("run", seconds=10)
    finally:
        blocked.set()


# ---------------------------------------------------------------- the child


def closed(running: Child) -> None:
    running.end()
    running.stdout.close()
    running.stderr.close()


def test_a_child_is_in_its_own_group_and_ends_with_all_that_it_started(tmp_path: Path) -> None:
    running = Child(["/bin/sh", "-c", "sleep 60 & echo $!; wait"], tmp_path)
    started = int(running.stdout.readline())
    assert os.getpgid(started) == running.process.pid != os.getpgid(0)
    closed(running)
    assert gone(started)


def test_ending_twice_kills_no_group_that_has_the_number_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    running = Child(["/bin/sh", "-c", "exit 4"], tmp_path)
    running.wait(5)
    monkeypatch.setattr(child, "_signal_group", lambda group, _: killed.append(group))
    assert running.end() == 4
    assert running.end() == 4
    assert len(killed) == 1
    running.stdout.close()
    running.stderr.close()


def test_a_child_ends_when_python_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from kqlmagic_ext.languages.child import Child;"
        "running = Child(['/bin/sleep', '60'], Path.cwd()); print(running.process.pid, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=Path.cwd(), stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert alive(pid)
        owner.send_signal(signal.SIGKILL)
    assert gone(pid)
    assert tmp_path.exists()


def test_without_a_watch_there_is_no_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    def broken(group: int) -> None:
        started.append(group)
        raise OSError("no shell")

    monkeypatch.setattr(child, "_watchdog", broken)
    with pytest.raises(OSError, match="no shell"):
        Child(["/bin/sleep", "60"], tmp_path)
    assert gone(started[0])


def test_a_child_gets_our_environment_without_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "hush")
    monkeypatch.setenv("HARMLESS", "seen")
    variables = environment({"EXTRA": "1"})
    assert "AZURE_CLIENT_SECRET" not in variables
    assert (variables["HARMLESS"], variables["EXTRA"]) == ("seen", "1")


def test_an_interrupt_that_falls_into_the_garbage_collector_is_heard(echo: Process) -> None:
    """Python drops what is raised in a callback of its collector."""
    pressed: list[str] = []

    def press(phase: str, _: object) -> None:
        if not pressed:
            pressed.append(phase)
            signal.raise_signal(signal.SIGINT)

    def listen(_: object) -> None:
        gc.callbacks.append(press)
        try:
            gc.collect()
        finally:
            gc.callbacks.remove(press)

    with pytest.raises(KeyboardInterrupt):
        echo.ask("records", listen, count=1)
    assert pressed


def test_two_interrupts_at_once_leave_pythons_own_answer_in_place() -> None:
    before = signal.getsignal(signal.SIGINT)
    left: list[object] = []

    def press_twice() -> None:
        with interrupts.noted():
            signal.raise_signal(signal.SIGINT)
            try:
                signal.raise_signal(signal.SIGINT)
            finally:  # what the second raises may fall anywhere, before the end of the wait has done its work
                left.append(signal.getsignal(signal.SIGINT))

    with pytest.raises(KeyboardInterrupt):
        press_twice()
    assert [*left, signal.getsignal(signal.SIGINT)] == [before, before]


def test_an_interrupt_at_any_moment_of_a_wait_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's simple queue, interrupted near the end of its patience, forgets that it has one."""
    monkeypatch.setattr("kqlmagic_ext.languages.conversation._STEP_S", 0.0001)
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def record_and_be_silent(line: bytes) -> None:
        lines.put(json.dumps({"event": "record", "id": json.loads(line)["id"]}).encode() + b"\n")

    conversation = Conversation(record_and_be_silent, iter(lines.get, b""))
    for round_ in range(200):
        presser = threading.Timer(round_ / 1e5, os.kill, [os.getpid(), signal.SIGINT])
        with pytest.raises(KeyboardInterrupt):
            conversation.ask("wait", lambda _, presser=presser: presser.start(), 20)
        presser.join()
    lines.put(b"")
