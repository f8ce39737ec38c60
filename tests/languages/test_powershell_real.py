"""The whole behaviour on a real PowerShell, through the session; skipped where there is none."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from pandas.testing import assert_frame_equal

from kqlmagic_ext import LanguageError, ParameterError
from kqlmagic_ext.errors import SessionDied
from kqlmagic_ext.languages import Settings
from kqlmagic_ext.languages.powershell import PowerShellSession
from tests.contract.test_sessions import COLUMNS, NULLS, assert_same, crossed
from tests.languages.frames import frames
from tests.languages.powershell_lab import (
    REAL,
    WHY_SKIPPED,
    Shown,
    fake,
    interrupted_soon,
    ran,
    recorded,
    session_on,
    transcript,
)
from tests.magics.test_languages import alive

# Skipped where there is none, which is so where CI runs: only a real PowerShell can decide these.
pytestmark = [pytest.mark.needs_pwsh, pytest.mark.skipif(REAL is None, reason=WHY_SKIPPED)]

MANY = 10_000  # so often a case is repeated for the bridge to take its fast engine (1,000 rows out, 200,000 bytes in)


@contextmanager
def started(**rest: Any) -> Iterator[PowerShellSession]:
    with closing(PowerShellSession(Settings(program=REAL, **rest))) as session:
        yield session


@pytest.fixture(scope="module")
def session() -> Iterator[PowerShellSession]:
    """One session for all tests that leave it as they found it."""
    with started() as session:
        yield session


@pytest.fixture
def fresh() -> Iterator[PowerShellSession]:
    with started(grace=2) as session:
        yield session


def output(session: PowerShellSession, code: str) -> list[str]:
    """The lines of a cell's output."""
    return ran(session, code)[1].text("stdout").splitlines()


def value(session: PowerShellSession, expression: str) -> Any:
    """What an expression becomes in Python."""
    ran(session, f"$v = {expression}")
    return session.pull("v").value


