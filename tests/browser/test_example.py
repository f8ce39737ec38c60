"""The first example as a newcomer sees it: in JupyterLab, offline."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.browser.lab import CHROMIUM, open_notebook

EXAMPLE = Path(__file__).parents[2] / "examples" / "01_first_investigation.ipynb"


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_the_first_example_runs_in_jupyterlab_without_a_network(tmp_path: Path) -> None:
    if CHROMIUM is None:
        assert not os.environ.get("KQLMAGIC_CI"), "CI installs a Chromium"
        pytest.skip("no Chromium on this machine")
    (tmp_path / "notebooks").mkdir()
    notebook = Path(shutil.copy(EXAMPLE, tmp_path / "notebooks"))
    with open_notebook(notebook, tmp_path / "state") as lab:
        cells = [cell for cell in lab.run_all() if cell["type"] == "code"]
        if pictures := os.environ.get("KQLMAGIC_PICTURES"):
            lab.picture(Path(pictures) / "first_example.png")
        assert lab.outside == []
    assert all(cell["count"] for cell in cells)
    assert not [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]
    seen = "\n".join(cell["text"] for cell in cells)
    assert "demo answers now: local://demo, 18 tables, synthetic data" in seen
    assert "50074" in seen
    assert "prompts denied, then one approved at" in seen
