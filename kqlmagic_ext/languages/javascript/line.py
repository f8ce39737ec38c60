"""The line on which a worker is asked: a named pipe, so that cells and their programs cannot read it by accident."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Line:
    """Where requests are written. Windows has no named pipes in folders: there it is the child's stdin, and `path` None.

    `started`: the child has opened it, and its end is noticed from now on.
    """

    def __init__(self, folder: Path) -> None:
        self.path: Path | None = None
        self._reader: int | None = None
        self._writer: IO[bytes] | None = None
        if hasattr(os, "mkfifo"):
            self.path = folder / "requests"
            os.mkfifo(self.path, 0o600)
            # A pipe is opened for writing only while somebody has it open for reading.
            self._reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
            self._writer = os.fdopen(os.open(self.path, os.O_WRONLY), "wb")

    def started(self, stdin: IO[bytes]) -> None:
        """Use it from now on; with a named pipe stdin is closed."""
        if self._reader is None:
            self._writer = stdin
            return
        stdin.close()
        os.close(self._reader)
        self._reader = None

    def send(self, line: bytes) -> None:
        """Write a line; OSError when nobody reads."""
        if self._writer is None or self._writer.closed:
            raise BrokenPipeError
        self._writer.write(line)
        self._writer.flush()

    def close(self) -> None:
        """Close it; what was not read has no reader any more."""
        if self._reader is not None:
            os.close(self._reader)
            self._reader = None
        try:
            if self._writer is not None:
                self._writer.close()
        except OSError:
            return
