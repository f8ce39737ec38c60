"""--cache: a kept answer to the very same question, and never to another one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kqlmagic_ext.frames import frame_from_arrow, kql_field
from kqlmagic_ext.kql.parameters import bind
from kqlmagic_ext.magics.kept_answers import kept_answer
from kqlmagic_ext.magics.options import Cell
from kqlmagic_ext.magics.recording import Recording, Wishes
from kqlmagic_ext.query import Query, Result, Sent, Timespan, Window
from kqlmagic_ext.record.canonical import content_hash
from tests.notebook import Notebook
from tests.record.drafted import edit
from tests.record.test_history import history

ASKED = "%%kql --cache 1h -t 2d -o rows\nSigninLogs | where UserPrincipalName has {{user}}"


def test_a_kept_answer_is_shown_with_its_window_and_its_moment(case: Notebook) -> None:
    case.run("user = 'katarzyna'")
    case.run(ASKED)
    case.run("first = rows")
    assert "no query was sent" not in case.receipt
    case.run(ASKED)
    pd.testing.assert_frame_equal(case.names["first"], case.names["rows"])
    assert case.names["rows"].attrs["kql"]["record"] == "R1"
    assert "R1, asked 20" in case.receipt
    assert (
        "window 2026-10-30T00:00:00Z/2026-11-01T00:00:00Z; no query was sent, no record is left"
        in case.receipt
    )
    assert history(case)["id"].tolist() == ["R1"]


@pytest.mark.parametrize(
    "other",
    [
        "user = 'jose'\n",
        "%config KqlMagics.timespan = 'all'\n-t 3d",
        "-t 2026-10-30/2026-11-01",  # the same window, written otherwise: `2d` means another one each time
        "--limit 5",
        "-c local://demo?end=2026-11-01&rows=20000&seed=8",
    ],
)
def test_another_question_is_asked(case: Notebook, other: str) -> None:
    case.run("user = 'katarzyna'")
    case.run(ASKED)
    before, _, options = other.rpartition("\n")
    case.run(before)
    case.run(ASKED.replace("-t 2d", options if options.startswith("-t") else f"-t 2d {options}"))
    assert "no query was sent" not in case.receipt
    assert history(case)["id"].tolist() == ["R1", "R2"]


def test_a_frame_is_told_by_its_content(case: Notebook) -> None:
    case.run("import pandas as pd; hosts = pd.DataFrame({'host': ['a', 'b']})")
    asked = "%kql --cache 1h -i hosts hosts | count"
    case.run(asked)
    case.run("hosts = pd.DataFrame({'host': ['a', 'b']})")
    case.run(asked)
    assert "no query was sent" in case.receipt
    case.run("hosts.loc[1, 'host'] = 'c'")
    case.run(asked)
    assert "no query was sent" not in case.receipt


def test_an_old_failed_incomplete_or_damaged_answer_is_none(case: Notebook, cases: Path) -> None:
    asked = "%kql --cache 1h SigninLogs | take 3"
    records, results = cases / "contoso" / "records", cases / "contoso" / "results"
    for change in (
        {"time": "1926-11-01T00:00:00Z"},
        {"time": "2926-11-01T00:00:00Z"},  # a clock that was wrong
        {"complete": False},
        {"error": "x"},
        {"lost": "x"},
    ):
        case.run(asked)
        history(case)  # it is on the disk
        for path in records.glob("*.json"):
            edit(path, **change)
        case.run(asked)
        assert "no query was sent" not in case.receipt
        case.run(asked)
        assert "no query was sent" in case.receipt
        for path in records.glob("*.json"):
            path.unlink()
    case.run(asked)
    history(case)
    for path in results.glob("*.parquet"):
        path.write_bytes(b"nothing")
    case.run(asked)
    assert "no query was sent" not in case.receipt


def test_what_cannot_be_meant_is_one_sentence(case: Notebook) -> None:
    assert "only one of them" in str(case.error("%kql --cache 1h --refresh print 1"))
    assert "is no age" in str(case.error("%kql --cache 2026-10-01/2026-10-02 print 1"))
    assert "is no timespan" in str(case.error("%kql --cache soon print 1"))
    case.run("%kql print 1")
    assert "asks again" in str(case.error("%kql_rerun R1 --cache 1h"))


def test_no_record_keeps_no_answer_to_show(case: Notebook) -> None:
    case.run("%kql --no-record --cache 1h print 1")
    case.run("%kql --no-record --cache 1h print 1")
    assert "no query was sent" not in case.receipt


# ---------------------------------------------------------------- never another question


def meaning(query: Query, place: str) -> str:
    """All that may change an answer, told without the code that is tested."""
    bound = bind(query)
    values = {name: (value.type, repr(value.plain)) for name, value in bound.scalars.items()}
    frames = {
        name: frame.to_csv() + str(frame.dtypes.tolist())
        for name, frame in bound.frames.items()
        if isinstance(frame, pd.DataFrame)
    }
    tables = {
        name: content_hash(table) for name, table in bound.frames.items() if isinstance(table, pa.Table)
    }
    span = "" if query.timespan is None else query.timespan.text
    return repr(
        (
            query.text,
            sorted(values.items()),
            sorted(frames.items()),
            sorted(tables),
            span,
            query.limit,
            query.search,
            place,
        )
    )


@dataclass
class Echo:
    """A place that answers with what `questions` says was meant."""

    place: str
    answer: str = ""
    name: str = "echo"

    def prepare(self, query: Query) -> str:
        return query.text

    def run(self, query: Query, progress: Any = None) -> Result:  # noqa: ARG002 - as connections have it
        column = pa.array([self.answer])
        table = pa.table([column], schema=pa.schema([kql_field("meant", "string", column.type)]))
        frame = frame_from_arrow(table)
        origin = Sent(query.text, {}, self.name, Window(), datetime.now(UTC)).origin(rows=1, seconds=0)
        frame.attrs["kql"] = dict(origin)
        return Result((frame,), (table,), frame.attrs["kql"])

    def close(self) -> None:
        """Nothing is open."""


def frames_of(numbers: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"n": numbers})


VALUES = st.one_of(
    st.sampled_from([1, 1.0, True, "1", "", None, 0.0, -0.0, [1], [1.0], [True], ["1"]]),
    st.sampled_from([{"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1}]),
    st.sampled_from(
        [timedelta(hours=1), datetime(2026, 11, 1, tzinfo=UTC), "01:00:00", "2026-11-01T00:00:00Z"]
    ),
    st.lists(st.integers(0, 1), min_size=1, max_size=2).map(frames_of),
)
QUERIES = st.builds(
    Query,
    st.sampled_from(["T | where {{x}} == y", "T | where {{x}} == y ", "T | where {{y}} == x", "x | take 1", "// x\nT"]),
    st.fixed_dictionaries({"x": VALUES, "y": VALUES}),
    st.sampled_from([None, "1d", "24h", "2026-10-31/2026-11-01"]).map(lambda text: text and Timespan.parse(text)),
    st.sampled_from([None, 1, 2]),
    refresh=st.booleans(),
    search=st.booleans(),
)  # fmt: skip
PLACES = st.sampled_from(
    ["echo://a", "echo://a?x=1", "echo://b", "echo://a?password=1", "echo://a?password=2", ""]
)


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    recording = Recording(lambda: Wishes("full", "contoso", str(tmp_path), 10**9))
    yield recording
    recording.close()


def ask(recording: Recording, query: Query, echo: Echo) -> None:
    """What a cell does."""
    cell = Cell(None, query.text, (), 0, 0)  # type: ignore[arg-type]  # no options are looked at
    with recording.asking(cell, query, echo) as asking:
        asking.answered(echo.run(asking.query))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(QUERIES, PLACES), min_size=2, max_size=8))
def test_a_kept_answer_is_always_one_to_the_same_question(
    recording: Recording, questions: list[tuple[Query, str]]
) -> None:
    for query, place in questions:
        echo = Echo(place, meaning(query, place))
        found = kept_answer(recording, query, echo, timedelta(hours=1))
        if found is not None:
            assert found[0].frame["meant"].tolist() == [meaning(query, place)]
        ask(recording, query, echo)
        told = kept_answer(recording, query, echo, timedelta(hours=1))
        hidden = not place or "password" in place
        assert (told is None) == hidden


@pytest.mark.parametrize(
    ("kept", "asked"), [("?password=1", ""), ("?password=1", "?password=2"), ("", "?password=1")]
)
def test_a_place_that_is_not_told_in_full_answers_for_no_other(
    recording: Recording, kept: str, asked: str
) -> None:
    query = Query("T | take 1")
    ask(recording, query, Echo(f"echo://a{kept}", "of another place"))
    assert kept_answer(recording, query, Echo(f"echo://a{asked}"), timedelta(hours=1)) is None


def test_whatever_a_query_holds_was_thought_of_when_two_are_called_the_same() -> None:
    in_question = {"text", "inputs", "timespan", "limit", "search"}
    beside = {"refresh", "now"}  # how it is got; which no cell can set
    assert {one.name for one in fields(Query)} == in_question | beside


@pytest.mark.parametrize(
    "change",
    [
        {"text": "T | take 2"},
        {"timespan": Timespan.parse("25h")},
        {"limit": 3},
        {"search": True},
        {"inputs": {"x": 2}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_part_of_a_question_counts(recording: Recording, change: dict[str, Any]) -> None:
    query = Query("T | where a == {{x}}", {"x": 1}, Timespan.parse("1d"))
    ask(recording, query, Echo("echo://a", "first"))
    assert kept_answer(recording, query, Echo("echo://a"), timedelta(hours=1)) is not None
    other = replace(query, **change)
    assert kept_answer(recording, other, Echo("echo://a"), timedelta(hours=1)) is None
    assert kept_answer(recording, query, Echo("echo://b"), timedelta(hours=1)) is None
