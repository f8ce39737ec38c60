"""What Node.js alone does: it stops a busy cell and keeps its variables; its programs, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kqlmagic_ext import LanguageError
from kqlmagic_ext.languages import Piece, Settings
from kqlmagic_ext.languages.javascript import NodeSession
from tests.languages.javascript_lab import (
    NODES,
    Session,
    alive,
    ends,
    failure,
    interrupted,
    interrupted_while_it_writes,
    program,
    run,
    shown,
    started,
    value,
)


@pytest.fixture(scope="module", params=NODES)
def runtime(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def session(runtime: str) -> Iterator[Session]:
    with started(runtime) as session:
        run(session, "let kept = 41; const sleep = ms => new Promise(r => setTimeout(r, ms))")
        yield session


BUSY = [
    "while (true) {}",
    "await sleep(20); while (true) {}",
    "setTimeout(() => { while (true) {} }, 20); await sleep(1e6)",
    "setImmediate(() => { while (true) {} }); await sleep(1e6)",
    "process.nextTick(() => { while (true) {} }); await sleep(1e6)",
    "Promise.resolve().then(() => { while (true) {} }); 1",
    "while (true) await 0",
    "queueMicrotask(function f() { queueMicrotask(f) }); await sleep(1e6)",
    "setInterval(() => { while (true) {} }, 10); await sleep(1e6)",
    "(() => { try { while (true) {} } catch { console.log('caught') } finally { while (true) {} } })()",
    "/(a+)+b/.test('a'.repeat(40))",
    "({[Symbol.for('nodejs.util.inspect.custom')]() { while (true) {} }})",
    "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
    "require('child_process').execSync('sleep 60')",
]


@pytest.mark.parametrize("code", BUSY)
def test_a_busy_cell_is_stopped_and_its_variables_are_kept(session: Session, code: str) -> None:
    interrupt, found = interrupted(session, code)
    assert interrupt.__notes__[0] == "the cell was stopped; the variables of Node.js are kept"
    assert found.text("stdout") == ""
    assert value(session, "kept + 1") == "42"
    assert value(session, "await sleep(1); await new Promise(r => setImmediate(r)); 'turns'") == "turns"


@pytest.mark.parametrize(
    "code",
    [
        "while (true) console.log('x'.repeat(1000))",
        "await 1; while (true) process.stdout.write('x'.repeat(100_000))",
        "require('child_process').execSync('yes xxxx', {stdio: 'inherit'})",
        "require('child_process').spawn('yes', ['xxxx'], {stdio: 'inherit'}); await sleep(1e6)",
    ],
)
def test_endless_output_is_stopped_and_later_output_is_seen(session: Session, code: str) -> None:
    for _ in range(3):
        found = interrupted_while_it_writes(session, code, enough=10_000)
        assert found.text("stdout").count("x") > 5_000  # the rest are ends of lines
    assert value(session, "kept") == "41"
    later = shown(session, "await sleep(50); console.log('seen')").text("stdout")
    assert later.endswith("seen\n")


def test_a_reader_that_does_not_read_slows_the_cell_and_fills_no_memory(session: Session) -> None:
    """While nobody takes what it writes, the cell waits: it has not come to its end."""
    waited: list[float] = []

    def slow(_: Piece) -> None:
        if not waited:
            waited.append(1)
            os.kill(os.getpid(), signal.SIGINT)  # 200 MB are on the way

    with pytest.raises(KeyboardInterrupt):
        session.run("let at = 0; for (; at < 200_000; at++) console.log('x'.repeat(1000))", slow)
    at = int(value(session, "at") or 0)
    assert 0 < at < 200_000


def test_a_loop_that_writes_between_turns_is_stopped_though_the_reader_is_slow(session: Session) -> None:
    """Texts that wait together are shown together: else thousands of them stood before the end of the cell."""
    pieces: list[Piece] = []

    def slow(piece: Piece) -> None:
        pieces.append(piece)
        time.sleep(0.001)
        if len(pieces) == 200:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt) as caught:
        session.run("var on = true; while (on) { console.log('x'); await new Promise(setImmediate) }", slow)
    assert caught.value.__notes__[0] == "the cell was stopped; the variables of Node.js are kept"
    assert sum(len(piece.text) for piece in pieces) > 10 * len(pieces)
    assert value(session, "on = false; kept") == "41"


def test_programs_of_a_cell_write_between_its_own_lines(session: Session) -> None:
    code = """const {execSync} = require('child_process'); console.log('one')
execSync('echo two; printf thr', {stdio: 'inherit'}); console.log('ee')
execSync('echo four >&2', {stdio: 'inherit'})"""
    found = shown(session, code)
    assert found.text("stdout") == "one\ntwo\nthree\n"
    assert found.text("stderr") == "four\n"


def test_the_last_words_of_a_program_are_shown_with_its_own_cell(session: Session) -> None:
    for number in range(60):
        code = f"require('child_process').execSync('echo {number} >&2', {{stdio: 'inherit'}})"
        assert shown(session, code).text("stderr") == f"{number}\n"


def test_bytes_that_are_no_text_are_shown_as_such(session: Session) -> None:
    code = "require('child_process').execSync(\"printf '\\\\377\\\\317'; sleep 0.05; printf '\\\\200\\\\036'\", {stdio: 'inherit'}); 1"
    assert shown(session, code).text("stdout") == "\ufffdπ\x1e"


def test_a_cell_and_its_programs_find_stdin_at_its_end(session: Session) -> None:
    code = "try { require('fs').readSync(0, Buffer.alloc(9)) } catch (error) { error.code }"
    assert value(session, code) == "0"
    assert value(session, "kept") == "41"


def test_a_thread_of_a_cell_writes_and_ends(session: Session) -> None:
    code = """const {Worker} = require('worker_threads')
