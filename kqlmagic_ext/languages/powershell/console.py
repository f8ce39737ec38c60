"""What PowerShell's process writes past its streams: `[Console]::WriteLine`, and programs that write where it writes."""

from __future__ import annotations

import codecs
import os
import sys
import time
from collections import deque
from contextlib import contextmanager
from threading import RLock, Thread
from typing import IO, TYPE_CHECKING

from kqlmagic_ext.languages import Piece
from kqlmagic_ext.languages.child import ready

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kqlmagic_ext.languages import Show
    from kqlmagic_ext.languages.child import Child

_CHUNK = 65_536
_LAST_WORDS = 4_000
_HELD = 200  # chunks that are kept for the next cell
_SETTLE_S = 0.2
_ON_WINDOWS = sys.platform == "win32"


class Console:
    """Reads both pipes of the process to their ends, in threads; what comes between cells waits for the next one.

    `lock`: held while something is shown, so that two threads never show at once.
    """

    def __init__(self, child: Child) -> None:
        self.lock = RLock()
        self._show: Show | None = None
        self._held: deque[Piece] = deque(maxlen=_HELD)
        self._last = ""
        self._failure: Exception | None = None
        self._pipes = [child.stdout, child.stderr]
        self._threads = [
            Thread(target=self._read, args=pipe, name=f"kqlmagic_ext {pipe[1]}", daemon=True)
            for pipe in zip(self._pipes, ("stdout", "stderr"), strict=True)
        ]
        for thread in self._threads:
            thread.start()

    @contextmanager
    def heard(self, show: Show) -> Iterator[Callable[[Piece], None]]:
        """Inside, what comes is shown; gives a `show` that may be called at the same time."""
        with self.lock:
            self._show = show
            while self._held:
                show(self._held.popleft())
        try:
            yield self._show_alone
        finally:
            self._settle()
            with self.lock:
                self._show = None
                failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def text(self, seconds: float = 0.5) -> str:
        """The last of what was written, once the pipes have ended (or some time has gone by)."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return self._last

    def _show_alone(self, piece: Piece) -> None:
        with self.lock:
            if self._show is not None:
                self._show(piece)

    def _settle(self) -> None:
        """Wait until nothing that was written before now is still on its way."""
        deadline = time.monotonic() + _SETTLE_S
        while time.monotonic() < deadline:
            with self.lock:  # a reader holds it from the moment that it takes something out of its pipe
                if not any(ready(pipe, 0) for pipe in self._pipes):
                    return
            time.sleep(0.001)

    def _read(self, pipe: IO[bytes], stream: str) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        ended = False
        while not ended:
            early = os.read(pipe.fileno(), _CHUNK) if _ON_WINDOWS else None
            ready(pipe, None)
            with self.lock:
                chunk = os.read(pipe.fileno(), _CHUNK) if early is None else early
                ended = not chunk
                if text := decoder.decode(chunk, final=ended):
                    self._take(Piece(stream, text))
                if ended:
                    pipe.close()

    def _take(self, piece: Piece) -> None:
        self._last = (self._last + piece.text)[-_LAST_WORDS:]
        if self._show is None:
            self._held.append(piece)
            return
        try:
            self._show(piece)
        except Exception as error:  # noqa: BLE001 - raised where the cell runs; the pipe must be read on
            self._failure = self._failure or error
