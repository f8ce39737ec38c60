"""A query of the record is run again, compared, verified, and not asked twice without need."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kqlmagic_ext.emulator import Emulator
from kqlmagic_ext.frames import to_envelope
from kqlmagic_ext.record.records import FrameInput, KeptTable, Record
from kqlmagic_ext.record.replaying import find_cached, moves
from tests.notebook import Notebook

FAILED = "%%kql -o failed\nSigninLogs | where ResultType != '0' | take 50 | project TimeGenerated, UserPrincipalName"


def store(case: Notebook) -> Any:
    return case.shell.magics_manager.registry["KqlMagics"].recording.settled().store


# ---------------------------------------------------------------- again


def test_a_rerun_asks_the_same_with_the_same_values(case: Notebook) -> None:
    case.run("user, since = 'a', __import__('datetime').timedelta(days=3)")
    case.run(
        "%%kql -o one\nSigninLogs | where UserPrincipalName startswith {{user}} and TimeGenerated > now() - {{since}} | count"
    )
    case.run("user, since = 'zzz', None")
    case.run("%kql_rerun R1 -o two")
    pd.testing.assert_frame_equal(case.names["one"], case.names["two"])
    assert store(case).record(2).again_of == "R1"
    assert "again R1" in case.value("%kql_history")["inputs"][1]


def test_a_rerun_takes_other_values_times_and_places(case: Notebook) -> None:
    case.run("user = 'a'")
    case.run("%%kql -t 2d\nSigninLogs | where UserPrincipalName startswith {{user}} | count")
    case.run("other = 'zzz'")
    assert case.value("%kql_rerun R1 -i user=other")["Count"][0] == 0
    few, many = case.value("%kql_rerun R1")["Count"][0], case.value("%kql_rerun R1 -t 9d")["Count"][0]
    assert few < many
    assert store(case).record(4).window == ("2026-10-23T00:00:00Z", "2026-11-01T00:00:00Z")
    assert case.value("%kql_rerun R1 -c local://demo?end=2025-01-01&rows=20000")["Count"][0] >= 0
    assert store(case).record(5).place.startswith("local://demo?end=2025-01-01")


def test_every_type_of_value_comes_back_as_it_was(case: Notebook) -> None:
    case.run(
        "import datetime as dt, decimal, uuid\n"
        "b, l, r, d, s = True, 2**60 + 1, float('nan'), decimal.Decimal('1.50'), 'x\"y'\n"
        "t, p, g, y = dt.datetime(2026, 11, 1, tzinfo=dt.UTC), dt.timedelta(hours=1), uuid.UUID(int=7), {'a': [1, None]}"
    )
    case.run("%kql print b={{b}}, l={{l}}, r={{r}}, d={{d}}, s={{s}}, t={{t}}, p={{p}}, g={{g}}, y={{y}}")
    case.run("%kql_rerun R1")
    case.value("%kql_history")
    first, second = store(case).record(1), store(case).record(2)
    assert second.sha256 == first.sha256
    assert second.parameters == first.parameters


def test_a_frame_comes_from_the_record_that_fed_it(case: Notebook) -> None:
    case.run(FAILED)
    case.run(
        "%%kql -i failed -o one\nfailed | summarize n=count() by UserPrincipalName | sort by UserPrincipalName asc"
    )
    case.run("del failed")
    case.run("%kql_rerun R2 -o two")
    pd.testing.assert_frame_equal(case.names["one"], case.names["two"])


def test_a_frame_that_nobody_has_is_asked_for(case: Notebook) -> None:
    case.run("mine = __import__('pandas').DataFrame({'Host': ['a', 'b']})")
    case.run("%kql -i mine mine | count")
    assert case.value("%kql_rerun R1")["Count"][0] == 2
    case.run("mine = mine.assign(Host='c')")
    assert "give it by -i mine" in str(case.error("%kql_rerun R1"))
    assert case.value("%kql_rerun R1 -i mine")["Count"][0] == 2


def test_a_rerun_of_what_is_no_query_says_so(case: Notebook) -> None:
    case.run("%kql_note a note")
    assert "R1 is no query: note" in str(case.error("%kql_rerun R1"))
    assert "no record R7" in str(case.error("%kql_rerun R7"))
    assert "no id of a record" in str(case.error("%kql_rerun seven"))


def test_a_record_is_named_by_the_frame_that_came_from_it_too(case: Notebook) -> None:
    case.run("%kql -o one print x = 1")
    case.run("%kql_rerun {{one}} -o two")
    assert case.value("%kql_diff {{one}} {{two}}").empty
    assert case.value("%kql_open {{two}}")["x"][0] == 1
    case.run("stranger = one.copy(); stranger.attrs = {}")
    assert "tells no record of the case contoso" in str(case.error("%kql_open {{stranger}}"))
    assert "no variable 'missing'" in str(case.error("%kql_open {{missing}}"))


# ---------------------------------------------------------------- differences


def test_a_diff_tells_the_rows_that_are_gone_and_those_that_appeared(case: Notebook) -> None:
    case.run("%kql datatable(u:string, n:long)['a', 1, 'b', 2, 'b', 2]")
    case.run("%kql datatable(u:string, n:long)['b', 2, 'c', 3, 'a', 5]")
    told = case.value("%kql_diff R1 R2")
    assert "2 rows gone, 2 rows appeared" in case.receipt
    assert sorted(zip(told["change"], told["u"], told["n"], strict=True)) == [
        ("appeared", "a", 5),
        ("appeared", "c", 3),
        ("gone", "a", 1),
        ("gone", "b", 2),
    ]
    told = case.value("%kql_diff R1 R2 --key u")
    assert "1 changed in n, 1 row gone, 1 row appeared" in case.receipt
    assert told["change"].tolist() == ["before", "after", "gone", "appeared"]
    assert case.value("%kql_diff R1 R1").empty
    assert "no difference" in case.receipt
    assert "the key 'x' is no column" in str(case.error("%kql_diff R1 R2 --key x"))


# ---------------------------------------------------------------- verified


def test_a_kept_answer_is_verified_and_a_damaged_one_found(case: Notebook, cases: Path) -> None:
    case.run("%kql print whole = 1")
    case.run("%kql print damaged = 2")
    case.run("%kql print gone = 3")
    case.error("%kql nonsense(")
    case.value("%kql_history")
    folder = cases / "contoso" / "results"
    path = folder / f"{store(case).record(2).sha256}.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    (folder / f"{store(case).record(3).sha256}.parquet").unlink()
    told = case.value("%kql_verify")
    assert told["content"].tolist()[0] == "whole"
    assert "damaged" in told["content"][1]
    assert "gone" in told["content"][2]
    assert "failed" in told["content"][3]
    assert told["file"].tolist() == ["as written", "other bytes", "", ""]
    assert case.value("%kql_verify R1")["id"].tolist() == ["R1"]


def test_verifying_again_finds_the_same_answer_also_where_time_went_on(case: Notebook) -> None:
    case.run("%kql_connect local://demo")
    case.run(
        "%kql -t 2d SigninLogs | where TimeGenerated > ago(30h) | summarize n=count() by bin(TimeGenerated, 1h)"
    )
    case.run("%kql print now()")
    assert case.value("%kql_verify --again")["again"].tolist() == ["same", "same"]
    assert len(case.value("%kql_history")) == 2


def test_verifying_again_tells_what_changed(case: Notebook, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "Hosts.csv").write_text("Host,n\na,1\nb,2\n", "utf-8")
    case.run(f"%kql_connect local://{folder}")
    case.run("%kql Hosts | sort by Host asc")
    (folder / "Hosts.csv").write_text("Host,n\na,1\nb,2\nc,3\n", "utf-8")
    assert case.value("%kql_verify --again")["again"][0] == "grown, 1 row appeared"


def test_on_a_service_a_moving_window_is_not_run_again(case: Notebook) -> None:
    with Emulator("local://demo?end=2026-11-01&rows=20000") as emulator:
        case.run(f"%kql_connect {emulator.url}")
        case.run("%kql -t 2d SigninLogs | where TimeGenerated > ago(1d) | count")
        case.run("%kql -t 2026-10-30/2026-11-01 SigninLogs | summarize n=count() by UserPrincipalName")
        told = case.value("%kql_verify --again")["again"].tolist()
        assert told[0].startswith("moving window")
        assert told[1] == "same"
        assert case.value("%kql_rerun R2 -t 2026-10-31/2026-11-01")["n"].sum() > 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("T | where t > ago(1d)", True),
        ("T | extend x = now( )", True),
        ("T | where now == 'ago(1d)' // now()", False),
        ("T | project nowhere, ago", False),
    ],
)
def test_what_moves_with_the_clock_is_seen_on_tokens(text: str, expected: bool) -> None:
    assert moves(text) is expected


# ---------------------------------------------------------------- not asked twice


def test_a_kept_answer_stands_for_the_very_same_question(case: Notebook) -> None:
    case.run("user = 'a'")
    query = "SigninLogs | where UserPrincipalName startswith {{user}} | take 9 | project UserPrincipalName"
    case.run(f"%%kql -t 2d -o one\n{query}")
    case.run(f"%%kql -t 2d --cache 1h -o two\n{query}")
    assert "the kept answer of R1" in case.receipt
    assert "2026-10-30T00:00:00Z/2026-11-01T00:00:00Z" in case.receipt
    pd.testing.assert_frame_equal(case.names["one"], case.names["two"])
    assert case.names["two"].attrs["kql"]["record"] == "R1"
    assert len(case.value("%kql_history")) == 1
    for other in (
        f"-t 3d --cache 1h\n{query}",
        f"-t 2d --cache 1h --limit 5\n{query}",
        f"-t 2d --cache 1h\n{query} ",
    ):
        case.run(f"%%kql {other}")
        assert "kept answer" not in case.receipt
    case.run("user = 'b'")
    case.run(f"%%kql -t 2d --cache 1h\n{query}")
    assert "kept answer" not in case.receipt


def test_an_age_that_is_none_and_a_refresh_raise(case: Notebook) -> None:
    assert "no age" in str(case.error("%kql --cache soon print 1"))
    assert "choose" in str(case.error("%kql --cache 1h --refresh print 1"))


NOW = datetime(2026, 11, 1, tzinfo=UTC)
VALUES = st.sampled_from([1, True, 1.0, "1", [1], [True], [1.0], None, "", [], {"a": 1}, {"a": True}])
QUESTIONS = st.fixed_dictionaries(
    {
        "text": st.sampled_from(["T", "T ", "t", "T | take 1"]),
        "parameters": st.dictionaries(st.sampled_from("ab"), VALUES, max_size=2),
        "timespan": st.sampled_from(["", "7d", "P7D", "2026-10-01/2026-11-01"]),
        "place": st.sampled_from(["local://demo", "local://demo?rows=9", "loganalytics://x"]),
        "options": st.dictionaries(
            st.sampled_from(["limit", "search"]), st.sampled_from([1, True, 5]), max_size=2
        ),
        "frame": st.lists(st.integers(0, 2), max_size=2),
    }
)


def told(question: dict[str, Any]) -> str:
    """A question in Python's own words, in which 1, True and 1.0 differ."""
    return repr(
        [sorted(part.items()) if isinstance(part, dict) else part for _, part in sorted(question.items())]
    )