await new Promise(r => new Worker("console.log('from a thread')", {eval: true}).on('exit', r)); await sleep(20)"""
    assert shown(session, code).text("stdout") == "from a thread\n"


def test_removing_all_listeners_does_not_end_the_session(runtime: str) -> None:
    with started(runtime) as session:
        code = """process.removeAllListeners('uncaughtException'); setTimeout(() => { throw new Error('late') }, 1)
await new Promise(r => setTimeout(r, 50))"""
        assert "late" in shown(session, code).text("stderr")
        assert value(session, "1 + 1") == "2"


def test_an_interrupt_without_a_cell_stops_nothing(session: Session) -> None:
    session.interrupt()
    assert value(session, "kept") == "41"


def test_a_cell_that_cannot_be_stopped_ends_its_process(runtime: str) -> None:
    with started(runtime, grace=0.3) as session:
        run(session, "let precious = 1")
        code = "process.on('SIGINT', () => {}); require('child_process').spawnSync('sh', ['-c', 'trap \"\" INT; sleep 60'])"
        interrupt, _ = interrupted(session, code)
        assert interrupt.__notes__ == [
            "Node.js did not stop within 0.3 s, and its process was ended; gone are precious"
        ]
        assert not session.alive


def test_closing_ends_what_cells_have_started(runtime: str) -> None:
    with started(runtime) as session:
        run(session, "const child = require('child_process').spawn('sleep', ['60'])")
        child = int(value(session, "child.pid") or 0)
        assert alive(child)
    assert ends(child)


def test_a_crash_ends_what_cells_have_started(runtime: str) -> None:
    with started(runtime) as session:
        child = int(value(session, "require('child_process').spawn('sleep', ['60']).pid") or 0)
        assert alive(child)
        with pytest.raises(LanguageError, match="exit status"):
            run(session, "process.abort()")
        assert ends(child)


KILLED = """
import sys, threading
from kqlmagic_ext.languages import Settings
from kqlmagic_ext.languages.javascript import NodeSession
session = NodeSession(Settings(program=sys.argv[1]))
session.run("const sleep = require('child_process').spawn('sleep', ['60'])", lambda _: None)
print(session.run("`${process.pid} ${sleep.pid}`", lambda _: None).value, flush=True)
session.run("while (true) {}", lambda _: None)
"""


def test_a_killed_python_leaves_no_child(runtime: str) -> None:
    command = [sys.executable, "-c", KILLED, str(program(runtime))]
    python = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    with python:
        assert python.stdout is not None
        children = [int(number) for number in python.stdout.readline().split()]
        assert len(children) == 2
        assert all(alive(child) for child in children)
        python.kill()
    assert all(ends(child) for child in children)


# ---------------------------------------------------------------- where it is found


def test_the_variable_names_the_program(runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KQLMAGIC_NODE", str(program(runtime)))
    session = NodeSession(Settings())
    assert value(session, "process.execPath") == os.path.realpath(str(program(runtime)))
    session.close()


def test_the_extra_is_found_where_path_has_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    session = NodeSession(Settings())
    assert value(session, "process.execPath") == program("node")
    session.close()


def test_without_any_node_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("kqlmagic_ext.languages.javascript.runtimes.find_spec", lambda _: None)
    with pytest.raises(
        LanguageError, match=r"Node\.js is not installed: .*pip install 'kqlmagic-ext\[javascript\]'"
    ):
        NodeSession(Settings())


def test_a_program_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KQLMAGIC_NODE", "/nowhere/node")
    with pytest.raises(LanguageError, match=r"KQLMAGIC_NODE=/nowhere/node: No such file or directory"):
        NodeSession(Settings())


def test_a_program_that_is_no_node_is_told(tmp_path: Path) -> None:
    fake = tmp_path / "node"
    fake.write_text("#!/bin/sh\necho 'Error: not me' >&2\n")
    fake.chmod(0o755)
    with pytest.raises(LanguageError, match=r"Node\.js did not start: Error: not me"):
        NodeSession(Settings(program=str(fake)))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A Node.js that says of itself that it is 18.19.0."""
    script = tmp_path / "old.cjs"
    script.write_text(
        "Object.defineProperty(process, 'versions', {value: {...process.versions, node: '18.19.0'}})"
    )
    folder = tmp_path / "bin"
    folder.mkdir()
    fake = folder / "node"
    fake.write_text(f'#!/bin/sh\nexec "{program("node")}" --require "{script}" "$@"\n')
    fake.chmod(0o755)
    return fake


def test_an_old_node_is_refused(old: Path) -> None:
    with pytest.raises(LanguageError) as caught:
        NodeSession(Settings(program=str(old)))
    assert str(caught.value).startswith(f"Node.js 18.19.0 ({old}) is too old; Node.js 20 or later is needed")


def test_an_old_node_on_path_gives_way_to_the_extra(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{old.parent}:{os.environ['PATH']}")
    session = NodeSession(Settings())
    assert value(session, "process.execPath") == program("node")
    assert session.version.startswith("Node.js ")
    session.close()


def test_it_starts_in_the_notebooks_folder_in_a_group_of_its_own(runtime: str, tmp_path: Path) -> None:
    with started(runtime, tmp_path) as session:
        assert value(session, "process.cwd()") == str(tmp_path)
        pid = int(value(session, "process.pid") or 0)
        assert os.getpgid(pid) == pid != os.getpgid(0)


def test_a_lost_cell_of_an_older_session_says_so(runtime: str) -> None:
    with started(runtime) as session:
        assert "not" in str(failure(session, "nowhere"))
