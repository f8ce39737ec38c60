"""The Python side of PowerShell cells on a fake bridge: how it starts, what goes wrong, and what must not."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples

from kqlmagic_ext import LanguageError, ParameterError
from kqlmagic_ext.errors import SessionDied
from kqlmagic_ext.languages import Completer, Piece, Settings
from kqlmagic_ext.languages.powershell import PowerShellSession, find, starting
from kqlmagic_ext.languages.powershell.sending import AUTOMATIC
from tests.contract.test_sessions import COLUMNS, NULLS, assert_same, crossed
from tests.languages.frames import frames
from tests.languages.powershell_lab import Fake, Shown, fake, interrupted_soon, run, session_on, settings
from tests.magics.test_languages import alive

GRACE_S = 0.5


@pytest.fixture
def stand_in(tmp_path: Path) -> Fake:
    return fake(tmp_path, "script")


@pytest.fixture
def session(stand_in: Fake) -> Iterator[PowerShellSession]:
    with session_on(stand_in, grace=GRACE_S) as session:
        yield session


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PowerShellSession]:
    """A session that keeps what it is given, and forgets of it what PowerShell forgets."""
    with session_on(fake(tmp_path_factory.mktemp("echo"), "script")) as session:
        yield session


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(pid)


# ---------------------------------------------------------------- where it is


def test_the_program_asked_for_comes_first_then_the_variable_then_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def program(folder: str, name: str) -> str:
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\n", "ascii")
        path.chmod(0o755)
        return str(path)

    asked, named = program("asked", "mine"), program("named", "other")
    preview = program("preview", "pwsh-preview")
    monkeypatch.setenv("PATH", str(tmp_path / "preview"))
    monkeypatch.setenv("KQLMAGIC_PWSH", named)
    assert find.find_powershell(asked) == asked
    assert find.find_powershell(None) == named
    monkeypatch.delenv("KQLMAGIC_PWSH")
    assert find.find_powershell(None) == preview
    stable = program("preview", "pwsh")
    assert find.find_powershell(None) == stable


@pytest.mark.parametrize("variable", ["", "/nowhere/pwsh"])
def test_where_there_is_none_one_sentence_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("KQLMAGIC_PWSH", variable)
    with pytest.raises(LanguageError, match=r"^PowerShell is not installed: .*KQLMAGIC_PWSH") as caught:
        PowerShellSession(Settings())
    assert variable in str(caught.value)
    assert "install PowerShell 7" in str(caught.value)


def test_a_program_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "pwsh"
    broken.write_bytes(b"\x00\x01 no program")
    broken.chmod(0o755)
    with pytest.raises(LanguageError, match="cannot be started"):
        PowerShellSession(Settings(program=str(broken)))


def test_a_folder_that_is_gone_is_told(stand_in: Fake, tmp_path: Path) -> None:
    with pytest.raises(LanguageError, match="there is no such folder"):
        PowerShellSession(settings(stand_in, folder=tmp_path / "gone"))


# ---------------------------------------------------------------- the start


def test_it_starts_in_its_folder_with_the_token_on_stdin_alone(
    stand_in: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "hush")
    place = tmp_path / "notebooks"
    place.mkdir()
    with session_on(stand_in, folder=place) as session:
        assert session.version == "PowerShell 7.4.2"
        assert isinstance(session, Completer)
    start = stand_in.notes[0]
    assert start["folder"] == str(place)
    assert re.fullmatch("[0-9a-f]{64}", start["config"]["token"])
    assert start["config"]["limits"] == starting.LIMITS
    assert start["config"]["token"] not in " ".join(start["command"])
    assert start["environment"] == {
        "POWERSHELL_DIAGNOSTICS_OPTOUT": "1",
        "POWERSHELL_TELEMETRY_OPTOUT": "1",
        "POWERSHELL_UPDATECHECK": "Off",
        "NO_COLOR": "1",
    }
    arguments = start["command"][start["command"].index("-NoLogo") :]
    assert arguments[:4] == ["-NoLogo", "-NoProfile", "-NonInteractive", "-File"]
    assert Path(arguments[4]).name == "bridge.ps1"
    assert Path(arguments[4]).exists()


def test_windows_powershell_is_named_as_such(tmp_path: Path) -> None:
    old = fake(tmp_path, "script", json.dumps({"edition": "Desktop", "version": "5.1.22621.1"}))
    with session_on(old) as session:
        assert session.version == "Windows PowerShell 5.1.22621.1"


@pytest.mark.parametrize(
    ("words", "kind", "says"),
    [
        (["wrong_token"], LanguageError, "another program connected in place of PowerShell"),
        (["other_protocol"], LanguageError, "speaks protocol 2, not 1"),
        (["never_connects"], LanguageError, "did not start within 0.5 s; its process was ended"),
        (["never_greets"], LanguageError, "did not start within 0.5 s; its process was ended"),
        (
            ["dies_before_hello", "3", "BRIDGE-FATAL", "language-mode", "ConstrainedLanguage"],
            LanguageError,
            "is locked down here (language mode ConstrainedLanguage)",
        ),
        (
            ["dies_before_hello", "4", "BRIDGE-FATAL", "config"],
            LanguageError,
            "could not read what it was started with",
        ),
        (
            ["dies_before_hello", "5", "BRIDGE-FATAL", "connect"],
            LanguageError,
            "could not connect to 127.0.0.1",
        ),
        (
            ["dies_before_hello", "1", "no", "luck"],
            SessionDied,
            "ended while it started (exit status 1): no luck",
        ),
        (["dies_before_hello", "-9", ""], SessionDied, "ended while it started (exit status -9)"),
        (["dies_in_hello"], SessionDied, "a line was cut"),
        (["greets_in_latin"], SessionDied, "it sent what is no message"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_start_that_fails_is_one_sentence_and_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], kind: type[LanguageError], says: str
) -> None:
    if "within" in says:
        monkeypatch.setattr(starting, "START_S", 0.5)
    broken = fake(tmp_path, *words)
    with pytest.raises(LanguageError) as caught:
        PowerShellSession(settings(broken))
    assert type(caught.value) is kind
    assert says in str(caught.value)
    assert caught.value.language == "powershell"
    assert gone(broken.notes[0]["pid"])


def test_an_interrupt_while_it_starts_leaves_no_process(tmp_path: Path) -> None:
    slow = fake(tmp_path, "never_greets")
    with pytest.raises(KeyboardInterrupt), interrupted_soon(0.8):
        PowerShellSession(settings(slow))
    assert gone(slow.notes[0]["pid"])


def test_a_second_connection_is_refused(tmp_path: Path) -> None:
    with session_on(fake(tmp_path, "second_connection")) as session:
        run(session)
    assert {"second": "refused"} in Fake("", tmp_path / "notes.jsonl").notes


# ---------------------------------------------------------------- its end


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (["exit", 9], "ended (exit status 9)"),
        (["exit", -9], "ended (exit status -9)"),
        (["send", '{"event":"record","id":1,"str'], "a line was cut"),
        (["send", '{"event":"record","id":1,"text":"caf\xe9"}\n'], "it sent what is no message"),
        (["send", "oh\n"], "it sent what is no message"),
        (["send", "[1]\n"], "no event"),
        (["send", '{"event":"record","id":[1]}\n'], "no number"),
        (["send", "[" * 100_000 + "\n"], "it sent what is no message"),
    ],
    ids=["exit", "kill", "cut line", "bad UTF-8", "no JSON", "no event", "no number", "too deep"],
)
def test_a_death_in_a_cell_is_told_with_what_is_gone(stand_in: Fake, step: list[Any], says: str) -> None:
    with session_on(stand_in) as session:
        session.push("kept", 1)
        run(session)
        with pytest.raises(SessionDied) as caught:
            run(session, ["stderr", "Process terminated.\n"], step, ["sleep", 60])
        assert not session.alive
        assert session.known == ("$kept",)
        with pytest.raises(SessionDied):
            run(session)
    assert says in str(caught.value)
    assert str(caught.value).endswith("; gone are $kept; the next cell starts a new one")
    assert caught.value.lost == ("$kept",)
    assert gone(stand_in.notes[0]["pid"])


def test_what_it_said_last_is_part_of_the_error(session: PowerShellSession) -> None:
    with pytest.raises(SessionDied, match=r"\(exit status 9\): Out of luck"):
        run(session, ["stderr", "Stack\nOut of luck\n"], ["exit", 9])


@pytest.mark.parametrize("verb", ["push", "pull"])
def test_a_death_while_a_value_crosses_is_told(session: PowerShellSession, verb: str) -> None:
    calls: dict[str, Callable[[], Any]] = {
        "push": lambda: session.push("dies", 1),
        "pull": lambda: session.pull("dies"),
    }
    with pytest.raises(SessionDied, match=r"exit status 7"):
        calls[verb]()
    assert not session.alive


def test_closing_lets_it_end_by_itself_and_may_be_repeated(stand_in: Fake) -> None:
    with session_on(stand_in) as session:
        pass
    session.close()
    assert stand_in.asked("bye")
    assert gone(stand_in.notes[0]["pid"])
    with pytest.raises(SessionDied):
        session.push("a", 1)
    assert session.complete("$a", 2, 0.1) == (2, 2, ())


def test_one_that_does_not_hear_bye_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kqlmagic_ext.languages.powershell.session._FAREWELL_S", 0.2)
    deaf = fake(tmp_path, "script", "deaf")
    with session_on(deaf):
        pass
    assert gone(deaf.notes[0]["pid"])


def test_what_cells_started_ends_with_it(session: PowerShellSession) -> None:
    _, shown = run(session, ["spawn"])
    pid = int(shown.text("stdout"))
    assert alive(pid)
    session.close()
    assert gone(pid)


def test_what_cells_started_ends_with_it_also_when_it_dies(session: PowerShellSession) -> None:
    shown = Shown()
    with pytest.raises(SessionDied):
        session.run(json.dumps([["spawn"], ["exit", 1]]), shown)
    assert gone(int(shown.text("stdout")))


def test_a_session_that_runs_a_cell_can_be_closed(session: PowerShellSession, stand_in: Fake) -> None:
    failures: list[BaseException] = []

    def cell() -> None:
        try:
            run(session, ["sleep", 60])
        except SessionDied as error:
            failures.append(error)

    thread = threading.Thread(target=cell)
    thread.start()
    time.sleep(0.3)
    session.close()
    thread.join(10)
    assert [type(failure) for failure in failures] == [SessionDied]
    assert gone(stand_in.notes[0]["pid"])


def test_it_ends_when_python_is_killed(stand_in: Fake) -> None:
    code = (
        "from kqlmagic_ext.languages import Settings\n"
        "from kqlmagic_ext.languages.powershell import PowerShellSession\n"
        f"session = PowerShellSession(Settings(program={stand_in.program!r}))\n"
        """session.run('[["spawn"], ["sleep", 60]]', lambda piece: print(piece.text, flush=True))"""
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        child = int(owner.stdout.readline())
        owner.kill()
    assert gone(stand_in.notes[0]["pid"])
    assert gone(child)


def test_what_a_killed_powershell_leaves_in_the_temporary_folder_is_deleted(
    stand_in: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with session_on(stand_in) as session:
        pid = stand_in.notes[0]["pid"]
        left = [
            tmp_path / f"CoreFxPipe_PSHost.DB0A1B2C.{pid}.None.pwsh",
            tmp_path / f"clr-debug-pipe-{pid}-1-in",
        ]
        others = [tmp_path / "CoreFxPipe_PSHost.DB0A1B2C.1.None.pwsh", tmp_path / f"{pid}"]
        for path in (*left, *others):
            path.touch()
        with pytest.raises(SessionDied):
            run(session, ["exit", -9])
    assert [path.exists() for path in (*left, *others)] == [False, False, True, True]


# ---------------------------------------------------------------- output


def test_fifty_megabytes_are_shown_whole(session: PowerShellSession) -> None:
    _, shown = run(session, ["flood", 50])
    assert sum(len(piece.text) for piece in shown.pieces) == 50 * 2**20
    assert run(session, ["record", {"stream": "output", "text": "after"}])[1].text("stdout") == "after\n"


def test_console_text_that_is_no_utf_8_is_shown_with_marks(session: PowerShellSession) -> None:
    _, shown = run(
        session, ["bytes", base64.b64encode("caf\xe9\n".encode("latin-1")).decode()], ["stderr", "oh\n"]
    )
    assert shown.text("stdout") == "caf\ufffd\n"
    assert shown.text("stderr") == "oh\n"


def test_console_text_between_two_cells_is_shown_by_the_next(session: PowerShellSession) -> None:
    run(session, ["console", ""])
    _, shown = run(
        session, ["console", "early "], ["record", {"stream": "output", "text": "x"}], ["console", "late"]
    )
    assert "early" in shown.text("stdout")
    assert "late" in shown.text("stdout")


def test_output_comes_while_the_cell_runs(session: PowerShellSession) -> None:
    times: list[float] = []
    code = [["record", {"stream": "output", "text": "a"}], ["console", "b\n"], ["sleep", 1.0]]
    session.run(json.dumps(code), lambda _: times.append(time.monotonic()))
    assert time.monotonic() - times[-1] > 0.5


def test_a_second_thread_is_refused_by_a_sentence_and_the_running_cell_loses_nothing(
    session: PowerShellSession, stand_in: Fake
) -> None:
    code = json.dumps(
        [
            ["record", {"stream": "output", "text": "before"}],
            ["sleep", 1.0],
            ["record", {"stream": "output", "text": "after"}],
            ["console", "told late\n"],
        ]
    )
    shown, began = Shown(), threading.Event()

    def show(piece: Piece) -> None:
        shown(piece)
        began.set()

    cell = threading.Thread(target=session.run, args=(code, show))
    cell.start()
    assert began.wait(20)
    others: list[Callable[[], object]] = [
        lambda: run(session, ["record", {"stream": "output", "text": "second"}]),
        lambda: session.push("x", 1),
        lambda: session.pull("x"),
        session.variables,
    ]
    for other in others:
        with pytest.raises(LanguageError, match=r"^PowerShell is busy with another cell; wait "):
            other()
    cell.join(20)
    assert not cell.is_alive()
    assert sorted(shown.text("stdout").splitlines()) == ["after", "before", "told late"]
    assert [note["code"] for note in stand_in.asked("run")] == [code]
    assert run(session, ["record", {"stream": "output", "text": "on"}])[1].text("stdout") == "on\n"


def test_what_showing_raises_is_raised_where_the_cell_runs(session: PowerShellSession) -> None:
    def broken(_: object) -> None:
        raise OSError("no screen")

    for step in (["console", "x"], ["record", {"stream": "output", "text": "x"}]):
        with pytest.raises(OSError, match="no screen"):
            session.run(json.dumps([step, ["sleep", 0.1]]), broken)
    assert run(session, ["record", {"stream": "output", "text": "on"}])[1].text("stdout") == "on\n"


def test_of_several_activities_the_last_that_moved_is_shown(session: PowerShellSession) -> None:
    def at(number: int, percent: int, *, completed: bool = False) -> list[Any]:
        told = {
            "stream": "progress",
            "activity_id": number,
            "parent_id": -1,
            "text": f"job {number}",
            "status": "",
        }
        return [
            "record",
            {**told, "operation": None, "percent": percent, "seconds": 90, "completed": completed},
        ]

    _, shown = run(session, at(1, -1), at(2, 50), at(2, 100, completed=True))
    assert [piece.text for piece in shown.pieces] == [
        "job 1  90 s left",
        "job 2  ██████████░░░░░░░░░░ 50 %  90 s left",
        "job 1  90 s left",
        "",
    ]


def test_half_of_a_surrogate_pair_in_a_cell_is_refused(session: PowerShellSession) -> None:
    with pytest.raises(LanguageError, match="line 2: the cell holds half of a surrogate pair"):
        session.run("[]\n\ud83d", Shown())


# ---------------------------------------------------------------- interrupts


def test_an_interrupt_keeps_the_variables_of_the_cell(session: PowerShellSession) -> None:
    with pytest.raises(KeyboardInterrupt) as caught, interrupted_soon():
        run(session, ["store", "made", "{}"], ["sleep", 60])
    assert caught.value.__notes__ == ["the cell was stopped; the variables of PowerShell are kept"]
    assert session.known == ("$made",)
    assert run(session, ["record", {"stream": "output", "text": "on"}])[1].text("stdout") == "on\n"


@pytest.mark.parametrize("step", [["sleep", 60], ["silent"], ["flood", 100_000]], ids=lambda step: step[0])
def test_one_that_does_not_stop_is_ended_after_the_grace_and_told(
    session: PowerShellSession, step: list[Any]
) -> None:
    session.push("precious", 1)
    with pytest.raises(KeyboardInterrupt) as caught, interrupted_soon():
        session.run(json.dumps([["deaf"], step]), lambda _: None)
    [note] = caught.value.__notes__
    assert note == "PowerShell did not stop within 0.5 s, and its process was ended; gone are $precious"
    assert not session.alive


def test_a_second_interrupt_ends_it_at_once(stand_in: Fake) -> None:
    with session_on(stand_in, grace=60) as session:
        with pytest.raises(KeyboardInterrupt) as caught, interrupted_soon(0.3), interrupted_soon(0.8):
            run(session, ["deaf"], ["silent"])
        assert "its process was ended" in caught.value.__notes__[0]
        assert not session.alive


def test_a_stop_from_elsewhere_fails_the_cell(session: PowerShellSession) -> None:
    timer = threading.Timer(0.3, session.interrupt)
    timer.start()
    with pytest.raises(LanguageError, match="the cell was stopped"):
        run(session, ["sleep", 60])
    timer.join()


# ---------------------------------------------------------------- Tab


def test_tab_says_nothing_at_once_while_a_cell_runs(session: PowerShellSession) -> None:
    came: list[Any] = []

    def tab() -> None:
        time.sleep(0.3)
        began = time.monotonic()
        came.append(session.complete("$aler", 5, 0.5))
        came.append(time.monotonic() - began)

    thread = threading.Thread(target=tab)
    thread.start()
    run(session, ["sleep", 1])
    thread.join()
    assert came[0] == (5, 5, ())
    assert came[1] < 0.3


def test_tab_gives_up_and_the_next_cell_does_not_wait_for_it(session: PowerShellSession) -> None:
    began = time.monotonic()
    assert session.complete("slow", 4, 0.2) == (4, 4, ())
    assert time.monotonic() - began < 1
    assert run(session, ["record", {"stream": "output", "text": "on"}])[1].text("stdout") == "on\n"


def test_tab_counts_in_characters(session: PowerShellSession) -> None:
    assert session.complete("'😀'; $aler", 10, 5) == (5, 10, (("$alerts", "variable"),))
    assert session.complete("\ud83d", 1, 5) == (1, 1, ())


# ---------------------------------------------------------------- values


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("shape", ["whole", "nulls", "empty"])
def test_a_column_comes_back_as_it_went_though_powershell_forgets_types(
    echo: PowerShellSession, kind: str, shape: str
) -> None:
    column = NULLS[kind] if shape == "nulls" else COLUMNS[kind]
    frame = pd.DataFrame({"x": column})
    if shape == "empty":
        frame = frame.iloc[:0]
    echo.push("given", frame)
    assert_same(echo.pull("GIVEN").value, frame)


@examples(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(frame=frames())
def test_any_frame_comes_back_as_it_went(echo: PowerShellSession, frame: pd.DataFrame) -> None:
    echo.push("given", frame)
    pd.testing.assert_frame_equal(echo.pull("given").value, crossed(frame), check_exact=True)


@pytest.mark.parametrize(
    "value",
    [True, 0, 2**63 - 1, 1.5, "x", None, [1, "a", None], [], {}, {"a": {"b": [1.5]}}, pd.NaT, pd.Timestamp("2026-11-24T07:08:09.1234567Z")],
    ids=repr,
)  # fmt: skip
def test_a_value_comes_back_as_it_went(echo: PowerShellSession, value: Any) -> None:
    echo.push("v", value)
    back = echo.pull("v").value
    assert back is value or (back, type(back)) == (value, type(value))


def test_a_list_that_was_changed_comes_as_a_frame(session: PowerShellSession) -> None:
    session.push("v", [1, 2])
    run(session, ["store", "v", '{"kind":"value","type":"dynamic","value":[1,3]}'])
    assert session.pull("v").value["Value"].tolist() == [1, 3]


def test_a_table_that_became_empty_keeps_its_columns_and_says_so(session: PowerShellSession) -> None:
    session.push("v", pd.DataFrame({"n": pd.Series([1], dtype="Int64"), "s": ["x"]}))
    run(session, ["store", "v", table({})])
    crossing = session.pull("v")
    assert [str(dtype).replace("string", "str") for dtype in crossing.value.dtypes] == ["Int64", "str"]
    assert crossing.warnings == (
        "$v is empty, and an empty array of PowerShell has no columns: they are those that it was given",
    )


def test_an_arrow_table_is_a_table(session: PowerShellSession) -> None:
    session.push("t", pa.table({"n": [1, 2]}))
    assert session.pull("t").value["n"].tolist() == [1, 2]


def test_times_without_a_zone_and_missing_texts_are_told(session: PowerShellSession) -> None:
    frame = pd.DataFrame({"t": [datetime(2026, 1, 1)] * 2, "s": pd.Series(["x", None], dtype=object)})
    assert session.push("f", frame) == (
        "f['t'] has no time zone and is read as UTC",
        "f['s']: 1 missing values crossed as \"\" (KQL has no null string)",
    )
    assert session.push("t", datetime(2026, 1, 1)) == ("t has no time zone and is read as UTC",)
    assert session.push("t", datetime(2026, 1, 1, tzinfo=UTC)) == ()


def test_names_that_powershell_changed_are_told(session: PowerShellSession) -> None:
    assert session.push("renames", pd.DataFrame({"a": [1]})) == (
        "renames: 'A' is 'A_2' in PowerShell, where case does not matter",
    )


def decimals(*texts: str) -> pd.DataFrame:
    return pd.DataFrame({"d": pd.Series([Decimal(text) for text in texts], dtype=object)})


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (decimals("1", "79228162514264337593543950336"), r"^v\['d'\] .*79228162514264337593543950336 has more digits"),
        (decimals("0." + "0" * 28 + "1"), r"^v\['d'\] .*more digits"),
        (Decimal("1.00000000000000000000000000001"), r"^v cannot .*more digits"),
        (pd.DataFrame({"t": np.array(["10000-01-01"], "datetime64[us]")}), r"^v\['t'\] .*outside the years 1 to 9999"),
        (pd.DataFrame({"t": np.array(["0000-12-31"], "datetime64[us]")}), r"^v\['t'\] .*outside the years 1 to 9999"),
        (pd.DataFrame({"d": np.array([2**62], "timedelta64[us]")}), r"^v\['d'\] .*exceeds 64 bits of 100 ns"),
        (
            pa.table([['{"a":[9223372036854775808]}']], schema=pa.schema([pa.field("y", pa.string(), metadata={"kql": "dynamic"})])),
            r"^v\['y'\] .*integer 9223372036854775808 in it exceeds 64 bits",
        ),
        (
            pa.table([["[NaN]"]], schema=pa.schema([pa.field("y", pa.string(), metadata={"kql": "dynamic"})])),
            r"^v\['y'\] .*JSON has no form for the nan in it",
        ),
        (pd.DataFrame({"t": pd.to_datetime(["2026-01-01T00:00:00.123456789Z"])}), "100 ns"),
        ("\ud83d", "half of a surrogate pair"),
    ],
)  # fmt: skip
def test_what_powershell_would_change_is_refused(session: PowerShellSession, value: Any, says: str) -> None:
    with pytest.raises(ParameterError, match=says) as caught:
        session.push("v", value)
    assert caught.value.name == "v"


@pytest.mark.parametrize(
    "text",
    [
        "79228162514264337593543950335",
        "-7.9228162514264337593543950335",
        "1E+20",
        "0." + "0" * 27 + "1",
        "-0.00",
    ],
)
def test_the_widest_decimals_cross(echo: PowerShellSession, text: str) -> None:
    echo.push("d", Decimal(text))
    assert echo.pull("d").value == Decimal(text)


@pytest.mark.parametrize("name", ["host", "Input", "_", "Args", "pid"])
def test_names_that_powershell_sets_itself_are_refused(session: PowerShellSession, name: str) -> None:
    assert name.casefold() in AUTOMATIC
    with pytest.raises(ParameterError, match=f"give it another name: -i other={name}"):
        session.push(name, 1)


def test_a_variable_that_cannot_be_set_is_told(session: PowerShellSession) -> None:
    with pytest.raises(ParameterError, match="fixed was not taken by PowerShell: Cannot overwrite"):
        session.push("fixed", 1)
    assert "$fixed" not in session.known


def table(columns: dict[str, str], *rows: list[Any], **rest: Any) -> str:
    heads = [{"name": name, "type": kind} for name, kind in columns.items()]
    return json.dumps({"kind": "table", "columns": heads, "rows": list(rows), "exact": True, **rest})


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("v", table({"a": "long"}, [1])[:-5], r"^\$v did not come whole from PowerShell"),
        ("v", "[1]", r"^\$v did not come from PowerShell as a table"),
        ("cut", table({"a": "long"}, [1]), r"^\$cut did not come whole: \d+ of \d+ bytes"),
        ("v", table({"a": "string"}, ["\ud83d"]), r"^\$v\['a'\]: .*half of a surrogate pair"),
        ("v", '{"kind":"value","type":"dynamic","value":{"1":1,"1":2},"exact":true}', "two entries named '1' in one dictionary"),
        ("v", table({"a": "real"}, [1.5], [0.25]).replace("0.25", "9007199254740993.0"), r"^\$v\['a'\] mixes doubles .*9007199254740993\.0"),
        ("v", table({"a": "real"}, [0.25]).replace("0.25", "0.10000000000000000001"), r"^\$v\['a'\] mixes doubles"),
    ],
)  # fmt: skip
def test_what_would_change_on_the_way_back_raises(
    session: PowerShellSession, name: str, content: str, says: str
) -> None:
    run(session, ["store", name, content])
    with pytest.raises(LanguageError, match=says):
        session.pull(name)


def test_digits_are_not_lost_in_a_column_that_was_given_as_dynamic(session: PowerShellSession) -> None:
    session.push("v", pd.DataFrame({"a": pd.Series([2**53 + 1, 0.5], dtype=object)}))
    run(session, ["store", "v", table({"a": "real"}, [0.25], [0.5]).replace("0.25", "9007199254740993.0")])
    with pytest.raises(LanguageError, match="mixes doubles"):
        session.pull("v")


def test_doubles_that_an_old_powershell_writes_long_are_no_loss(tmp_path: Path) -> None:
    content = table({"a": "real"}, [0.25]).replace("0.25", "4.94065645841247E-324")
    old = fake(tmp_path, "script", json.dumps({"edition": "Desktop"}))
    with session_on(old) as session:
        run(session, ["store", "v", content])
        assert session.pull("v").value["a"].tolist() == [5e-324]


def test_the_last_moment_of_net_loses_its_tick_and_says_so(session: PowerShellSession) -> None:
    last = "9999-12-31T23:59:59.9999999Z"
    run(
        session,
        ["store", "t", table({"t": "datetime"}, [last], [None])],
        ["store", "v", json.dumps({"kind": "value", "type": "datetime", "value": last})],
    )
    crossing = session.pull("t")
    assert crossing.warnings == ("$t['t']: 1 value lost a tick of 100 ns (years beyond 1677 to 2262)",)
    assert str(crossing.value["t"][0]) == "9999-12-31 23:59:59.999999+00:00"
    assert session.pull("v").warnings == ("$v: 1 value lost a tick of 100 ns (years beyond 1677 to 2262)",)


def test_missing_texts_that_come_are_told(session: PowerShellSession) -> None:
    run(session, ["store", "t", table({"s": "string"}, ["x"], [None])])
    crossing = session.pull("t")
    assert crossing.warnings == ("$t['s']: 1 missing values crossed as \"\" (KQL has no null string)",)


def test_rows_without_columns_are_counted(session: PowerShellSession) -> None:
    run(session, ["store", "t", table({}, [], [])])
    assert session.pull("t").value.shape == (2, 0)


def test_the_files_of_data_are_private_and_gone_afterwards(
    session: PowerShellSession, stand_in: Fake
) -> None:
    session.push("v", 1)
    session.pull("v")
    paths = [Path(note["path"]) for note in stand_in.notes if "path" in note]
    assert len(paths) == 2
    assert not any(path.exists() for path in paths)
    assert paths[0].parent.stat().st_mode & 0o777 == 0o700
    session.close()
    assert not paths[0].parent.exists()


def test_variables_are_told_in_powershells_words(session: PowerShellSession) -> None:
    session.push("hosts", pd.DataFrame({"a": [1]}))
    [variable] = session.variables()
    assert (variable.name, variable.type, variable.size) == ("hosts", "System.Object[]", "1 row")


def test_an_interrupt_of_a_pull_keeps_the_session(session: PowerShellSession) -> None:
    with pytest.raises(KeyboardInterrupt) as caught, interrupted_soon():
        session.pull("slow")
    assert "the variables of PowerShell are kept" in caught.value.__notes__[0]
    assert os.listdir(session._process.folder) == []  # noqa: PTH208 - names alone
