"""Numbered requests to a child and its answers: one thread reads, and gives each message to who waits for it."""

from __future__ import annotations

import itertools
import json
import queue
import threading
import time
from typing import TYPE_CHECKING, Any

from kqlmagic_ext import interrupts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Message = dict[str, Any]

_STEP_S = 0.05
_BREATH_S = 0.002
_MOST_WAITING = 10_000  # messages of one request: beyond it the child waits
_PLAIN = {"stdout", "stderr"}  # streams whose records are pieces of a text; those of others are whole lines


class Ended(Exception):  # noqa: N818 - what happened
    """The child's end of the line has closed, or what came over it was no message; `broken` says what."""

    def __init__(self, broken: str | None = None) -> None:
        super().__init__(broken or "ended")
        self.broken = broken


class Refused(Exception):  # noqa: N818 - what happened
    """The child answered with an error: its `code` and `message`, and all it said."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.get("message", ""))
        self.code: str = message.get("code", "")
        self.message: str = message.get("message", "")
        self.details = message


class TooSlow(Exception):  # noqa: N818 - what happened
    """No answer came in time."""


class _Request:
    """One request that waits for its answer.

    The thread that waits may be interrupted anywhere: of Python's queues the simple one alone bears that. It has no bound,
    so the thread that reads looks how much waits already.
    """

    def __init__(self, number: int | None) -> None:
        self.number = number
        self.messages: queue.SimpleQueue[Message | Ended | None] = queue.SimpleQueue()  # None: look up
        self.given_up = False
        self._ahead: Message | Ended | None = None

    def put(self, message: Message | Ended) -> None:
        """Add what came; waits while too much waits already, unless nobody waits for it any more."""
        while self.messages.qsize() >= _MOST_WAITING and not self.given_up:
            time.sleep(_BREATH_S)
        self.messages.put(message)

    def take(self) -> Message | Ended | None:
        """What came next, None when nothing came for a moment; plain text of one stream that waits already comes as one."""
        message, self._ahead = self._ahead, None
        try:
            message = message or self.messages.get(timeout=_STEP_S)
        except queue.Empty:
            return None
        if not isinstance(message, dict) or message.get("stream") not in _PLAIN:
            return message
        texts = [message["text"]]
        for _ in range(self.messages.qsize()):
            self._ahead = self.messages.get()
            if not isinstance(self._ahead, dict) or self._ahead != message | {
                "text": self._ahead.get("text")
            }:
                break
            texts.append(self._ahead["text"])
            self._ahead = None
        return message | {"text": "".join(texts)}


class Conversation:
    """Requests over a line to a child. `send` writes one line of bytes; `lines` are those that come back.

    A message from the child is a JSON object with `event`, and the `id` of its request; `hello` comes first, without one.
    `record` events are on the way to the answer; an `error` event is the answer of a request that was refused. A line may
    also be such an object already. `unasked` is given each message that nobody waits for, in the thread that reads.
    """

    def __init__(
        self,
        send: Callable[[bytes], object],
        lines: Iterable[bytes | Message],
        unasked: Callable[[Message], object] = lambda _: None,
    ) -> None:
        self._send, self._lines, self._unasked = send, lines, unasked
        self._numbers = itertools.count(1)
        self._waiting: dict[int | None, _Request] = {None: _Request(None)}  # the greeting
        self._lock, self._sending = threading.Lock(), threading.Lock()
        self._ended: Ended | None = None
        threading.Thread(target=self._read, name="kqlmagic_ext session", daemon=True).start()

    @property
    def over(self) -> bool:
        """Whether the child's end has closed."""
        return self._ended is not None

    def greeting(self, seconds: float) -> Message:
        """The child's first message. Raises Ended, TooSlow."""
        return self._answer(self._waiting[None], None, seconds)

    def ask(
        self,
        op: str,
        listen: Callable[[Message], object] | None = None,
        seconds: float | None = None,
        **fields: Any,
    ) -> Message:
        """The answer to a request; what comes on the way is given to `listen`, in this thread.

        Raises
        ------
        Ended, Refused, TooSlow
            When the child is gone, says no, or has not answered within the seconds.
        """
        return self.wait(self.request(op, **fields), listen, seconds)

    def request(self, op: str, **fields: Any) -> int:
        """Send a request without waiting; its number."""
        number = self.number()
        self.send(number, op, **fields)
        return number

    def number(self) -> int:
        """The number of a request that will be sent."""
        with self._lock:
            number = next(self._numbers)
            self._waiting[number] = _Request(number)
        return number

    def send(self, number: int, op: str, /, **fields: Any) -> None:
        """Send the request of that number; one that finds nobody is answered by Ended."""
        line = json.dumps({"op": op, "id": number, **fields}).encode() + b"\n"
        try:
            if self._ended is None:
                with self._sending:  # Tab asks in a thread of its own: lines must not mix
                    self._send(line)
        except OSError:  # its end has closed; the reader tells it
            if self._ended is None:
                self._waiting[number].put(Ended())
        if self._ended is not None:
            self._waiting[number].put(self._ended)

    def wait(
        self,
        number: int,
        listen: Callable[[Message], object] | None = None,
        seconds: float | None = None,
    ) -> Message:
        """The answer to a request that was sent; may be called again after an interrupt or TooSlow."""
        answer = self._answer(self._waiting[number], listen, seconds)
        if answer["event"] == "error":
            raise Refused(answer)
        return answer

    def expects(self, number: int) -> bool:
        """Whether the answer to a request has not been given yet, nor forgotten."""
        return number in self._waiting

    def forget(self, number: int | None) -> None:
        """Wait no longer for the answer to a request."""
        request = self._waiting.pop(number, None)
        if request is not None:
            request.given_up = True

    def put(self, message: Message) -> None:
        """Take a message that came, on this line or on another way; waits while its request has too many."""
        request = self._waiting.get(message.get("id"))
        if request is None:
            self._unasked(message)
        else:
            request.put(message)

    def _answer(
        self, request: _Request, listen: Callable[[Message], object] | None, seconds: float | None
    ) -> Message:
        """The message that ends a request; waits in short steps, so that an interrupt is heard everywhere."""
        deadline = None if seconds is None else time.monotonic() + seconds
        # An interrupt wakes the queue: interrupted near its deadline and not raised, it would wait for ever.
        with interrupts.noted(lambda: request.messages.put(None)) as raise_noted:
            while True:
                raise_noted()
                if deadline is not None and time.monotonic() > deadline:  # also when records come without end
                    raise TooSlow
                message = request.take()
                if message is None:
                    continue
                if isinstance(message, Ended):
                    raise message
                if message["event"] != "record":
                    self.forget(request.number)  # also when an interrupt came with it
                    return message
                if listen is not None:
                    listen(message)

    def _read(self) -> None:
        """Give each message to its request, to the end."""
        ended = Ended()
        try:
            for message in self._messages():
                self.put(message)
        except (ValueError, RecursionError) as error:
            ended = Ended(f"it sent what is no message ({error})")
        except OSError:
            pass  # the connection broke: the end as well
        with self._lock:
            self._ended = ended
            waiting = list(self._waiting.values())
        for request in waiting:
            request.put(ended)

    def _messages(self) -> Iterator[Message]:
        for line in self._lines:
            if isinstance(line, bytes) and not line.endswith(b"\n"):
                raise ValueError("a line was cut")
            message = json.loads(line) if isinstance(line, bytes) else line  # bad UTF-8 is a ValueError, too
            if not isinstance(message, dict) or not isinstance(message.get("event"), str):
                raise ValueError("no event")  # noqa: TRY004 - as for all that is no message
            if not isinstance(message.get("id"), int | None):
                raise ValueError("no number")  # noqa: TRY004 - the same
            yield message
