"""Browser cells in a plain page, opened from disk as an HTML export is: no notebook around them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Frame, Page

from kqlmagic_ext.display.browser import BrowserCell, bundle, crossed, packed_libraries
from tests.browser.lab import cell_frames, only_this_machine

MOST = 5_000_000


def html_of(code: str, inputs: dict[str, Any] | None = None, **rest: Any) -> str:
    """The text/html of a cell of that code."""
    libraries = packed_libraries(code)
    as_arrow = "arrow" in libraries
    data = {
        name: crossed(value, name, MOST, as_arrow=as_arrow).data for name, value in (inputs or {}).items()
    }
    return bundle(BrowserCell(code, "cell [1]", libraries, inputs=data, **rest))["text/html"]


class Pages:
    """Pages of one Chromium, each a file on disk; nothing may leave this machine."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self._browser, self._folder = browser, folder
        self._numbers: Iterator[int] = iter(range(1000))

    def open(self, *cells: str) -> Page:
        """A page of cells' HTML."""
        body = "".join(cells)
        return self.show(
            f'<!doctype html><meta charset="utf-8"><body data-jp-theme-light="true">{body}</body>'
        )

    def show(self, html: str) -> Page:
        """A page of that text."""
        page = self._browser.new_page()
        page.set_default_timeout(10_000)
        self.outside = only_this_machine(page)
        file = self._folder / f"{next(self._numbers)}.html"
        file.write_text(html, "utf-8")
        page.goto(file.as_uri())
        return page

    def draw(self, code: str, inputs: dict[str, Any] | None = None, **rest: Any) -> Frame:
        """The inner frame of one cell."""
        [frame] = cell_frames(self.open(html_of(code, inputs, **rest)))
        return frame

    def said(self, code: str, **rest: Any) -> str:
        """What a cell says below its drawing: errors, and what was blocked."""
        frame = self.draw(code, **rest)
        frame.wait_for_function("() => document.getElementById('said').firstChild")
        return str(frame.evaluate("() => document.getElementById('said').textContent"))
