"""The examples run from top to bottom, find the demo's ground truth, and carry no outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

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


def executed(path: Path, *more: str) -> Any:
    notebook = nbformat.read(path, as_version=4)
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
