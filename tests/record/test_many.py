"""Many kernels, many answers: none is lost unless the history says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kqlmagic_ext.record.drafts import Draft
from kqlmagic_ext.record.records import Record
from kqlmagic_ext.record.store import Store
from kqlmagic_ext.record.writer import Writer
from tests.notebook import Notebook
from tests.record.drafted import ROOT, TIME, draft, history, noise, numbers, written

RECORDS = int(os.environ.get("KQLMAGIC_RECORDS", "200"))  # the soak: 1000
RECORDING = """
import sys
from pathlib import Path
from tests.record.drafted import draft, numbers
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


@pytest.mark.slow
def test_two_kernels_that_write_many_records_at_once_lose_none(store: Store) -> None:
    both(RECORDING, str(store.folder), str(RECORDS))
    assert sorted(store._index.stamps()) == list(range(1, 2 * RECORDS + 1))
    records = store.history()
    assert {store.state(record) for record in records} == {"kept"}
    first = {store.table(record.tables[0])["n"][0].as_py() for record in records}
    assert first == {*range(1, RECORDS + 1), *range(1_000_000, 1_000_000 + RECORDS)}


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
            record = store.begin(Record("", "", "query", TIME, error="QueryError: no"))
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
