"""What a killed PowerShell leaves in the temporary folder."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAMES = ("CoreFxPipe_PSHost.*.{pid}.*", "dotnet-diagnostic-{pid}-*-socket", "clr-debug-pipe-{pid}-*")


def sweep(pids: Iterable[int]) -> None:
    """Delete the sockets and pipes of processes that have ended; Windows keeps none."""
    if sys.platform == "win32":
        return
    folder = Path(os.environ.get("TMPDIR") or "/tmp")  # noqa: S108 - where .NET makes them
    for pid in pids:
        for name in _NAMES:
            for path in folder.glob(name.format(pid=int(pid))):
                with suppress(OSError):  # another user's, or gone
                    path.unlink()
