"""What a worker and its programs write beside the answers: on stderr, and while no cell runs."""

from __future__ import annotations

import codecs
import os
import re
import time
from collections import deque
from threading import Lock, Thread
from typing import TYPE_CHECKING

from kqlmagic_ext.languages.child import ready
from kqlmagic_ext.languages.javascript.mixed import record

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

    from kqlmagic_ext.languages.conversation import Conversation, Message

_SETTLE_S, _STEP_S = 0.25, 0.0005
_MOST_LATE = 100_000  # characters
_LAST_WORDS = 40
_PIECE = 65_536
_FATAL = re.compile(r"(FATAL ERROR|Fatal JavaScript out of memory): .*")  # V8's; what follows are addresses
# Node.js says so at its end, since the thread that hears us has listened to the main one.
_IDLE_WORDS = "Waiting for the debugger to disconnect...\n"


class Late:
    """What was written while no cell ran, until the next one shows it; only so much of it."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._characters = self._left_out = 0
        self._lock = Lock()

    def add(self, message: Message) -> None:
        """Keep a record; any other message that nobody waits for is of no use."""
        if message["event"] != "record":
            return
        size = len(message["text"])
        with self._lock:
            if self._characters + size > _MOST_LATE:
                self._left_out += size
            else:
                self._characters += size
                self._messages.append(message)

    def take(self) -> list[Message]:
        """What was kept; it is kept no longer."""
        with self._lock:
            taken, left_out = self._messages, self._left_out
            self._messages, self._characters, self._left_out = [], 0, 0
        if left_out:
            said = f"… {left_out:,} characters that were written between cells are left out\n"
            taken.append(record("stderr", said, None))
        return taken


class Errors:
    """The worker's stderr: what is written there is shown with the cell that runs, and the last lines are kept."""

    def __init__(
        self, stream: IO[bytes], conversation: Conversation, belongs: Callable[[], int | None]
    ) -> None:
        self._stream, self._conversation, self._belongs = stream, conversation, belongs
        self._lines: deque[str] = deque(maxlen=_LAST_WORDS)
        self._fatal = ""
        self._is_reading = False
        self._thread = Thread(target=self._read, name="kqlmagic_ext stderr", daemon=True)
        self._thread.start()

    def settle(self) -> None:
        """Wait until all is read that has been written; only for a moment."""
        deadline = time.monotonic() + _SETTLE_S
        while self._is_behind() and time.monotonic() < deadline:
            time.sleep(_STEP_S)  # an interrupt would break a lock that is waited for

    def text(self) -> str:
        """What it said last: why it ended, where it said so."""
        self._thread.join(_SETTLE_S)
        return self._fatal or "\n".join(self._lines)

    def first(self) -> str:
        """Why it did not start: the line that says `error`, or the last one."""
        lines = self.text().splitlines() or [""]
        return next((line for line in lines if "rror" in line), lines[-1]).strip()

    def _is_behind(self) -> bool:
        """Whether something waits to be read, or is on its way: in this order, since reading takes it away."""
        return ready(self._stream, 0) or self._is_reading

    def _read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with self._stream as stream:
            while piece := self._piece(stream):
                text = decoder.decode(piece)
                if text and text != _IDLE_WORDS:
                    self._keep(text)
                    self._conversation.put(record("stderr", text, self._belongs()))
                self._is_reading = False
            self._is_reading = False

    def _piece(self, stream: IO[bytes]) -> bytes:
        ready(stream, None)
        self._is_reading = True
        return os.read(stream.fileno(), _PIECE)

    def _keep(self, text: str) -> None:
        for line in text.splitlines():
            if line.strip():
                self._lines.append(line)
            fatal = _FATAL.search(line)
            if fatal is not None:
                self._fatal = fatal[0]
