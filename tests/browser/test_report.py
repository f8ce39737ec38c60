"""The report of a case in a real browser, opened from the disk with the network cut off."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser.drawn import Pages
from tests.notebook import Notebook
from tests.record.conftest import case, cases  # noqa: F401 - fixtures

HOSTILE = '"><script>document.title="ran"</script><img src="https://evil.example/x" onerror="document.title=\'ran\'">'


@pytest.fixture
def written(case: Notebook, tmp_path: Path) -> str:  # noqa: F811 - the fixture
    """The report of a case with hostile text in every place that text can come to."""
    case.names["bad"] = HOSTILE
    case.run(f"%kql_note {HOSTILE}")
    case.run("%kql print Bad = {{bad}}, n = 3 | render columnchart with (title='<script>')")
    case.run(
        "%%kql -o hours\nSigninLogs | summarize Attempts = count() by bin(TimeGenerated, 1d), ResultType | render timechart"
    )
    case.run("%kql -i hours hours | top 5 by Attempts")
    case.run("%kql SigninLogs | take 5")
    case.error("%kql SigninLogs | nonsense")
    path = tmp_path / "case.html"
    case.value(f"%kql_report {path} --title '{HOSTILE.replace(chr(39), '')}'")
    return path.read_text("utf-8")


def test_a_report_shows_its_charts_and_rows_asks_nobody_and_runs_nothing(written: str, pages: Pages) -> None:
    page = pages.show(written)
    page.wait_for_load_state("networkidle")
    assert pages.outside == []
    assert page.title() != "ran"
    assert page.locator("script, img[src*=evil], iframe").count() == 0
    widths = page.evaluate("() => [...document.images].map(image => image.complete && image.naturalWidth)")
    assert len(widths) == 2
    assert min(widths) > 100
    assert page.locator("section.query").count() == 5
    assert page.locator("section.failed .error").count() == 1
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    if pictures := os.environ.get("KQLMAGIC_PICTURES"):
        page.screenshot(path=Path(pictures) / "report.png", full_page=True)
        page.pdf(path=Path(pictures) / "report.pdf", format="A4", print_background=True)


def test_a_printed_report_is_whole(written: str, pages: Pages, tmp_path: Path) -> None:
    page = pages.show(written)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 690, "height": 1000})  # an A4 page within its margins
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    assert page.pdf(path=tmp_path / "case.pdf", format="A4").startswith(b"%PDF")
