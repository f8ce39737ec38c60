"""A stream of the worker on which its messages stand between plain text: what a cell's programs write there themselves."""

from __future__ import annotations

import codecs
import os
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

_PIECE = 65_536


class Mixed:
    """The parts of a stream in which a mark that nobody can guess stands before each message.

    Behind the mark come a letter, the message, and a line feed: `.` a message, `(` `+` `)` the pieces of one, `@` the
    number of the request to which plain text belongs from here on. `belongs`: that number, None between requests.
    """

    def __init__(self, stream: IO[bytes], mark: str) -> None:
        self._stream, self._mark = stream, mark.encode()
        self._text = codecs.getincrementaldecoder("utf-8")("replace")
        self._pieces: list[bytes] = []
        self.belongs: int | None = None

    def read(self) -> Iterator[bytes | str]:
        """The messages, as lines, and the plain text between them, as it comes; to the end of the stream."""
        rest = b""
        with self._stream as stream:
            while piece := os.read(stream.fileno(), _PIECE):
                rest = yield from self._parts(rest + piece)
            yield from self._plain(b"" if rest.startswith(self._mark) else rest, final=True)

    def _parts(self, data: bytes) -> Generator[bytes | str, None, bytes]:
        """The parts that end in the data; gives what may be the start of a message."""
        while (start := data.find(self._mark)) >= 0:
            yield from self._plain(data[:start])
            end = data.find(b"\n", start)
            if end < 0:
                return data[start:]
            begin = start + len(self._mark)
            yield from self._message(data[begin : begin + 1], data[begin + 1 : end])
            data = data[end + 1 :]
        kept = self._start_of_mark(data)
        yield from self._plain(data[: len(data) - kept])
        return data[len(data) - kept :]

    def _message(self, letter: bytes, body: bytes) -> Iterator[bytes]:
        if letter == b"@":
            self.belongs = int(body) if body else None
        elif letter == b".":
            yield body + b"\n"
        else:
            if letter == b"(":
                self._pieces.clear()
            self._pieces.append(body)
            if letter == b")":
                yield b"".join([*self._pieces, b"\n"])
                self._pieces.clear()

    def _start_of_mark(self, data: bytes) -> int:
        """How many bytes at the end may be the start of a mark."""
        sizes = range(min(len(self._mark) - 1, len(data)), 0, -1)
        return next((size for size in sizes if data.endswith(self._mark[:size])), 0)

    def _plain(self, data: bytes, *, final: bool = False) -> Iterator[str]:
        text = self._text.decode(data, final)
        if text:
            yield text


def record(stream: str, text: str, belongs: int | None) -> dict[str, Any]:
    """Plain text as a message of the protocol."""
    return {"event": "record", "id": belongs, "stream": stream, "text": text}
