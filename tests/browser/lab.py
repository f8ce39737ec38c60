"""A JupyterLab of its own, driven in a headless Chromium: offline, with nothing of the user's set-up."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page, Route, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",  # needed as root, as in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTINGS = {
    # Else cells outside the viewport have no text in the page.
    "@jupyterlab/notebook-extension/tracker.jupyterlab-settings": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification.jupyterlab-settings": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
}
FOLDERS = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",  # which notebooks are trusted
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "IPYTHONDIR": "ipython",
}
OWN = re.compile(r"(https?|wss?)://127\.0\.0\.1[:/]|(data|blob|file|about):")
PANEL = "window.jupyterapp?.shell.currentWidget"
IDLE = f"() => {PANEL}?.sessionContext?.session?.kernel?.status === 'idle'"
# Between two cells the kernel is idle, too: a cell that has run has a number.
RAN = f"() => ({IDLE})() && {PANEL}.content.widgets.every(cell => cell.model.type !== 'code' || cell.model.executionCount)"
CELLS = f"""() => {PANEL}.content.widgets.map(cell => ({{
  source: cell.model.sharedModel.getSource(),
  type: cell.model.type,
  count: cell.model.executionCount ?? null,
  outputs: cell.model.outputs ? cell.model.outputs.toJSON() : [],
  text: cell.node.querySelector('.jp-Cell-outputArea')?.innerText ?? '',
}}))"""
START_S = 60


def needs_chromium() -> None:
    """Skip the test where there is no Chromium; in CI that is a failure."""
    if CHROMIUM is None:
        assert not os.environ.get("KQLMAGIC_CI"), "CI installs a Chromium"
        pytest.skip("no Chromium on this machine")  # CI fails in the line above


def cell_frames(page: Page) -> list[Frame]:
    """The inner frames of browser cells, in the order of the page, once each has drawn."""
    page.wait_for_function(
        "() => [...document.querySelectorAll('iframe[data-kqlmagic]')].every(frame => 'drawn' in frame.dataset)"
    )
    outer = [handle.content_frame() for handle in page.query_selector_all("iframe[data-kqlmagic]")]
    return [frame.child_frames[0] for frame in outer if frame is not None]


def only_this_machine(page: Page) -> list[str]:
    """Abort every request of the page that would leave this machine; the list of them, as they come."""
    outside: list[str] = []

    def sort(route: Route) -> None:
        if OWN.match(route.request.url):
            route.continue_()
        else:
            outside.append(route.request.url)
            route.abort()

    page.route("**/*", sort)
    return outside


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Lab:
    """An open notebook: its page, and every request that would have left this machine."""

    page: Page
    url: str = ""
    outside: list[str] = field(default_factory=list)

    def open(self, name: str) -> None:
        """Open a notebook of the folder, its kernel idle."""
        self.page.goto(self.url.replace("NAME", name), wait_until="domcontentloaded")
        self.wait()

    def reload(self) -> None:
        """Load the page again; the kernel stays."""
        self.page.reload(wait_until="domcontentloaded")
        self.wait()

    def wait(self) -> None:
        """Until the notebook is seen and its kernel idle."""
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=START_S * 1000)
        self.page.wait_for_function(IDLE, timeout=START_S * 1000)

    def run(self, index: int, *, wait: bool = True) -> dict[str, Any]:
        """Run one cell; as it is then. `wait`: until it has run."""
        self.page.evaluate(
            f"index => {{ const notebook = {PANEL}.content; notebook.deselectAll(); notebook.activeCellIndex = index; }}",
            index,
        )
        self.command("notebook:run-cell", wait=wait)
        return self.cells_now()[index] if wait else {}

    def cells_now(self) -> list[dict[str, Any]]:
        """The cells as they are once the kernel is idle, whether or not all have run."""
        self.page.wait_for_function(IDLE, timeout=START_S * 1000)
        cells: list[dict[str, Any]] = self.page.evaluate(CELLS)
        return cells

    def run_all(self, timeout_s: int = 120) -> list[dict[str, Any]]:
        """Run every cell; each with its source, type, execution count, outputs and the text that is seen."""
        self.command("notebook:run-all-cells")
        return self.cells(timeout_s)

    def command(self, name: str, *, wait: bool = True) -> None:
        """Do one of JupyterLab's commands; `wait`: until it is done."""
        self.page.evaluate(
            "([name, wait]) => { const done = window.jupyterapp.commands.execute(name); return wait ? done.then(() => null) : null; }",
            [name, wait],
        )

    def cells(self, timeout_s: int = 120) -> list[dict[str, Any]]:
        """The cells as they are once all have run."""
        self.page.wait_for_function(RAN, timeout=timeout_s * 1000)
        cells: list[dict[str, Any]] = self.page.evaluate(CELLS)
        return cells

    def picture(self, path: Path) -> None:
        """A picture of the whole notebook, which scrolls in a panel of its own."""
        height = self.page.evaluate(
            "() => Math.max(...[...document.querySelectorAll('.jp-WindowedPanel-outer, .jp-Notebook')].map(e => e.scrollHeight))"
        )
        self.page.set_viewport_size({"width": 1400, "height": min(int(height) + 250, 12_000)})
        self.page.wait_for_timeout(1500)
        self.page.evaluate(
            "() => document.querySelectorAll('.jp-WindowedPanel-outer').forEach(e => { e.scrollTop = 0; })"
        )
        self.page.wait_for_timeout(300)
        self.page.screenshot(path=path)


@contextmanager
def open_notebook(notebook: Path, state: Path, **context: Any) -> Iterator[Lab]:
    """The notebook in a JupyterLab over its folder, its kernel idle; `state` is an empty folder for all that Lab keeps.

    `context`: of Playwright's page, such as a timezone_id.
    """
    with server(notebook.parent, state) as (url, token), chromium() as browser:
        page = browser.new_page(viewport={"width": 1400, "height": 1000}, **context)
        lab = Lab(page, f"{url}/lab/tree/NAME?token={token}&reset", only_this_machine(page))
        lab.open(notebook.name)
        yield lab


@contextmanager
def server(folder: Path, state: Path, app: str = "jupyterlab") -> Iterator[tuple[str, str]]:
    """The URL and the token of a JupyterLab, or of a Notebook 7 (`app` is then `notebook`), over a folder."""
    name = "LabApp" if app == "jupyterlab" else "JupyterNotebookApp"
    for plugin, settings in SETTINGS.items():
        file = state / "settings" / plugin
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings))
    token, port = secrets.token_hex(16), _free_port()
    command = [
        sys.executable, "-m", app, "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}",
        f"--{name}.expose_app_in_browser=True", f"--{name}.news_url=None", f"--{name}.extension_manager=readonly",
        f"--{name}.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--ServerApp.log_level=WARN",
    ]  # fmt: skip
    environment = {**os.environ, **{key: str(state / folder_) for key, folder_ in FOLDERS.items()}}
    log = state / "log"
    with log.open("w") as written:
        process = subprocess.Popen(command, env=environment, stdout=written, stderr=subprocess.STDOUT)
    try:
        _wait_until_up(f"http://127.0.0.1:{port}/api?token={token}", process, log)
        yield f"http://127.0.0.1:{port}", token
    finally:
        process.terminate()
        process.wait(20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_up(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(log.read_text())
        try:
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310 - our own server
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(log.read_text())
