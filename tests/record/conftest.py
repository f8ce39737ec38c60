from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kqlmagic_ext.record.store import Store
from kqlmagic_ext.record.writer import Writer
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


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cases" / "contoso")


@pytest.fixture
def writer(store: Store) -> Iterator[Writer]:
    made = Writer(store, lambda: 10**12)
    yield made
    made.close(10)