def plain(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """The columns with None for what is missing."""
    objects = frame.astype(object)
    return objects.where(frame.notna(), None).to_dict("list")  # type: ignore[return-value]


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


# ---------------------------------------------------------------- values, there and back


def repeated(frame: pd.DataFrame, times: int) -> pd.DataFrame:
    return pd.concat([frame] * times, ignore_index=True) if times > 1 else frame


@pytest.mark.parametrize("times", [1, MANY], ids=["script", "fast"])
@pytest.mark.parametrize("shape", ["whole", "nulls", "empty"])
@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_comes_back_as_it_went(
    session: PowerShellSession, kind: str, shape: str, times: int
) -> None:
    column = NULLS[kind] if shape == "nulls" else COLUMNS[kind]
    frame = repeated(pd.DataFrame({"x": column, "row": range(len(column))}), times)
    if shape == "empty":
        frame = frame.iloc[:0]
    session.push("given", frame)
    assert_same(session.pull("given").value, frame)


@examples(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(frame=frames())
def test_any_frame_comes_back_as_it_went(session: PowerShellSession, frame: pd.DataFrame) -> None:
    session.push("given", frame)
    assert_frame_equal(session.pull("given").value, crossed(frame), check_exact=True)


@examples(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20)
@given(frame=frames())
def test_any_large_frame_comes_back_as_it_went(session: PowerShellSession, frame: pd.DataFrame) -> None:
    large = pd.DataFrame({"row": range(len(frame) * MANY), **repeated(frame, MANY)}) if len(frame) else frame
    session.push("given", large)
    assert_frame_equal(session.pull("given").value, crossed(large), check_exact=True)


def test_a_hundred_thousand_rows_cross_both_ways(session: PowerShellSession) -> None:
    count = 100_000
    numbers = np.arange(count)
    frame = pd.DataFrame(
        {
            "n": numbers * 92_233_720_368_547,
            "r": numbers / 7,
            "s": [f"host-{number} Ω😀\"'" for number in numbers],
            "t": pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(numbers * 1_234_567_800, "ns"),
            "d": pd.Series([Decimal(int(number)) / 8 for number in numbers], dtype=object),
            "y": pd.Series(
                [{"row": int(number), "odd": bool(number % 2)} for number in numbers], dtype=object
            ),
        }
    )
    session.push("big", frame)
    assert output(session, "$big.Count; $big[99999].n; $big[1].t.Kind") == [
        "100000",
        str(99_999 * 92_233_720_368_547),
        "Utc",
    ]
    assert_frame_equal(session.pull("big").value, crossed(frame), check_exact=True)
    ran(session, "$made = $big | ForEach-Object { [pscustomobject]@{ n = $_.n; s = $_.s; t = $_.t } }")
    assert_frame_equal(session.pull("made").value, crossed(frame[["n", "s", "t"]]), check_exact=True)


def test_values_have_the_right_types_in_powershell(session: PowerShellSession) -> None:
    frame = pd.DataFrame(
        {
            "b": pd.array([True, None], "boolean"),
            "i": pd.array([1, None], "Int32"),
            "l": pd.array([2**53 + 1, None], "Int64"),
            "r": [1.5, None],
            "d": pd.Series([Decimal("1.10"), None], dtype=object),
            "s": ["2024-01-01T00:00:00Z", ""],
            "t": pd.to_datetime(["2024-01-01T00:00:00.1234567Z", None], format="ISO8601"),
            "ts": pd.to_timedelta(["-1D 00:00:00.0000001", None]),
            "g": pd.Series([UUID(int=7), None], dtype=object),
            "y": pd.Series([{"a": [1, {"B": "2024-01-01T00:00:00Z"}, [], [[1]]]}, None], dtype=object),
        }
    )
    session.push("t", frame)
    lines = output(
        session,
        """$t.GetType().Name; $t.Count
        ($t[0].PSObject.Properties | ForEach-Object { $_.Value.GetType().Name }) -join ','
        @($t[1].PSObject.Properties | Where-Object { $null -ne $_.Value }).Count
        $t[0].t.Kind; $t[0].t.Ticks; $t[0].ts.Ticks; $t[0].d.ToString([cultureinfo]::InvariantCulture); $t[0].s
        $t[0].y.a.Count; $t[0].y.a[1].B.GetType().Name; $t[0].y.a[2].GetType().Name; $t[0].y.a[3][0].GetType().Name; $t[0].y.a[0].GetType().Name""",
    )
    assert lines == [
        "Object[]",
        "2",
        "Boolean,Int32,Int64,Double,Decimal,String,DateTime,TimeSpan,Guid,PSCustomObject",
        "1",  # KQL has no null string: it is ""
        "Utc",
        "638396640001234567",
        "-863999999999",
        "1.10",
        "2024-01-01T00:00:00Z",
        "4",
        "String",
        "Object[]",
        "Object[]",
        "Int64",
    ]


@pytest.mark.parametrize(
    ("given", "shows"),
    [
        (5, "Int64 5"),
        (True, "Boolean True"),
        (1.5, "Double 1.5"),
        ('x 😀\u2028"\\`$(1)', 'String x 😀\u2028"\\`$(1)'),
        (Decimal(2**96 - 1), "Decimal 79228162514264337593543950335"),
        (pd.Timedelta(seconds=1), "TimeSpan 00:00:01"),
        ([1, 2], "Object[] 1 2"),
        ([], "Object[] "),
        ({"a": 1}, "PSCustomObject @{a=1}"),
    ],
    ids=repr,
)
def test_a_single_value_has_its_type_in_powershell(
    session: PowerShellSession, given: Any, shows: str
) -> None:
    session.push("v", given)
    assert ran(session, '"$($v.GetType().Name) $v"')[1].text("stdout") == shows + "\n"


def test_null_is_null_in_powershell(session: PowerShellSession) -> None:
    session.push("v", None)
    assert output(session, "$null -eq $v") == ["True"]


@pytest.mark.parametrize("number", ["one", "none"])
def test_one_row_and_no_rows_stay_arrays(session: PowerShellSession, number: str) -> None:
    session.push("t", pd.DataFrame({"a": [1] if number == "one" else pd.Series([], dtype="Int64")}))
    assert output(session, "$t.GetType().Name; $t.Count") == ["Object[]", "1" if number == "one" else "0"]


def test_keys_that_powershell_cannot_hold_are_changed_and_told(session: PowerShellSession) -> None:
    warnings = session.push("v", {"x": 1, "X": 2})
    assert warnings == ("v: 'X' is 'X_2' in PowerShell, where case does not matter",)
    assert session.pull("v").value == {"x": 1, "X_2": 2}


def test_a_constant_is_not_taken_and_keeps_its_value(session: PowerShellSession) -> None:
    ran(session, "Set-Variable fixed 1 -Option ReadOnly -Force")
    with pytest.raises(ParameterError, match="fixed was not taken by PowerShell"):
        session.push("fixed", 2)
    assert output(session, "$fixed") == ["1"]


# ---------------------------------------------------------------- what cells make


SCALARS: list[tuple[str, Any]] = [
    ("$true", True),
    ("42", 42),
    ("[byte]7", 7),
    ("[uint32]7", 7),
    ("9007199254740993", 2**53 + 1),
    ("[long]::MinValue", -(2**63)),
    ("[uint64]7", 7),
    ("[uint64]::MaxValue", Decimal(2**64 - 1)),
    ("1.5", 1.5),
    ("[double]5", 5.0),
    ("[single]0.1", 0.1),
    ("1e300", 1e300),
    ("[double]::Epsilon", 5e-324),
    ("[double]::PositiveInfinity", math.inf),
    ("[double]::NegativeInfinity", -math.inf),
    ("1.10d", Decimal("1.10")),
    ("[decimal]::MaxValue", Decimal(2**96 - 1)),
    ("'2024-01-01T00:00:00Z'", "2024-01-01T00:00:00Z"),
    ('"q`"b\\s`n`t" + [char]0x2028 + [char]7', 'q"b\\s\n\t\u2028\x07'),
    ("'caf\u00e9 \U0001f600'", "caf\u00e9 \U0001f600"),
    ("[char]'x'", "x"),
    ("''", ""),
    ("[datetime]::new(638396640001234567, 'Utc')", pd.Timestamp("2024-01-01T00:00:00.1234567Z")),
    ("[datetime]::new(2024,1,1)", pd.Timestamp("2024-01-01T00:00:00Z")),
    ("[datetime]::MinValue", pd.Timestamp("0001-01-01T00:00:00Z")),
    ("[datetimeoffset]'2024-01-01T05:30:00+05:30'", pd.Timestamp("2024-01-01T00:00:00Z")),
    ("[timespan]'1.02:03:04.0000005'", pd.Timedelta("1D 02:03:04.0000005")),
    ("-[timespan]'00:00:01'", pd.Timedelta(seconds=-1)),
    ("[guid]'0f8fad5b-d9cb-469f-a165-70867728950e'", "0f8fad5b-d9cb-469f-a165-70867728950e"),
    ("[dayofweek]'Friday'", "Friday"),
    ("[ipaddress]'10.0.0.1'", "10.0.0.1"),
    ("[version]'1.2.3'", "1.2.3"),
    ("[uri]'https://example.org/a?b=1'", "https://example.org/a?b=1"),
    ("[bigint]::Parse('123456789012345678901234567890')", "123456789012345678901234567890"),
    ("[switch]$true", True),
    ("[xml]'<a><b/></a>'", "<a><b /></a>"),
    ("{ 1 + 1 }", " 1 + 1 "),
    ("[type]'int'", "System.Int32"),
    ("$null", None),
    ("[DBNull]::Value", None),
    ("[byte[]](1,2,255)", b"\x01\x02\xff"),
    ("[ordered]@{a=1;b=@(1,'x',$null);c=@{d=[timespan]'01:00:00'}}", {"a": 1, "b": [1, "x", None], "c": {"d": "01:00:00"}}),
    ("[pscustomobject]@{a=1}", {"a": 1}),
    ("@{}", {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "expected"), SCALARS, ids=[expression[:30] for expression, _ in SCALARS]
)
def test_a_value_comes_as_what_it_is(session: PowerShellSession, expression: str, expected: Any) -> None:
    came = value(session, expression)
    assert (came, type(came)) == (expected, type(expected))


def test_a_nan_comes_as_a_nan(session: PowerShellSession) -> None:
    assert math.isnan(value(session, "[double]::NaN"))


TABLES: list[tuple[str, dict[str, list[Any]], list[str]]] = [
    ("@([pscustomobject]@{a=1})", {"a": [1]}, ["Int32"]),
    ("1..3", {"Value": [1, 2, 3]}, ["Int32"]),
    (",'x'", {"Value": ["x"]}, ["str"]),
    ("@([pscustomobject]@{a=1;b='x'}, [pscustomobject]@{b='y';c=$true})", {"a": [1, None], "b": ["x", "y"], "c": [None, True]}, ["Int32", "str", "boolean"]),
    ("@([ordered]@{a=1;b=2}, [ordered]@{b=3})", {"a": [1, None], "b": [2, 3]}, ["Int32", "Int32"]),
    ("@([pscustomobject]@{Name=1}, [pscustomobject]@{name=2})", {"Name": [1, 2]}, ["Int32"]),
    ("@(1, [long]2)", {"Value": [1, 2]}, ["Int64"]),
    ("@(1, 2.5)", {"Value": [1.0, 2.5]}, ["float64"]),
    ("@(1, 2.50d)", {"Value": [Decimal(1), Decimal("2.50")]}, ["object"]),
    ("@(1.5, 2.50d, [double]::NaN, [int]3)", {"Value": [1.5, 2.5, None, 3.0]}, ["float64"]),
    ("@(1, 'x', $null, $true)", {"Value": [1, "x", None, True]}, ["object"]),
    ("@([pscustomobject]@{a=$null})", {"a": [None]}, ["object"]),
    ("@(5, [pscustomobject]@{a=1})", {"Value": [5, None], "a": [None, 1]}, ["Int32", "Int32"]),
    ("@(@(1,2),@(3,4))", {"Value": [[1, 2], [3, 4]]}, ["object"]),
    ("@([pscustomobject]@{when=[datetime]::new(2024,1,1);n=[pscustomobject]@{x=@(1)}})", {"when": [pd.Timestamp("2024-01-01", tz="UTC")], "n": [{"x": [1]}]}, ["datetime64[ns, UTC]", "object"]),
    ("@([pscustomobject]@{b=[byte[]](1,2)}, [pscustomobject]@{b=$null})", {"b": [b"\x01\x02", None]}, ["object"]),
]  # fmt: skip


@pytest.mark.parametrize("times", [1, MANY], ids=["script", "fast"])
@pytest.mark.parametrize(("expression", "columns", "dtypes"), TABLES, ids=[row[0][:40] for row in TABLES])
def test_a_collection_comes_as_a_frame(
    session: PowerShellSession, expression: str, columns: dict[str, list[Any]], dtypes: list[str], times: int
) -> None:
    frame = value(session, f"@({expression}) * {times}" if times > 1 else expression)
    assert plain(frame) == {name: cells * times for name, cells in columns.items()}
    assert [str(dtype).replace("string", "str") for dtype in frame.dtypes] == dtypes


@pytest.mark.parametrize(("expression", "shape"), [("@()", (0, 0)), ("@($null, $null)", (2, 0))])
def test_rows_are_counted_where_there_are_no_columns(
    session: PowerShellSession, expression: str, shape: tuple[int, int]
) -> None:
    assert value(session, expression).shape == shape


def test_times_cross_in_utc_whatever_the_zone_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    with started() as session:
        assert value(session, "[datetime]::new(2024,1,1,5,30,0,'Local')") == pd.Timestamp(
            "2024-01-01T00:00:00Z"
        )
        assert value(session, "[datetime]::new(2024,1,1,5,30,0)") == pd.Timestamp("2024-01-01T05:30:00Z")
        session.push("t", pd.Timestamp("2024-01-01T00:00:00Z"))
        assert output(session, "$t.ToLocalTime().Hour; $t.Hour") == ["5", "0"]


def test_objects_of_net_show_their_properties_and_do_not_explode(session: PowerShellSession) -> None:
    frame = value(session, "@(Get-Process -Id $PID)")
    assert len(frame) == 1
    assert {"Id", "ProcessName"} <= set(frame.columns)
    assert value(session, "@{f=Get-Item /}") == {"f": "/"}
    assert plain(value(session, "@([pscustomobject]@{f=Get-Item /})")) == {"f": ["/"]}


def test_a_secret_does_not_cross(session: PowerShellSession) -> None:
    came = value(session, "[pscredential]::new('u', (ConvertTo-SecureString 'hunter2' -AsPlainText -Force))")
    assert "hunter2" not in str(came)
    assert came["UserName"] == "u"


def test_objects_of_a_class_and_a_data_table_cross(session: PowerShellSession) -> None:
    ran(
        session,
        "class Point { [int]$X; [string] ToString() { return 'P' + $this.X } }; $w = @([pscustomobject]@{p=[Point]@{X=3}})",
    )
    assert plain(session.pull("w").value) == {"p": [{"X": 3}]}
    ran(
        session,
        "$v = [Data.DataTable]::new(); $null = $v.Columns.Add('n', [int]); $null = $v.Columns.Add('s', [string]);"
        "$null = $v.Rows.Add(1, 'a'); $null = $v.Rows.Add(2, [DBNull]::Value)",
    )
    crossing = session.pull("v")
    assert plain(crossing.value) == {"n": [1, 2], "s": ["a", ""]}
    assert crossing.warnings == ("$v['s']: 1 missing values crossed as \"\" (KQL has no null string)",)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("$v = @{}; $v.self = $v", "nested deeper"),
        ("$v = [string][char]0xD83D", "half of a surrogate pair"),
        ("$v = @([long]9007199254740993, 0.5)", r"\$v\['Value'\] mixes doubles .*9007199254740993"),
        ("$v = @{1='a'; '1'='b'}", "two entries named '1'"),
    ],
)
def test_what_would_change_on_the_way_raises(session: PowerShellSession, code: str, says: str) -> None:
    ran(session, code)
    with pytest.raises(LanguageError, match=says):
        session.pull("v")


def test_a_getter_that_fails_is_told(session: PowerShellSession) -> None:
    ran(
        session,
        "$v = [pscustomobject]@{a=1} | Add-Member -PassThru ScriptProperty b { throw 'no' } | Add-Member -PassThru ScriptProperty c { $this.a + 1 }",
    )
    crossing = session.pull("v")
    assert crossing.value == {"a": 1, "b": None, "c": 2}
    assert crossing.warnings == ("$v: 1 property could not be read and is null",)


def test_the_last_moment_of_net_says_that_it_lost_a_tick(session: PowerShellSession) -> None:
    ran(session, "$v = @([pscustomobject]@{t=[datetime]::MaxValue})")
    crossing = session.pull("v")
    assert str(crossing.value["t"][0]) == "9999-12-31 23:59:59.999999+00:00"
    assert "lost a tick" in crossing.warnings[0]


@pytest.mark.parametrize("name", ["nosuch", "a:b", "*", ""])
def test_what_is_no_variable_raises(session: PowerShellSession, name: str) -> None:
    with pytest.raises(LanguageError):
        session.pull(name)


# ---------------------------------------------------------------- cells


def test_streams_keep_their_order(session: PowerShellSession) -> None:
    outcome, shown = ran(
        session,
        """'o1'; Write-Warning w; Write-Error e; Write-Host h; Write-Verbose v -Verbose
        $DebugPreference = 'Continue'; Write-Debug d; Write-Information i -Tags t; 'o2'; $DebugPreference = 'SilentlyContinue'""",
    )
    assert [(piece.stream, piece.text) for piece in shown.pieces if piece.stream != "error"] == [
        ("stdout", "o1\n"),
        ("warning", "WARNING: w\n"),
        ("stdout", "h\n"),
        ("verbose", "VERBOSE: v\n"),
        ("debug", "DEBUG: d\n"),
        ("information", "i\n"),
        ("stdout", "o2\n"),
    ]
    assert shown.streams[2] == "error"
    assert "e" in shown.text("error")
    assert outcome.errors == ("line 1: e",)


def test_rows_come_before_a_later_warning(session: PowerShellSession) -> None:
    _, shown = ran(session, "[pscustomobject]@{a=1}; Write-Warning w; [pscustomobject]@{a=2}")
    assert shown.streams == ["stdout", "warning", "stdout"]


def test_output_comes_while_the_cell_runs(session: PowerShellSession) -> None:
    seen: list[tuple[str, float]] = []
    session.run("'a'; Start-Sleep 3; 'b'", lambda piece: seen.append((piece.text, time.monotonic())))
    assert [text for text, _ in seen] == ["a\n", "b\n"]
    assert seen[1][1] - seen[0][1] > 1.5


@pytest.mark.parametrize(
    ("code", "line", "column"),
    [
        ("1\nif (", 2, 5),
        ("1\n  1/0", 2, 3),
        ("1\n  throw 'bad'", 2, 3),
        ("Get-Item /nonexistent -ErrorAction Stop", 1, 1),
        ("\n\nnosuchcommand -x", 3, 1),
        ("'\U0001f600'; throw 'x'", 1, 6),
        ("foo)", 1, 4),
    ],
)
def test_an_error_has_its_place_in_the_cell(
    session: PowerShellSession, code: str, line: int, column: int
) -> None:
    with pytest.raises(LanguageError) as caught:
        ran(session, code, "--strict")
    assert (caught.value.line, caught.value.column) == (line, column)
    assert caught.value.source == code.split("\n")[line - 1]


def test_an_error_in_an_earlier_cells_function_is_placed_where_it_was_called(
    session: PowerShellSession,
) -> None:
    ran(session, "function Break-It {\n  throw 'deep'\n}")
    with pytest.raises(LanguageError, match="deep") as caught:
        ran(session, "1\n2\nBreak-It")
    assert caught.value.line == 3


def test_every_problem_of_an_unreadable_cell_is_told(session: PowerShellSession) -> None:
    with pytest.raises(LanguageError) as caught:
        ran(session, "1 +\n$x = = 2\n}")
    assert caught.value.__notes__


def test_an_error_that_does_not_end_the_cell_is_shown_and_fails_only_a_strict_one(
    session: PowerShellSession,
) -> None:
    outcome, shown = ran(session, "Get-Item /nonexistent\n'after'")
    assert shown.text("stdout") == "after\n"
    assert "/nonexistent" in shown.text("error")
    assert outcome.errors[0].startswith("line 1: ")
    with pytest.raises(LanguageError, match="nonexistent"):
        ran(session, "Get-Item /nonexistent\n'after'", "--strict")


def test_state_lives_on_between_cells(session: PowerShellSession) -> None:
    ran(session, "$x = 5; function Double($n) { 2 * $n }; class Dog { [string]$Name }; Set-Alias dbl Double")
    assert output(session, "dbl $x; [Dog]@{Name='Rex'} | ForEach-Object Name") == ["10", "Rex"]


def test_objects_are_formatted_as_powershell_does(session: PowerShellSession) -> None:
    code = "1..2 | ForEach-Object { [pscustomobject]@{a=$_} } | Format-Table; 'end'"
    assert output(session, code) == ["", "a", "-", "1", "2", "", "end"]
    assert output(session, "'x' | Out-Default; $null; 5") == ["x", "5"]
    assert output(session, "'y' * 300") == ["y" * 300]


def test_progress_is_shown_and_taken_away(session: PowerShellSession) -> None:
    code = '1..20 | ForEach-Object { Write-Progress -Activity Work -Status "s$_" -PercentComplete (5 * $_); Start-Sleep -Milliseconds 50 }'
    _, shown = ran(session, code)
    lines = [piece.text for piece in shown.pieces if piece.stream == "progress"]
    assert len(lines) > 2
    assert all(line.startswith("Work  ") and "%" in line for line in lines[:-1])
    assert lines[-1] == ""


def test_what_is_beyond_the_limits_is_noted(session: PowerShellSession) -> None:
    outcome, shown = ran(session, "1..25000; Write-Warning w")
    assert len(shown.text("stdout").splitlines()) == 10_000
    assert shown.text("warning") == "WARNING: w\n"
    assert outcome.notes[0].startswith("15,000 records of the output stream were left out")
    outcome, shown = ran(session, "'z' * 3000000")
    assert len(shown.text("stdout")) == 2_000_001
    assert outcome.notes == ("1,000,000 characters of output were cut",)


def test_a_flood_ends_and_the_session_is_well(session: PowerShellSession) -> None:
    outcome, _ = ran(session, "1..300000")
    assert outcome.notes[0].startswith("290,000 records")
    assert output(session, "'well'") == ["well"]


def test_programs_write_and_fail_as_in_a_console(session: PowerShellSession) -> None:
    outcome, shown = ran(session, "/bin/sh -c 'echo out; echo err >&2; exit 7'", "--strict")
    assert (shown.text("stdout"), shown.text("stderr")) == ("out\n", "err\n")
    assert (outcome.notes, outcome.errors) == (("$LASTEXITCODE is 7",), ())
    assert ran(session, "$LASTEXITCODE")[0].notes == ()
    assert ran(session, "/bin/sh -c 'exit 7'")[0].notes == (
        "$LASTEXITCODE is 7",
    )  # the same again is news, too
    assert ran(session, "/bin/true")[0].notes == ()
    assert output(session, "/bin/sh -c 'read x; echo got:$x'") == ["got:"]  # it hangs at no input
    assert output(session, "/bin/echo 'caf\u00e9 \U0001f600'") == ["caf\u00e9 \U0001f600"]


def test_raw_console_text_is_shown_in_its_cell(session: PowerShellSession) -> None:
    _, shown = ran(session, "[Console]::WriteLine('raw'); [Console]::Error.WriteLine('raw error'); 'x'")
    assert sorted(shown.text("stdout").splitlines()) == ["raw", "x"]
    assert shown.text("stderr") == "raw error\n"


@pytest.mark.parametrize("code", ["Read-Host 'name'", "Set-Variable x 1 -Confirm", "Get-Credential"])
def test_a_prompt_fails_the_cell_at_once(session: PowerShellSession, code: str) -> None:
    with pytest.raises(LanguageError, match="asked for input") as caught:
        ran(session, code)
    assert caught.value.line == 1
    assert code.split(maxsplit=1)[0] in caught.value.message


@pytest.mark.parametrize(
    "code", ["New-Object -TypeName", "Wait-Debugger", "$Host.UI.PromptForChoice('a','b',@('&x'),0)"]
)
def test_what_waits_for_somebody_fails_a_strict_cell(session: PowerShellSession, code: str) -> None:
    with pytest.raises(LanguageError):
        ran(session, code, "--strict")


def test_exit_ends_the_cell_only(session: PowerShellSession) -> None:
    assert output(session, "$kept = 1; 'a'; exit 3; 'b'") == ["a"]
    assert output(session, "$kept") == ["1"]


def test_what_a_user_sets_does_not_break_the_session(fresh: PowerShellSession) -> None:
    ran(
        fresh,
        "Set-StrictMode -Version Latest; $ErrorActionPreference = 'Stop'; $rows = 'mine'; function Out-String { 'hijacked' };"
        "function ConvertFrom-Json { throw 'no' }; function Get-Variable { }",
    )
    assert output(fresh, "[pscustomobject]@{a=1} | Format-List") == ["", "a : 1", ""]
    fresh.push("t", pd.DataFrame({"a": [1]}))
    assert fresh.pull("t").value["a"].tolist() == [1]
    assert output(fresh, "$rows") == ["mine"]
    assert "$t" in fresh.known
    with pytest.raises(LanguageError) as caught:
        ran(fresh, "1\nGet-Item /nonexistent\n2")
    assert caught.value.line == 2


def test_jobs_run(session: PowerShellSession) -> None:
    assert output(
        session, "$j = Start-Job { 6 * 7 }; $j | Wait-Job -Timeout 60 | Receive-Job; $j | Remove-Job -Force"
    ) == ["42"]


def test_two_hundred_cells_and_values(session: PowerShellSession) -> None:
    session.push("total", 0)
    for _ in range(200):
        ran(session, "$total += 1")
    assert session.pull("total").value == 200


# ---------------------------------------------------------------- interrupts and the end


@pytest.mark.parametrize(
    "code",
    [
        "Start-Sleep 60",
        "while ($true) {}",
        "/bin/sleep 60",
        "while ($true) { 1 }",
        "1..100000000 | ForEach-Object { [pscustomobject]@{a=$_} }",
    ],
)
def test_an_interrupt_stops_the_cell_and_keeps_the_variables(session: PowerShellSession, code: str) -> None:
    ran(session, "$kept = 41")
    with pytest.raises(KeyboardInterrupt) as caught, interrupted_soon(1.5):
        session.run(f"$made = 1\n{code}", lambda _: None)
    assert caught.value.__notes__ == ["the cell was stopped; the variables of PowerShell are kept"]
    assert output(session, "$kept + $made") == ["42"]
    assert {"$kept", "$made"} <= set(session.known)


def test_an_interrupt_runs_finally(session: PowerShellSession) -> None:
    with pytest.raises(KeyboardInterrupt), interrupted_soon(1.5):
        ran(session, "$s = 'start'; try { Start-Sleep 60 } finally { $s = 'finally' }")
    assert output(session, "$s") == ["finally"]


def test_an_interrupt_stops_a_value_on_its_way(session: PowerShellSession) -> None:
    ran(session, "$slow = [pscustomobject]@{} | Add-Member -PassThru ScriptProperty p { Start-Sleep 60 }")
    with pytest.raises(KeyboardInterrupt), interrupted_soon(1):
        session.pull("slow")
    assert output(session, "'on'") == ["on"]


def test_code_that_cannot_be_stopped_is_ended_and_told(fresh: PowerShellSession) -> None:
    ran(fresh, "$precious = 1")
    pid = int(output(fresh, "$PID")[0])
    with pytest.raises(KeyboardInterrupt) as caught, interrupted_soon(1):
        ran(fresh, "[Threading.Thread]::Sleep(30000)")
    assert caught.value.__notes__ == [
        "PowerShell did not stop within 2 s, and its process was ended; gone are $precious"
    ]
    assert not fresh.alive
    assert gone(pid)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("[Environment]::Exit(9)", 9),
        ("[Environment]::FailFast('x')", -signal.SIGABRT),
        ("Stop-Process -Id $PID -Force", -signal.SIGKILL),
    ],
)
def test_a_crash_is_told_with_its_status_and_what_is_gone(
    fresh: PowerShellSession, code: str, status: int
) -> None:
    ran(fresh, "$precious = 1")
    shown = Shown()
    with pytest.raises(SessionDied) as caught:
        fresh.run(f"'before'; {code}", shown)
    assert (caught.value.exit_code, caught.value.lost) == (status, ("$precious",))
    assert not fresh.alive


