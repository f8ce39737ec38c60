"""The frames of a browser cell, and what they may do.

An inner frame runs the cell, within an outer one that runs nothing. Both are sandboxed, and have the same policies:

* nothing is fetched (`default-src 'none'`), but images, fonts and media out of the page itself;
* a script runs with this run's nonce alone, so that HTML out of a log runs none; and none is fetched, nonce or not (the
  second policy);
* a frame navigates nowhere: the outer frame's `frame-src 'none'` holds for the inner one.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import secrets
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from kqlmagic_ext.display.browser.names import libraries_in
from kqlmagic_ext.display.browser.script import around_last_expression
from kqlmagic_ext.display.receipt import receipt
from kqlmagic_ext.errors import visible
from kqlmagic_ext.frontend import library

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER = Path(__file__).parent
_LOCAL = "img-src data: blob:; font-src data:; media-src data: blob:"
_ANYWHERE = "connect-src *; img-src * data: blob:; font-src * data:; media-src * data: blob:"
_NOWHERE = "frame-src 'none'; worker-src 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types default"


@dataclass(frozen=True)
class BrowserCell:
    """What a browser cell is drawn from.

    `libraries`: what `packed_libraries(code)` gives. `inputs`: by name, the JSON text of an envelope, or the bytes of an Arrow IPC stream. `title` names the cell, as in
    `cell [7]`. `place`: lines above the code in the cell, and characters before it in its first line. `outputs`: the names
    that the code may send back by `output(name, value)`, each at most `output_bytes` long; `token` tells this run from others.
    """

    code: str
    title: str
    libraries: Mapping[str, str]
    inputs: Mapping[str, str | bytes] = field(default_factory=lambda: MappingProxyType({}))
    place: tuple[int, int] = (0, 0)
    outputs: tuple[str, ...] = ()
    output_bytes: int = 0
    allow_network: bool = False
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    lines: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def bundle(cell: BrowserCell) -> Mapping[str, str]:
    """A mime bundle: the frame, and below it the lines and warnings as a receipt."""
    told = receipt(cell.lines, cell.warnings)
    plain = f"%%browser, {cell.title}: drawn in a browser"
    markup = [
        f'<p class="kqlmagic-trust"><small>{html.escape(visible(cell.title))}: trust the notebook to draw</small></p>',
        f"<script>{_read('listener.js')}</script>",
        _frame(cell),
        told["text/html"] if cell.lines or cell.warnings else "",
    ]
    return {
        "text/plain": "\n".join([plain, *filter(None, [told["text/plain"]])]),
        "text/html": f"<div>{''.join(markup)}</div>",
    }


def packed_libraries(code: str) -> Mapping[str, str]:
    """The libraries that the code names, in the order in which they are loaded, and `frame`; each compressed, as base64.

    Raises
    ------
    LanguageError
        When the installation lacks one.
    """
    return MappingProxyType({name: _packed(name) for name in [*libraries_in(code), "frame"]})


def _frame(cell: BrowserCell) -> str:
    nonce = secrets.token_hex(16)
    policies = _policies(nonce, may_compile="arrow" in cell.libraries, anywhere=cell.allow_network)
    inner = f"<!doctype html><html><head>{policies}<style>{_read('frame.css')}</style></head>{_body(cell, nonce)}</html>"
    # Quotes of two kinds, so that the second escaping has little to do.
    inside = inner.replace("&", "&amp;").replace("'", "&#39;")
    whole = "display:block;width:100%;height:100%;border:0;margin:0"
    outer = (
        f"<!doctype html><html style='height:100%'><head>{policies}</head><body style='height:100%;margin:0'>"
        f'<iframe sandbox="allow-scripts" '
        f"style='{whole}' srcdoc='{inside}'></iframe></body></html>"
    )
    return (
        f'<iframe data-kqlmagic="{cell.token}" sandbox="allow-scripts" title="{html.escape(visible(cell.title))}" '
        f'style="display:block;width:100%;height:60px;border:0" srcdoc="{html.escape(outer)}"></iframe>'
    )


def _policies(nonce: str, *, may_compile: bool, anywhere: bool) -> str:
    compiles = " 'unsafe-eval'" if may_compile else ""
    allowed = _ANYWHERE if anywhere else _LOCAL
    styles = "style-src 'unsafe-inline'" + (" *" if anywhere else "")
    policies = [f"default-src 'none'; script-src 'nonce-{nonce}'{compiles}; {styles}; {allowed}; {_NOWHERE}"]
    if not anywhere:
        # A nonce lets a script be fetched, too (also by `import()`); this lets none but those in the page.
        policies.append(f"script-src 'unsafe-inline'{compiles}")
    metas = [f'<meta http-equiv="Content-Security-Policy" content="{policy}">' for policy in policies]
    return '<meta charset="utf-8">' + "".join(metas)


def _body(cell: BrowserCell, nonce: str) -> str:
    told = {
        "token": cell.token,
        "code": around_last_expression(cell.code),
        "place": cell.place,
        "outputs": cell.outputs,
        "bytes": cell.output_bytes,
        "network": cell.allow_network,
        "libraries": dict(cell.libraries),
    }
    data = [
        f'<script type="application/json" data-input="{html.escape(name)}" data-form="{form}">{text}</script>'
        for name, (form, text) in ((name, _embedded(value)) for name, value in cell.inputs.items())
    ]
    return (
        f'<body><div id="element"></div><pre id="written"></pre><pre id="said"></pre>{"".join(data)}'
        f'<script type="application/json" id="cell">{_harmless(json.dumps(told))}</script>'
        f'<script nonce="{nonce}">{_read("boot.js")}</script></body>'
    )


def _embedded(value: str | bytes) -> tuple[str, str]:
    """The form of an input and its text in the page."""
    if isinstance(value, bytes):
        return "arrow", base64.b64encode(value).decode()
    return "json", _harmless(value)


def _harmless(text: str) -> str:
    """JSON in which no markup stands: `<` is only found inside its strings."""
    return text.replace("<", "\\u003c")


@cache
def _packed(name: str) -> str:
    return base64.b64encode(gzip.compress(library(name).encode(), mtime=0)).decode()


@cache
def _read(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")
