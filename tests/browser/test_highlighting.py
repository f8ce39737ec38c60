"""The colours of cells in a real JupyterLab, which finds the extension where pip puts it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from kqlmagic_ext import __version__
from kqlmagic_ext.frontend.build import EXTENSION_HOME, write_extension
from tests.browser.lab import (
    PANEL,
    Lab,
    needs_chromium,
    only_this_machine,
    open_notebook,
    server,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
INSTALLED = Path(sys.prefix) / EXTENSION_HOME
KQL = "%%kql -o seen\nSigninLogs\n| where TimeGenerated > ago(1d) and User !in~ ('it') // late"
POWERSHELL = '\n%%powershell -i failed\n# who\n$failed | Where-Object Attempts -gt 20\nif ($true) { "x" }'
NODE = "%%node -i hosts\n/re\"g/.test('x');\nconst ranked = 3; // best"
TYPESCRIPT = "%%node --ts\ninterface Host { name: string }"
BROWSER = "%%browser\nconst a = 'x'"
CELLS = [KQL, POWERSHELL, NODE, TYPESCRIPT, BROWSER, "let = 'x'  # Python"]
# The pieces of text in a cell's editor that have a colour, with what Lab's theme calls it.
COLOURS = f"""([index, names]) => {{
  const probe = document.body.appendChild(document.createElement('span'));
  const colour = (name) => {{
    probe.style.color = name && `var(--jp-mirror-editor-${{name}}-color)`;
    return getComputedStyle(probe).color;
  }};
  const known = Object.fromEntries(names.map((name) => [name, colour(name)]));
  probe.remove();
  return [...{PANEL}.content.widgets[index].node.querySelectorAll('.cm-line span')].map((span) => {{
    const style = getComputedStyle(span);
    const found = names.find((name) => known[name] === style.color);
    return [span.textContent, found ?? style.color, Number(style.fontWeight) >= 700];
  }});
}}"""
SPEAKS = f"index => {PANEL}.content.widgets[index].node.querySelector('.cm-content').dataset.language ?? null"
NAMES = [
    "meta",
    "comment",
    "string",
    "operator",
    "keyword",
    "number",
    "builtin",
    "def",
    "property",
    "bracket",
]
OTHER_KERNEL = """
from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel

class Other(Kernel):
    implementation = language = "other"
    implementation_version = "1"
    banner = ""
    language_info = {"name": "R", "mimetype": "text/x-r-source", "codemirror_mode": "r", "file_extension": ".r"}

IPKernelApp.launch_instance(kernel_class=Other)
"""


@pytest.fixture(scope="module")
def jupyter_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of Jupyter's data: a kernel of another language, and the extension if pip has put none or another there."""
    folder = tmp_path_factory.mktemp("jupyter")
    kernel = folder / "kernels" / "other"
    kernel.mkdir(parents=True)
    (kernel / "other.py").write_text(OTHER_KERNEL)
    command = [sys.executable, str(kernel / "other.py"), "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(
        json.dumps({"argv": command, "display_name": "Other", "language": "R"})
    )
    made = tmp_path_factory.mktemp("made")
    write_extension(made, __version__)
    if contents(INSTALLED) != contents(made):
        assert not os.environ.get("KQLMAGIC_CI"), "CI installs this very checkout"
        shutil.copytree(made, folder / "labextensions" / "kqlmagic-ext")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder))
        yield folder


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def said() -> list[str]:
    """The warnings and errors of the page's console."""
    return []


