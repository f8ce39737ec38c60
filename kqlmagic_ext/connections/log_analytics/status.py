"""What a query is doing, written by the loop that asks and read by the thread that waits."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from kqlmagic_ext.connections import Prompt

_MEGABYTE = 1_000_000


@dataclass
class SignIn:
    """A sign-in under way, for which several queries may wait; `prompt`: what the analyst must do."""

    prompt: str | None = None


@dataclass
class Status:
    """The phase of a query: signing in, waiting, receiving, making the frame; `sign_in`: the one that it waits for."""

    wait: int
    phase: str = "preparing"
    sign_in: SignIn | None = None
    received: int = 0
    rows: int = 0
    since: float = field(default_factory=time.monotonic)

    def enter(self, phase: str) -> None:
        """Begin a phase; its clock starts anew."""
        self.phase, self.since = phase, time.monotonic()

    def line(self) -> str:
        """`waiting for the service: 12 of at most 180 s`, as a cell shows it; a Prompt when the analyst must act."""
        if self.sign_in is not None and self.sign_in.prompt is not None:
            return Prompt(self.sign_in.prompt)
        if self.phase == "receiving":
            return f"receiving: {self.received / _MEGABYTE:,.1f} MB, {self.rows:,} rows"
        elapsed = int(time.monotonic() - self.since)
        if self.phase == "waiting for the service":
            limit = (
                f" of at most {self.wait} s"
                if elapsed <= self.wait
                else f" s, and its limit was {self.wait} s"
            )
            return f"{self.phase}: {elapsed}{limit}"
        return f"{self.phase}: {elapsed} s"
