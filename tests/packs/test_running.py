"""Tests that `.kql` files carry, run on the embedded engine: by the command, and by pytest when it is asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kqlmagic_ext.packs.__main__ import main

ROOT = Path(__file__).parents[2]
SPRAY = """// ---
// description: Accounts with many refused sign-ins
// parameters:
//   least: {type: long, default: 2}
// tests:
//   - name: two refused sign-ins are enough
//     now: 2026-11-21T12:00:00Z
//     tables:
//       SigninLogs:
//         - {TimeGenerated: 2026-11-21T10:00:00Z, UserPrincipalName: ana@x, ResultType: 50126}
//         - {TimeGenerated: 2026-11-21T10:01:00Z, UserPrincipalName: ana@x, ResultType: 50126}
//         - {TimeGenerated: 2026-11-19T10:01:00Z, UserPrincipalName: bob@x, ResultType: 50126}
//     expect:
//       columns: UserPrincipalName:string, Attempts:long
//       rows:
//         - [ana@x, 2]
//   - name: a higher threshold finds nothing
//     parameters: {least: 3}
//     now: 2026-11-21T12:00:00Z
//     tables:
//       SigninLogs:
//         columns: TimeGenerated:datetime, UserPrincipalName:string, ResultType:string
//         rows:
//           - [2026-11-21T10:00:00Z, ana@x, 50126]
//     expect: []
// ---
SigninLogs
| where TimeGenerated > ago(1d) and ResultType != "0"
| summarize Attempts = count() by UserPrincipalName
| where Attempts >= {{least}}
"""


def file(folder: Path, name: str, front: str, query: str) -> Path:
    path = folder / name
    path.write_text("// ---\n" + "".join(f"// {line}\n" for line in front.split("\n")) + f"// ---\n{query}")
    return path


def ran(capsys: pytest.CaptureFixture[str], *paths: Path) -> tuple[int, list[str]]:
    code = main(["test", *map(str, paths)])
    return code, capsys.readouterr().out.splitlines()


def test_the_command_prints_a_line_a_test(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "spray.kql").write_text(SPRAY)
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / ".ipynb_checkpoints" / "spray-checkpoint.kql").write_text(SPRAY)
    code, lines = ran(capsys, tmp_path)
    assert code == 0
    assert lines == [
        f"ok    {tmp_path}/spray.kql: two refused sign-ins are enough",
        f"ok    {tmp_path}/spray.kql: a higher threshold finds nothing",
        "2 tests, 0 failed",
    ]


def test_a_difference_is_told_row_by_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "spray.kql").write_text(SPRAY.replace("[ana@x, 2]", "[ana@x, 3]"))
    code, lines = ran(capsys, tmp_path)
    assert code == 1
    assert lines[:3] == [
        f"FAIL  {tmp_path}/spray.kql: two refused sign-ins are enough",
        '      missing     "ana@x", 3',
        '      unexpected  "ana@x", 2',
    ]
    assert lines[-1] == "2 tests, 1 failed"


TWICE = "tests:\n- expect:\n    columns: x:long\n    rows: {rows}\n  ordered: {ordered}"


@pytest.mark.parametrize(
    ("rows", "ordered", "problems"),
    [
        ("[[1], [2], [1]]", "true", []),
        ("[[2], [1], [1]]", "false", []),
        ("[[2], [1]]", "false", ["unexpected  1"]),
        ("[[2], [1], [1], [1]]", "false", ["missing     1"]),
        ("[[2], [1], [1]]", "true", ["row 1: expected  2", "row 1: found     1", "row 2: expected  1", "row 2: found     2"]),
        ("[[1], [2]]", "true", ["row 3: expected  no row", "row 3: found     1"]),
    ],
)  # fmt: skip
def test_rows_are_a_multiset_unless_their_order_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: str, ordered: str, problems: list[str]
) -> None:
    path = file(tmp_path, "q.kql", TWICE.format(rows=rows, ordered=ordered), "datatable(x:long)[1, 2, 1]")
    code, lines = ran(capsys, path)
    assert code == bool(problems)
    assert [line.strip() for line in lines[1:-1]] == problems


@pytest.mark.parametrize(
    ("kind", "kql", "cell"),
    [
        ("bool", "true", "true"),
        ("int", "int(5)", "5"),
        ("real", "0.1 + 0.2", "0.3"),
        ("real", "real(null)", "null"),
        ("decimal", "decimal(1.50)", "1.5"),
        ("string", '"yes"', "yes"),
        ("datetime", "datetime(2026-11-21T10:04:00.123456Z)", "2026-11-21 10:04:00.123456"),
        ("timespan", "90m", "01:30:00"),
        ("dynamic", 'dynamic({"b": [1, 2.5], "a": null})', "{a: null, b: [1, 2.5]}"),
        ("long", "long(null)", "null"),
        ("guid", "guid(74be27de-1e4e-49d9-b579-fe0b331d3642)", "74BE27DE-1E4E-49D9-B579-FE0B331D3642"),
    ],
)
def test_each_type_is_compared_as_what_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, kql: str, cell: str
) -> None:
    front = f"tests:\n- expect:\n    columns: x:{kind}\n    rows: [[{cell}]]"
    code, lines = ran(capsys, file(tmp_path, "q.kql", front, f"print x = {kql}, other = 1"))
    assert (code, lines[1:]) == (0, ["1 test, 0 failed"])
    wrong = "string" if kind != "string" else "long"
    code, lines = ran(capsys, file(tmp_path, "q.kql", front, f"print x = to{wrong}('1')"))
    assert (code, lines[1].strip()) == (1, f"the column x is a {wrong}, expected a {kind}")


@pytest.mark.parametrize(
    ("front", "query", "problem"),
    [
        ("tests: [{expect: [], tables: {SigninLogs: []}}]", "print 1", "the query does not use the table SigninLogs"),
        ("tests: [{expect: []}]", "\nNothing_CL\n| take 1", "line 5, column 1: there is no table 'Nothing_CL'"),
        ("tests: [{expect: []}]", "print {{x}}", "q wants a value for x: -i x"),
        ("tests: [{expect: {columns: 'y:long'}}]", "print x = 1", "the answer has no column y; it has x"),
        ("tests: [{expect: []}]", "print x = 1", "unexpected  1"),
        ("tests: [{expect: []}]", "print 1; print 2", "the query gives 2 tables"),
        ("tests: [{expect: []}]", "print x = '\u202eevil'", '"\\u202eevil"'),
    ],
)  # fmt: skip
def test_what_cannot_pass_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], front: str, query: str, problem: str
) -> None:
    code, lines = ran(capsys, file(tmp_path, "q.kql", front, query))
    assert code == 1
    assert problem in lines[1]


def test_a_file_that_cannot_be_read_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.kql").write_text("// ---\nprint 1")
    (tmp_path / "spray.kql").write_text(SPRAY)
    code, lines = ran(capsys, tmp_path)
    assert code == 1
    assert lines[0] == f"FAIL  {tmp_path}/bad.kql: reading it"
    assert lines[-1] == "3 tests, 1 failed"


def test_no_test_at_all_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(capsys, tmp_path) == (1, ["0 tests, 0 failed"])
    assert ran(capsys, tmp_path / "nowhere") == (2, [])


def test_a_known_table_has_all_its_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    front = "tests:\n- tables: {SigninLogs: [{Identity: Ana}]}\n  expect:\n    columns: Identity:string, e:bool, n:bool\n    rows: [[Ana, true, true]]"
    query = "SigninLogs | project Identity, e = isempty(AppId), n = isnull(TimeGenerated)"
    assert ran(capsys, file(tmp_path, "q.kql", front, query))[0] == 0


# ---------------------------------------------------------------- the module and pytest


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_module_is_a_command(tmp_path: Path) -> None:
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "spray.kql").write_text(SPRAY)
    done = run(tmp_path, "kqlmagic_ext.packs", "test", "queries/")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "2 tests, 0 failed"


PYTEST = (
    "pytest",
    "-p",
    "kqlmagic_ext.packs.pytest_plugin",
    "-p",
    "no:cacheprovider",
    "-q",
    "-c",
    "/dev/null",
)


def test_pytest_collects_kql_files_only_when_asked(tmp_path: Path) -> None:
    (tmp_path / "spray.kql").write_text(SPRAY.replace("[ana@x, 2]", "[ana@x, 3]"))
    (tmp_path / "test_one.py").write_text("def test_one():\n    pass\n")
    unasked = run(tmp_path, *PYTEST, "--rootdir", str(tmp_path), str(tmp_path))
    assert (unasked.returncode, unasked.stdout.splitlines()[-1][:8]) == (0, "1 passed")
    asked = run(tmp_path, *PYTEST, "--rootdir", str(tmp_path), "--kql", str(tmp_path))
    assert asked.returncode == 1
    assert "1 failed, 2 passed" in asked.stdout
    assert 'missing     "ana@x", 3' in asked.stdout
    assert "Traceback" not in asked.stdout
    (tmp_path / "spray.kql").write_text("// ---\n")
    broken = run(tmp_path, *PYTEST, "--rootdir", str(tmp_path), "--kql", str(tmp_path))
    assert "line 1: the front matter is not closed" in broken.stdout


def test_the_plugin_loads_nothing_heavy() -> None:
    code = (
        "import sys, kqlmagic_ext.packs.pytest_plugin\n"
        "print([name for name in ('pandas', 'duckdb', 'pyarrow', 'yaml', 'IPython', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_pytest_finds_the_plugin_by_its_module() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    [(name, module)] = project["entry-points"]["pytest11"].items()
    assert (
        name == module == "kqlmagic_ext.packs.pytest_plugin"
    )  # else -p and the entry point would load it twice
