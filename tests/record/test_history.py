"""Every query of a case leaves a record: what was asked, what came, what fed it, and whether it is kept."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from tests.notebook import Notebook

FAILED = "%%kql -o failed\nSigninLogs | where ResultType != '0' | take 50 | project TimeGenerated, UserPrincipalName"


def history(case: Notebook, words: str = "") -> pd.DataFrame:
    frame: pd.DataFrame = case.value(f"%kql_history {words}")
    return frame


def test_a_query_leaves_a_record_that_says_what_was_asked_and_what_came(case: Notebook) -> None:
    case.run("user = 'ava'")
    case.run(
        "%%kql -t 2d -o signins\nSigninLogs | where UserPrincipalName has {{user}} | project TimeGenerated"
    )
    record = history(case).iloc[0]
    assert record["id"] == "R1"
    assert record["query"] == "SigninLogs | where UserPrincipalName has {{user}} | project TimeGenerated"
    assert record["window"] == "2026-10-30T00:00:00Z/2026-11-01T00:00:00Z"
    assert record["rows"] == len(case.names["signins"])
    assert record["kept"] == "kept"


def test_the_file_of_a_record_holds_values_place_and_hash_and_only_its_owner_reads_it(
    case: Notebook, cases: Path
) -> None:
    case.run("user = 'ava'")
    case.run("%kql SigninLogs | where UserPrincipalName has {{user}} | count")
    history(case)
    path = cases / "contoso" / "records" / "R1.json"
    told = json.loads(path.read_text("utf-8"))
    assert told["parameters"] == {"user": {"kind": "value", "type": "string", "value": "ava"}}
    assert told["place"] == "local://demo?end=2026-11-01T00:00:00Z&rows=20000&seed=7"
    assert told["cell"] == "%kql SigninLogs | where UserPrincipalName has {{user}} | count"
    assert (cases / "contoso" / "results" / f"{told['tables'][0]['sha256']}.parquet").exists()
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
        assert (cases / "contoso").stat().st_mode & 0o777 == 0o700
        assert (cases / "contoso" / "index.sqlite").stat().st_mode & 0o777 == 0o600


def test_a_failed_query_leaves_a_record_too(case: Notebook) -> None:
    case.error("%kql SigninLogs | nonsense")
    record = history(case).iloc[0]
    assert record["kept"] == "failed"
    assert "no operator 'nonsense'" in record["error"]


def test_a_frame_tells_which_record_it_is_and_whether_it_fed_a_query_unchanged(case: Notebook) -> None:
    case.run(FAILED)
    case.run("%%kql -i failed\nfailed | count")
    case.run("changed = failed.assign(UserPrincipalName='x')")
    case.run("%%kql -i changed\nchanged | count")
    case.run("other = changed.copy(); other.attrs = {}")
    case.run("%%kql -i other\nother | count")
    assert history(case)["inputs"].tolist() == [
        "",
        "failed fed by R1, unchanged",
        "changed fed by R1, changed since",
        "other origin unknown",
    ]


def test_a_frame_of_every_type_that_comes_back_is_unchanged(case: Notebook) -> None:
    case.run(
        "%%kql -o ten\nprint b=true, i=int(7), l=long(null), r=real(nan), d=decimal(1.50), s='', t=datetime(2026-11-01), "
        "p=1h, g=guid(74be27de-1e4e-49d9-b579-fe0b331d3642), y=dynamic({'a': [1, 'x']})"
    )
    case.run("%%kql -i ten\nten | count")
    assert history(case)["inputs"].iloc[1] == "ten fed by R1, unchanged"


def test_the_tree_shows_which_query_fed_which(case: Notebook) -> None:
    case.run(FAILED)
    case.run("%%kql -i failed -o users\nfailed | distinct UserPrincipalName")
    case.run("%kql_note a dead end")
    case.run("%kql_history --tree")
    lines = case.stdout.splitlines()
    assert lines[0].startswith("R1  ")
    assert lines[1].startswith("    R2  ")
    assert lines[2] == "        ← failed: fed by R1, unchanged"
    assert lines[3].startswith("R3  ")
    assert "a dead end" in lines[3]


def test_history_finds_words(case: Notebook) -> None:
    case.run("%kql print first = 1")
    case.run("%kql print second = 2")
    assert history(case, "SECOND print")["id"].tolist() == ["R2"]


def test_the_first_record_of_a_kernel_says_where_the_case_is_and_how_to_switch_it_off(
    case: Notebook, cases: Path
) -> None:
    case.run("%kql print 1")
    assert str(cases / "contoso") in case.receipt
    assert "KqlMagics.record = 'off'" in case.receipt
    case.run("%kql print 1")
    assert case.receipt.count("contoso") == 0


@pytest.mark.parametrize(
    "how", ["%config KqlMagics.record = 'off'", "import os; os.environ['KQLMAGIC_RECORD'] = 'off'"]
)
def test_off_leaves_nothing(case: Notebook, cases: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.delenv("KQLMAGIC_RECORD")
    case.run(how)
    case.run("%kql print 1")
    assert not cases.exists()
    monkeypatch.setenv("KQLMAGIC_RECORD", "full")  # what the cell set ends with the test


def test_no_record_leaves_none_of_that_cell(case: Notebook) -> None:
    case.run("%kql --no-record print 1")
    case.run("%kql print 2")
    assert history(case)["query"].tolist() == ["print 2"]


def test_queries_keeps_the_hash_and_not_the_answer(
    case: Notebook, cases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KQLMAGIC_RECORD", "queries")
    case.run("%kql print 1")
    assert history(case)["kept"].tolist() == ["query only"]
    assert not (cases / "contoso" / "results").exists()


def test_opening_gives_the_frame_as_it_came(case: Notebook) -> None:
    case.run(FAILED)
    case.run("before = failed; failed = failed.head(1)")
    case.run("%kql_open R1 -o again")
    pd.testing.assert_frame_equal(case.names["again"], case.names["before"])
    assert case.names["again"].attrs == case.names["before"].attrs
    assert "no query was sent" in case.receipt


def test_a_forgotten_record_keeps_its_id_alone(case: Notebook, cases: Path) -> None:
    case.run("%kql print secret = 'x'")
    case.run("%kql_forget R1")
    assert history(case)["kept"].tolist() == ["forgotten"]
    assert not list((cases / "contoso" / "results").glob("*.parquet"))
    assert "secret" not in "".join(
        path.read_text("utf-8") for path in (cases / "contoso" / "records").glob("*")
    )


def test_a_case_is_a_folder_that_is_left_and_found_again(case: Notebook, cases: Path) -> None:
    case.run("%kql print 1")
    case.run("%kql_case fabrikam")
    assert history(case).empty
    case.run("%kql print 2")
    case.run("%kql_case contoso")
    assert history(case)["query"].tolist() == ["print 1"]
    assert sorted(path.name for path in cases.iterdir()) == ["contoso", "fabrikam"]
    assert "cannot name a folder" in str(case.error("%kql_case ../elsewhere"))


TEN = """%%kql -o ten
datatable(b:bool, i:int, l:long, r:real, d:decimal, s:string, t:datetime, p:timespan, g:guid, y:dynamic)[
  true, 7, 1152921504606846977, 0.5, decimal(1.50), 'x', datetime(2026-11-01T00:00:00.123456Z), 1h,
    guid(74be27de-1e4e-49d9-b579-fe0b331d3642), dynamic({'a': [1, 'x']}),
  bool(null), int(null), long(null), real(nan), decimal(null), '', datetime(null), time(null), guid(null), dynamic(null)]"""


@pytest.mark.parametrize("rows", ["", " | take 0", " | where isnull(l)"])
def test_each_type_is_opened_as_it_came_with_nulls_and_empty(case: Notebook, rows: str) -> None:
    case.run(TEN + rows)
    case.run("%kql_open R1 -o again")
    pd.testing.assert_frame_equal(case.names["again"], case.names["ten"])
    assert case.names["again"].dtypes.to_dict() == case.names["ten"].dtypes.to_dict()


def test_a_hidden_string_is_nowhere_in_a_record(case: Notebook, cases: Path) -> None:
    case.run("%kql -o one print x = strlen(h\"s3cret\"), y = strlen(H@'s3cret')")
    assert case.names["one"]["x"][0] == 6
    assert "s3cret" not in str(case.names["one"].attrs)
    assert case.value("%kql_history")["query"][0] == 'print x = strlen(h"***"), y = strlen(h"***")'
    files = [path for path in (cases / "contoso").rglob("*") if path.is_file()]
    assert not [path for path in files if b"s3cret" in path.read_bytes()]
    assert "hidden string" in str(case.error("%kql_rerun R1"))
    case.run('%kql --cache 1h print x = strlen(h"other1")')
    case.run('%kql --cache 1h print x = strlen(h"another")')
    assert "kept answer" not in case.receipt
    case.run('%kql --show print h"s3cret"')
    assert "s3cret" not in case.stdout
    case.run('%kql print h"s3cret"')
    assert "hidden string" in str(case.error("%kql_save mine"))


def test_a_case_stays_that_of_the_notebooks_folder(
    case: Notebook, cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "hunting"
    folder.mkdir()
    monkeypatch.chdir(folder)
    case.run("%config KqlMagics.case = ''")
    case.run("%reload_ext kqlmagic_ext")
    case.run(f"%config KqlMagics.cases_folder = {str(cases)!r}")
    monkeypatch.chdir(tmp_path)
    case.run("%kql print 1")
    assert case.value("%kql_history")["kept"].tolist() == ["kept"]
    assert [path.name for path in cases.iterdir()] == ["hunting"]


def test_a_note_is_refused_where_nothing_is_recorded(case: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KQLMAGIC_RECORD", "off")
    assert "the record is off" in str(case.error("%kql_note a lead"))


def test_an_open_quote_is_one_sentence(case: Notebook) -> None:
    assert str(case.error('%kql_history "open')) == 'a quote is not closed: "open'


@pytest.mark.parametrize("name", ["../up", "$(id)", "{{who}}", "-x", "CON", "x" * 300, ".hidden", "a/b"])
def test_a_name_that_is_none_everywhere_names_no_case(case: Notebook, name: str) -> None:
    assert "cannot name a folder" in str(case.error(f"%kql_case {name}"))


def test_what_turns_text_around_is_shown_as_such_in_the_tree(case: Notebook) -> None:
    case.run("%kql_note evil \u202e txt")
    case.run("%kql_history --tree")
    assert "\\u202e" in case.stdout
    assert "\u202e" not in case.stdout
