"""Damaged files are named and never taken for whole, and what can be made anew is."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from kqlmagic_ext.record.store import Store
from kqlmagic_ext.record.writer import Writer
from tests.notebook import Notebook
from tests.record.drafted import draft, history, numbers, written


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
    assert written(writer, store, numbers(1)) == ["kept"]
    monkeypatch.setattr("kqlmagic_ext.record.index._PATIENCE_S", 0.1)
    with closing(sqlite3.connect(store.folder / "index.sqlite")) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert written(writer, store, numbers(2)) == ["kept"] * 2
        other.rollback()
    assert writer.lost == []
    assert [record.id for record in store.history()] == ["R1", "R2"]


def test_a_record_that_a_hand_changed_is_told(case: Notebook, cases: Path) -> None:
    case.run("%kql print honest = 299")
    case.run("%kql_note a lead")
    history(case)
    for number, (old, new) in enumerate([("299", "300"), ("lead", "dead")], 1):
        path = cases / "contoso" / "records" / f"R{number}.json"
        path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    history(case)
    assert "records that cannot be read: R1, R2" in case.receipt
    assert "it was changed after it was written" in str(case.error("%kql_open R1"))
    assert case.value("%kql_verify")["state"].tolist() == ["damaged", "damaged"]


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
