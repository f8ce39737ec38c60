"""gzip → text, member by member, in pieces of at most 1 MB however far they were packed."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.log_analytics.decode.broken import BrokenAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator

_WINDOW_BITS = 31  # gzip
_MAGIC = b"\x1f\x8b"
_MOST_TEXT = 1 << 20


def _library() -> Any:
    """Intel's isal, several times as fast, or zlib."""
    try:
        from isal import isal_zlib
    except ImportError:  # no build for this machine
        return zlib
    return isal_zlib


class Gunzip:
    """Takes a gzip stream piece by piece; `whole` says whether it ended where a member ends."""

    def __init__(self) -> None:
        self._zlib = _library()
        self._member: Any = None
        self._start = b""

    @property
    def whole(self) -> bool:
        """Whether each member that began has come to its end."""
        return self._member is None and not self._start

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The text of the next piece; BrokenAnswer when it is no gzip."""
        piece = self._start + piece
        self._start = b""
        while piece:
            if self._member is None:
                if len(piece) < len(_MAGIC) and _MAGIC.startswith(piece):
                    self._start = piece
                    return
                if not piece.startswith(_MAGIC):
                    raise BrokenAnswer("bytes that are no gzip stand where a gzip stream should begin or end")
                self._member = self._zlib.decompressobj(_WINDOW_BITS)
            text, piece = self._inflate(piece)
            if text:
                yield text

    def _inflate(self, piece: bytes) -> tuple[bytes, bytes]:
        """The next text, and what is left of the piece."""
        member = self._member
        try:
            text = member.decompress(piece, _MOST_TEXT)
        except (zlib.error, self._zlib.error) as error:
            raise BrokenAnswer(f"the gzip stream is damaged: {error}") from error
        if member.eof:
            self._member = None
            return text, member.unused_data
        return text, member.unconsumed_tail
