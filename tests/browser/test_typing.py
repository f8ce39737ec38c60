"""Tab and Shift-Tab in a `%%kql` cell of JupyterLab, with no request that leaves this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.browser.lab import Lab, needs_chromium, open_notebook

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    needs_chromium()
    folder = tmp_path_factory.mktemp("lab")
    (folder / "notebooks").mkdir()
    notebook = folder / "notebooks" / "typing.ipynb"
    # One of the two services, since either may answer first; both keep the same claims in tests/kql.
    cells = ["%load_ext kqlmagic_ext\n%config KqlMagics.language_service = 'ours'", ""]
    nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata=PYTHON), notebook)
    with open_notebook(notebook, folder / "state") as lab:
        lab.run(0)
        yield lab


def write(lab: Lab, text: str) -> None:
    """The second cell's text, the cursor at its end."""
    editor = lab.page.locator(".jp-CodeCell .cm-content").nth(1)
    editor.click()
    lab.page.keyboard.press("Control+A")
    lab.page.keyboard.press("Delete")
    lab.page.keyboard.insert_text(text)


def shown(lab: Lab, name: str) -> None:
    if pictures := os.environ.get("KQLMAGIC_PICTURES"):
        lab.page.screenshot(path=Path(pictures) / f"{name}.png")


def test_tab_shows_the_columns_of_the_step(lab: Lab) -> None:
    write(lab, "%%kql\nSigninLogs\n| summarize Attempts = count() by UserPrincipalName\n| where ")
    lab.page.keyboard.press("Tab")
    lab.page.wait_for_selector(".jp-Completer-item >> text=UserPrincipalName")
    shown(lab, "tab")
    offered = lab.page.locator(".jp-Completer-item .jp-Completer-match").all_inner_texts()
    assert offered[:2] == ["UserPrincipalName", "Attempts"]
    assert "IPAddress" not in offered
    lab.page.keyboard.press("Escape")


def test_tab_completes_an_operator_with_a_hyphen(lab: Lab) -> None:
    write(lab, "%%kql\nSigninLogs\n| mv-ex")
    lab.page.keyboard.press("Tab")
    lab.page.wait_for_selector(".jp-Completer-item >> text=mv-expand")
    lab.page.keyboard.press("Enter")
    lab.page.wait_for_function(
        "() => document.querySelectorAll('.jp-CodeCell .cm-content')[1].innerText.endsWith('| mv-expand')"
    )


def test_shift_tab_tells_of_a_function(lab: Lab) -> None:
    write(lab, "%%kql\nSigninLogs\n| where TimeGenerated > ago")
    lab.page.keyboard.press("Shift+Tab")
    tooltip = lab.page.wait_for_selector(".jp-Tooltip")
    assert tooltip is not None
    shown(lab, "shift_tab")
    said = tooltip.inner_text()
    assert "ago(span: timespan): datetime" in said
    assert "https://learn.microsoft.com/kusto/query/ago-function" in said
    lab.page.keyboard.press("Escape")


def test_nothing_left_this_machine(lab: Lab) -> None:
    assert lab.outside == []
