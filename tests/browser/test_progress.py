"""A slow query in JupyterLab: its progress is seen, and no trace of it is saved."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from kqlmagic_ext.emulator import Emulator
from tests.browser.lab import needs_chromium, open_notebook

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_progress_is_seen_and_leaves_no_trace_in_the_saved_notebook(tmp_path: Path) -> None:
    needs_chromium()
    with Emulator("local://demo?rows=2000") as emulator:
        cells = [
            f"%load_ext kqlmagic_ext\n%kql_connect {emulator.url} --as azure",
            "%%kql -o seen\nSigninLogs | take 5",
        ]
        (tmp_path / "notebooks").mkdir()
        notebook = tmp_path / "notebooks" / "slow.ipynb"
        nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata=PYTHON), notebook)
        emulator.faults.set("slow-first-byte=4")
        with open_notebook(notebook, tmp_path / "state") as lab:
            lab.command("notebook:run-all-cells", wait=False)
            lab.page.wait_for_selector(
                "text=/waiting for the service: [1-9] of at most 180 s/", timeout=30_000
            )
            if pictures := os.environ.get("KQLMAGIC_PICTURES"):
                lab.picture(Path(pictures) / "progress.png")
            [_, asked] = lab.cells()
            lab.command("docmanager:save")
    [output] = asked["outputs"]
    assert output["data"]["text/plain"].startswith("seen: 5 rows × ")
    saved = notebook.read_text("utf-8")
    assert "waiting for the service" not in saved
    [output] = json.loads(saved)["cells"][1]["outputs"]
    assert "".join(output["data"]["text/plain"]).startswith("seen: 5 rows × ")
