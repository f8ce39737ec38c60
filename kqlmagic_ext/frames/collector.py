"""The garbage collector stands still while many objects are made that cannot form cycles."""

from __future__ import annotations

import gc
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Collector:
    """The one collector of this Python, which several threads may pause at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pauses = 0
        self._was_enabled = False

    def pause(self) -> None:
        with self._lock:
            if not self._pauses:
                self._was_enabled = gc.isenabled()
                gc.disable()
            self._pauses += 1

    def resume(self) -> None:
        with self._lock:
            self._pauses -= 1
            if not self._pauses and self._was_enabled:
                gc.enable()


_COLLECTOR = _Collector()  # a process has one collector, so all threads count here


@contextmanager
def paused_collector() -> Iterator[None]:
    """Inside, no garbage collection; after the last of all threads, as it was before the first."""
    _COLLECTOR.pause()
    try:
        yield
    finally:
        _COLLECTOR.resume()
