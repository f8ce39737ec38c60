"""The libraries and frame.js in a real Chromium, in a page that forbids compiled code and every request."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from html import escape
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from kqlmagic_ext.frontend import library
from tests.browser.lab import CHROMIUM, FLAGS, needs_chromium
from tests.frontend.crossing import (
    EVERY_TYPE,
    NULLS,
    SMALLEST,
    WIDEST,
    assert_crossed,
    envelope_text,
    table_bytes,
    table_of,
    typed_table,
)

POLICY = "default-src 'none'; script-src 'nonce-n'; style-src 'unsafe-inline'"


def page_text() -> str:
    names = ("d3", "plot", "arrow")
    scripts = [library(name).replace("</script", "<\\/script") for name in names]
    scripts.append(f"const frames = {library('frame')}(Arrow), plain = {library('frame')}(undefined);")
    tags = "".join(f'<script nonce="n">{script}</script>' for script in scripts)
    return f'<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}"><body>{tags}'


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    needs_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.set_content(page_text())
        yield page
        browser.close()


def run(page: Page, body: str, given: Any = None) -> Any:
    """What a function's body makes of `given` in a script of the page: by a timer, since what the test itself calls is free."""
    code = f"setTimeout(() => {{ const given = {json.dumps(given)}; window.done((() => {{ {body} }})()); }});"
    return page.evaluate(
        """(code) => new Promise((resolve) => {
          const script = document.createElement("script");
          Object.assign(script, {nonce: "n", textContent: code});
          window.done = resolve;
          document.body.append(script);
        })""",
        code,
    )


def test_the_page_forbids_compiled_code(page: Page) -> None:
    code = "try { return new Function('return 1')(); } catch (error) { return error.name; }"
    assert run(page, code) == "EvalError"


def test_a_frame_crosses_in_a_browser(page: Page) -> None:
    table = typed_table(EVERY_TYPE, [WIDEST, SMALLEST, NULLS])
    code = """
      const bytes = Uint8Array.from(atob(given), (char) => char.charCodeAt(0));
      const own = frames.fromArrow(bytes).toArray().map((row) => ({...row}));
      const encoded = [frames.fromArrow(bytes), own].map((value) => frames.encode(value, "value").arrow);
      return encoded.map((bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")));
    """
    whole, own = (
        base64.b64decode(text) for text in run(page, code, base64.b64encode(table_bytes(table)).decode())
    )
    assert_crossed({"kind": "table", "arrow": whole}, table)
    longs = table_of({"kind": "table", "arrow": own})["long"]
    assert longs.to_pylist() == table["long"].to_pylist()


def test_an_envelope_crosses_in_a_browser_and_plot_draws_a_frame(page: Page) -> None:
    table = typed_table(
        {"Host": "string", "Attempts": "long", "Seen": "datetime"}, [["</script>", 3, None], ["b", 5, None]]
    )
    text = envelope_text(table)
    encoded = run(page, "return plain.encode(plain.fromEnvelope(given), 'frame')", text)
    assert_crossed(encoded, table)
    drawn = """
      const frame = plain.fromEnvelope(given);
      const svg = Plot.plot({marks: [Plot.barY(frame, {x: "Host", y: "Attempts"})]});
      const longest = d3.max(frame, (row) => row.Attempts);
      return [svg.querySelectorAll("rect").length, longest];
    """
    assert run(page, drawn, text) == [2, 5]
