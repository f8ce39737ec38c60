"""One cell on its way: what a failure tells of its place, and of the variables that the cell would have bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from kqlmagic_ext.errors import KqlMagicError, PlacedError
from kqlmagic_ext.magics import options as opt

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

    from kqlmagic_ext.magics.bindings import Bindings


class Attempt:
    """A context around a cell. A failure in it is placed in the cell, and an old value never passes for the new one.

    `line`: the cell's first. `stopped`: what an interrupt is called. What the cell learns on its way: `asked` and `outputs`,
    the names that it would bind; `began`: whether its work has begun, other than an error itself tells (`sent`); `notes`:
    what the analyst should know also of a failed cell.
    """

    def __init__(self, bindings: Bindings, line: str, stopped: str) -> None:
        self._bindings, self._line, self._stopped = bindings, line, stopped
        self.asked: opt.Cell | None = None
        self.outputs: Iterable[str] = ()
        self.began = False
        self.notes: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, UsageError):
            names = opt.outputs_in(self._line) if self.asked is None else self.outputs
            raise UsageError("; ".join([str(error), *self._bindings.kept(names)])) from error
        if error is not None:
            self._tell(error)

    def _tell(self, error: BaseException) -> None:
        """Place the error in the cell, and say what became of the variables."""
        if isinstance(error, PlacedError) and self.asked is not None:
            error.move(self.asked.line, self.asked.column)
        is_early = isinstance(error, KqlMagicError) and not error.sent and not self.began
        became = self._bindings.kept(self.outputs) if is_early else self._bindings.remove(self.outputs)
        for note in [*self.notes, *became]:
            error.add_note(note)
        if isinstance(error, KeyboardInterrupt) and not KqlMagicError.full_traceback():
            shown = [f"KeyboardInterrupt: {self._stopped}", *getattr(error, "__notes__", ())]
            error._render_traceback_ = lambda: shown  # type: ignore[attr-defined]  # IPython's own hook
