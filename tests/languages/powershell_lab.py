"""Sessions of PowerShell for the tests: on a fake bridge, on golden transcripts, and on a real PowerShell."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kqlmagic_ext.languages import Outcome, Piece, Settings
from kqlmagic_ext.languages.powershell import PowerShellSession

FAKE = Path(__file__).with_name("fake_bridge.py")
TRANSCRIPTS = Path(__file__).parents[3] / "shared" / "reference" / "powershell_bridge" / "transcripts"
REAL = os.environ.get("KQLMAGIC_PWSH") or shutil.which("pwsh") or shutil.which("pwsh-preview")
WHY_SKIPPED = "needs PowerShell (pwsh on PATH, or KQLMAGIC_PWSH)"


@dataclass
class Fake:
    """A program that stands in for PowerShell, and what it wrote down."""

    program: str
    notes_path: Path

    @property
    def notes(self) -> list[dict[str, Any]]:
        lines = self.notes_path.read_text("utf-8").splitlines() if self.notes_path.exists() else []
        return [json.loads(line) for line in lines]

    def asked(self, op: str) -> list[dict[str, Any]]:
        """The requests of one kind."""
        return [note for note in self.notes if note.get("op") == op]


@dataclass
class Shown:
    """What a cell showed."""

    pieces: list[Piece] = field(default_factory=list)

    def __call__(self, piece: Piece) -> None:
        self.pieces.append(piece)

    def text(self, stream: str) -> str:
        return "".join(piece.text for piece in self.pieces if piece.stream == stream)

    @property
    def streams(self) -> list[str]:
        """The streams in their order, neighbours once."""
        names = [piece.stream for piece in self.pieces]
        return [name for at, name in enumerate(names) if not at or names[at - 1] != name]


def fake(folder: Path, mode: str, *words: str) -> Fake:
    """The fake in a mode, as a program."""
    notes = folder / "notes.jsonl"
    program = folder / "pwsh"
    command = shlex.join([sys.executable, str(FAKE), mode, *words])
    program.write_text(
        f'#!/bin/sh\nFAKE_BRIDGE_NOTES={shlex.quote(str(notes))} exec {command} "$@"\n', "utf-8"
    )
    program.chmod(0o755)
    return Fake(str(program), notes)


def settings(fake: Fake, **rest: Any) -> Settings:
    return Settings(program=fake.program, **rest)


@contextmanager
def session_on(fake: Fake, **rest: Any) -> Iterator[PowerShellSession]:
    session = PowerShellSession(settings(fake, **rest))
    try:
        yield session
    finally:
        session.close()


def run(session: PowerShellSession, *steps: list[Any]) -> tuple[Outcome, Shown]:
    """Run a cell of steps of the fake."""
    shown = Shown()
    return session.run(json.dumps(steps), shown), shown


def ran(session: PowerShellSession, code: str, *flags: str) -> tuple[Outcome, Shown]:
    """Run a cell."""
    shown = Shown()
    return session.run(code, shown, frozenset(flags)), shown


def transcript(name: str) -> Path:
    """A recording; in CI a missing one is a failure, and never a skip."""
    if not TRANSCRIPTS.is_dir():
        reason = f"the recordings are not beside the repository: no {TRANSCRIPTS}"
        if os.environ.get("KQLMAGIC_CI"):
            pytest.fail(reason)
        pytest.skip(reason)  # CI fails in the line above
    return TRANSCRIPTS / f"{name}.jsonl"


def recorded(name: str) -> list[dict[str, Any]]:
    """The lines of a recording."""
    return [json.loads(line) for line in transcript(name).read_text("ascii").splitlines()]


@contextmanager
def interrupted_soon(seconds: float = 0.4) -> Iterator[None]:
    """Inside, Ctrl-C comes after some time; not after the end."""
    timer = threading.Timer(seconds, signal.raise_signal, [signal.SIGINT])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
