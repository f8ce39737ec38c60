"""The examples as a newcomer sees them: in JupyterLab, offline."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.browser.lab import needs_chromium, open_notebook

EXAMPLES = Path(__file__).parents[2] / "examples"


pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


def seen_in(name: str, tmp_path: Path, dots: int = 0, charts: int = 0) -> tuple[str, list[str]]:
    """Run an example in JupyterLab: the text that is seen, and the names of the errors; nothing leaves this machine.

    `dots`: how many circles at least a frame of its draws. `charts`: how many charts are drawn of its queries.
    """
    needs_chromium()
    (tmp_path / "notebooks").mkdir()
    notebook = Path(shutil.copy(EXAMPLES / f"{name}.ipynb", tmp_path / "notebooks"))
    with open_notebook(notebook, tmp_path / "state") as lab:
        cells = [cell for cell in lab.run_all() if cell["type"] == "code"]
        if dots:
            for frame in lab.page.frames[1:]:
                frame.wait_for_load_state()
            assert max(frame.locator("circle").count() for frame in lab.page.frames) >= dots
        lab.page.locator(".vega-embed").nth(charts - 1).wait_for() if charts else None
        assert lab.page.locator(".vega-embed").count() == charts
        if pictures := os.environ.get("KQLMAGIC_PICTURES"):
            lab.picture(Path(pictures) / f"{name}.png")
        assert lab.outside == []
    assert all(cell["count"] for cell in cells)
    outputs = [output for cell in cells for output in cell["outputs"]]
    errors = [output["ename"] for output in outputs if output["output_type"] == "error"]
    return "\n".join(cell["text"] for cell in cells), errors


def test_the_first_example_runs_in_jupyterlab_without_a_network(tmp_path: Path) -> None:
    seen, errors = seen_in("01_first_investigation", tmp_path, charts=1)
    assert errors == []
    assert "demo answers now: local://demo, 18 tables, synthetic data" in seen
    assert "50074" in seen
    assert "prompts denied, then one approved at" in seen


def test_the_way_to_azure_runs_in_jupyterlab_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KQLMAGIC_CONNECTION", raising=False)
    seen, errors = seen_in("02_connect_to_azure", tmp_path)
    assert errors == ["PartialResultError"]
    assert "PartialResultError: rows are missing" in seen
    assert "%kql_accept -o sign_ins binds them without asking again" in seen
    assert "sign_ins: 100 rows × 3 from azure" in seen


def test_mixed_languages_draw_in_jupyterlab_without_a_network(tmp_path: Path) -> None:
    seen, errors = seen_in("03_mixing_languages", tmp_path, dots=500)
    assert errors == []
    assert "did this step" in seen
    assert "3 pairs, the most regular: " in seen
    assert "node: Node.js" in seen
