"""What a cell of another language writes, shown as it comes; its progress as a line that is replaced."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from IPython.display import publish_display_data

from kqlmagic_ext.display.receipt import receipt
from kqlmagic_ext.errors import harmless

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from kqlmagic_ext.languages import Piece

_TO_STDERR = frozenset({"stderr", "error", "warning"})


class Screen:
    """Shows pieces up to a number of characters; what is beyond it is counted, and told by `note`."""

    def __init__(self, shell: InteractiveShell, characters: int) -> None:
        self._left, self._left_out = characters, 0
        self._progress = _bar(shell)

    def show(self, piece: Piece) -> None:
        """Show a piece; it may come from a program that an attacker writes for."""
        if piece.stream == "progress":
            self._progress.show(piece.text)
            return
        text, self._left_out = piece.text[: self._left], self._left_out + max(0, len(piece.text) - self._left)
        self._left -= len(text)
        if text:
            where = sys.stderr if piece.stream in _TO_STDERR else sys.stdout
            where.write(harmless(text))
            where.flush()

    def close(self) -> None:
        """Take the progress away."""
        self._progress.show("")

    @property
    def note(self) -> list[str]:
        """What was left out."""
        return [f"{self._left_out:,} characters of output were left out"] if self._left_out else []


class _Nowhere:
    """No place for progress."""

    def show(self, line: str) -> None:
        """Show nothing."""


class _NotebookBar:
    """A line of a notebook's cell that is replaced; empty when it is over."""

    def __init__(self) -> None:
        self._transient = {"display_id": f"kqlmagic_ext-{uuid4().hex}"}
        self._shown = ""

    def show(self, line: str) -> None:
        if line == self._shown:
            return
        bundle = dict(receipt([line])) if line else {"text/plain": ""}
        publish_display_data(bundle, transient=self._transient, update=bool(self._shown) or not line)
        self._shown = line


class _TerminalBar:
    """The current line of a terminal."""

    def __init__(self) -> None:
        self._shown = ""

    def show(self, line: str) -> None:
        if line != self._shown:
            sys.stderr.write(f"\r{harmless(line)}\x1b[K")
            sys.stderr.flush()
            self._shown = line


def _bar(shell: InteractiveShell) -> _Nowhere | _NotebookBar | _TerminalBar:
    """Where this cell can show progress; nowhere in headless runs."""
    kernel: Any = getattr(shell, "kernel", None)
    if kernel is None:
        return _TerminalBar() if sys.stderr.isatty() else _Nowhere()
    return _NotebookBar() if getattr(kernel, "_allow_stdin", False) else _Nowhere()
