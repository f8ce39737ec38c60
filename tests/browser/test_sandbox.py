"""What gets out of a browser cell: counted at a server and a port of this machine, which every way out is aimed at."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Page

from tests.browser.drawn import Pages, html_of
from tests.browser.lab import cell_frames

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

SETTLE_MS = 600  # for what a browser does after a frame has drawn
LINK = "const link = document.createElement('a'); element.append(link); link.href = 'URL/link'; "
HEAD = "document.head.append(Object.assign(document.createElement"
NONCE = "document.querySelector('script[nonce]').nonce"
# The cell's own code. Those of NAVIGATE open a connection, over which nothing is sent.
OWN = [
    "fetch('URL/fetch')",
    "navigator.sendBeacon('URL/beacon', 'x')",
    "const ask = new XMLHttpRequest(); ask.open('GET', 'URL/xhr'); ask.send()",
    "new WebSocket('ws' + 'URL/socket'.slice(4))",
    "new EventSource('URL/events')",
    "new Image().src = 'URL/image'",
    "element.innerHTML = `<svg><image href='URL/svg'/><use href='URL/use#a'/><filter id=f><feImage href='URL/fe'/></filter></svg>`",
    f"{LINK} link.click()",
    f"{LINK} link.target = '_top'; link.click()",
    f"{LINK} link.target = '_blank'; link.click()",
    f"{LINK} link.ping = 'URL/ping'; link.href = '#here'; link.click()",
    f"{LINK} link.download = 'x'; link.click()",
    "const form = document.createElement('form'); form.action = 'URL/form'; element.append(form); form.submit()",
    "window.open('URL/popup')",
    "new Worker('URL/worker')",
    "new Worker(URL.createObjectURL(new Blob(['fetch(`URL/blob`)'])))",
    "new SharedWorker('URL/shared')",
    "navigator.serviceWorker?.register('URL/service')",
    "parent.location.href = 'URL/parent'",
    "parent.parent.location.href = 'URL/page'",
    "top.location = 'URL/top'",
    "await import('URL/module.js')",
    "import 'URL/static.js'",
    f"{HEAD}('script'), {{src: 'URL/script.js'}}))",
    f"{HEAD}('script'), {{src: 'URL/nonce.js', nonce: {NONCE}}}))",
    f"{HEAD}('script'), {{type: 'module', src: 'URL/nonce.mjs', nonce: {NONCE}}}))",
    f"{HEAD}('link'), {{rel: 'modulepreload', href: 'URL/preload.mjs', nonce: {NONCE}}}))",
    f"{HEAD}('link'), {{rel: 'stylesheet', href: 'URL/style.css'}}))",
    f"{HEAD}('link'), {{rel: 'prefetch', href: 'URL/prefetch'}}))",
    f"{HEAD}('link'), {{rel: 'preconnect', href: 'URL/'}}))",
    f"{HEAD}('style'), {{textContent: '@import url(URL/import); body {{background: url(URL/background)}}'}}))",
    "const box = document.createElement('object'); box.data = 'URL/object'; element.append(box)",
    "const film = document.createElement('video'); film.src = 'URL/film'; film.poster = 'URL/poster'; element.append(film)",
]
NAVIGATE = [
    "location.href = 'URL/href'",
    "location.replace('URL/replace')",
    f"{HEAD}('meta'), {{httpEquiv: 'refresh', content: '0; url=URL/refresh'}}))",
    "const inside = document.createElement('iframe'); inside.src = 'URL/frame'; element.append(inside)",
    f"const inside = document.createElement('iframe'); inside.srcdoc = `<script nonce=${{{NONCE}}}>location = 'URL/srcdoc'</script>`; element.append(inside)",
]
CONNECT = "const peer = new RTCPeerConnection({iceServers: [{urls: 'stun:PEER'}]}); peer.createDataChannel('x'); peer.setLocalDescription(await peer.createOffer())"
# What an attacker may write into a log, and a careless cell put into innerHTML.
HTML = [
    "<img src='URL/image' onerror='fetch(`URL/onerror`)'><img src=x onerror='location = `URL/broken`'>",
    "<script>fetch('URL/script')</script><script src='URL/script.js'></script><svg onload='location = `URL/svg`'></svg>",
    "<meta http-equiv=refresh content='0; url=URL/refresh'>",
    "<META HTTP-EQUIV='refresh' CONTENT='0;URL=URL/upper'>",
    "<link rel=stylesheet href='URL/style'><link rel=prefetch href='URL/prefetch'><link rel=preload as=script href='URL/preload'><link rel=preconnect href='URL/'>",
    "<iframe src='URL/frame'></iframe><iframe src='javascript:location=`URL/js`'></iframe><frameset><frame src='URL/set'></frameset>",
    "<iframe srcdoc='<script>fetch(`URL/inner`)</script><img src=URL/picture><meta http-equiv=refresh content=\"0; url=URL/again\">'></iframe>",
    "<form action='URL/form'><input autofocus onfocus='this.form.submit()'></form><base href='URL/base/'><img src=relative>",
    "<style>@import 'URL/import'; body { background: url(URL/background) }</style><p style='background: url(URL/inline)'>a</p>",
    "<object data='URL/object'></object><embed src='URL/embed'><video src='URL/film' poster='URL/poster' autoplay></video><audio src='URL/audio' autoplay></audio>",
    "<img src=x onerror='new RTCPeerConnection({iceServers: [{urls: `stun:PEER`}]}).createDataChannel(1)'>",
    "<math><mtext><table><mglyph><style><!--</style><img src=URL/math onerror='fetch(`URL/mathml`)'>",
]
CLICKED = [
    "<a class=trap href='URL/link'>a</a>",
    "<a class=trap href='URL/link' target=_top>a</a>",
    "<a class=trap href='URL/link' target=_blank rel=opener>a</a>",
    "<a class=trap href='#here' ping='URL/ping'>a</a>",
    "<a class=trap href='javascript:fetch(`URL/js`)'>a</a>",
    "<svg width=20 height=20><a href='URL/svg'><rect class=trap width=20 height=20 /></a></svg>",
    "<form action='URL/form' target=_blank><button class=trap>a</button></form>",
]


class Counter:
    """A server and a port for UDP; `requests` are first lines of what was sent, `connections` counts TCP, `packets` UDP."""

    def __init__(self) -> None:
        self._tcp = socket.create_server(("127.0.0.1", 0), backlog=100)
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._tcp.getsockname()[1]}"
        self.peer = f"127.0.0.1:{self._udp.getsockname()[1]}"
        self.clear()
        for work in (self._serve, self._listen):
            threading.Thread(target=work, daemon=True).start()

    def clear(self) -> None:
        self.requests: list[str] = []
        self.connections = self.packets = 0

    def aimed(self, code: str) -> str:
        return (
            code.replace("URL.create", "U#L.create")
            .replace("URL/", f"{self.url}/")
            .replace("U#L", "URL")
            .replace("PEER", self.peer)
        )

    def close(self) -> None:
        self._tcp.close()
        self._udp.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return  # closed
            self.connections += 1
            threading.Thread(target=self._answer, args=[connection], daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        head = "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Type: text/javascript"
        with connection:
            sent = connection.recv(4096).decode(errors="replace")
            if sent:
                self.requests.append(sent.partition(" HTTP")[0])
                connection.sendall(
                    f"{head}\r\nContent-Length: 16\r\nConnection: close\r\n\r\nexport default 7".encode()
                )

    def _listen(self) -> None:
        while True:
            try:
                self._udp.recv(2000)
            except OSError:
                return  # closed
            self.packets += 1


@pytest.fixture(scope="module")
def counter() -> Iterator[Counter]:
    with closing(Counter()) as counting:
        yield counting


def drawn(pages: Pages, counter: Counter, codes: list[str], *, allow_network: bool = False) -> Page:
    """A page with a cell for each code, after all that their frames begin."""
    counter.clear()
    page = pages.open(*(html_of(counter.aimed(code), allow_network=allow_network) for code in codes))
    page.wait_for_timeout(SETTLE_MS)
    return page


def put_into_html(text: str) -> str:
    return f"element.innerHTML = {json.dumps(text)}"


def test_the_cells_own_code_sends_nothing(pages: Pages, counter: Counter) -> None:
    page = drawn(pages, counter, OWN)
    assert (counter.requests, counter.connections, counter.packets) == ([], 0, 0)
    assert page.url.startswith("file:")
    assert len(page.context.pages) == 1


def test_the_cells_own_code_may_open_a_connection_but_sends_nothing_over_it(
    pages: Pages, counter: Counter
) -> None:
    drawn(pages, counter, NAVIGATE)
    assert counter.requests == []


def test_html_out_of_a_log_does_not_even_connect(pages: Pages, counter: Counter) -> None:
    page = drawn(pages, counter, [put_into_html(text) for text in HTML])
    assert (counter.requests, counter.connections, counter.packets) == ([], 0, 0)
    assert len(cell_frames(page)) == len(HTML)  # none of them has gone elsewhere


@pytest.mark.parametrize("write", ["insertAdjacentHTML('beforeend', TEXT)", "append(document.createRange().createContextualFragment(TEXT))"])  # fmt: skip
def test_no_other_way_to_write_html_connects(pages: Pages, counter: Counter, write: str) -> None:
    drawn(pages, counter, [f"element.{write.replace('TEXT', json.dumps(text))}" for text in HTML])
    assert (counter.requests, counter.connections, counter.packets) == ([], 0, 0)


def test_a_click_on_html_out_of_a_log_goes_nowhere(pages: Pages, counter: Counter) -> None:
    page = drawn(pages, counter, [put_into_html(text) for text in CLICKED])
    for frame in cell_frames(page):
        frame.locator(".trap").click()
    page.wait_for_timeout(SETTLE_MS)
    assert (counter.requests, counter.connections) == ([], 0)
    assert [frame.locator(".trap").count() for frame in cell_frames(page)] == [1] * len(CLICKED)
    assert f"blocked: a link to {counter.url}/link" in cell_frames(page)[0].locator("#said").inner_text()
    assert len(page.context.pages) == 1


def test_a_cell_says_what_was_blocked_and_what_would_loosen_it(pages: Pages, counter: Counter) -> None:
    said = pages.said(counter.aimed("new Image().src = 'URL/image'"))
    assert said == f"blocked: img-src {counter.url}/image; --allow-network lets one cell reach the network"


def test_allow_network_loosens_one_cell_and_no_other(pages: Pages, counter: Counter) -> None:
    counter.clear()
    code = "const found = await import('URL/module.js'); await fetch('URL/fetch'); new Image().src = 'URL/image'; element.append(found.default)"
    closed = html_of(counter.aimed(code.replace("URL/", "URL/closed-")))
    page = pages.open(html_of(counter.aimed(code), allow_network=True), closed)
    [opened, _] = cell_frames(page)
    assert opened.locator("#element").inner_text() == "7"
    deadline = time.monotonic() + 10
    while len(counter.requests) < 3 and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert sorted(counter.requests) == ["GET /fetch", "GET /image", "GET /module.js"]


def test_html_out_of_a_log_runs_and_navigates_nowhere_in_a_loosened_cell(
    pages: Pages, counter: Counter
) -> None:
    page = drawn(pages, counter, [put_into_html(text) for text in HTML], allow_network=True)
    sent = {
        "onerror",
        "broken",
        "script",
        "script.js",
        "svg",
        "refresh",
        "upper",
        "frame",
        "js",
        "again",
        "inner",
        "form",
        "mathml",
    }
    assert not [request for request in counter.requests if request.rpartition("/")[2] in sent]
    assert "GET /image" in counter.requests  # the counter counts
    assert len(cell_frames(page)) == len(HTML)


def test_the_cells_own_code_can_still_reach_a_peer(pages: Pages, counter: Counter) -> None:
    """No policy of today's browsers stops WebRTC; the docs say so. The port counts: HTML above reached it not."""
    drawn(pages, counter, [CONNECT])
    assert counter.packets
    assert counter.requests == []
