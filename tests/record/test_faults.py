"""Whatever happens to the disk, the files, the thread or the process: the cell is answered, and the history says what was lost."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from kqlmagic_ext.frames import kql_field
from kqlmagic_ext.record.drafts import Draft
from kqlmagic_ext.record.records import Record
from kqlmagic_ext.record.store import Store
from kqlmagic_ext.record.writer import Writer
from tests.notebook import Notebook

ROOT = Path(__file__).parents[2]
TIME = "2026-11-01T00:00:00Z"


def history(case: Notebook) -> pd.DataFrame:
    frame: pd.DataFrame = case.value("%kql_history")
    return frame


def numbers(first: int, rows: int = 10) -> pa.Table:
    return pa.table([pa.array(range(first, first + rows))], schema=pa.schema([kql_field("n", "long")]))


def noise(rows: int) -> pd.DataFrame:
    """Eight bytes a row that no compression makes less."""
    return pd.DataFrame({"n": np.frombuffer(os.urandom(8 * rows), np.int64)})


def draft(store: Store, table: pa.Table) -> Draft:
    return Draft(Record(store.take_id(), store.case, "query", TIME, text="T"), (table,))


def written(writer: Writer, store: Store, *tables: pa.Table) -> list[str]:
    """What the history says of drafts of these tables."""
    for table in tables:
        writer.put(draft(store, table))
    assert writer.flush(60)
    return [store.state(record) for record in store.history()]


@contextmanager
def slow_disk(store: Store) -> Iterator[None]:
    """Inside, nothing comes to the disk."""
    keep, gate = store.keep, threading.Event()

    def keep_late(*arguments: Any) -> Record:
        gate.wait()
        return keep(*arguments)

    store.keep = keep_late  # type: ignore[method-assign]
    try:
        yield
    finally:
        gate.set()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cases" / "contoso")


@pytest.fixture
def writer(store: Store) -> Iterator[Writer]:
    made = Writer(store, lambda: 10**12)
    yield made
    made.close(10)


# ------------------------------------------------------------ the disk


def mount(*arguments: str) -> bool:
    """Whether it could be mounted: only root may."""
    command = ["mount", *arguments]
    return (
        sys.platform == "linux" and not subprocess.run(command, capture_output=True, check=False).returncode
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)):
        pytest.skip("no small disk can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)  # noqa: S607 - where it lies differs


def test_on_a_full_disk_the_cell_is_answered_and_the_history_says_what_is_not_kept(
    case: Notebook, small_disk: Path
) -> None:
    case.run(f"%config KqlMagics.cases_folder = {str(small_disk)!r}")
    case.run("%kql print first_one = 1")
    assert history(case)["kept"].tolist() == ["kept"]
    case.names["noise"] = noise(200_000)
    case.run("%kql -i noise -o big noise")
    case.run("%kql print last_one = 1")
    assert len(case.names["big"]) == 200_000
    told = history(case)
    kept = told["kept"].tolist()
    assert kept[::2] == ["kept", "kept"]
    assert "No space left on device" in kept[1]
    assert (told["rows"][1], told["inputs"][1]) == (200_000, "noise origin unknown")
    assert not list((small_disk / "contoso").rglob(".writing-*"))


def test_a_disk_that_is_full_to_the_last_byte_loses_the_record_and_says_so(
    case: Notebook, small_disk: Path
) -> None:
    case.run(f"%config KqlMagics.cases_folder = {str(small_disk)!r}")
    case.run("%kql print first_one = 1")
    assert history(case)["kept"].tolist() == ["kept"]
    with suppress(OSError), (small_disk / "ballast").open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    case.run("%kql print second_one = 2")
    kept = history(case)["kept"].tolist()
    assert kept[0] == "kept"
    assert "No space left on device" in kept[1]
    case.run("%kql print third_one = 3")
    assert "the record could not keep all (OSError: No space left on device)" in case.receipt
    (small_disk / "ballast").unlink()
    case.run("%kql print fourth_one = 4")
    assert history(case).set_index("id")["kept"]["R4"] == "kept"


def test_a_folder_that_is_read_only_records_nothing_is_read_and_says_so(
    case: Notebook, small_disk: Path
) -> None:
    case.run(f"%config KqlMagics.cases_folder = {str(small_disk)!r}")
    case.run("%kql print first_one = 1")
    assert history(case)["kept"].tolist() == ["kept"]
    assert mount("-o", "remount,ro", str(small_disk))
    assert case.value("%kql print second_one = 2").shape == (1, 1)
    assert "this query is not recorded: Read-only file system" in case.receipt
    assert history(case)["kept"].tolist() == ["kept"]
    assert "queries of this kernel without a record: 1; the last: Read-only file system" in case.receipt
    case.run("%kql_open R1 -o again")
    assert case.names["again"]["first_one"].tolist() == [1]


@pytest.mark.parametrize("step", range(1, 9))
def test_a_disk_that_fails_at_any_step_leaves_nothing_half(
    store: Store, writer: Writer, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """A record with its answer takes six steps: each of two files is written, named, and its name written."""
    taken = 0

    def failing(real: Callable[..., None]) -> Callable[..., None]:
        def one_step(*arguments: Any, **named: Any) -> None:
            nonlocal taken
            taken += 1
            if taken == step:
                raise OSError(errno.EIO, "Input/output error")
            real(*arguments, **named)

        return one_step

    assert written(writer, store, numbers(1)) == ["kept"]
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing(os.fsync))
        patch.setattr(Path, "replace", failing(Path.replace))
        states = written(writer, store, numbers(2))
        assert states[1] == ("kept" if step > 6 else "not kept: OSError: Input/output error")
    assert written(writer, store, numbers(3))[::2] == ["kept", "kept"]
    on_disk = {path.name for path in (store.folder / "results").iterdir()}
    kept = [record for record in store.history() if store.state(record) == "kept"]
    assert on_disk == {f"{record.sha256}.parquet" for record in kept}
    assert all(store.table(record.tables[0]).num_rows == 10 for record in kept)
    assert all(store.record(record.number) == record for record in store.history())
    assert not list((store.folder / "records").glob(".writing-*"))


def test_a_file_in_place_of_the_folder_is_said_and_the_cell_answered(case: Notebook, cases: Path) -> None:
    cases.write_text("")
    assert case.value("%kql print 1").shape == (1, 1)
    assert "this query is not recorded: " in case.receipt
    assert history(case).empty
    assert "queries of this kernel without a record: 1" in case.receipt


# ------------------------------------------------------------ the files


def test_a_corrupt_byte_in_an_answer_is_never_opened(case: Notebook, cases: Path) -> None:
    case.run("%kql SigninLogs | take 500")
    history(case)
    [path] = (cases / "contoso" / "results").glob("*.parquet")
    whole = path.read_bytes()
    for place in range(0, len(whole), len(whole) // 12):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        case.names.pop("again", None)
        result = case.run("%kql_open R1 -o again")
        if result.error_in_exec is None:  # a byte that no value depends on
            continue
        assert "R1: its file is damaged" in str(result.error_in_exec)
        assert "again" not in case.names
    path.write_bytes(whole[:-100])
    assert "its file is damaged" in str(case.error("%kql_open R1"))
    path.unlink()
    assert "its file is gone" in str(case.error("%kql_open R1"))
    assert history(case)["kept"].tolist() == ["not kept: its file is gone"]


DAMAGES: dict[str, Callable[[Path], object]] = {
    "noise": lambda path: path.write_bytes(os.urandom(20_000)),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:5000]),
    "empty": lambda path: path.write_bytes(b""),
    "broken pages": lambda path: path.write_bytes(path.read_bytes()[:4096] + os.urandom(16_384)),
    "other tables": lambda path: path.write_bytes(
        path.read_bytes().replace(b"CREATE TABLE", b"CREATE TABEL")
    ),
    "a folder of nothing": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_index_is_made_anew_and_nothing_is_lost(store: Store, writer: Writer, damage: str) -> None:
    assert written(writer, store, numbers(1), numbers(2)) == ["kept"] * 2
    DAMAGES[damage](store.folder / "index.sqlite")
    writer.put(draft(store, numbers(3)))
    assert writer.flush(60)
    assert (writer.problem, writer.lost) == ("", [])
    told = store._index.by_age()
    assert len(told) == 3, "the budget sees all results"
    assert [record.id for record in store.history()] == ["R1", "R2", "R3"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_index_is_read_past_by_a_cell(case: Notebook, cases: Path, damage: str) -> None:
    for number in range(3):
        case.run(f"%kql print {number}")
    assert history(case)["kept"].tolist() == ["kept"] * 3
    DAMAGES[damage](cases / "contoso" / "index.sqlite")
    assert history(case)["kept"].tolist() == ["kept"] * 3


def test_an_index_that_another_kernel_holds_keeps_nobody_from_recording(
    store: Store, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3
    from contextlib import closing

    assert written(writer, store, numbers(1)) == ["kept"]
    monkeypatch.setattr("kqlmagic_ext.record.index._PATIENCE_S", 0.1)
    with closing(sqlite3.connect(store.folder / "index.sqlite")) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert written(writer, store, numbers(2)) == ["kept"] * 2
        other.rollback()
    assert writer.lost == []
    assert [record.id for record in store.history()] == ["R1", "R2"]


@pytest.mark.parametrize(
    "text",
    ["{", '{"form": 1}', "[" * 100_000, '{"form": 1, "id": "R1", "case": "x", "kind": "query", "time": "?"}',
     '{"form": 1, "id": "R7", "case": "x", "kind": "query", "time": "2026-11-01T00:00:00Z"}',
     '{"form": 1, "id": "R1", "case": "x", "kind": "query", "time": "2026-11-01T00:00:00Z", "text": 7}', "\x00" * 40],
)  # fmt: skip
def test_a_damaged_record_is_named_and_the_others_told(case: Notebook, cases: Path, text: str) -> None:
    case.run("%kql print 1")
    case.run("%kql print 2")
    history(case)
    (cases / "contoso" / "records" / "R1.json").write_text(text)
    told = history(case)
    assert told["kept"].tolist() == ["not kept: its record is damaged", "kept"]
    assert "records that cannot be read: R1" in case.receipt
    assert "R1: " in str(case.error("%kql_open R1"))
    (cases / "contoso" / "index.sqlite").unlink()
    assert history(case)["id"].tolist() == ["R2"]
    assert "records that cannot be read: R1" in case.receipt


def test_a_damaged_record_can_be_forgotten_with_its_answer(case: Notebook, cases: Path) -> None:
    case.run("%kql print 'needle-in-the-case'")
    case.run("%kql print 2")
    history(case)
    path = cases / "contoso" / "records" / "R1.json"
    path.write_text(path.read_text("utf-8")[:-10], "utf-8")
    case.run("%kql_forget r1").raise_error()
    assert history(case)["kept"].tolist() == ["forgotten", "kept"]
    files = [path for path in (cases / "contoso").rglob("*") if path.is_file()]
    assert not [path for path in files if b"needle-in-the-case" in path.read_bytes()]
    assert len(list((cases / "contoso" / "results").iterdir())) == 1


def test_a_case_that_is_taken_away_while_a_kernel_runs_begins_anew(case: Notebook, cases: Path) -> None:
    import shutil

    case.run("%kql print 1")
    history(case)
    shutil.rmtree(cases / "contoso")
    case.run("%kql print 2")
    assert history(case)["query"].tolist() == ["print 2"]


def test_what_is_forgotten_is_in_no_file(case: Notebook, cases: Path) -> None:
    case.run("%kql print hidden = 'needle-in-the-case'")
    case.run("%kql print 2")
    history(case)
    case.run("%kql_forget R1")
    files = [path for path in (cases / "contoso").rglob("*") if path.is_file()]
    assert len(files) >= 4
    assert not [path for path in files if b"needle-in-the-case" in path.read_bytes()]


# ------------------------------------------------------------ many


RECORDING = """
import sys
from pathlib import Path
from tests.record.test_faults import draft, numbers
from kqlmagic_ext.record.store import Store
from kqlmagic_ext.record.writer import Writer
store = Store(Path(sys.argv[1]))
writer = Writer(store, lambda: 10**12)
for number in range(int(sys.argv[3])):
    writer.put(draft(store, numbers(int(sys.argv[2]) + number)))