@pytest.fixture(scope="module")
def open_lab(jupyter_path: Path, said: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    needs_chromium()
    assert jupyter_path
    folder = tmp_path_factory.mktemp("notebooks")
    nbformat.write(notebook_of_cells(), folder / "cells.ipynb")
    other = {"kernelspec": {"name": "other", "display_name": "Other", "language": "R"}}
    nbformat.write(new_notebook(cells=[new_code_cell(KQL)], metadata=other), folder / "other.ipynb")
    with open_notebook(folder / "cells.ipynb", tmp_path_factory.mktemp("state")) as lab:
        lab.page.on(
            "console", lambda line: said.append(line.text) if line.type in ("error", "warning") else None
        )
        lab.page.on("pageerror", lambda error: said.append(error.stack or str(error)))
        lab.reload()
        yield lab
        assert lab.outside == []


@pytest.fixture
def lab(open_lab: Lab) -> Lab:
    """The notebook with its first cells."""
    do(open_lab, "docmanager:open", {"path": "cells.ipynb"})
    open_lab.page.wait_for_function(f"() => {PANEL}.context?.path === 'cells.ipynb'")
    open_lab.page.evaluate(
        f"content => {{ const {{content: notebook, context}} = {PANEL}; notebook.mode = 'command'; "
        f"context.model.fromJSON({{...content, metadata: context.model.toJSON().metadata}}); }}",
        notebook_of_cells(),
    )
    speaks(open_lab, 0, "kql")
    return open_lab


def notebook_of_cells() -> nbformat.NotebookNode:
    cells = [*map(new_code_cell, CELLS), new_markdown_cell("%%kql\nlet x"), new_raw_cell("%%kql\nlet x")]
    return new_notebook(cells=cells, metadata=PYTHON)


def speaks(lab: Lab, index: int, language: str | None) -> None:
    """Wait until a cell's editor has that language."""
    lab.page.wait_for_function(f"([index, wanted]) => ({SPEAKS})(index) === wanted", arg=[index, language])


def colours(lab: Lab, index: int) -> dict[str, str]:
    """The coloured pieces of a cell with the names of their colours; bold ones in capitals."""
    found = lab.page.evaluate(COLOURS, [index, NAMES])
    return {text: name.upper() if bold else name for text, name, bold in found}


def do(lab: Lab, command: str, arguments: dict[str, Any] | None = None) -> None:
    lab.page.evaluate(
        "([name, arguments]) => window.jupyterapp.commands.execute(name, arguments).then(() => null)",
        [command, arguments or {}],
    )


def edit(lab: Lab, index: int, line: int = 0) -> None:
    """Put the cursor at the start of a cell's line."""
    lab.page.evaluate(
        f"([index, line]) => {{ const notebook = {PANEL}.content; notebook.deselectAll(); "
        "notebook.activeCellIndex = index; notebook.mode = 'edit'; notebook.activeCell.editor.focus(); "
        "notebook.activeCell.editor.setCursorPosition({line, column: 0}); }",
        [index, line],
    )


def sources(lab: Lab) -> list[str]:
    found: list[str] = lab.page.evaluate(
        f"() => {PANEL}.content.widgets.map(cell => cell.model.sharedModel.getSource())"
    )
    return found


def test_a_kql_cell_has_the_colours_of_kql_below_its_magic_line(lab: Lab) -> None:
    speaks(lab, 0, "kql")
    lab.page.wait_for_function(
        f"() => {PANEL}.content.widgets[0].node.querySelectorAll('.cm-line span').length > 9"
    )
    seen = colours(lab, 0)
    assert seen["%%kql -o seen"] == "meta"
    assert seen["where"] == seen["and"] == seen["!in~"] == "KEYWORD"
    assert seen["|"] in ("OPERATOR", "META")  # one colour in older light themes
    assert seen["ago"] in ("builtin", "keyword", "number")  # the light theme has one green for the three
    assert seen["'it'"] == "string"
    assert seen["// late"] == "comment"
    assert "SigninLogs" not in seen


def test_powershell_and_javascript_cells_have_the_colours_of_theirs(lab: Lab) -> None:
    for index, language in enumerate(["powershell", "javascript", "typescript", "javascript"], start=1):
        speaks(lab, index, language)
        lab.page.wait_for_function(
            f"index => {PANEL}.content.widgets[index].node.querySelectorAll('.cm-line span').length > 2",
            arg=index,
        )
    powershell = colours(lab, 1)
    assert powershell["%%powershell -i failed"] == "meta"
    assert powershell["# who"] == "comment"
    assert powershell["if"] == "KEYWORD"
    assert powershell["-gt"] in ("OPERATOR", "META")  # one colour in older light themes
    node = colours(lab, 2)
    assert node["%%node -i hosts"] == "meta"
    assert node["const"] == "KEYWORD"
    assert node["'x'"] == "string"  # no part of what began with the quote in the expression
    assert node["// best"] == "comment"
    assert colours(lab, 3)["interface"] == "KEYWORD"
    assert colours(lab, 4)["'x'"] == "string"


def test_other_cells_are_left_alone(lab: Lab) -> None:
    speaks(lab, 5, "python")
    assert colours(lab, 5)["# Python"] == "comment"
    assert lab.page.evaluate(SPEAKS, 6) != "kql"
    assert lab.page.evaluate(SPEAKS, 7) != "kql"
    assert "let" not in colours(lab, 7)


def test_a_change_of_the_first_line_changes_the_colours_and_undo_changes_them_back(lab: Lab) -> None:
    edit(lab, 5)
    lab.page.keyboard.type("%%kq")
    assert lab.page.evaluate(SPEAKS, 5) == "python"
    lab.page.keyboard.type("l\n")
    assert lab.page.evaluate(SPEAKS, 5) == "kql"
    assert colours(lab, 5)["let"] == "KEYWORD"
    for _ in range(5):
        lab.page.keyboard.press("Backspace")
    assert lab.page.evaluate(SPEAKS, 5) == "python"
    lab.page.keyboard.press("Delete")
    assert "let" not in colours(lab, 5)
    while sources(lab)[5] != CELLS[5]:
        lab.page.keyboard.press("Control+z")
    assert lab.page.evaluate(SPEAKS, 5) == "python"
    lab.page.keyboard.insert_text("%%node\n")  # as paste does
    speaks(lab, 5, "javascript")
    assert colours(lab, 5)["let"] == "KEYWORD"
    lab.page.keyboard.press("Control+z")
    speaks(lab, 5, "python")
    assert sources(lab)[5] == CELLS[5]


def test_cells_that_are_split_pasted_and_moved_keep_their_own_colours(lab: Lab) -> None:
    edit(lab, 0, 1)
    do(lab, "notebook:split-cell-at-cursor")
    speaks(lab, 0, "kql")
    speaks(lab, 1, "python")
    do(lab, "notebook:enter-command-mode")
    do(lab, "notebook:undo-cell-action")
    speaks(lab, 0, "kql")
    speaks(lab, 1, "powershell")
    lab.page.evaluate(
        f"() => {{ const notebook = {PANEL}.content; notebook.deselectAll(); notebook.activeCellIndex = 0; }}"
    )
    do(lab, "notebook:copy-cell")
    do(lab, "notebook:paste-cell-below")
    speaks(lab, 1, "kql")
    do(lab, "notebook:move-cell-down")
    speaks(lab, 1, "powershell")
    speaks(lab, 2, "kql")
    do(lab, "notebook:delete-cell")
    speaks(lab, 2, "javascript")
    assert sources(lab)[:6] == CELLS


def test_nothing_of_it_is_saved(lab: Lab) -> None:
    path = "cells.ipynb"
    do(lab, "docmanager:save")
    before = saved(lab, path)
    assert [cell["source"] for cell in before["cells"][:6]] == CELLS
    assert all(set(cell["metadata"]) <= {"trusted"} for cell in before["cells"])
    assert before["metadata"]["language_info"]["name"] == "python"
    edit(lab, 5)
    lab.page.keyboard.insert_text("%%kql\n")
    speaks(lab, 5, "kql")
    lab.page.keyboard.press("Control+z")
    speaks(lab, 5, "python")
    do(lab, "docmanager:save")
    assert saved(lab, path) == before


def saved(lab: Lab, path: str) -> dict[str, Any]:
    """The notebook as it stands in its file."""
    content: dict[str, Any] = lab.page.evaluate(
        "path => window.jupyterapp.serviceManager.contents.get(path).then(model => model.content)", path
    )
    return content


def test_tab_in_a_kql_cell_asks_the_kernel(lab: Lab) -> None:
    matcher = (
        "from IPython.core.completer import SimpleCompletion, context_matcher\n"
        "@context_matcher()\n"
        "def own(context):\n"
        "    found = [SimpleCompletion(text) for text in ('where_from_the_kernel', 'whereas')]\n"
        "    return {'completions': found, 'matched_fragment': 'whe', 'suppress': True}\n"
        "get_ipython().Completer.custom_matchers.append(own)"
    )
    lab.page.evaluate(
        f"code => {PANEL}.sessionContext.session.kernel.requestExecute({{code}}).done.then(() => null)",
        matcher,
    )
    edit(lab, 5)
    lab.page.keyboard.insert_text("%%kql\nT | whe")
    speaks(lab, 5, "kql")
    lab.page.keyboard.press("Tab")
    lab.page.wait_for_selector(
        ".jp-Completer:not(.lm-mod-hidden) >> text=where_from_the_kernel", timeout=20_000
    )
    lab.page.keyboard.press("Escape")
    lab.page.keyboard.press("Control+z")
    assert sources(lab)[5] == CELLS[5]


@pytest.mark.parametrize(
    ("index", "line", "comment"),
    [(0, 0, "# %%kql"), (0, 1, "// SigninLogs"), (1, 3, "# $failed | Where"), (2, 1, "// /re")],
)
def test_the_comment_key_writes_the_comments_of_the_language(
    lab: Lab, index: int, line: int, comment: str
) -> None:
    edit(lab, index, line)
    lab.page.keyboard.press("Control+/")
    assert comment in sources(lab)[index]


def change_theme(lab: Lab, name: str) -> None:
    do(lab, "apputils:change-theme", {"theme": f"JupyterLab {name}"})
    lab.page.wait_for_function(
        "light => document.body.dataset.jpThemeLight === light", arg=json.dumps(name == "Light")
    )
    # JupyterLab takes it away twice, and says so, when the next change comes sooner.
    lab.page.wait_for_selector("#jupyterlab-splash", state="detached")


def test_both_themes_colour_the_cells(lab: Lab) -> None:
    for theme in ("Dark", "Light"):
        change_theme(lab, theme)
        seen = colours(lab, 0)
        assert seen["where"] == "KEYWORD"
        assert seen["'it'"] == "string"
        if pictures := os.environ.get("KQLMAGIC_PICTURES"):
            lab.page.screenshot(path=Path(pictures) / f"highlighting_{theme.lower()}.png")


def test_a_cell_of_5000_lines_stays_as_quick_as_one_of_python(lab: Lab) -> None:
    lines = "\n| where A has 'b' and C > ago(1d) // d" * 5000
    code = f"""async ([head, lines]) => {{
      const cell = {PANEL}.content.widgets[5];
      const view = cell.editor.editor;
      const old = view.state.doc.toString();
      view.dispatch({{changes: {{from: 0, to: view.state.doc.length, insert: head + lines}}}});
      const start = performance.now();
      for (let time = 0; time < 40; time++) {{
        view.dispatch({{changes: {{from: head.length + 20, insert: 'x'}}}});
        await new Promise(requestAnimationFrame);
      }}
      const cost = performance.now() - start;
      view.dispatch({{changes: {{from: 0, to: view.state.doc.length, insert: old}}}});
      return cost;
    }}"""
    python, kql = (lab.page.evaluate(code, [head, lines]) for head in ("%%time", "%%kql"))
    assert kql < 3 * python
    assert sources(lab)[5] == CELLS[5]


def test_a_notebook_of_another_language_is_left_alone_beside_one_of_python(lab: Lab) -> None:
    do(lab, "docmanager:open", {"path": "other.ipynb"})
    lab.page.wait_for_function(f"() => {PANEL}.context?.path === 'other.ipynb'")
    speaks(lab, 0, "r")
    assert "%%kql -o seen" not in colours(lab, 0)
    do(lab, "docmanager:open", {"path": "cells.ipynb"})
    speaks(lab, 0, "kql")


def test_a_file_of_kql_has_its_colours_too(lab: Lab) -> None:
    save = "text => window.jupyterapp.serviceManager.contents.save('rule.kql', {type: 'file', format: 'text', content: text}).then(() => null)"
    lab.page.evaluate(save, "let a = 1;")
    do(lab, "docmanager:open", {"path": "rule.kql"})
    lab.page.wait_for_selector(".jp-FileEditor .cm-content[data-language=kql] .cm-line span >> text=let")


def test_the_page_has_no_errors(lab: Lab, said: list[str]) -> None:
    assert lab
    assert said == []


def test_a_notebook_7_colours_kql_too(open_lab: Lab, tmp_path: Path) -> None:
    browser = open_lab.page.context.browser  # a process drives one
    assert browser is not None
    folder, state = tmp_path / "notebooks", tmp_path / "state"
    folder.mkdir()
    nbformat.write(notebook_of_cells(), folder / "cells.ipynb")
    with server(folder, state, "notebook") as (url, token):
        page = browser.new_page()
        outside = only_this_machine(page)
        page.goto(f"{url}/notebooks/cells.ipynb?token={token}")
        cell = page.locator(".jp-CodeCell").first
        cell.locator('.cm-content[data-language="kql"]').wait_for(timeout=30_000)
        pieces = cell.locator(".cm-line span").evaluate_all(
            "spans => Object.fromEntries(spans.map(one => [one.textContent, getComputedStyle(one).color]))"
        )
        assert len({pieces["where"], pieces["'it'"], pieces["// late"]}) == 3
        assert outside == []
