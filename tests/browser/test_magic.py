"""`%%browser`, and what becomes of IPython's own `%%javascript` and `%%js`."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from kqlmagic_ext.display.browser import page
from kqlmagic_ext.errors import LanguageError, ParameterError
from tests.notebook import Notebook

FAILED = pd.DataFrame({"User": ["a", "b"], "Attempts": [3, 5]})


def drawn(notebook: Notebook) -> str:
    """The page of the inner frame of the last cell's output."""
    [output] = notebook.outputs
    assert set(output.data) == {"text/plain", "text/html"}
    outer = re.search(r'<iframe data-kqlmagic[^>]* srcdoc="([^"]*)"', output.data["text/html"])
    assert outer is not None
    inner = re.search(r"srcdoc='([^']*)'", html.unescape(outer[1]))
    assert inner is not None
    return html.unescape(inner[1])


def told(notebook: Notebook) -> dict[str, Any]:
    """What the frame is told of its cell."""
    found = re.search(r'<script type="application/json" id="cell">(.*?)</script>', drawn(notebook))
    assert found is not None
    cell: dict[str, Any] = json.loads(found[1])
    return cell


def policies(notebook: Notebook) -> list[str]:
    return re.findall(r'Content-Security-Policy" content="([^"]*)"', drawn(notebook))


def test_a_cell_gives_one_output_that_says_what_crossed(notebook: Notebook) -> None:
    notebook.names["failed"] = FAILED
    notebook.value("%%browser -i rows=failed\nelement.append(rows.length)")
    head, crossed = notebook.receipt.split("\n")
    assert re.fullmatch(r"%%browser, cell \[\d+\]: drawn in a browser", head)
    assert crossed == "failed → rows (browser): 2 rows × 2"
    assert '"rows":[["a",3],["b",5]]' in drawn(notebook)


@pytest.mark.parametrize("name", ["browser", "javascript", "js"])
def test_each_of_the_three_names_is_the_same_cell(notebook: Notebook, name: str) -> None:
    notebook.names["failed"] = FAILED
    notebook.value(f"%%{name} -i failed\nfailed.length")
    assert told(notebook)["code"][1] == "failed.length"


def test_code_may_stand_behind_the_options_and_its_place_is_told(notebook: Notebook) -> None:
    notebook.names["failed"] = FAILED
    notebook.value("%%js -i failed failed\n  .length")
    assert told(notebook)["place"] == [0, len("%%js -i failed ")]
    notebook.value("%%js -i failed\nfailed.length")
    assert told(notebook)["place"] == [1, 0]


def test_a_shift_at_the_head_of_the_code_is_a_shift(notebook: Notebook) -> None:
    notebook.value("%%browser\nflags << 2")
    assert "".join(told(notebook)["code"]).strip() == "flags << 2"


def test_without_our_options_ipythons_own_runs(notebook: Notebook) -> None:
    notebook.value("%%js\nlet a = '-i x';")
    [output] = notebook.outputs
    assert output.data["application/javascript"] == "let a = '-i x';\n"
    notebook.value("%%javascript\nlet b;")
    assert "application/javascript" in notebook.outputs[0].data


def test_unloading_gives_ipythons_own_back(shell: InteractiveShell) -> None:
    table = shell.magics_manager.magics["cell"]
    before = {name: table[name] for name in ("javascript", "js")}
    shell.run_line_magic("load_ext", "kqlmagic_ext")
    assert table["js"] is not before["js"]
    shell.run_line_magic("reload_ext", "kqlmagic_ext")
    shell.run_line_magic("unload_ext", "kqlmagic_ext")
    assert {name: table[name] for name in before} == before
    assert all(table[name] is before[name] for name in before)
    assert "browser" not in table


IN_A_FRESH_PROCESS = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "kqlmagic_ext")
shell.run_cell(FIRST).raise_error()
shell.run_line_magic("unload_ext", "kqlmagic_ext")
for name in ("javascript", "js"):
    shell.run_cell(f"%%{name}\\n2").raise_error()
    assert "kqlmagic_ext" not in repr(shell.magics_manager.magics["cell"][name])
