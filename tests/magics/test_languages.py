"""Cells of other languages, as an analyst meets them; Node.js stands for all where nothing else is said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from IPython.core.error import UsageError

from kqlmagic_ext import LanguageError, ParameterError
from kqlmagic_ext.errors import SessionDied
from tests.notebook import Notebook


@pytest.fixture
def frame(notebook: Notebook) -> pd.DataFrame:
    frame = pd.DataFrame({"host": ["a", "b"], "n": pd.Series([1, 2**60], dtype="Int64")})
    notebook.names["failed"] = frame
    return frame


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_frame_goes_in_and_comes_out_and_the_receipt_names_both(
    notebook: Notebook, frame: pd.DataFrame
) -> None:
    cell = "%%node -i failed -o hosts\nconst hosts = failed.toArray().filter(row => row.n > 1n)"
    assert notebook.run(cell).success
    assert notebook.receipt.splitlines() == [
        "failed → failed (Node.js): 2 rows × 2",
        "hosts (Node.js) → hosts: 1 row × 2",
    ]
    pd.testing.assert_frame_equal(
        notebook.names["hosts"], frame.iloc[1:].reset_index(drop=True), check_dtype=False
    )


@pytest.mark.usefixtures("frame")
def test_names_may_differ_on_either_side(notebook: Notebook) -> None:
    assert notebook.run(
        "%%node -i rows=failed -o count=n,first=one\nconst n = rows.length, one = 'x'"
    ).success
    assert (notebook.names["count"], notebook.names["first"]) == (2, "x")
    assert "failed → rows (Node.js): 2 rows × 2" in notebook.receipt
    assert "n (Node.js) → count: int" in notebook.receipt


def test_a_name_that_cannot_be_given_is_refused_with_the_variables_own_name(notebook: Notebook) -> None:
    notebook.names["z"] = 1
    error = notebook.error("%%node -i class=z\n1")
    assert str(error).endswith("give it under another one: -i other=z")


def test_variables_live_on_between_cells_and_the_last_expression_is_shown(notebook: Notebook) -> None:
    notebook.run("%%node\nlet a = 20")
    assert notebook.run("%%node\nlet b = 22\na + b").success
    assert notebook.receipt == "42"


def test_what_a_cell_writes_is_shown(notebook: Notebook) -> None:
    assert notebook.run("%%node\nconsole.log('to', 'stdout')\nconsole.error('to stderr')").success
    assert (notebook.stdout, notebook.stderr) == ("to stdout\n", "to stderr\n")


def test_control_characters_and_bidi_marks_show_and_do_nothing(notebook: Notebook) -> None:
    assert notebook.run("%%node\nconsole.log('a\\u001b]0;title\\u0007\\u202eb\\u001b[31mred')").success
    assert notebook.stdout == "a\\x1b]0;title\\x07\\u202eb\x1b[31mred\n"


def test_output_beyond_the_limit_is_counted(notebook: Notebook) -> None:
    notebook.run("%config LanguageMagics.output_characters = 10")
    assert notebook.run("%%node\nconsole.log('x'.repeat(100))").success
    assert notebook.stdout == "x" * 10
    assert "91 characters of output were left out" in notebook.receipt


def test_an_error_names_line_and_column_of_the_cell(notebook: Notebook) -> None:
    error = notebook.error("%%node\nlet fine = 1\n  null.oops")
    assert isinstance(error, LanguageError)
    assert (error.language, error.line, error.column) == ("node", 3, 8)
    assert "null" in str(error)


def test_a_failed_cell_takes_away_what_it_would_have_bound(notebook: Notebook) -> None:
    assert notebook.run("%%node -o n\nvar n = 1").success
    error = notebook.error("%%node -o n\nthrow new Error('no')")
    assert "n" not in notebook.names
    assert any("n (int of" in note and "%kql_restore n" in note for note in error.__notes__)
    assert notebook.run("%kql_restore n").success
    assert notebook.names["n"] == 1


def test_an_output_that_the_cell_did_not_make_fails_it_and_binds_nothing(notebook: Notebook) -> None:
    error = notebook.error("%%node -o made,missing\nvar made = 1")
    assert isinstance(error, LanguageError)
    assert "missing" in str(error)
    assert "made" not in notebook.names


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("%%node -i nowhere\n1", ParameterError),
        ("%%node -o print\n1", UsageError),
        ("%%node --wrong\n1", UsageError),
        ("%%node -o a=\n1", UsageError),
        ("%%node -o a,a\n1", UsageError),
        ("%%node --runtime bun\n1", UsageError),
    ],
)
def test_what_is_wrong_before_the_cell_ran_keeps_the_variable(
    notebook: Notebook, cell: str, kind: type[BaseException]
) -> None:
    assert notebook.run("%%node -o a\nvar a = 1").success
    assert isinstance(notebook.error(cell), kind)
    assert notebook.names["a"] == 1


def test_a_dead_process_is_told_with_its_status_and_what_is_gone_and_the_next_cell_lives(
    notebook: Notebook,
) -> None:
    notebook.run("%%node\nlet precious = 1")
    error = notebook.error("%%node\nprocess.exit(7)")
    assert isinstance(error, SessionDied)
    assert (error.exit_code, error.lost) == (7, ("precious",))
    assert notebook.run("%%node\ntypeof precious").success
    assert "a new session of Node.js: the last one ended; gone are precious" in notebook.receipt
    assert "undefined" in notebook.receipt


def test_sessions_are_listed_with_their_variables_and_can_be_restarted(notebook: Notebook) -> None:
    assert notebook.run("%sessions").success
    assert notebook.receipt == "no session of another language runs"
    notebook.run("%%node\nlet listed = [1, 2, 3]")
    notebook.run("%sessions")
    assert "node: Node.js" in notebook.receipt
    assert "listed" in notebook.receipt
    assert notebook.run("%restart_session node").success
    assert "gone are listed" in notebook.receipt
    notebook.run("%sessions")
    assert "listed" not in notebook.receipt
    assert isinstance(notebook.error("%restart_session cobol"), UsageError)


def test_the_runtime_can_be_deno(notebook: Notebook) -> None:
    assert notebook.run("%%node --runtime deno -o which\nvar which = typeof Deno").success
    assert notebook.names["which"] == "object"
    assert notebook.run("%%node -o which\nvar which = typeof Deno").success
    assert notebook.names["which"] == "undefined"


def test_a_missing_runtime_says_how_to_get_it(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KQLMAGIC_PWSH", "/nowhere/pwsh")
    error = notebook.error("%%powershell\n1")
    assert isinstance(error, LanguageError)
    assert "KQLMAGIC_PWSH" in str(error)


def test_no_secret_of_ours_reaches_a_child(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "hush")
    monkeypatch.setenv("HARMLESS", "seen")
    cell = "%%node -o found\nvar found = [process.env.AZURE_CLIENT_SECRET ?? null, process.env.HARMLESS]"
    assert notebook.run(cell).success
    assert notebook.names["found"] == [None, "seen"]


def test_a_child_starts_in_the_notebooks_folder_and_in_its_own_group(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert notebook.run("%%node -o at,pid\nvar at = process.cwd(), pid = process.pid").success
    assert Path(notebook.names["at"]) == tmp_path.resolve()
    assert os.getpgid(notebook.names["pid"]) == notebook.names["pid"] != os.getpgid(0)


def test_unloading_ends_every_child(notebook: Notebook) -> None:
    notebook.run("%%node -o pid\nvar pid = process.pid")
    pid = notebook.names["pid"]
    assert alive(pid)
    assert notebook.run("%unload_ext kqlmagic_ext").success
    assert not alive(pid)
    assert "node" not in notebook.shell.magics_manager.magics["cell"]
    notebook.run("%load_ext kqlmagic_ext")


def test_help_tells_the_options(notebook: Notebook) -> None:
    for name in ("powershell", "pwsh", "node"):
        text = notebook.shell.find_cell_magic(name).__doc__
        assert f"%{name}" in text
        assert "--input" in text
        assert "--output" in text
    assert "--strict" in notebook.shell.find_cell_magic("pwsh").__doc__
    assert "--runtime" in notebook.shell.find_cell_magic("node").__doc__


def test_half_a_surrogate_is_shown_and_breaks_nothing(notebook: Notebook) -> None:
    assert notebook.run("%%node\nconsole.log('abc😀'[3]); 'abc😀'[3]").success
    assert notebook.stdout == "\\ud83d\n"
    assert notebook.receipt == "\\ud83d"


def test_a_column_without_a_told_type_leaves_the_others_theirs(notebook: Notebook) -> None:
    notebook.names["df"] = pd.DataFrame({"x": [{"a": 1}, [1, 2]]})
    cell = "%%node -i df -o r\nvar r = df.arrow.assign(Arrow.tableFromArrays({y: ['p', 'q']}))"
    assert notebook.run(cell).success
    assert notebook.names["r"]["x"].tolist() == [{"a": 1}, [1, 2]]
    assert notebook.names["r"]["y"].tolist() == ["p", "q"]


def test_what_was_bound_is_not_kept_alive(notebook: Notebook) -> None:
    notebook.run("%%node -o gone\nvar gone = {a: 1}")
    value = notebook.names["gone"]
    before = sys.getrefcount(value)
    del notebook.names["gone"]
    assert sys.getrefcount(value) == before - 1 == 2


def test_an_output_of_nothing_is_taken_away_by_a_failure_too(notebook: Notebook) -> None:
    assert notebook.run("%%node -o z\nvar z = null").success
    assert notebook.names["z"] is None
    notebook.error("%%node -o z\nthrow 1")
    assert "z" not in notebook.names


def test_proto_is_no_name_of_an_input(notebook: Notebook) -> None:
    notebook.names["p"] = 1
    assert "__proto__" in str(notebook.error("%%node -i __proto__=p\n1"))
    assert "__proto__" in str(notebook.error("%%browser -i __proto__=p\n1"))


def test_inputs_of_a_cell_that_dies_are_named_as_gone(notebook: Notebook) -> None:
    notebook.names["given"] = 1
    error = notebook.error("%%node -i given\nprocess.exit(1)")
    assert isinstance(error, SessionDied)
    assert error.lost == ("given",)


def test_a_class_that_is_called_frame_can_be_listed(notebook: Notebook) -> None:
    notebook.run("%%node\nclass Frame {}\nvar f = new Frame()")
    assert notebook.run("%sessions").success
    assert "f: Frame" in notebook.receipt


def test_a_fork_of_the_kernel_does_not_keep_a_session_alive() -> None:
    code = (
        "import os, time, signal; from kqlmagic_ext.languages import LANGUAGES, Settings;"
        "session = LANGUAGES['node'].start(Settings()); session.run('var pid = process.pid', print);"
        "print(session.pull('pid').value, flush=True); child = os.fork();"
        "print(child, flush=True) if child else None; time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid, fork = int(owner.stdout.readline()), int(owner.stdout.readline())
        owner.kill()
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(fork, signal.SIGKILL)
    assert not alive(pid)


@pytest.mark.parametrize("cell", ["%%node -i when\n1", "%%browser -i when\nelement.append(when)"])
def test_a_time_without_a_zone_is_said_to_be_utc(notebook: Notebook, cell: str) -> None:
    notebook.names["when"] = datetime(2026, 11, 24)
    assert notebook.run(cell).success
    assert "when has no time zone and is read as UTC" in notebook.receipt
    notebook.names["when"] = pd.NaT
    assert notebook.run(cell).success
    assert "no time zone" not in notebook.receipt


def test_a_failed_cell_says_too_that_its_session_is_a_new_one(notebook: Notebook) -> None:
    notebook.run("%%node\nconst kept = 1")
    notebook.error("%%node\nprocess.exit(3)")
    error = notebook.error("%%node\nkept")
    assert "a new session of Node.js: the last one ended; gone are kept" in error.__notes__


def test_a_dead_session_without_variables_is_told_of_too(notebook: Notebook) -> None:
    notebook.error("%%node\nprocess.exit(3)")
    assert notebook.run("%%node\n1").success
    assert "a new session of Node.js: the last one ended" in notebook.receipt
