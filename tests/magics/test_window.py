"""%kql_window in a real shell."""

from __future__ import annotations

import pytest
from IPython.core.error import UsageError

from tests.notebook import Notebook

DEMO = "%kql_connect local://demo?end=2026-11-22&rows=2000"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("2026-11-20/2026-11-22", "2026-11-20T00:00:00Z/2026-11-22T00:00:00Z"),
        ('around "2026-11-21T10:04Z" 2h', "2026-11-21T08:04:00Z/2026-11-21T12:04:00Z"),
        ("around 2026-11-21 10:04 30m", "2026-11-21T09:34:00Z/2026-11-21T10:34:00Z"),
        ('around "2026-11-21T12:04+02:00" PT2H', "2026-11-21T08:04:00Z/2026-11-21T12:04:00Z"),
        ("7d", "last 7 days"),
        ("all", "all times"),
    ],
)
def test_every_cell_without_t_obeys_the_window(notebook: Notebook, line: str, told: str) -> None:
    notebook.value(DEMO)
    notebook.value(f"%kql_window {line}")
    assert notebook.receipt == f"cells without -t see {told}"
    notebook.value("%kql_window")
    assert notebook.receipt == f"cells without -t see {told}"
    for cell in ("%kql -o a Heartbeat | count", "%%kql -o a\nHeartbeat | count"):
        notebook.value(cell)
        assert f", {told}" in notebook.receipt
    notebook.value("%kql -t 2d -o a Heartbeat | count")
    assert "last 2 days" in notebook.receipt


def test_the_window_decides_which_rows_are_seen(notebook: Notebook) -> None:
    notebook.value(DEMO)
    every = notebook.value("%kql SigninLogs | count")["Count"][0]
    notebook.value("%kql_window 2026-11-20/2026-11-21")
    some = notebook.value(
        "%kql SigninLogs | summarize n = count(), a = min(TimeGenerated), b = max(TimeGenerated)"
    )
    assert 0 < some["n"][0] < every
    assert some["a"][0].day == some["b"][0].day == 20
    notebook.value("%kql_window all")
    assert notebook.value("%kql SigninLogs | count")["Count"][0] == every


@pytest.mark.parametrize(
    "line",
    ["yesterday", "2026-11-22/2026-11-20", "around", "around 2026-11-21", "around soon 2h", "around 2026-11-21 all",
     "around 0001-01-01 2h", "around 2026-11-21 2026-11-22"],
)  # fmt: skip
def test_what_is_no_window_is_refused_and_the_old_one_stays(notebook: Notebook, line: str) -> None:
    notebook.value("%kql_window 7d")
    assert isinstance(notebook.error(f"%kql_window {line}"), UsageError)
    notebook.value("%kql_window")
    assert notebook.receipt == "cells without -t see last 7 days"