"""


@pytest.mark.parametrize("first", ["%%js\n1", "%%javascript\n1", "%%html\n<b>a</b>", "1"])
def test_ipythons_own_runs_after_unloading_also_when_its_class_came_late(first: str) -> None:
    """Newer IPythons load the class of these magics when one of them is first used."""
    code = IN_A_FRESH_PROCESS.replace("FIRST", repr(first))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["location", "element", "class"])
def test_an_input_cannot_take_a_name_that_the_browser_needs(notebook: Notebook, name: str) -> None:
    notebook.names["failed"] = FAILED
    error = notebook.error(f"%%browser -i {name}=failed\n1")
    assert isinstance(error, UsageError)
    assert "give it another name: -i other=failed" in str(error)


def test_too_much_data_raises_and_proposes_an_aggregate(notebook: Notebook) -> None:
    notebook.shell.run_line_magic("config", "BrowserMagics.browser_bytes = 1000")
    notebook.names.update(
        long=pd.DataFrame({"a": range(501)}), wide=pd.DataFrame({"a": ["x" * 990]}), text="é" * 500
    )
    for name, size in (("long", "at least 1,002"), ("wide", "1,0"), ("text", "1,0")):
        error = notebook.error(f"%%browser -i {name}\n1")
        assert isinstance(error, ParameterError)
        assert str(error).startswith(f"{name} would put {size}")
        assert "summarize count() by" in str(error)
        assert notebook.outputs == []


def test_all_inputs_together_have_the_limit(notebook: Notebook) -> None:
    notebook.shell.run_line_magic("config", "BrowserMagics.browser_bytes = 1000")
    notebook.names.update(one="x" * 600, two="y" * 600)
    assert str(notebook.error("%%browser -i one,two\n1")).startswith("two would put ")
    notebook.value("%%browser -i one\n1")


def test_data_holds_no_markup(notebook: Notebook) -> None:
    notebook.names["failed"] = pd.DataFrame({"</script>": ["<!--<script>", "</script>"]})
    notebook.value('%%browser -i failed\nelement.append("</script>")')
    found = drawn(notebook)
    assert len(re.findall("<script", found)) == len(re.findall("</script", found)) == 3  # data, cell, boot
    assert "<!--" not in found


def test_only_arrow_may_compile_code(notebook: Notebook) -> None:
    notebook.names["failed"] = FAILED
    notebook.value("%%browser -i failed\nfailed.length")
    assert not any("unsafe-eval" in policy for policy in policies(notebook))
    assert list(told(notebook)["libraries"]) == ["frame"]
    notebook.value("%%browser -i failed\nfailed.arrow")
    assert all("unsafe-eval" in policy for policy in policies(notebook))
    assert 'data-form="arrow"' in drawn(notebook)


def test_allowing_the_network_is_said_in_the_receipt(notebook: Notebook) -> None:
    notebook.value("%%browser --allow-network\n1")
    assert (
        "warning: this cell may reach the network, also when the notebook is opened again" in notebook.receipt
    )
    assert len(policies(notebook)) == 1


def test_in_a_run_that_nobody_looks_at_an_output_stays_unset(notebook: Notebook) -> None:
    notebook.value("%%browser -o picked,all_of_it=everything\noutput('picked', 1)")
    assert "warning: picked stays unset: nobody looks at this run" in notebook.receipt
    assert "warning: all_of_it stays unset" in notebook.receipt
    assert "picked" not in notebook.names
    assert told(notebook)["outputs"] == ["picked", "everything"]


@pytest.mark.parametrize("name", ["list", "1a", "class"])
def test_an_output_needs_a_name_that_may_be_bound(notebook: Notebook, name: str) -> None:
    assert isinstance(notebook.error(f"%%browser -o {name}\n1"), UsageError)


def test_a_missing_library_says_how_to_get_it_and_leaves_the_old_value(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise LanguageError(f"the browser library {name!r} is missing", language="javascript")

    monkeypatch.setattr(page, "library", missing)
    page._packed.cache_clear()
    notebook.value("%%kql -o picked\nprint a = 1")
    error = notebook.error("%%browser -o picked\nd3.select(element)")
    page._packed.cache_clear()
    assert "the browser library 'd3' is missing" in str(error)
    assert any("picked still holds" in note for note in error.__notes__)
    assert "picked" in notebook.names


def test_a_headless_run_warns_and_saves_no_widget(tmp_path: Path) -> None:
    cells = [
        "%load_ext kqlmagic_ext\nrows = [1, 2]",
        "%%browser -i rows -o picked\noutput('picked', rows)",
        "assert 'picked' not in globals()",
    ]
    written = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    NotebookClient(written, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    assert "widgets" not in written.metadata
    [output] = written.cells[1].outputs
    assert "warning: picked stays unset" in output["data"]["text/plain"]
    nbformat.validate(written)