def asked(question: dict[str, Any]) -> tuple[Record, dict[str, pa.Table]]:
    field = pa.field("n", pa.int64(), metadata={"kql": "long"})
    tables = {"f": pa.table([pa.array(question["frame"], pa.int64())], schema=pa.schema([field]))}
    envelopes = {name: to_envelope(value, name) for name, value in question["parameters"].items()}
    rest = {name: question[name] for name in ("text", "timespan", "place", "options")}
    return Record("R1", "c", "query", NOW.isoformat(), parameters=envelopes, **rest), tables


@given(QUESTIONS, QUESTIONS)
def test_the_cache_never_answers_another_question(one: dict[str, Any], other: dict[str, Any]) -> None:
    from kqlmagic_ext.record.canonical import content_hash

    record, tables = asked(one)
    inputs = {name: FrameInput(0, (), content_hash(table)) for name, table in tables.items()}
    kept = record.with_(inputs=inputs, tables=(KeptTable(1, (), "0" * 64, "0" * 64, 1),))
    question, frames = asked(other)
    same = told(one) == told(other)
    assert bool(find_cached([kept], question, frames, timedelta(hours=1), NOW)) is same
    assert find_cached([kept], record, tables, timedelta(hours=1), NOW) == [kept]
    assert not find_cached([kept], record, tables, timedelta(hours=1), NOW + timedelta(hours=2))
    for worse in ({"complete": False}, {"error": "x"}, {"lost": "x"}, {"tables": ()}, {"kind": "note"}):
        assert not find_cached([kept.with_(**worse)], record, tables, timedelta(hours=1), NOW)