def test_what_a_cell_started_ends_with_the_session() -> None:
    with started() as session:
        own = int(output(session, "$PID")[0])
        child = int(output(session, "/bin/sh -c 'sleep 61 > /dev/null 2>&1 & echo $!'")[0])
        assert alive(child)
    assert gone(own)
    assert gone(child)


def test_a_session_that_runs_a_cell_can_be_closed() -> None:
    failures: list[BaseException] = []
    with started() as session:
        own = int(output(session, "$PID")[0])

        def run() -> None:
            try:
                ran(session, "Start-Sleep 60")
            except SessionDied as error:
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        time.sleep(1)
        session.close()
        thread.join(10)
    assert len(failures) == 1
    assert gone(own)


def test_it_ends_when_python_is_killed() -> None:
    code = (
        "from kqlmagic_ext.languages import Settings\n"
        "from kqlmagic_ext.languages.powershell import PowerShellSession\n"
        f"session = PowerShellSession(Settings(program={REAL!r}))\n"
        "session.run('$PID; while ($true) { Start-Sleep 1 }', lambda piece: print(piece.text, flush=True))\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert alive(pid)
        owner.kill()
    assert gone(pid)


def test_nothing_is_left_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with started() as session, pytest.raises(SessionDied):
        ran(session, "Stop-Process -Id $PID -Force")
    assert not list(tmp_path.glob("CoreFxPipe_PSHost*"))


# ---------------------------------------------------------------- variables and Tab


def test_variables_are_those_of_the_cells(fresh: PowerShellSession) -> None:
    assert fresh.variables() == ()
    ran(
        fresh,
        "$s = 'abc'; $t = @([pscustomobject]@{a=1}); $n = $null; $h = @{}; 'ab' -match 'a'; foreach ($i in 1) {}; /bin/true",
    )
    assert fresh.known == ("$h", "$i", "$n", "$s", "$t")
    found = {variable.name: (variable.type, variable.size) for variable in fresh.variables()}
    assert found == {
        "s": ("System.String", "3 characters"),
        "t": ("System.Object[]", "1 row"),
        "n": ("$null", ""),
        "h": ("System.Collections.Hashtable", "0 entries"),
        "i": ("System.Int32", ""),
    }


def test_tab_completes_commands_variables_and_members(session: PowerShellSession) -> None:
    ran(session, "$alerts = @([pscustomobject]@{Severity='High'})")
    start, end, found = session.complete("Get-ChildI", 10, 30)  # the first one may take its time
    assert (start, end) == (0, 10)
    assert ("Get-ChildItem", "function") in found
    assert session.complete("$aler", 5, 30) == (0, 5, (("$alerts", "variable"),))
    code = "'\U0001f600'; $alerts[0].Sev"
    assert session.complete(code, len(code), 30) == (len(code) - 3, len(code), (("Severity", "property"),))
    assert "-Recurse" in [text for text, _ in session.complete("Get-ChildItem -Rec | ft", 18, 30)[2]]
    assert all("-Bridge" not in text for text, _ in session.complete("Write-", 6, 30)[2])
    assert session.complete("", 0, 30)[2] == ()


def test_tab_says_nothing_while_a_cell_runs_and_disturbs_none(fresh: PowerShellSession) -> None:
    came: list[Any] = []
    timer = threading.Timer(1, lambda: came.append(fresh.complete("Get-ChildI", 10, 0.5)))
    timer.start()
    assert output(fresh, "Start-Sleep 3; 'end'") == ["end"]
    timer.join()
    assert came == [(10, 10, ())]
    fresh.complete("Get-", 4, 0.001)  # given up at once
    assert output(fresh, "'on'") == ["on"]


# ---------------------------------------------------------------- as it was recorded


CELLS = [
    "output_text", "output_table", "streams_in_order", "error_non_terminating", "error_in_function", "error_class",
    "native", "raw_console", "exit", "persistence", "strict_mode",
]  # fmt: skip


@pytest.mark.parametrize("name", CELLS)
def test_a_real_powershell_shows_what_the_recording_shows(
    fresh: PowerShellSession, tmp_path: Path, name: str
) -> None:
    codes = [
        line["msg"]["code"] for line in recorded(name) if line["dir"] == "to" and line["msg"]["op"] == "run"
    ]
    with session_on(fake(tmp_path, "replay", str(transcript(name)))) as replayed:
        for code in codes:
            assert told(fresh, code) == told(replayed, code)


def told(session: PowerShellSession, code: str) -> tuple[Any, ...]:
    """How a cell ended and what it showed, but for the words of errors, which differ between versions."""
    shown = Shown()
    try:
        outcome = session.run(code, shown)
    except LanguageError as error:
        end: tuple[Any, ...] = (error.line, error.column)
    else:
        end = (len(outcome.errors), outcome.notes)
    texts = {
        stream: sorted(shown.text(stream).splitlines())
        for stream in ("stdout", "stderr", "warning", "verbose", "debug", "information")
    }
    return (*end, texts, "error" in shown.streams)


def test_the_environment_turns_telemetry_off(session: PowerShellSession) -> None:
    assert output(session, "$env:POWERSHELL_TELEMETRY_OPTOUT; $env:NO_COLOR; $env:AZURE_CLIENT_SECRET") == [
        "1",
        "1",
    ]
