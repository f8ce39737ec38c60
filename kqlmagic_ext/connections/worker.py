"""Work that an interrupt can stop: it runs in a thread of its own while the caller waits in short steps."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from kqlmagic_ext import interrupts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
_STEP_S = 0.05


class Cancelled(BaseException):
    """Raised inside the work when the caller has given up; it never reaches the caller."""


class Cancellation:
    """Tells the work that its caller has given up, and stops what is under way."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._stop: Callable[[], object] = lambda: None

    @contextmanager
    def stopping(self, stop: Callable[[], object]) -> Iterator[None]:
        """Inside, `stop` is what ends the work under way, such as a cursor's `interrupt`."""
        before, self._stop = self._stop, stop
        try:
            self.check()
            yield
        finally:
            self._stop = before

    def check(self) -> None:
        """Raise Cancelled when the caller has given up."""
        if self._event.is_set():
            raise Cancelled

    def cancel(self) -> None:
        """Tell the work to end where it next checks."""
        self._event.set()

    def press(self, thread: threading.Thread) -> None:
        """Stop what is under way, again and again until the thread has ended: a stop between two steps goes unheard."""
        while thread.is_alive():
            self._stop()
            thread.join(_STEP_S)


class _Work(threading.Thread, Generic[T]):
    """One piece of work in a thread that keeps what it gave or raised."""

    def __init__(
        self,
        work: Callable[[Cancellation], T],
        cancellation: Cancellation,
        tell: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(name="kqlmagic_ext query", daemon=True)
        self._call, self._cancellation, self._tell = work, cancellation, tell
        self.done = threading.Event()
        self.answer: T
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.answer = self._call(self._cancellation)
        except BaseException as error:  # noqa: BLE001 - it is raised again where the caller waits
            self.error = error
        finally:
            self.done.set()
            self._tell()

    def outcome(self) -> T:
        """What the work gave; what it raised is raised."""
        if self.error is not None:
            raise self.error
        return self.answer


def interruptible(work: Callable[[Cancellation], T], watch: Callable[[], object] | None = None) -> T:
    """What `work` gives. A KeyboardInterrupt cancels it and is raised at once; a straggler ends by itself.

    `watch` is called by the waiting thread in each step, to show how far the work is.
    """
    cancellation = Cancellation()
    thread = _Work(work, cancellation)
    try:
        with interrupts.noted() as raise_noted:
            thread.start()
            while not thread.done.wait(_STEP_S):
                raise_noted()
                if watch is not None:
                    watch()
    except BaseException:
        cancellation.cancel()  # first: a second interrupt may come before the next line
        threading.Thread(target=cancellation.press, args=[thread], daemon=True).start()
        raise
    return thread.outcome()


async def cancellable(work: Callable[[Cancellation], T]) -> T:
    """What `work` gives. A cancelled task cancels it, and ends when the work has ended."""
    import asyncio  # the emulator alone waits so; loading the extension does not

    loop, cancellation, ended = asyncio.get_running_loop(), Cancellation(), asyncio.Event()
    thread = _Work(work, cancellation, lambda: loop.call_soon_threadsafe(ended.set))
    thread.start()
    try:
        await ended.wait()
    except asyncio.CancelledError:
        cancellation.cancel()
        threading.Thread(target=cancellation.press, args=[thread], daemon=True).start()
        while not ended.is_set():
            with suppress(asyncio.CancelledError):  # a second one changes nothing: the work ends first
                await ended.wait()
        raise
    return thread.outcome()
