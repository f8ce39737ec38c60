"""Killed at any moment, a kernel leaves a case that opens, and each record that was called kept whole."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kqlmagic_ext.record.canonical import content_hash
from kqlmagic_ext.record.records import Record
from kqlmagic_ext.record.store import Store
from tests.notebook import Notebook

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills with a signal that Windows lacks")
ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("KQLMAGIC_KILLS", "20"))


KILLS_OF_A_CASE = 5  # then a new one: a case may be killed while it is made, too
LONGEST_S = 0.5


def kept_before_killed(cases: Path, case: str, dice: random.Random) -> set[str]:
    """Have a child ask, and kill it a moment after it has looked at the history up to three times; what it called kept."""
    command = [sys.executable, "-m", "tests.record.asking", str(cases), case]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        looks = [child.stdout.readline() for _ in range(dice.randrange(4))]
        try:
            child.wait(dice.random() * LONGEST_S)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
        looks += [look for look in child.stdout if look.endswith("\n")]
    assert child.returncode == -signal.SIGKILL
    return set(looks[-1].split()[1:]) if looks else set()


def check(store: Store, promised: set[str]) -> None:
    """What was promised is there, each record and each answer whole, and its hash right."""
    store.open()
    found = {record.id: record for record in store.history()}
    assert promised <= {one for one, record in found.items() if record.kind != "asked"}
    assert store.unreadable() == []
    for record in found.values():
        assert store.record(record.number) == record
        assert store.state(record) in ("kept", "failed", "note") or record.kind == "asked"
        assert all(content_hash(store.table(kept)) == kept.sha256 for kept in record.tables)


@pytest.mark.slow
def test_what_was_called_kept_is_whole_after_a_kill_at_any_moment(cases: Path) -> None:
    dice = random.Random()  # noqa: S311 - moments, no secrets
    promised: dict[str, set[str]] = {}
    for number in range(KILLS):
        case = f"case {number // KILLS_OF_A_CASE}"
        kept = kept_before_killed(cases, case, dice)
        promised[case] = promised.get(case, set()) | kept
        check(Store(cases / case), promised[case])
    assert sum(map(len, promised.values())) > KILLS


def test_what_a_killed_kernel_asked_is_told_and_can_be_asked_again(cases: Path, case: Notebook) -> None:
    store = Store(cases / "contoso")
    store.open()
    asked = Record(
        "",
        "",
        "asked",
        "2026-11-01T00:00:00Z",
        text="print x = 7",
        place="local://demo?end=2026-11-01&rows=20000",
    )
    assert store.begin(asked).id == "R1"  # and then it was killed
    case.run("%kql print 1")
    history = case.value("%kql_history")
    assert history["query"].tolist() == ["print x = 7", "print 1"]
    assert history["kept"][0] == "asked; no answer is known: its kernel runs it still, or died"
    assert case.value("%kql_rerun R1")["x"][0] == 7
    case.run("%kql_forget R1")
    assert case.value("%kql_history")["kept"][0] == "forgotten"


def test_an_id_that_was_taken_and_nothing_more_is_told(cases: Path, case: Notebook) -> None:
    store = Store(cases / "contoso")
    store.open()
    (cases / "contoso" / "records" / "R1.json").touch()  # killed between two steps
    case.run("%kql print 1")
    assert case.value("%kql_history")["id"].tolist() == ["R2"]
    assert "asked by a kernel that runs it still, or died: R1" in case.receipt
