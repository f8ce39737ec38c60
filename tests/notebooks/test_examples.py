"""The examples run from top to bottom, find the demo's ground truth, and carry no outputs."""

from __future__ import annotations

import ast
import os
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

from kqlmagic_ext.emulator import Emulator
from tests.notebooks.gallery import PICTURES, SHOWN, keep
from tests.notebooks.outside import outside, postgres_programs

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
    ran = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    ).execute()
    if os.environ.get("KQLMAGIC_GALLERY"):
        keep(path.stem, ran)
    return ran


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_carries_no_outputs(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_gallery_shows_every_example_in_a_small_picture(path: Path) -> None:
    readme = (path.parents[1] / "README.md").read_text("utf-8")
    assert path.stem in SHOWN
    assert f"](examples/pictures/{path.stem}.png)" in readme
    assert f"(examples/{path.name})" in readme
    assert 2_000 < (PICTURES / f"{path.stem}.png").stat().st_size < 80_000


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
        output["data"].get("text/plain", "")
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


def answers(notebook: Any) -> str:
    """All texts of a notebook's outputs; a cell that failed has raised before."""
    return "\n".join([*told(notebook, "display_data"), *told(notebook, "execute_result")])


QUIET = pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq", "ignore::ResourceWarning")


@QUIET
def test_four_libraries_draw_the_same_finding() -> None:
    notebook = executed(
        EXAMPLES[4],
        """
from datetime import UTC, datetime
from kqlmagic_ext.connections.local.demo import Demo
story = Demo(datetime(2026, 11, 24, tzinfo=UTC)).story
assert (source, target) == (story.server_address, story.exfiltration_address)
assert round(wide["that address"].sum(), 3) == round(story.exfiltration_bytes / 1e6, 3)
""",
    )
    shown = {
        kind for cell in notebook.cells for out in cell.get("outputs", []) for kind in out.get("data", {})
    }
    assert {"application/vnd.vegalite.v5+json", "image/png", "application/vnd.plotly.v1+json"} <= shown
    assert "application/vnd.holoviews_exec.v0+json" in shown
    assert "34  4.2" in answers(notebook)


@QUIET
def test_statistics_find_the_beacon_and_the_spray_and_one_honest_colleague() -> None:
    executed(
        EXAMPLES[5],
        """
from datetime import UTC, datetime
from kqlmagic_ext.connections.local.demo import Demo
story = Demo(datetime(2026, 11, 24, tzinfo=UTC)).story
assert set(beacons["RemoteIP"]) == {story.beacon_address} and len(beacons) == 2
assert (abs(beacons["Period"] - story.beacon_period_s) < 5).all()
assert set(story.spray_addresses) <= set(rare["IPAddress"]) and len(rare) == 3
""",
    )


@QUIET
def test_machine_learning_keeps_its_measured_precision_and_recall() -> None:
    notebook = executed(EXAMPLES[6], "print([signin_verdict, command_verdict])")
    signins, commands = ast.literal_eval(notebook.cells[-1].outputs[0]["text"])
    print("isolation forest", signins, "clusters", commands)  # noqa: T201 - the figures are to be seen
    assert signins["precision"] >= 0.65
    assert signins["recall"] >= 0.8
    assert commands["precision"] >= 0.85
    assert commands["recall"] >= 0.75


@QUIET
@pytest.mark.skipif(
    any(find_spec(name) is None for name in ("torch", "keras", "tensorflow")),
    reason="the heavy libraries are not installed: pip install 'kqlmagic_ext[examples-deep]'",
)
def test_autoencoders_keep_their_measured_precision_and_recall() -> None:
    notebook = executed(EXAMPLES[7], "print(verdicts)")
    verdicts = ast.literal_eval(notebook.cells[-1].outputs[0]["text"])
    print(verdicts)  # noqa: T201 - the figures are to be seen
    assert set(verdicts) == {"PyTorch", "Keras on tensorflow", "Keras on torch"}
    assert min(each["precision"] for each in verdicts.values()) >= 0.12
    assert min(each["recall"] for each in verdicts.values()) >= 0.65


@QUIET
@pytest.mark.skipif(
    postgres_programs() is None and not os.environ.get("KQLMAGIC_CI"), reason="PostgreSQL is not installed"
)
def test_what_is_outside_joins_and_feeds_the_next_query(monkeypatch: pytest.MonkeyPatch) -> None:
    with outside() as places:
        for name, value in places.items():
            monkeypatch.setenv(name, value)
        notebook = executed(
            EXAMPLES[8],
            """
from datetime import UTC, datetime
from kqlmagic_ext.connections.local.demo import Demo
story = Demo(datetime(2026, 11, 24, tzinfo=UTC)).story
assert set(hits["RemoteIP"]) == {story.beacon_address} and len(hits) == 2
assert sent[["SourceIP", "DestinationIP"]].iloc[0].to_list() == [story.server_address, story.exfiltration_address]
assert machines[["Machine", "Owner", "Criticality"]].iloc[0].to_list() == [story.server, "Freight accounting", 5]
assert set(owners["Holder"]) == {"Bulletproof Hosting Ltd"}
assert abroad[["UserPrincipalName", "IPAddress"]].iloc[0].to_list() == [story.account, story.success_address]
assert away["upn"].to_list() == [story.account] and str(away.dtypes["away_from"]) == "datetime64[us]"
assert "New-InboxRule" in set(while_away["Operation"]) and set(while_away["ClientIP"]) == {story.success_address}
""",
        )
    assert "1 with a pattern that is not read here" in str(notebook.cells)


@QUIET
def test_a_library_or_a_place_that_is_missing_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("THREATS_CSV", "HR_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    for path in EXAMPLES[4:]:
        notebook = nbformat.read(path, as_version=4)
        first = next(cell for cell in notebook.cells if cell.cell_type == "code")
        first.source = first.source.replace("find_spec(name) is None", "True")
        client = NotebookClient(notebook, timeout=60, kernel_name="python3", allow_errors=True)
        notebook.cells = [first]
        client.execute()
        [error] = [
            out for out in first.outputs if out["output_type"] == "stderr" or "name" in out or "ename" in out
        ]
        text = error.get("text", "") or "\n".join(error["traceback"])
        assert "this notebook wants " in text
        assert "pip install 'kqlmagic_ext[examples" in text
        assert "Traceback" not in text
