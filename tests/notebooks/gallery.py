"""The gallery of the README: a picture of one output of each example, made where `KQLMAGIC_GALLERY` names that it is wanted."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.lab import CHROMIUM, FLAGS

PICTURES = Path(__file__).parents[2] / "examples" / "pictures"
# What stands in the cell whose output is shown.
SHOWN = {
    "01_first_investigation": "| render ",
    "02_connect_to_azure": "--refresh",
    "03_mixing_languages": "ranked",
    "04_case_file": "%kql_history --tree",
    "05_pictures": "wide.plot",
    "06_statistics": "rhythm.sort_values",
    "07_machine_learning": "axes.hist",
    "08_deep_learning": "axes.hist",
    "09_outside_data": "while_away",
}
_STYLE = """
body { margin: 0; } main { display: inline-block; padding: 8px; max-width: 1000px; font: 14px system-ui, sans-serif; background: white; }
table { border-collapse: collapse; font-size: 12px; } th, td { padding: 3px 10px; text-align: right; white-space: nowrap; border-bottom: 1px solid #ddd; }
svg, img { max-width: 760px; height: auto; } pre { font-size: 12px; margin: 0; }
"""


def keep(stem: str, notebook: Any) -> Path:
    """Write the picture of an example that has run."""
    text = SHOWN[stem]
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and text in cell.source]
    chosen = [cell for cell in cells if cell.source == text] or cells
    page = f"<style>{_STYLE}</style><main>{''.join(map(_shown, chosen[-1].outputs))}</main>"
    PICTURES.mkdir(exist_ok=True)
    picture = PICTURES / f"{stem}.png"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tab = browser.new_page(viewport={"width": 1100, "height": 400})
        tab.set_content(page)
        tab.locator("main").screenshot(path=picture)
        browser.close()
    return picture


def _shown(output: Any) -> str:
    """One output as HTML."""
    data = output.get("data", {})
    if "image/png" in data:
        return f'<img src="data:image/png;base64,{data["image/png"].strip()}">'
    for kind in ("image/svg+xml", "text/html"):
        if kind in data:
            return str(data[kind])
    return f"<pre>{html.escape(output.get('text', data.get('text/plain', '')))}</pre>"
