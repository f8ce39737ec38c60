"""Browser cells in JupyterLab: they draw, send back, survive a fresh server, and an export; nothing leaves this machine."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Frame

from tests.browser.drawn import Pages
from tests.browser.lab import Lab, cell_frames, needs_chromium, open_notebook

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
SETTLE_MS = 250  # in which a message reaches the kernel
LOAD = """%load_ext kqlmagic_ext
import pandas as pd, time
hosts = pd.DataFrame({
    "Host": ["web1", "</script><script>window.top.ran = 1</script>", "<!--<script>", "\\u202egnp", "<img src=x onerror='window.ran = 1'>"],
    "Attempts": pd.array([3, 2**60 + 1, None, 5, -(2**63)], dtype="Int64"),
    "Seen": pd.to_datetime(["2026-01-02T03:04:05.1234567Z"] * 5).as_unit("ns"),
})"""
DRAW = '%%browser -i hosts\nPlot.plot({marks: [Plot.barX(hosts, {y: "Host", x: (row) => Number(row.Attempts ?? 1n)})]})'
PICK = """%%browser -i hosts -o picked,every
for (const place of [0, 1]) {
  d3.select(element).append("button").attr("id", `pick${place}`).text("pick").on("click", () => output("picked", hosts[place].Attempts));
}
d3.select(element).append("button").attr("id", "all").text("all").on("click", () => output("every", hosts));
output("picked", "at first");"""
WRONG = "%%js -i hosts\nconst x = 1;\nhosts.nothing()"
OWN = "%%js\nelement.append('drawn by IPython')"
TELL = 'print({name: repr(globals().get(name)) for name in ("picked",)}, "every" in globals() and every.equals(hosts))'
OTHER = '%%browser -o picked\nd3.select(element).append("button").attr("id", "other").text("other").on("click", () => output("picked", "other"))'
BUSY = "picked = 'mine'\ntime.sleep(1)\nprint(picked)"
RELOAD = "%reload_ext kqlmagic_ext"
CELLS = [LOAD, DRAW, PICK, WRONG, OWN, TELL, OTHER, BUSY, RELOAD]


@dataclass
class Seen:
    """What one walk through JupyterLab saw."""

    cells: list[dict[str, Any]]
    text: list[str]
    marks: int
    picks: dict[str, str]
    saved: dict[str, Any]
    notebook: Path
    state: Path
    outside: list[str]
    ran: Any


def picture(lab: Lab, name: str) -> None:
    if pictures := os.environ.get("KQLMAGIC_PICTURES"):
        lab.picture(Path(pictures) / f"{name}.png")


def marks(frame: Frame) -> int:
    count: int = frame.locator("svg rect").count()
    return count


def told(cell: dict[str, Any]) -> str:
    """What a cell printed."""
    return "".join(output["text"] for output in cell["outputs"] if output["output_type"] == "stream").strip()


def click(lab: Lab, selector: str) -> None:
    """Click in the frame that has it, and let the message go its way."""
    [frame] = [frame for frame in cell_frames(lab.page) if frame.locator(selector).count()]
    frame.locator(selector).click()
    lab.page.wait_for_timeout(SETTLE_MS)


def tells(lab: Lab, hoped: str = "") -> str:
    """What the telling cell prints, once it is what is hoped for."""
    for _ in range(30):
        found = told(lab.run(5))
        if hoped in found:
            break
        lab.page.wait_for_timeout(200)
    return found


def walk(lab: Lab) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Run the notebook, and pick: at once, after a reload of the page, from a later cell, while a cell runs, after a reload of ours."""
    cells = [lab.run(index) for index in range(5)]
    picks = {"at first": tells(lab, "at first")}
    click(lab, "#pick1")
    click(lab, "#all")
    picks["clicked"] = tells(lab, "True")
    lab.command("docmanager:save")
    lab.reload()
    cell_frames(lab.page)
    lab.page.wait_for_timeout(SETTLE_MS)
    picks["drawn again"] = tells(lab)
    click(lab, "#pick0")
    picks["clicked again"] = tells(lab, "'3'")
    for name, forged in (("from the page", "window"), ("from another frame", "window.parent.parent")):
        forge(lab, forged, inside=name != "from the page")
        picks[name] = tells(lab)
    lab.run(6)
    click(lab, "#pick1")
    picks["an earlier cell"] = tells(lab)
    click(lab, "#other")
    picks["a later cell"] = tells(lab, "other")
    lab.run(7, wait=False)
    click(lab, "#other")
    lab.page.locator(".jp-OutputArea-output").get_by_text("mine").last.wait_for()
    busy = lab.cells_now()[7]
    picks["while a cell ran"] = told(busy) + tells(lab, "other")
    lab.run(8)
    lab.run(7)
    click(lab, "#other")
    picks["after another load"] = tells(lab)
    return cells, picks


def forge(lab: Lab, target: str, *, inside: bool) -> None:
    """Send what the picking cell's frame would send, with its token, from somewhere else."""
    token = lab.page.locator("iframe[data-kqlmagic]").nth(1).get_attribute("data-kqlmagic")
    message = {"kqlmagic": token, "instance": "forged", "acted": True, "name": "picked", "kind": "value"}
    message["json"] = '{"kind":"value","type":"string","value":"forged"}'
    place = cell_frames(lab.page)[0] if inside else lab.page
    place.evaluate(f"message => {target}.postMessage(message, '*')", message)
    lab.page.wait_for_timeout(SETTLE_MS)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    needs_chromium()
    folder = tmp_path_factory.mktemp("lab")
    notebook, state = folder / "notebooks" / "cells.ipynb", folder / "state"
    notebook.parent.mkdir()
    nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in CELLS], metadata=PYTHON), notebook)
    with open_notebook(notebook, state) as lab:
        cells, picks = walk(lab)
        frames = cell_frames(lab.page)
        text = [frame.locator("body").inner_text() for frame in frames]
        ran = [place.evaluate("() => window.ran ?? null") for place in (lab.page, *frames)]
        picture(lab, "browser_light")
        lab.command("docmanager:save")
        saved = json.loads(notebook.read_text("utf-8"))
        return Seen(cells, text, marks(frames[0]), picks, saved, notebook, state, lab.outside, ran)


