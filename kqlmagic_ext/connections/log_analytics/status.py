"""What a query is doing, written by the loop that asks and read by the thread that waits."""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kqlmagic_ext.connections import Prompt

if TYPE_CHECKING:
    from collections.abc import Iterator

_MEGABYTE = 1_000_000


@dataclass
class Status:
    """The phase of a query: signing in, waiting, receiving, decoding; `prompt`: what the analyst must do meanwhile."""

    wait: int
    phase: str = "connecting"
    prompt: str | None = None
    received: int = 0
    rows: int = 0
    since: float = field(default_factory=time.monotonic)

    def enter(self, phase: str) -> None:
        """Begin a phase; its clock starts anew."""
        self.phase, self.since = phase, time.monotonic()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Inside, what a sign-in asks of the analyst is shown here."""
        token = ASKING.set(self)
        try:
            yield
        finally:
            ASKING.reset(token)
            self.prompt = None

    def line(self) -> str:
        """`waiting for the service: 12 of at most 180 s`, as a cell shows it."""
        if self.prompt is not None:
            return Prompt(self.prompt)
        if self.phase == "receiving":
            return f"receiving: {self.received / _MEGABYTE:,.1f} MB, {self.rows:,} rows"
        elapsed = int(time.monotonic() - self.since)
        if self.phase == "waiting for the service":
            return f"{self.phase}: {elapsed} of at most {self.wait} s"
        return f"{self.phase}: {elapsed} s"


# The query for which a sign-in happens: the credential is shared, and its prompt belongs to the cell that waits.
ASKING: ContextVar[Status | None] = ContextVar("ASKING", default=None)
