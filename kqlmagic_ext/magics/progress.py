"""How far a query is, in place, while it takes longer than a second; nothing of it stays in the notebook."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from IPython.display import publish_display_data

from kqlmagic_ext.connections import Prompt
from kqlmagic_ext.display.receipt import receipt
from kqlmagic_ext.magics.live import live_line

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from IPython.core.interactiveshell import InteractiveShell

    from kqlmagic_ext.magics.live import LiveLine

_QUIET_S = 1.0
_STEP_S = 0.25


class Progress:
    """Shows a query's lines from its second second on; leaving it takes them away."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._place = _place(shell)
        self._next = time.monotonic() + _QUIET_S
        self._shown = ""

    def __call__(self, line: str) -> None:
        """Show the line, unless it stands there already or one was shown just now."""
        if isinstance(line, Prompt):
            self._ask(line)
            return
        now = time.monotonic()
        if self._place is None or line == self._shown or now < self._next:
            return
        self._place.show(line)
        self._shown, self._next = line, now + _STEP_S

    def _ask(self, prompt: Prompt) -> None:
        """Show what the analyst must do, at once and also where progress is silent."""
        if prompt == self._shown:
            return
        if self._place is None:
            publish_display_data(dict(receipt([prompt])))
        else:
            self._place.show(prompt)
        self._shown = prompt

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._place is not None and self._shown:
            self._place.clear()


def _place(shell: InteractiveShell) -> LiveLine | None:
    """Where this cell can show progress; None in headless runs, and where other outputs would go with it."""
    kernel: Any = getattr(shell, "kernel", None)
    return live_line(shell, is_alone=True) if kernel is None or _is_alone(kernel) else None


def _is_alone(kernel: Any) -> bool:
    """Whether the notebook's cell is one magic and nothing else, so that nothing was shown before."""
    content = kernel.get_parent("shell").get("content", {})
    code = str(content.get("code", "")).strip()
    return code.startswith("%%") or (code.startswith("%") and "\n" not in code)
