"""Interrupts that fall anywhere, heard at one place.

Python raises a KeyboardInterrupt wherever its main thread stands, and one that falls into a callback of the garbage collector
is dropped. While we wait for a query or a child, an interrupt is only noted, and raised where the wait looks for it.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def noted(wake: Callable[[], object] = lambda: None) -> Iterator[Callable[[], None]]:
    """Note interrupts instead of raising them; gives what raises a noted one. A second one, unheard, is raised at once.

    `wake` is called with the first, and may end the wait.

    It concerns the main thread alone, and only where an interrupt has a handler of Python's.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield lambda: None
        return
    waiting: list[tuple[int, Any]] = []

    def note(number: int, frame: Any) -> None:
        if waiting:
            signal.signal(
                signal.SIGINT, before
            )  # first: what it raises may fall where the end of this would do it
            waiting.clear()
            before(number, frame)
        else:
            waiting.append((number, frame))
            wake()

    def look() -> None:
        if waiting:
            before(*waiting.pop())

    signal.signal(signal.SIGINT, note)
    try:
        yield look
    finally:
        if signal.getsignal(signal.SIGINT) is note:
            signal.signal(signal.SIGINT, before)
    look()
