"""Charts in a real JupyterLab: drawn offline, in a browser of another time zone, saved, exported, light and dark."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import Page

from kqlmagic_ext import __version__
from kqlmagic_ext.frontend.build import write_extension
from tests.browser.lab import Lab, needs_chromium, only_this_machine, open_notebook, server

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

HOSTILE = "<img src=http://192.0.2.1/x onerror=window.ran=1>"
DEMO = "%load_ext kqlmagic_ext\n%kql_connect local://demo?end=2026-11-01&rows=20000"
BY_HOUR = "SigninLogs | summarize Attempts = count() by bin(TimeGenerated, 6h)"
BY_APP = "SigninLogs | summarize Attempts = count() by AppDisplayName"
BY_BOTH = "SigninLogs | summarize Attempts = count() by bin(TimeGenerated, 1d), ResultType"
PLACES = (
    "SigninLogs | extend place = LocationDetails.geoCoordinates | summarize n = count() by longitude = todouble(place.longitude),"
    " latitude = todouble(place.latitude), City = tostring(LocationDetails.city)"
)
# A query, and the marks that its rows must have, by kind.
CHARTS: dict[str, tuple[str, str]] = {
    "timechart": (f"{BY_HOUR} | render timechart with (title='Sign-ins')", "symbol"),
    "timechart, split": (f"{BY_BOTH} | render timechart with (title='Sign-ins by result')", "symbol"),
    "linechart": (f"{BY_HOUR} | render linechart with (accumulate=true, title='Sign-ins so far')", "symbol"),
    "barchart": (f"{BY_APP} | top 8 by Attempts | render barchart", "rect"),
    "columnchart": (f"{BY_APP} | render columnchart with (title='Sign-ins by application', ytitle='Sign-ins')", "rect"),
    "columnchart, stacked": (f"{BY_BOTH} | render columnchart with (kind=stacked)", "rect"),
    "areachart": (f"{BY_HOUR} | render areachart", "symbol"),
    "stackedareachart": (f"{BY_BOTH} | where ResultType in ('0', '50126') | render stackedareachart", "symbol"),
    "piechart": (f"{BY_APP} | top 6 by Attempts | render piechart with (title='Applications')", "arc"),
    "scatterchart": ("SigninLogs | summarize Users = dcount(UserPrincipalName), Addresses = dcount(IPAddress) by AppDisplayName | render scatterchart", "symbol"),
    "map": (f"{PLACES} | render scatterchart with (kind=map, series=City)", "symbol"),
    "anomalychart": (f"{BY_HOUR} | extend anomaly = iff(Attempts > 150, 1, 0) | render anomalychart with (anomalycolumns=anomaly)", "symbol"),
    "ladderchart": ("SigninLogs | summarize First = min(TimeGenerated), Last = max(TimeGenerated) by AppDisplayName | render ladderchart", "rect"),
    "panels": (f"{BY_BOTH} | where ResultType in ('0', '50126') | render timechart with (ysplit=panels, title='By result')", "symbol"),
    "hostile": (
        (f"datatable(t: datetime, image: real, ['{HOSTILE}']: string) [datetime(2026-11-01 00:30), 1, '{HOSTILE}', datetime(2026-11-01 03:30), 2, 'x']"
        f" | render timechart with (title='{HOSTILE}', ytitle='{HOSTILE}', xtitle='{HOSTILE}')"), "symbol",
    ),
}  # fmt: skip
TABLES = {
    "card": f"{BY_APP} | summarize Applications = count(), Attempts = sum(Attempts) | render card with (title='Today')",
    "pivotchart": f"{BY_BOTH} | where ResultType in ('0', '50126') | render pivotchart",
    "table": f"{BY_APP} | top 3 by Attempts | render table",
}
DRAWN = """cell => {
  const found = {};
  for (const group of cell.querySelectorAll('svg g[class*="role-mark"]')) {
    const [, kind] = group.getAttribute('class').match(/mark-(\\w+) role-mark/);
    const shapes = [...group.children].filter(shape => shape.getAttribute('d') || shape.textContent);
    found[kind] = (found[kind] ?? 0) + shapes.length;
  }
  return found;
}"""


@dataclass
class Seen:
    """A run notebook in its Lab, and the dialogs that the page has opened."""

    lab: Lab
    notebook: Path
    cells: list[dict[str, Any]]
    dialogs: list[str]

    def marks(self, name: str) -> dict[str, int]:
        """The marks of a chart in the page, by kind."""
        return marks(self.lab.page, ".jp-Notebook .jp-CodeCell", 1 + list(CHARTS).index(name))


def marks(page: Page, selector: str, at: int) -> dict[str, int]:
    cell = page.locator(selector).nth(at)
    cell.locator("svg g.role-frame").first.wait_for(state="attached", timeout=20_000)
    found: dict[str, int] = cell.evaluate(DRAWN)
    return found


def pictures(tmp: Path) -> Path:
    """Where pictures are kept."""
    return Path(os.environ.get("KQLMAGIC_PICTURES", tmp))


def keep_pictures(lab: Lab, tmp: Path, theme: str) -> None:
    """A picture of each output, at the size in which it is seen."""
    for at, name in enumerate([*CHARTS, *TABLES], 1):
        output = lab.page.locator(".jp-Notebook .jp-CodeCell").nth(at).locator(".jp-Cell-outputWrapper")
        output.scroll_into_view_if_needed()
        if name in CHARTS:
            output.locator("svg.marks").first.wait_for()
        output.screenshot(path=pictures(tmp) / f"{name.replace(', ', '-')}-{theme}.png")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    needs_chromium()
    folder = tmp_path_factory.mktemp("notebooks")
    notebook = folder / "charts.ipynb"
    queries = [*(query for query, _ in CHARTS.values()), *TABLES.values()]
    cells = [
        nbformat.v4.new_code_cell(DEMO),
        *(nbformat.v4.new_code_cell(f"%%kql\n{query}") for query in queries),
    ]
    written = nbformat.v4.new_notebook(
        cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    )
    nbformat.write(written, notebook)
    jupyter = tmp_path_factory.mktemp("jupyter")
    write_extension(jupyter / "labextensions" / "kqlmagic-ext", __version__)  # this checkout's, before pip's
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(jupyter))
        yield from run(notebook, tmp_path_factory.mktemp("state"))


def run(notebook: Path, state: Path) -> Iterator[Seen]:
    with open_notebook(notebook, state, timezone_id="America/New_York") as lab:
        dialogs: list[str] = []
        lab.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        ran = lab.run_all()
        keep_pictures(lab, notebook.parent, "light")
        lab.command("docmanager:save")
        yield Seen(lab, notebook, ran, dialogs)


def rows_of(cell: dict[str, Any]) -> int:
    """How many records the chart of a cell holds."""
    spec = cell["outputs"][0]["data"]["application/vnd.vegalite.v5+json"]
    return sum(len(records) for records in spec["datasets"].values())


@pytest.mark.parametrize("name", CHARTS)
def test_each_kind_is_drawn_with_a_mark_a_row(seen: Seen, name: str) -> None:
    kind = CHARTS[name][1]
    cell = seen.cells[1 + list(CHARTS).index(name)]
    assert seen.marks(name)[kind] == rows_of(cell) > 1
    assert cell["outputs"][0]["output_type"] == "display_data"
    assert not any(output["output_type"] in ("error", "execute_result") for output in cell["outputs"])


def test_what_is_no_drawing_is_shown_as_a_table(seen: Seen) -> None:
    card, pivot, table = (cell["text"] for cell in seen.cells[-3:])
    assert "Today" in card
    assert "Applications" in card
    assert "50126" in pivot
    assert "Attempts" in table


def test_nothing_left_the_machine_and_hostile_text_ran_nothing(seen: Seen) -> None:
    page = seen.lab.page
    cell = page.locator(".jp-Notebook .jp-CodeCell").nth(1 + list(CHARTS).index("hostile"))
    cell.locator(".mark-symbol path").nth(1).hover()
    tooltip = page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    told = tooltip.inner_text()
    assert HOSTILE in told
    assert "2026-11-01 00:30:00" in told  # not New York's 20:30
    assert tooltip.locator("img").count() == 0
    assert cell.locator(".jp-OutputArea img").count() == 0
    assert page.evaluate("() => window.ran") is None
    assert seen.dialogs == []
    assert seen.lab.outside == []


def test_the_axis_tells_utc_in_new_york(seen: Seen) -> None:
    cell = seen.lab.page.locator(".jp-Notebook .jp-CodeCell").nth(1 + list(CHARTS).index("hostile"))
    texts = cell.locator("svg .role-axis-label text").all_text_contents()
    assert {"01:00", "02:00", "03:00"} <= set(texts)
    assert f"{HOSTILE} (UTC), 2026-11-01" in cell.locator("svg .role-axis-title text").all_text_contents()


WIDTHS = """cell => {
  const output = cell.querySelector('.jp-OutputArea-output');
  return [output.clientWidth, output.scrollWidth, Number(cell.querySelector('svg.marks').getAttribute('width'))];
}"""


@pytest.mark.parametrize("name", [name for name in CHARTS if name != "piechart"])
def test_a_chart_is_as_wide_as_its_output_has_room_and_no_wider_than_a_report(seen: Seen, name: str) -> None:
    page = seen.lab.page
    cell = page.locator(".jp-Notebook .jp-CodeCell").nth(1 + list(CHARTS).index(name))
    for window, most in ((1000, 800), (1600, 800)):
        page.set_viewport_size({"width": window, "height": 1000})
        page.wait_for_timeout(300)
        room, needed, width = cell.evaluate(WIDTHS)
        assert needed == room
        assert width == min(room - 38, most)  # the menu's button stands beside it
    page.set_viewport_size({"width": 1400, "height": 1000})


def test_the_menu_offers_no_way_out(seen: Seen) -> None:
    menu = seen.lab.page.locator(".jp-Notebook .vega-actions").first
    assert menu.locator("a").all_text_contents() == ["Save as SVG", "Save as PNG"]


def test_a_reload_shows_the_charts_from_the_file_light_and_dark(seen: Seen, tmp_path: Path) -> None:
    page = seen.lab.page
    light = page.locator(".jp-Notebook svg .role-axis-label text").first.get_attribute("fill")
    page.evaluate(
        "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    )
    page.wait_for_selector("body[data-jp-theme-light=false]", state="attached")
    page.wait_for_timeout(1000)  # the choice is saved in the background
    seen.lab.reload()
    assert seen.marks("piechart")["arc"] == 6
    dark = page.locator(".jp-Notebook svg .role-axis-label text").first.get_attribute("fill")
    assert light in ("#000", "black")
    assert dark == "#fff"
    background = page.locator(".jp-Notebook svg.marks").first.evaluate(
        "svg => getComputedStyle(svg).backgroundColor"
    )
    assert background == "rgba(0, 0, 0, 0)"
    keep_pictures(seen.lab, tmp_path, "dark")


def test_an_html_export_shows_every_chart_without_a_kernel(seen: Seen, tmp_path: Path) -> None:
    page = seen.lab.page.context.browser.new_page(viewport={"width": 1100, "height": 900})  # type: ignore[union-attr]  # launched, so there is one
    outside = only_this_machine(page)
    body, _ = HTMLExporter(template_name="lab").from_filename(str(seen.notebook))
    file = tmp_path / "charts.html"
    file.write_text(body, "utf-8")
    page.goto(file.as_uri(), wait_until="domcontentloaded")
    images = page.locator(".jp-Cell.jp-CodeCell img[src^='data:image/']")
    assert images.count() == len(CHARTS)
    assert all(
        image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 400
        for image in images.all()
    )
    assert page.evaluate("() => window.ran") is None
    assert not any("192.0.2.1" in url for url in outside)
    page.screenshot(path=pictures(tmp_path) / "charts-export.png", full_page=True)
    page.close()


def test_notebook_7_draws_the_saved_charts(seen: Seen, tmp_path: Path) -> None:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    shutil.copy(seen.notebook, folder / "charts.ipynb")
    state = tmp_path / "state"
    state.mkdir()
    browser = seen.lab.page.context.browser
    assert browser is not None
    with server(folder, state, "notebook") as (url, token):
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        outside = only_this_machine(page)
        page.goto(f"{url}/notebooks/charts.ipynb?token={token}", wait_until="domcontentloaded")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
        for at, (name, (_, kind)) in enumerate(CHARTS.items(), 1):
            assert marks(page, ".jp-Notebook .jp-CodeCell", at)[kind] == rows_of(seen.cells[at]), name
        assert outside == []
        page.close()
