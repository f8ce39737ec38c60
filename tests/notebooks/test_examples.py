"""The examples run from top to bottom, find the demo's ground truth, and carry no outputs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

from kqlmagic_ext.emulator import Emulator

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.ipynb"))
TRUTH = """
from datetime import UTC, datetime, timedelta
from kqlmagic_ext.connections.local.demo import Demo

hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
stories = [Demo(hour - timedelta(hours=back)).story for back in (0, 1)]  # the hour may have turned
assert account in [story.account for story in stories]
assert denied in [story.mfa_denials for story in stories]
assert entered["IPAddress"] in [story.success_address for story in stories]
assert entered["TimeGenerated"].floor("s").to_pydatetime() in [story.success_time.replace(microsecond=0) for story in stories]
assert any(story.inbox_rule_name in rules["Parameters"].iloc[0] for story in stories)
"""


def executed(path: Path, *more: str, place: str | None = None) -> Any:
    """The notebook with its outputs; `place`: another connection in its one line that names one."""
    notebook = nbformat.read(path, as_version=4)
    if place is not None:
        [first] = [cell for cell in notebook.cells if "%kql_connect local://demo" in cell.source]
        first.source = first.source.replace("local://demo", place)
    notebook.cells += [new_code_cell(source) for source in more]
    return NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    ).execute()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_carries_no_outputs(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq", "ignore::ResourceWarning")
def test_the_first_investigation_finds_the_account_that_was_compromised() -> None:
    notebook = executed(EXAMPLES[0], TRUTH)
    receipts = [
        output["data"]["text/plain"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "data" in output
    ]
    assert any(
        text.startswith("demo answers now: local://demo, 18 tables, synthetic data") for text in receipts
    )
    assert any(text.startswith("tried: ") and " from demo, all times, in " in text for text in receipts)
    assert not any("warning:" in text for text in receipts)


def told(notebook: Any, kind: str) -> list[str]:
    """The texts of a notebook's outputs of one kind, in order."""
    return [
        output["data"]["text/plain"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output["output_type"] == kind
    ]


FRAMES = """
import pandas as pd
for frame in (spray, tried, guessed, prompts, rules):
    print(frame.dtypes.to_dict(), frame.to_json(date_format="iso", orient="split"))
"""


@pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq", "ignore::ResourceWarning")
def test_the_first_example_finds_the_same_in_log_analytics_by_changing_one_line() -> None:
    now = datetime.now(UTC).replace(microsecond=0, tzinfo=None)  # -t 7d: the service has a clock of its own
    pinned = f"local://demo?end={now.isoformat()}"
    embedded = executed(EXAMPLES[0], FRAMES, place=pinned)
    with Emulator(pinned) as emulator:
        asked = executed(EXAMPLES[0], FRAMES, place=emulator.url)
        assert sum(request.path.endswith("/query") for request in emulator.requests) == 7
    assert told(asked, "execute_result") == told(embedded, "execute_result")
    [[printed], [expected]] = [notebook.cells[-1].outputs for notebook in (asked, embedded)]
    assert printed["text"] == expected["text"]
    assert printed["text"].count("datetime64[ns, UTC]") == 5


@pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq", "ignore::ResourceWarning")
def test_the_way_to_azure_is_walked_against_the_emulator(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("KQLMAGIC_CONNECTION", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    notebook = executed(
        EXAMPLES[1], "assert sign_ins.attrs['kql']['complete'] is False and len(sign_ins) == 100"
    )
    receipts = told(notebook, "display_data")
    assert any("answers now: loganalytics://" in text and "18 tables" in text for text in receipts)
    assert any(text.startswith("failed: ") and " from azure, last 7 days (" in text for text in receipts)
    assert any("warning: rows are missing: " in text for text in receipts)
    [error] = [o for cell in notebook.cells for o in cell.get("outputs", []) if o["output_type"] == "error"]
    assert error["ename"] == "PartialResultError"
    assert "%kql_accept -o sign_ins" in error["traceback"][0]


BEACON = """
from datetime import UTC, datetime
from kqlmagic_ext.connections.local.demo import Demo

story = Demo(datetime(2026, 11, 24, tzinfo=UTC)).story
programs = ranked[ranked["Verdict"] == "a program"]
assert set(programs["RemoteIP"]) == {story.beacon_address}
assert {name.partition(".")[0] for name in programs["DeviceName"]} == {story.workstation.lower(), story.server.lower()}
assert str(inventory.dtypes["Critical"]) == "boolean"
assert str(inventory.dtypes["LastPatched"]) == "datetime64[ns, UTC]"
"""


@pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq", "ignore::ResourceWarning")
def test_languages_mix_and_find_the_beacon() -> None:
    notebook = executed(EXAMPLES[2], BEACON)
    receipts = told(notebook, "display_data")
    assert any("beacons → beacons (Node.js): 3 rows × 7" in text for text in receipts)
    assert any("recent → recent (browser): " in text for text in receipts)
    printed = [
        output["text"] for cell in notebook.cells for output in cell.get("outputs", []) if "text" in output
    ]
    assert any("PowerShell did this step" in text or "JavaScript did this step" in text for text in printed)
    assert "widgets" not in notebook.metadata


CASE = """
from datetime import UTC, datetime
from kqlmagic_ext.connections.local.demo import Demo

story = Demo(datetime(2026, 11, 24, tzinfo=UTC)).story
assert suspect == story.mistyping_account
assert sprays.empty
assert set(found["IPAddress"]) == set(story.spray_addresses)
assert account == story.account
assert set(verified["state"]) == {"whole"}
assert set(verified["again"]) == {"same"}
text = Path(report).read_text("utf-8")
assert all(told in text for told in ("Dead end", "again R5", "fed by R7, unchanged", "⟦A"))
"""


@pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq", "ignore::ResourceWarning")
def test_the_case_file_takes_a_wrong_turn_and_finds_the_account_a_week_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KQLMAGIC_RECORD", "full")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    notebook = executed(EXAMPLES[3], CASE)
    receipts = told(notebook, "display_data")
    assert any("R5 → R7: 2 rows appeared" in text for text in receipts)
    assert not any("warning:" in text for text in receipts)
