"""What a cell of another language writes, shown as it comes; its progress as a line that is replaced."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kqlmagic_ext.errors import harmless
from kqlmagic_ext.magics.live import live_line

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from kqlmagic_ext.languages import Piece

_TO_STDERR = frozenset({"stderr", "error", "warning"})


class Screen:
    """Shows pieces up to a number of characters; what is beyond it is counted, and told by `note`."""

    def __init__(self, shell: InteractiveShell, characters: int) -> None:
        self._left, self._left_out = characters, 0
        self._bar, self._progress = live_line(shell, is_alone=False), ""

    def show(self, piece: Piece) -> None:
        """Show a piece; it may come from a program that an attacker writes for."""
        if piece.stream == "progress":
            self._advance(piece.text)
            return
        text, self._left_out = piece.text[: self._left], self._left_out + max(0, len(piece.text) - self._left)
        self._left -= len(text)
        if text:
            where = sys.stderr if piece.stream in _TO_STDERR else sys.stdout
            where.write(harmless(text))
            where.flush()

    def _advance(self, line: str) -> None:
        """Show how far the cell is; an empty line takes that away."""
        if self._bar is None or line == self._progress:
            return
        if line:
            self._bar.show(line)
        else:
            self._bar.clear()
        self._progress = line

    def close(self) -> None:
        """Take the progress away."""
        self._advance("")

    @property
    def note(self) -> list[str]:
        """What was left out."""
        return [f"{self._left_out:,} characters of output were left out"] if self._left_out else []
