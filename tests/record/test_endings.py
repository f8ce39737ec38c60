"""Whatever ends, the thread, the cell, the case, the kernel: what waits is kept, and no cell fails."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kqlmagic_ext.record.store import Store
from kqlmagic_ext.record.writer import Writer
from tests.notebook import Notebook
from tests.record.drafted import ROOT, draft, history, numbers, slow_disk, written


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # it is killed
def test_a_thread_that_died_is_replaced_and_what_it_left_is_kept(store: Store, writer: Writer) -> None:
    assert written(writer, store, numbers(1)) == ["kept"]
    thread = writer._thread
    assert thread is not None
    assert thread.ident is not None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))
    writer.put(draft(store, numbers(2)))
    assert written(writer, store, numbers(3)) == ["kept"] * 3
    thread.join(10)
    assert not thread.is_alive()
    assert writer._thread is not thread


def test_an_answer_that_breaks_the_writer_is_lost_alone(
    store: Store, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise MemoryError("no room for the hash")

    assert written(writer, store, numbers(1)) == ["kept"]
    with monkeypatch.context() as patch:
        patch.setattr("kqlmagic_ext.record.writer.content_hash", broken)
        assert written(writer, store, numbers(2))[-1] == "not kept: MemoryError: no room for the hash"
    assert written(writer, store, numbers(3))[-1] == "kept"
    assert store.record(2).rows == 10


def test_a_thread_that_cannot_start_fails_no_cell(case: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def refused(thread: threading.Thread) -> None:
        if thread.name == "kqlmagic_ext record":
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refused)
        assert case.value("%kql print 1").shape == (1, 1)
    assert "this query is not recorded: RuntimeError: can't start new thread" in case.receipt
    case.run("%kql print 2")
    assert history(case)["kept"].tolist() == ["kept"] * 2


def test_an_input_that_is_changed_in_place_behind_the_cell_is_told_as_it_was(case: Notebook) -> None:
    case.run("%kql -o given range n from 1 to 1000 step 1")
    desk = case.shell.magics_manager.registry["KqlMagics"].recording.settled()
    with slow_disk(desk.store):
        case.run("%kql -i given given | count")
        case.run("given.loc[:, 'n'] = 7")
    assert history(case)["inputs"].tolist()[-1] == "given fed by R1, unchanged"


ENDING = """
import sys
from tests.record.asking import child_shell
notebook = child_shell(sys.argv[1], 'contoso')
for number in range(8):
    notebook.run(f"%kql -o frame SigninLogs | where DurationMs > {number}").raise_error()
{ending}
"""
ENDINGS = {
    "exit": "",
    "an error": "raise RuntimeError('it ends')",
    "sys.exit": "sys.exit(3)",
    "unload": "notebook.run('%unload_ext kqlmagic_ext'); import os; os._exit(0)",
    "reload": "notebook.run('%reload_ext kqlmagic_ext'); import os; os._exit(0)",
    "another case": "notebook.run('%kql_case fabrikam'); notebook.run('%kql print 1')",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_waits_when_a_kernel_ends_is_kept(cases: Path, ending: str) -> None:
    code = ENDING.replace("{ending}", ENDINGS[ending])
    subprocess.run([sys.executable, "-c", code, str(cases)], cwd=ROOT, check=False, capture_output=True)
    store = Store(cases / "contoso")
    records = store.history()
    assert [store.state(record) for record in records] == ["kept"] * 8


def test_a_case_is_left_without_waiting_and_found_with_what_waits(case: Notebook) -> None:
    case.run("%kql print 1")
    recording = case.shell.magics_manager.registry["KqlMagics"].recording
    desk = recording.settled()
    with slow_disk(desk.store):
        case.run("%kql print 2")
        case.run("%kql_case fabrikam")
        assert case.receipt.startswith("case fabrikam: 0 records")
        case.run("%config KqlMagics.case = 'contoso'")
        assert [record.id for record in recording.desk.writer.waiting()] == ["R2"]
    assert history(case)["kept"].tolist() == ["kept"] * 2


def test_a_disk_that_hangs_holds_no_cell_up(case: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kqlmagic_ext.magics.record._HISTORY_S", 0.1)
    case.run("%kql print 1")
    desk = case.shell.magics_manager.registry["KqlMagics"].recording.settled()
    with slow_disk(desk.store):
        for number in (2, 3):
            assert case.value(f"%kql print {number}").shape == (1, 1)
        assert history(case)["kept"].tolist() == ["kept", *["waiting to be written"] * 2]
        assert case.value("%kql_open R1").shape == (1, 1)
    assert case.value("%kql_open R3").shape == (1, 1)


def test_a_cell_that_is_interrupted_leaves_a_record(case: Notebook) -> None:
    def interrupt() -> None:
        while not (thread := [one for one in threading.enumerate() if one.name == "kqlmagic_ext query"]):
            time.sleep(0.01)
        assert thread
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    case.error("%kql range n from 1 to 400000000 step 1 | summarize dcount(n) by n % 1000000")
    told = history(case)
    assert told["kept"].tolist() == ["failed"]
    assert told["error"].tolist() == ["KeyboardInterrupt: stopped"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a fork is a fork on POSIX")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_neither_hangs_nor_writes_what_its_parent_writes(case: Notebook) -> None:
    case.run("%kql print 1")
    magics = case.shell.magics_manager.registry["KqlMagics"]
    desk = magics.recording.settled()
    with slow_disk(desk.store):
        case.run("%kql print 2")
        child = os.fork()
        if child == 0:  # what runs here may not return into the tests
            magics.recording.note("from the child")
            os._exit(len(magics.recording.close()))
    deadline = time.monotonic() + 60
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert ended == (child, 0)
    told = history(case)
    assert told["query"].tolist() == ["print 1", "print 2", "from the child"]
    assert told["kept"].tolist() == ["kept", "kept", "note"]


def test_a_word_that_the_environment_misspells_is_said(
    case: Notebook, cases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KQLMAGIC_RECORD", "none")
    assert "KQLMAGIC_RECORD is 'none'; it can be full, queries, off" in str(case.error("%kql print 1"))
    assert not cases.exists()
