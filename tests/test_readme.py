"""What the README shows, run in its order in a real shell; its commands are those that CI runs."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from kqlmagic_ext.packs.__main__ import main
from tests.notebook import Notebook

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
CELLS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_every_cell_of_the_readme_runs(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # %kql_save writes beside the notebook
    assert len(CELLS) >= 7
    monkeypatch.setenv("KQLMAGIC_RECORD", "full")
    notebook.run(f"%config KqlMagics.cases_folder = {str(tmp_path)!r}")
    joined = 0
    for cell in CELLS:
        result = notebook.run(cell)
        assert result.success, cell
        if "-i assets" in cell:
            joined = len(result.result)
    assert joined == 1
    assert "warning" not in notebook.receipt
    assert len(notebook.names["failed"]) > 0
    assert len(notebook.names["seen"]) > 0
    assert len(notebook.names["result"].frame) > 0
    assert [path.name for path in tmp_path.rglob("*.kql")] == ["many_refused.kql"]
    assert len(notebook.names["many"]) > 0


def test_the_saved_query_of_the_readme_passes_its_tests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [text] = re.findall(r"```kql\n(.*?)```", README, re.DOTALL)
    (tmp_path / "many_refused.kql").write_text(text)
    assert main(["test", str(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith("1 test, 0 failed\n")


def test_every_option_of_the_readme_is_one_of_the_magic(notebook: Notebook) -> None:
    table = "\n".join(re.findall(r"^\| `-.*", README, re.MULTILINE))
    options = set(re.findall(r"`(--?[a-z]+)", table))
    assert len(options) >= 9
    known = set(notebook.shell.find_cell_magic("kql").__func__.parser._option_string_actions)
    assert options <= known


def test_ci_runs_the_readmes_test_command() -> None:
    run = (ROOT / ".ci" / "run").read_text("utf-8")
    [command] = re.findall(r"pip install -e '\.\[test,examples\]' && (.*)", README)
    assert "pip install -q -e '.[test,examples]'" in run
    assert command in run
    assert sys.version_info >= (3, 11)
