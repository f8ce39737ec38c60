"""The Python side against recordings of a real PowerShell 7.4: what it said then, the fake says again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd
import pytest

from kqlmagic_ext import LanguageError, ParameterError
from kqlmagic_ext.errors import SessionDied
from kqlmagic_ext.languages.powershell import PowerShellSession
from tests.languages.powershell_lab import (
    Fake,
    Shown,
    fake,
    interrupted_soon,
    ran,
    recorded,
    session_on,
    transcript,
)

Replayed = tuple[PowerShellSession, Fake]


@contextmanager
def replaying(folder: Path, name: str) -> Iterator[Replayed]:
    """A session on a recording; at the end, nothing was asked that was not recorded."""
    stand_in = fake(folder, "replay", str(transcript(name)))
    with session_on(stand_in) as session:
        yield session, stand_in
    assert not [note for note in stand_in.notes if "unexpected" in note]


def cells(name: str) -> list[str]:
    """The cells of a recording."""
    return [
        line["msg"]["code"] for line in recorded(name) if line["dir"] == "to" and line["msg"]["op"] == "run"
    ]


CELLS = [
    "output_text", "output_table", "streams_in_order", "error_non_terminating", "error_terminating", "error_command_not_found",
    "error_in_function", "error_parse", "error_class", "progress", "native", "native_encoding", "raw_console", "exit", "prompts",
    "persistence", "culture_de", "constrained_language", "limits_records", "width", "jobs", "strict_mode",
]  # fmt: skip


@pytest.mark.parametrize("name", CELLS)
def test_every_record_that_was_sent_is_shown_and_every_failure_raises(tmp_path: Path, name: str) -> None:
    with replaying(tmp_path, name) as (session, _):
        for code in cells(name):
            messages = answers(name, code)
            shown = Shown()
            try:
                outcome = session.run(code, shown)
            except LanguageError as error:
                assert messages[-1]["state"] == "failed" or "asked for input" in error.message
            else:
                assert messages[-1]["state"] == "completed"
                texts = [
                    m["error"]["message"]
                    for m in messages
                    if m.get("stream") == "error" and "NativeCommandError" not in m["error"]["id"]
                ]
                assert [text.partition(": ")[2] for text in outcome.errors] == texts
            everything = "".join(piece.text for piece in shown.pieces)
            for message in messages:
                if (
                    message["event"] == "record"
                    and message["stream"] != "progress"
                    and "HostFunction" not in str(message.get("error"))
                ):
                    assert message["text"] in everything


def answers(name: str, code: str) -> list[dict[str, Any]]:
    """What was sent for a cell, to its end."""
    lines = [line["msg"] for line in recorded(name) if line["dir"] in ("to", "from")]
    number = next(message["id"] for message in lines if message.get("code") == code)
    return [message for message in lines if message.get("id") == number and "event" in message]


def test_streams_come_in_their_order_as_powershell_prints_them(tmp_path: Path) -> None:
    with replaying(tmp_path, "streams_in_order") as (session, _):
        first, debug, tables = cells("streams_in_order")
        outcome, shown = ran(session, first)
        assert [(piece.stream, piece.text) for piece in shown.pieces] == [
            ("stdout", "o1\n"),
            ("warning", "WARNING: w\n"),
            ("error", "Write-Error: e\n"),
            ("stdout", "h\n"),
            ("stdout", "no newline"),
            ("verbose", "VERBOSE: v\n"),
            ("information", "i\n"),
            ("stdout", "o2\n"),
        ]
        assert outcome.errors == ("line 1: e",)
        assert ran(session, debug)[1].text("debug") == "DEBUG: d\n"
        assert ran(session, tables)[1].streams == ["stdout", "warning", "stdout"]


@pytest.mark.parametrize(
    ("name", "at", "line", "column", "source"),
    [
        ("error_terminating", 0, 2, 1, "throw 'bad'"),
        ("error_terminating", 2, 1, 1, "Get-Item /nonexistent -ErrorAction Stop"),
        ("error_terminating", 3, 2, 1, "Get-Item /nonexistent"),
        ("error_parse", 0, 2, 5, "if ("),
        ("error_parse", 1, 1, 1, "'abc"),
        ("error_parse", 3, 3, 1, "}"),
        ("error_parse", 4, 1, 6, "'😀'; )"),  # PowerShell counts 7: its emoji is two units
        ("error_class", 1, 1, None, "[P]::new().M()"),  # it failed in a class of an earlier cell
    ],
)
def test_a_failure_has_its_place_in_the_cell(
    tmp_path: Path, name: str, at: int, line: int, column: int | None, source: str
) -> None:
    with replaying(tmp_path, name) as (session, _):
        for code in cells(name)[:at]:
            with_or_without_failure(session, code)
        with pytest.raises(LanguageError) as caught:
            ran(session, cells(name)[at])
    assert (caught.value.line, caught.value.column, caught.value.source) == (line, column, source)
    assert caught.value.language == "powershell"


def with_or_without_failure(session: PowerShellSession, code: str) -> None:
    try:
        ran(session, code)
    except LanguageError:
        return


def test_every_problem_of_a_cell_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with replaying(tmp_path, "error_parse") as (session, _):
        for code in cells("error_parse")[:3]:
            with_or_without_failure(session, code)
        with pytest.raises(LanguageError, match="Unexpected token") as caught:
            ran(session, cells("error_parse")[3])
    assert [note.partition(": ")[0] for note in caught.value.__notes__] == ["line 1, column 1"]


def test_an_error_in_a_function_of_an_earlier_cell_is_placed_where_it_was_called(tmp_path: Path) -> None:
    with replaying(tmp_path, "error_in_function") as (session, _):
        definition, call, _ = cells("error_in_function")
        ran(session, definition)
        outcome, _ = ran(session, call)
    assert outcome.errors == ("line 2: Cannot find path '/nonexistent' because it does not exist.",)


def test_strict_fails_a_cell_for_an_error_that_did_not_end_it(tmp_path: Path) -> None:
    with replaying(tmp_path, "error_non_terminating") as (session, _):
        code, _ = cells("error_non_terminating")
        shown = Shown()
        with pytest.raises(LanguageError, match="line 1, column 1: Cannot find path"):
            session.run(code, shown, frozenset({"--strict"}))
    assert shown.text("stdout") == "after\n"  # the cell ran to its end


def test_a_prompt_fails_the_cell_and_says_who_asked_what(tmp_path: Path) -> None:
    said = []
    with replaying(tmp_path, "prompts") as (session, _):
        for code in cells("prompts"):
            with pytest.raises(LanguageError) as caught:
                ran(session, code)
            said.append(str(caught.value))
    assert said[0].startswith("line 1, column 1: Read-Host asked for input, and nobody can answer in a cell")
    assert "Get-Credential asked for input (Enter your credentials.)" in said[1]
    assert 'Performing the operation "Set variable" on target' in said[2]
    assert all("-Confirm:$false" in text for text in said)


def test_progress_is_a_line_with_a_bar_and_goes_when_it_is_over(tmp_path: Path) -> None:
    with replaying(tmp_path, "progress") as (session, _):
        _, shown = ran(session, cells("progress")[0])
    assert [piece.text for piece in shown.pieces] == [
        "Work  ██████████░░░░░░░░░░ 50 %  step 1",
        "Work  ████████████████████ 100 %  step 2",
        "",
    ]


def test_a_programs_exit_status_is_noted_and_its_stderr_is_no_error(tmp_path: Path) -> None:
    outcomes = []
    with replaying(tmp_path, "native") as (session, _):
        outcomes = [ran(session, code, "--strict") for code in cells("native")]
    assert outcomes[0][0].notes == ("$LASTEXITCODE is 7",)
    assert outcomes[1][0].notes == ()
    assert (outcomes[2][0].notes, outcomes[2][0].errors) == (("$LASTEXITCODE is 1",), ())
    assert outcomes[2][1].text("stderr") == "err\n"
    assert outcomes[3][0].notes == ()


def test_what_the_limits_took_away_is_noted(tmp_path: Path) -> None:
    with replaying(tmp_path, "limits_records") as (session, _):
        first, second = (ran(session, code)[0].notes for code in cells("limits_records"))
    assert first[0].startswith("95 records of the output stream were left out")
    assert second[0].startswith("1 record of the output stream was left out")
    assert second[1] == "50 characters of output were cut"


def test_raw_console_text_is_shown_too(tmp_path: Path) -> None:
    with replaying(tmp_path, "raw_console") as (session, _):
        _, shown = ran(session, cells("raw_console")[0])
    assert set(shown.text("stdout").splitlines()) == {"not on the channel", "on the channel"}


@pytest.mark.parametrize(("name", "status"), [("crash_exit", 9), ("crash_kill", -9)])
def test_a_crash_is_told_with_its_status(tmp_path: Path, name: str, status: int) -> None:
    with replaying(tmp_path, name) as (session, _):
        with pytest.raises(SessionDied) as caught:
            ran(session, cells(name)[0])
        assert not session.alive
    assert caught.value.exit_code == status


def test_scalars_come_as_what_they_are(tmp_path: Path) -> None:
    came = []
    with replaying(tmp_path, "get_scalars") as (session, _):
        for code in cells("get_scalars"):
            ran(session, code)
            came.append(session.pull("v").value)
    nan = came.pop(4)
    assert nan != nan  # noqa: PLR0124 - what NaN is
    assert came == [
        True,
        42,
        2**53 + 1,
        1.5,
        Decimal("1.10"),
        "text",
        pd.Timestamp("2024-01-01T00:00:00.1234567Z"),
        pd.Timedelta("1D 02:03:04.5"),
        "0f8fad5b-d9cb-469f-a165-70867728950e",
        None,
        "Friday",
        b"\x01\x02\xff",
        {"a": 1},
        {"a": [1, {"b": "x"}]},
    ]
    assert [type(value) for value in came[:3]] == [bool, int, int]


def test_collections_come_as_frames(tmp_path: Path) -> None:
    came: list[pd.DataFrame] = []
    warned = []
    with replaying(tmp_path, "get_tables") as (session, _):
        for code in cells("get_tables"):
            ran(session, code)
            crossing = session.pull("v")
            came.append(crossing.value)
            warned += crossing.warnings
    assert [frame.shape for frame in came] == [
        (0, 0), (3, 1), (1, 1), (2, 3), (2, 2), (2, 1), (3, 1), (1, 0), (1, 2), (1, 1),
    ]  # fmt: skip
    assert [str(frame.dtypes.iloc[0]) for frame in came if len(frame.columns)] == [
        "Int32", "Int32", "Int32", "Int32", "float64", "object", "datetime64[ns, UTC]", "object",
    ]  # fmt: skip
    assert came[3].astype(object).where(came[3].notna(), None).to_dict("list") == {
        "a": [1, None],
        "b": ["x", "y"],
        "c": [None, True],
    }
    assert came[6]["Value"].tolist() == [1, "x", None]
    assert came[8]["n"].tolist() == [{"x": [1]}]
    assert came[9]["b"].tolist() == [b"\x01\x02"]
    assert warned == []


def test_what_is_lost_on_the_way_raises_and_a_getter_that_failed_is_told(tmp_path: Path) -> None:
    with replaying(tmp_path, "get_losses") as (session, _):
        ran(session, cells("get_losses")[0])
        with pytest.raises(LanguageError, match="has 7 rows more than"):
            session.pull("rows")
        with pytest.raises(LanguageError, match="nested deeper"):
            session.pull("deep")
        with pytest.raises(LanguageError, match="lists of more than"):
            session.pull("long")
        crossing = session.pull("bad")
    assert crossing.value["b"].tolist() == [None]
    assert crossing.warnings == ("$bad: 1 property could not be read and is null",)


def test_a_variable_that_is_not_there_and_a_name_that_is_none_are_told(tmp_path: Path) -> None:
    lines = [
        line for line in recorded("bad_requests") if line.get("msg", {}).get("id", 3) not in (1, 2, None)
    ]
    names_alone = tmp_path / "names.jsonl"
    names_alone.write_text("".join(json.dumps(line) + "\n" for line in lines), "ascii")
    said = []
    with session_on(fake(tmp_path, "replay", str(names_alone))) as session:
        for name in ("nosuch", "a:b", "*", ""):
            with pytest.raises(LanguageError) as caught:
                session.pull(name)
            said.append(str(caught.value))
    assert said[0] == "there is no variable $nosuch in PowerShell: assign it in the cell"
    assert all("no plain name" in text for text in said[1:])


def test_large_tables_come_by_the_fast_engine(tmp_path: Path) -> None:
    with replaying(tmp_path, "get_large") as (session, _):
        ran(session, cells("get_large")[0])
        frame = session.pull("v").value
    assert frame["Id"].tolist() == list(range(1, 1001))


def test_a_table_goes_in_the_form_that_was_recorded(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "b": pd.array([True, None], "boolean"),
            "i": pd.array([1, None], "Int32"),
            "l": pd.array([2**53 + 1, None], "Int64"),
            "r": [float("nan"), None],
            "d": pd.Series([Decimal("1.10"), None], dtype=object),
            "s": ["2024-01-01T00:00:00Z", ""],
            "t": pd.to_datetime(["2024-01-01T00:00:00.1234567Z", None], format="ISO8601"),
            "ts": pd.to_timedelta(["1D 02:03:04.5", None]),
            "g": pd.Series([UUID("0f8fad5b-d9cb-469f-a165-70867728950e"), None], dtype=object),
            "y": pd.Series([{"a": [1]}, None], dtype=object),
        }
    )
    with replaying(tmp_path, "set_table") as (session, stand_in):
        session.push("t", frame)
        ran(session, cells("set_table")[0])
        back = session.pull("t").value
        session.push("one", pd.DataFrame({"a": [1]}))
        session.push("none", pd.DataFrame({"a": pd.Series([], dtype="Int64")}))
        ran(session, cells("set_table")[1])
    first, one, none = [note for note in stand_in.notes if "file" in note]
    recorded_rows = first["recorded"]["rows"]
    recorded_rows[0][3] = None  # pandas has no NaN beside null
    recorded_rows[1][5] = ""  # nor KQL a null text
    assert first["file"] == first["recorded"]
    assert (one["file"], none["file"]) == (one["recorded"], none["recorded"])
    assert back["l"].tolist() == [2**53 + 1, pd.NA]
    assert back["t"][0] == frame["t"][0]


def test_values_go_in_the_form_that_was_recorded_and_come_back(tmp_path: Path) -> None:
    values = ["café 😀", 5, {"a": [1, None]}, pd.Timestamp("2024-01-01T00:00:00Z"), None]
    with replaying(tmp_path, "set_value") as (session, stand_in):
        for value in values:
            session.push("v", value)
            assert session.pull("v").value == value
    pairs = [(note["file"], note["recorded"]) for note in stand_in.notes if "file" in note]
    pairs[3][1]["value"] = "2024-01-01T00:00:00Z"  # it was recorded with another offset
    assert all(sent == said for sent, said in pairs)


def test_names_that_powershell_changes_are_told(tmp_path: Path) -> None:
    with replaying(tmp_path, "set_renames") as (session, _):
        warnings = session.push("t", pd.DataFrame({"a": [1]}))
    assert [warning.partition(" in PowerShell")[0] for warning in warnings] == [
        "t: 'A' is 'A_2'",
        "t: '' is 'Column3'",
    ]


def test_what_powershell_refuses_names_the_variable_and_what_it_said(tmp_path: Path) -> None:
    said = []
    with replaying(tmp_path, "set_errors") as (session, _):
        for _ in range(6):
            with pytest.raises(ParameterError) as caught:
                session.push("t", 1)
            said.append(str(caught.value))
        ran(session, cells("set_errors")[0])
        with pytest.raises(ParameterError, match="fixed was not taken by PowerShell"):
            session.push("fixed", 2)
    assert "row 1, column 'a': cannot read x as int" in said[0]
    assert all(text.startswith("t was not taken by PowerShell: ") for text in said)


def test_the_slower_engine_gives_the_same(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": pd.array([1], "Int64"), "t": pd.to_datetime(["2024-01-01T00:00:00Z"])})
    with replaying(tmp_path, "script_engine") as (session, _):
        session.push("t", frame)
        pd.testing.assert_frame_equal(session.pull("t").value, frame, check_dtype=False)


def test_variables_have_types_and_sizes(tmp_path: Path) -> None:
    with replaying(tmp_path, "variables") as (session, _):
        assert session.variables() == ()
        ran(session, cells("variables")[0])
        assert session.known == ("$h", "$i", "$n", "$s", "$t")


@pytest.mark.parametrize(("name", "shown"), [("stop", ""), ("stop_after_output", "first\n")])
def test_an_interrupt_stops_the_cell_and_keeps_the_variables(tmp_path: Path, name: str, shown: str) -> None:
    with replaying(tmp_path, name) as (session, _):
        seen = Shown()
        with pytest.raises(KeyboardInterrupt) as caught, interrupted_soon():
            session.run(cells(name)[0], seen)
        assert caught.value.__notes__ == ["the cell was stopped; the variables of PowerShell are kept"]
        assert seen.text("stdout") == shown
        if name == "stop":
            assert ran(session, cells(name)[1])[1].text("stdout") == "2\n"
            with pytest.raises(KeyboardInterrupt), interrupted_soon():
                ran(session, cells(name)[2])
        assert session.alive


def test_an_interrupt_stops_a_variable_on_its_way(tmp_path: Path) -> None:
    with replaying(tmp_path, "get_stopped") as (session, _):
        ran(session, cells("get_stopped")[0])
        with pytest.raises(KeyboardInterrupt), interrupted_soon():
            session.pull("slow")
        assert session.alive


def test_completions_are_counted_in_characters(tmp_path: Path) -> None:
    asked = [
        line["msg"]
        for line in recorded("complete")
        if line["dir"] == "to" and line["msg"]["op"] == "complete"
    ]
    with replaying(tmp_path, "complete") as (session, _):
        ran(session, cells("complete")[0])
        came = [session.complete(message["code"], len(message["code"]), 5) for message in asked]
    assert came == [
        (0, 10, (("Get-ChildItem", "function"),)),
        (0, 5, (("$alerts", "variable"),)),
        (16, 19, (("Severity", "property"),)),
        (14, 18, (("-Recurse", "param"),)),
        (1, 11, (("System.Text", "module"),)),
        (0, 0, ()),
        (0, 12, ()),
    ]
