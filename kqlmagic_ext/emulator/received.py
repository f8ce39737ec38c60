"""What an emulator received: one frozen record a request, without the sign-in."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_KEPT = 10_000


@dataclass(frozen=True)
class Received:
    """One request: `query` is that of the URL, `body` what its JSON tells (text that is no JSON stays text).

    `status`: the answer's, None while there is none. `cancelled`: the client went away before the answer had ended.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = None
    status: int | None = None
    cancelled: bool = False


class Log:
    """The newest 10,000 requests, in the order in which they came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: deque[tuple[int, Received]] = deque(maxlen=_KEPT)
        self._count = 0

    def add(self, received: Received) -> int:
        """Keep the record; gives its number."""
        with self._lock:
            self._count += 1
            self._records.append((self._count, received))
            return self._count

    def change(self, number: int, **told: Any) -> None:
        """Tell more of the request of that number, such as how it ended."""
        with self._lock:
            for at in range(len(self._records) - 1, -1, -1):
                if self._records[at][0] == number:
                    self._records[at] = (number, replace(self._records[at][1], **told))
                    return

    def all(self) -> list[Received]:
        """The records."""
        with self._lock:
            return [received for _, received in self._records]