writer.flush()
assert not writer.lost and not writer.problem, (writer.lost, writer.problem)
"""

ASKING = """
import sys
from tests.record.asking import child_shell
notebook = child_shell(sys.argv[1], 'contoso')
for number in range(30):
    notebook.run(f"%kql print {sys.argv[2]} + {number}").raise_error()
"""


def both(code: str, *arguments: str) -> None:
    """Run the code in two processes at once, each with a number of its own behind the first argument."""
    first, *more = arguments
    started = [
        subprocess.Popen([sys.executable, "-c", code, first, number, *more], cwd=ROOT)
        for number in ("1", "1000000")
    ]
    assert [process.wait(300) for process in started] == [0, 0]


def test_two_kernels_that_write_1000_records_each_lose_none(store: Store) -> None:
    both(RECORDING, str(store.folder), "1000")
    assert sorted(store._index.stamps()) == list(range(1, 2001))
    records = store.history()
    assert len({record.sha256 for record in records}) == 2000
    assert {store.state(record) for record in records} == {"kept"}
    assert {int(store.table(record.tables[0])["n"][0].as_py()) for record in records[::100]} <= {
        *range(1, 1001),
        *range(1_000_000, 1_001_000),
    }


def test_two_shells_that_end_at_once_lose_none(cases: Path) -> None:
    both(ASKING, str(cases))
    store = Store(cases / "contoso")
    records = store.history()
    assert [record.number for record in records] == list(range(1, 61))
    assert {store.state(record) for record in records} == {"kept"}


def test_an_answer_beyond_the_queue_is_not_kept_and_the_history_says_so(store: Store) -> None:
    writer = Writer(store, lambda: 10**12, queue_bytes=1000)
    with writer._changed:  # the disk is slow
        for first in (1, 2, 3):
            writer.put(draft(store, numbers(first, rows=100)))
    assert writer.close(60)
    records = store.history()
    full = "not kept: the queue of answers to keep was full"
    assert [store.state(record) for record in records] == ["kept", full, full]
    assert [record.rows for record in records] == [100] * 3


def test_beyond_the_queue_what_went_in_is_not_held_either(store: Store) -> None:
    writer = Writer(store, lambda: 10**12, queue_bytes=1000)
    table = numbers(1, rows=10_000)
    with writer._changed:
        for number in (1, 2):
            record = Record(store.take_id(), store.case, "query", TIME, error="QueryError: no")
            writer.put(Draft(record, (), {"given": (numbers(number, rows=100), None)}))
        held = [held for _, held in writer._drafts]
    assert held == [800, 0]
    assert writer.close(60)
    assert store.record(2).inputs["given"].rows == 100
    assert table.num_rows == 10_000


def test_the_oldest_answers_give_way_to_the_budget_and_the_records_stay(case: Notebook) -> None:
    case.run("%config KqlMagics.record_budget = '0.02MB'")
    for number in range(4):
        case.names["noise"] = noise(1000 + number)
        case.run("%kql -i noise noise")
        history(case)
    told = history(case)
    kept = told["kept"].tolist()
    gone = "not kept: its result was taken away to stay within the budget (KqlMagics.record_budget)"
    assert kept[0] == gone
    assert kept[-1] == "kept"
    assert kept == sorted(kept, reverse=True)
    assert told["rows"].tolist() == [1000, 1001, 1002, 1003]
    assert "stay within the budget" in str(case.error("%kql_open R1"))


def test_an_answer_that_comes_again_after_it_was_evicted_is_kept_again(store: Store) -> None:
    writer = Writer(store, lambda: 1)
    assert written(writer, store, numbers(1), numbers(2))[1] == "kept"
    states = written(writer, store, numbers(1))
    assert states[::2] == ["kept", "kept"]
    assert "budget" in states[1]
    writer.close(10)


# ------------------------------------------------------------ the thread and the process


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


def test_a_record_holds_json_alone(case: Notebook, cases: Path) -> None:
    case.run("%kql print 1")
    history(case)
    json.loads((cases / "contoso" / "records" / "R1.json").read_text("utf-8"))
