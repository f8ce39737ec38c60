from __future__ import annotations

from pathlib import Path

import pytest

from tests.notebook import Notebook


@pytest.fixture
def cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of all cases of a user who has none."""
    monkeypatch.setenv("KQLMAGIC_RECORD", "full")
    return tmp_path / "cases"


@pytest.fixture
def case(cases: Path, notebook: Notebook) -> Notebook:
    """A notebook whose queries are recorded, in the case `contoso`, on a demo that is pinned to a moment."""
    notebook.run(f"%config KqlMagics.cases_folder = {str(cases)!r}")
    notebook.run("%config KqlMagics.case = 'contoso'")
    notebook.run("%kql_connect local://demo?end=2026-11-01&rows=20000")
    return notebook
