"""One line of a cell that is shown, replaced and taken away: in a notebook that somebody looks at, or in a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from IPython.display import clear_output, publish_display_data

from kqlmagic_ext.display.receipt import receipt
from kqlmagic_ext.errors import visible

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class LiveLine(Protocol):
    """Where a line can be shown, replaced and taken away."""

    def show(self, line: str) -> None:
        """Show the line in place of the last one."""

    def clear(self) -> None:
        """Take it away, if one was shown."""


class _NotebookLine:
    """A line in the output of a cell. `is_alone`: the cell shows nothing else before its end."""

    def __init__(self, *, is_alone: bool) -> None:
        self._transient = {"display_id": f"kqlmagic_ext-{uuid4().hex}"}
        self._is_alone, self._shown = is_alone, False

    def show(self, line: str) -> None:
        self._publish(dict(receipt([line])))
        self._shown = True

    def clear(self) -> None:
        if self._shown and self._is_alone:
            clear_output()
        elif self._shown:
            self._publish({"text/plain": ""})

    def _publish(self, bundle: dict[str, str]) -> None:
        publish_display_data(bundle, transient=self._transient, update=self._shown)


class _TerminalLine:
    """The current line of a terminal."""

    def __init__(self) -> None:
        self._shown = False

    def show(self, line: str) -> None:
        print(f"\r{visible(line)}\x1b[K", end="", flush=True)  # noqa: T201 - the cell's own output
        self._shown = True

    def clear(self) -> None:
        if self._shown:
            print("\r\x1b[K", end="", flush=True)  # noqa: T201 - as above


def is_watched(shell: InteractiveShell) -> bool:
    """Whether somebody looks at the notebook: who can answer input(), as in no headless run."""
    kernel: Any = getattr(shell, "kernel", None)
    return bool(getattr(kernel, "_allow_stdin", False))


def live_line(shell: InteractiveShell, *, is_alone: bool) -> LiveLine | None:
    """Where this cell can show a line; None where nobody looks."""
    if getattr(shell, "kernel", None) is None:
        return _TerminalLine() if sys.stdout.isatty() else None
    return _NotebookLine(is_alone=is_alone) if is_watched(shell) else None
