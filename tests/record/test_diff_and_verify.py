"""Two kept answers compared; what is kept verified, and what the places say today."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from kqlmagic_ext.emulator import Emulator
from tests.emulated import UNLIMITED, hasty_connection
from tests.notebook import Notebook
from tests.record.test_history import FAILED, history


def verified(case: Notebook, line: str = "") -> pd.DataFrame:
    frame: pd.DataFrame = case.value(f"%kql_verify {line}")
    return frame


def kept_files(cases: Path) -> list[Path]:
    return sorted((cases / "contoso" / "results").glob("*.parquet"))


# ---------------------------------------------------------------- compared


def test_a_difference_tells_rows_gone_appeared_and_how_often(case: Notebook) -> None:
    case.run("%kql datatable(a:long, s:string)[1, 'x', 2, 'y', 2, 'y', 3, 'z']")
    case.run("%kql datatable(a:long, s:string)[3, 'z', 2, 'y', 4, 'w']")
    frame = case.value("%kql_diff R1 R2")
    assert frame.to_dict("list") == {
        "difference": ["gone", "gone", "appeared"],
        "times": [1, 1, 1],
        "a": [1, 2, 4],
        "s": ["x", "y", "w"],
    }
    assert frame["a"].dtype == "Int64"
    assert "R1 → R2: 2 rows gone, 1 row appeared" in case.receipt


def test_a_key_tells_which_row_only_changed(case: Notebook) -> None:
    case.run("%kql datatable(k:string, n:long, s:string)['a', 1, 'x', 'b', 2, 'y']")
    case.run("%kql datatable(k:string, n:long, s:string)['a', 5, 'x', 'c', 2, 'y']")
    case.run("%kql_diff R1 R2 --key k -o d")
    assert case.names["d"][["difference", "differs", "k", "n"]].fillna("").to_numpy().tolist() == [
        ["gone", "", "b", 2],
        ["appeared", "", "c", 2],
        ["before", "n", "a", 1],
        ["after", "n", "a", 5],
    ]
    assert "R1 → R2: 1 row gone, 1 row appeared, 1 row changed (n)" in case.receipt
    assert "is no column that both" in str(case.error("%kql_diff R1 R2 --key nowhere"))


def test_the_order_of_rows_and_of_keys_in_a_dynamic_is_no_difference(case: Notebook) -> None:
    case.run("""%kql datatable(d:dynamic)[dynamic({"a": 1, "b": 2}), dynamic(null)]""")
    case.run("""%kql datatable(d:dynamic)[dynamic(null), dynamic({"b": 2, "a": 1})]""")
    assert case.value("%kql_diff R1 R2").empty
    assert "R1 and R2 have the same rows" in case.receipt


def test_columns_that_came_went_or_changed_their_type_stand_in_the_frame(case: Notebook) -> None:
    case.run("%kql print a = 1, b = 'x', c = datetime(2026-11-01), difference = 1")
    case.run("%kql print a = 1, c = datetime(2500-11-01), b = 2, d = true, difference = 1")
    frame = case.value("%kql_diff R1 R2")
    assert frame.columns.tolist() == [
        "difference",
        "times",
        "a",
        "b (was string)",
        "c",
        "difference (column)",
        "b",
        "d",
    ]
    assert frame["c"].tolist() == [pd.Timestamp("2026-11-01", tz="UTC"), pd.Timestamp("2500-11-01", tz="UTC")]
    assert frame["d"].isna().tolist() == [True, False]
    assert "new columns: d, b was string, is int" in case.receipt.replace("long", "int")


def test_answers_of_several_tables_are_compared_table_by_table(case: Notebook) -> None:
    case.run("%%kql\nprint a = 1; print b = 2")
    case.run("%%kql\nprint a = 1; print b = 3")
    same, other = case.value("%kql_diff R1 R2")
    assert (len(same), len(other)) == (0, 2)
    case.run("%kql print a = 1")
    assert "R1 has 2 tables, and R3 1" in str(case.error("%kql_diff R1 R3"))


# ---------------------------------------------------------------- verified


def test_what_is_kept_is_whole_and_what_never_was_says_why(
    case: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.run(FAILED)
    case.run("%kql_note a lead")
    case.error("%kql nowhere")
    monkeypatch.setenv("KQLMAGIC_RECORD", "queries")
    case.run("%kql print 1")
    frame = verified(case)
    assert frame["state"].tolist() == ["whole", "not kept", "not kept"]
    assert frame["why"].tolist() == ["", "failed", "query only"]
    assert case.receipt == "3 records: 2 not kept, 1 whole"


def test_a_changed_byte_is_damage_a_lost_file_is_gone(case: Notebook, cases: Path) -> None:
    case.run("%kql SigninLogs | take 5")
    case.run("%kql SigninLogs | take 6")
    history(case)
    told = {path.stat().st_size: path for path in kept_files(cases)}
    first = cases / "contoso" / "results" / f"{_hash(cases, 'R1')}.parquet"
    second = next(path for path in told.values() if path != first)
    content = bytearray(first.read_bytes())
    content[-20] ^= 1  # in the footer, which tells no value
    first.write_bytes(content)
    second.unlink()
    frame = verified(case)
    assert frame["state"].tolist() == ["damaged", "gone"]
    assert all(frame["why"])
    assert verified(case, "R2")["id"].tolist() == ["R2"]


def _hash(cases: Path, identity: str) -> str:
    told = json.loads((cases / "contoso" / "records" / f"{identity}.json").read_text("utf-8"))
    return str(told["tables"][0]["sha256"])


def test_what_was_evicted_says_so(case: Notebook, cases: Path) -> None:
    # Not by %config, which the shell would remember for the tests to come.
    case.shell.magics_manager.registry["KqlMagics"].record_budget = "0.001MB"
    case.run("%kql SigninLogs | take 50")
    case.run("%kql SigninLogs | take 60")
    assert verified(case)["state"].tolist() == ["evicted", "whole"]
    assert len(kept_files(cases)) == 1


def test_a_record_that_cannot_be_read_is_damaged(case: Notebook, cases: Path) -> None:
    case.run("%kql print 1")
    history(case)
    (cases / "contoso" / "records" / "R1.json").write_text("{", "utf-8")
    frame = verified(case)
    assert frame.to_numpy().tolist() == [["R1", "damaged", "its record cannot be read"]]


# ---------------------------------------------------------------- run again


def test_an_unpinned_demo_verifies_the_same_also_in_a_fresh_kernel(case: Notebook, cases: Path) -> None:
    case.run("%kql_connect local://demo")
    case.run("%%kql -t 12h -o failed\nSigninLogs | where TimeGenerated > ago(6h) | extend now = now()")
    case.run("%kql -i failed failed | count")
    history(case)
    case.shell.run_line_magic("reload_ext", "kqlmagic_ext")  # no connection is open, no clock is pinned
    case.run(f"%config KqlMagics.cases_folder = {str(cases)!r}")
    case.run("%config KqlMagics.case = 'contoso'")
    assert verified(case, "--again")["again"].tolist() == ["same", "same"]
    assert "left no record" in case.receipt
    assert len(history(case)) == 2


def test_files_that_grew_shrank_or_changed_are_told(case: Notebook, tmp_path: Path) -> None:
    table = tmp_path / "logs" / "Hosts.csv"
    table.parent.mkdir()
    table.write_text("host,load\na,0.5\nb,0.25\n", "utf-8")
    case.run(f"%kql_connect local://{table.parent}")
    case.run("%kql Hosts")
    for text, said in (
        ("host,load\nb,0.25\na,0.5\n", "same"),
        ("host,load\na,0.5\nb,0.25\nc,1.5\n", "grown, 1 row appeared"),
        ("host,load\na,0.5\n", "shrunk, 1 row gone"),
        (
            "host,load\na,0.75\nb,0.25\n",
            "changed, 1 row gone, 1 row appeared, other values in load, floats differ by at most 0.4",
        ),
    ):
        table.write_text(text, "utf-8")
        os.utime(table, ns=(1, hash(text) % 10**15))
        assert verified(case, "--again")["again"].tolist() == [said]


def test_what_cannot_run_again_says_why(case: Notebook) -> None:
    case.run("%kql_note a lead")
    case.error("%kql nowhere")
    case.run("import pandas as pd; hosts = pd.DataFrame({'host': ['a', 'b']})")
    case.run("%kql -i hosts hosts | count")
    case.run("del hosts")
    again = verified(case, "--again")["again"].tolist()
    assert again[0] == "not run: it failed then"
    assert again[1].startswith("not run: R3: its frame hosts is not kept")


@pytest.fixture
def azure_case(case: Notebook) -> Iterator[Notebook]:
    """The case, asked of a Log Analytics server on this machine through the Azure SDK."""
    url = "local://demo?end=2026-11-01&rows=20000"
    with Emulator(url, faults=[UNLIMITED]) as emulator, hasty_connection(emulator.url) as azure:
        places = case.shell.magics_manager.registry["KqlMagics"].places
        places._open["azure"], places._urls["azure"], places.default = azure, azure.url, "azure"
        yield case


def test_a_service_is_asked_over_the_absolute_window_and_a_moving_text_is_not(azure_case: Notebook) -> None:
    case = azure_case
    case.run("user = 'katarzyna'")
    case.run("%%kql -t 2026-10-30/2026-10-31 -o first\nSigninLogs | where UserPrincipalName has {{user}}")
    case.run("%kql -t 2026-10-30/2026-10-31 SigninLogs // now() and ago(1d) in a comment\n")
    case.run("%kql print x = 'ago(1d)', t = now()")
    case.run("del user")
    assert verified(case, "--again")["again"].tolist() == [
        "same",
        "same",
        "moving window: its text asks for now() or ago(), which this place cannot be told",
    ]
    case.run("%kql_rerun R1 -t 2026-10-25/2026-10-30 -o other")
    case.run("user = 'katarzyna'")
    case.run("%%kql -t 2026-10-25/2026-10-30 -o expected\nSigninLogs | where UserPrincipalName has {{user}}")
    pd.testing.assert_frame_equal(case.names["other"], case.names["expected"])
    assert len(case.names["other"])


# ---------------------------------------------------------------- the store fails


VERBS = [
    "%kql_history",
    "%kql_open R1",
    "%kql_forget R1",
    "%kql_case other",
    "%kql_note x",
    "%kql_verify",
    "%kql_diff R1 R1",
]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied", "records"), sqlite3.OperationalError("locked")]
)
def test_what_the_store_raises_is_one_sentence(
    case: Notebook, monkeypatch: pytest.MonkeyPatch, verb: str, error: Exception
) -> None:
    case.run("%kql print 1")
    history(case)

    def raises(*_: object) -> None:
        raise error

    for method in ("history", "record", "begin", "unreadable"):
        monkeypatch.setattr(f"kqlmagic_ext.record.store.Store.{method}", raises)
    raised = case.error(verb)
    assert type(raised).__name__ == "UsageError"
    assert "the record of this case cannot be used" in str(raised)


def test_a_case_that_is_gone_is_told(case: Notebook, cases: Path) -> None:
    assert "there is no record R1 in the case contoso" in str(case.error("%kql_rerun R1"))
    assert verified(case).empty
    assert "cannot be used: No such file or directory" in str(case.error("%kql_forget --case"))
    assert not (cases / "contoso" / "records").exists()