@pytest.fixture(scope="module")
def again(seen: Seen) -> Iterator[Lab]:
    """The notebook in a fresh server, nothing run."""
    with open_notebook(seen.notebook, seen.state) as lab:
        yield lab


def test_a_cell_with_an_input_draws(seen: Seen) -> None:
    assert seen.marks == 5
    assert "hosts → hosts (browser): 5 rows × 3" in seen.cells[1]["text"]
    assert "trust the notebook" not in seen.cells[1]["text"]
    assert seen.outside == []


def test_hostile_text_in_the_data_runs_nothing(seen: Seen) -> None:
    assert seen.ran == [None] * 5
    assert "<img src=x onerror='window.ran = 1'>" in seen.text[0]


def test_an_error_shows_in_the_output_with_its_place(seen: Seen) -> None:
    assert "TypeError: hosts.nothing is not a function (line 3, column 7)" in seen.text[2]


def test_without_our_options_the_browser_draws_by_ipython(seen: Seen) -> None:
    assert seen.cells[4]["text"].strip() == "drawn by IPython"
    assert set(seen.cells[4]["outputs"][0]["data"]) == {"application/javascript", "text/plain"}


def test_what_the_cell_sends_while_it_draws_is_bound(seen: Seen) -> None:
    assert seen.picks["at first"] == "{'picked': \"'at first'\"} False"


def test_a_click_comes_back_into_python_and_a_frame_comes_back_equal(seen: Seen) -> None:
    assert seen.picks["clicked"] == f"{{'picked': '{2**60 + 1}'}} True"


def test_a_frame_that_is_drawn_again_keeps_the_pick_until_the_next_click(seen: Seen) -> None:
    assert seen.picks["drawn again"] == seen.picks["clicked"]
    assert seen.picks["clicked again"] == "{'picked': '3'} True"


@pytest.mark.parametrize("sender", ["from the page", "from another frame"])
def test_a_message_with_the_token_from_elsewhere_is_refused(seen: Seen, sender: str) -> None:
    assert seen.picks[sender] == "{'picked': '3'} True"


def test_a_variable_follows_the_last_cell_that_names_it(seen: Seen) -> None:
    assert seen.picks["an earlier cell"] == "{'picked': 'None'} True"
    assert "output: picked follows a later cell now" in seen.text[1]
    assert seen.picks["a later cell"] == "{'picked': \"'other'\"} True"


def test_nothing_changes_under_a_cell_that_runs(seen: Seen) -> None:
    assert seen.picks["while a cell ran"] == "mine{'picked': \"'other'\"} True"


def test_after_another_load_old_frames_send_nothing(seen: Seen) -> None:
    assert seen.picks["after another load"] == "{'picked': \"'mine'\"} True"


def test_the_saved_notebook_holds_html_and_text_alone(seen: Seen) -> None:
    assert set(seen.saved["metadata"]) == {"kernelspec", "language_info"}
    for place in (1, 2, 3, 6):
        [output] = seen.saved["cells"][place]["outputs"]
        assert set(output["data"]) == {"text/html", "text/plain"}


def test_a_fresh_server_draws_with_nothing_run(again: Lab) -> None:
    frames = cell_frames(again.page)
    assert [marks(frame) for frame in frames] == [5, 0, 0, 0]
    assert frames[1].locator("button").count() == 3
    again.page.evaluate(
        "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    )
    frames[0].wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
    picture(again, "browser_dark")
    assert again.outside == []


def test_an_untrusted_notebook_names_the_cell_and_draws_nothing(again: Lab, seen: Seen) -> None:
    untrusted = {**seen.saved, "cells": [{**seen.saved["cells"][0], "source": "1"}, *seen.saved["cells"][1:]]}
    (seen.notebook.parent / "untrusted.ipynb").write_text(json.dumps(untrusted), "utf-8")
    again.open("untrusted.ipynb")
    shown = [cell["text"] for cell in again.cells_now()]
    assert "cell [2]: trust the notebook to draw" in shown[1]
    assert "hosts → hosts (browser): 5 rows × 3" in shown[1]
    assert again.page.locator("iframe[data-kqlmagic]").count() == 0
    picture(again, "browser_untrusted")


def test_an_html_export_draws_from_disk(seen: Seen, again: Lab, tmp_path: Path) -> None:
    browser = again.page.context.browser
    assert browser is not None
    pages = Pages(browser, tmp_path)
    page = pages.show(HTMLExporter().from_filename(str(seen.notebook))[0])
    assert [marks(frame) for frame in cell_frames(page)] == [5, 0, 0, 0]
    assert "trust the notebook" not in page.inner_text("body")
    assert not [url for url in pages.outside if "kqlmagic" in url or "d3" in url or "plot" in url]
    if pictures := os.environ.get("KQLMAGIC_PICTURES"):
        page.screenshot(path=Path(pictures) / "browser_export.png", full_page=True)
