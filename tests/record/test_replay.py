"""Records run again with other times and values: what is taken from the record, and what is said when it is not there."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pandas as pd
import pytest

from tests.notebook import Notebook
from tests.record.drafted import edit
from tests.record.test_history import FAILED, history

USER = "%%kql -t 2d -o first\nSigninLogs | where UserPrincipalName has {{user}} | project TimeGenerated"


def test_a_query_runs_again_with_the_values_that_it_had(case: Notebook) -> None:
    case.run("user = 'katarzyna'")
    case.run(USER)
    case.run("del user")
    assert len(case.names["first"])
    case.run("%kql_rerun R1 -o second")
    pd.testing.assert_frame_equal(case.names["first"], case.names["second"])
    assert "R1 again, last 2 days (2026-10-30T00:00:00Z/2026-11-01T00:00:00Z)" in case.receipt
    assert history(case)["again_of"].tolist() == ["", "R1"]
    case.run("%kql_history --tree")
    assert "↻ again R1" in case.stdout


def test_other_times_and_values_take_the_place_of_the_recorded_ones(case: Notebook) -> None:
    case.run("user = 'katarzyna'")
    case.run(USER)
    case.run("somebody = 'jose'")
    case.run("%kql_rerun R1 -t 2026-10-28/2026-10-29 -i user=somebody -o other")
    case.run("user = 'jose'")
    case.run(USER.replace("-t 2d -o first", "-t 2026-10-28/2026-10-29 -o expected"))
    pd.testing.assert_frame_equal(case.names["other"], case.names["expected"])
    assert len(case.names["other"])
    told = history(case)
    assert told["window"].tolist()[1:] == ["2026-10-28T00:00:00Z/2026-10-29T00:00:00Z"] * 2


VALUES = {
    "b": True, "i": 7, "r": 0.1, "n": float("nan"), "d": Decimal("1.50"), "s": 'a "quoted" ü',
    "t": datetime(2026, 11, 1, 12, tzinfo=UTC), "p": pd.Timedelta("1h"),
    "g": UUID("74be27de-1e4e-49d9-b579-fe0b331d3642"), "y": {"a": [1, "x", 1.0, None]},
}  # fmt: skip


def test_values_of_all_types_are_given_as_they_were(case: Notebook) -> None:
    case.names.update(VALUES)
    asked = ", ".join(f"{name} = {{{{{name}}}}}, type_of_{name} = gettype({{{{{name}}}}})" for name in VALUES)
    case.run(f"%kql -o first print {asked}")
    for name in VALUES:
        del case.names[name]
    case.run("%kql_rerun R1 -o second")
    pd.testing.assert_frame_equal(case.names["first"], case.names["second"])


def test_a_value_that_no_record_keeps_is_asked_for(case: Notebook) -> None:
    case.names["text"] = "x" * 1_100_000
    case.run("%kql print x = strlen({{text}})")
    del case.names["text"]
    assert str(case.error("%kql_rerun R1")) == (
        "R1: the value of text is too long to be kept; give it by -i text"
    )
    case.names["text"] = "short"
    assert case.value("%kql_rerun R1 -i text")["x"].tolist() == [5]


def test_a_frame_comes_from_the_kept_answer_that_fed_the_query(case: Notebook) -> None:
    case.run(FAILED)
    case.run(
        "%%kql -i failed -o first\nfailed | summarize n = count() by UserPrincipalName | order by n, UserPrincipalName"
    )
    case.run("failed = failed.head(1)")
    case.value("%kql_rerun R2 -o second")
    pd.testing.assert_frame_equal(case.names["first"], case.names["second"])
    assert history(case)["inputs"].tolist()[1:] == ["failed fed by R1, unchanged"] * 2


def test_a_frame_of_the_notebook_is_taken_only_while_it_is_the_one_that_went_in(case: Notebook) -> None:
    case.run("import pandas as pd; hosts = pd.DataFrame({'host': ['a', 'b']})")
    case.run("%kql -i hosts hosts | count")
    assert case.value("%kql_rerun R1")["Count"].tolist() == [2]
    case.run("hosts = hosts.head(1)")
    assert "is not the one that R1 was given; give it by -i hosts" in str(case.error("%kql_rerun R1"))
    assert case.value("%kql_rerun R1 -i hosts")["Count"].tolist() == [1]
    case.run("del hosts")
    assert "hosts is not in this notebook; give it by -i hosts" in str(case.error("%kql_rerun R1"))


def test_the_place_is_that_of_the_record_whatever_is_connected_now(case: Notebook, tmp_path: Path) -> None:
    case.run("%kql -o first SigninLogs | count")
    (tmp_path / "SigninLogs.csv").write_text("UserPrincipalName\nx\n", "utf-8")
    case.run(f"%kql_connect local://{tmp_path} --as demo")
    assert case.value("%kql_rerun R1")["Count"].tolist() == case.names["first"]["Count"].tolist()
    assert case.value("%kql_rerun R1 -c demo")["Count"].tolist() == [1]


def test_a_failed_query_may_run_again_and_its_error_tells_whose_text_it_is(case: Notebook) -> None:
    case.error("%kql SigninLogs | nonsense")
    error = case.error("%kql_rerun R1")
    assert "no operator 'nonsense'" in str(error)
    assert "in the query of R1" in error.__notes__


@pytest.mark.parametrize("verb", ["%kql_rerun R1", "%kql_diff R1 R2"])
def test_what_is_no_query_is_told_in_one_sentence(case: Notebook, verb: str) -> None:
    case.run("%kql_note a dead end")
    case.run("%kql print 1")
    said = {
        "%kql_rerun R1": "R1 is a note: there is no query to run",
        "%kql_diff R1 R2": "R1: it has no answer (note)",
    }
    assert str(case.error(verb)) == said[verb]
    case.run("%kql_forget R2")
    assert "R2 was forgotten" in str(case.error("%kql_rerun R2"))
    assert "there is no record R9 in the case contoso" in str(case.error("%kql_rerun R9"))
    assert "is no id of a record" in str(case.error("%kql_rerun nonsense"))
    assert "wants the id" in str(case.error("%kql_rerun"))


def test_a_rerun_can_be_shown_and_runs_nothing(case: Notebook) -> None:
    case.run("%kql print first = 1")
    case.run("%kql_rerun R1 --show")
    assert case.stdout.startswith("print first = 1")
    assert len(history(case)) == 1


def test_a_record_tells_when_it_was_asked_though_the_place_is_pinned(case: Notebook, cases: Path) -> None:
    case.run("%kql print 1")
    history(case)
    told = json.loads((cases / "contoso" / "records" / "R1.json").read_text("utf-8"))
    assert told["origin"]["start"].startswith("2026-11-01T00:00:00")
    assert abs(datetime.now(UTC) - datetime.fromisoformat(told["time"])).total_seconds() < 3600


def test_a_place_that_is_not_kept_in_full_is_not_guessed(case: Notebook, cases: Path) -> None:
    case.run("%kql print 1")
    history(case)
    path = cases / "contoso" / "records" / "R1.json"
    edit(path, place="local://demo?…")
    assert str(case.error("%kql_rerun R1")) == "R1 was asked of demo, whose place is not kept: -c names one"
    assert case.value("%kql_rerun R1 -c demo").shape == (1, 1)


def test_a_record_is_named_by_the_frame_that_came_from_it_too(case: Notebook) -> None:
    case.run("%kql -o one print x = 1")
    case.run("%kql_rerun {{one}} -o two")
    assert case.value("%kql_diff {{one}} {{two}}").empty
    assert case.value("%kql_open {{two}}")["x"][0] == 1
    case.run("changed = one.assign(x=2)")
    assert str(case.error("%kql_diff {{one}} {{changed}}")).startswith("{{changed}} was changed since R1")
    case.run("stranger = one.copy(); stranger.attrs = {}")
    assert "tells no record of the case contoso" in str(case.error("%kql_open {{stranger}}"))
    assert "no variable 'missing'" in str(case.error("%kql_open {{missing}}"))
