"""The variables that our cells bind: which may be bound, what they hold, what becomes of them after a failure."""

from __future__ import annotations

import builtins
import keyword
import weakref
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from kqlmagic_ext.display.receipt import size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell


@dataclass(frozen=True)
class _Bound:
    """A frame that a cell of ours bound, held weakly, its size, and when (the notebook's own clock)."""

    frame: weakref.ref[pd.DataFrame]
    size: str
    when: str


class Bindings:
    """What our cells bound in the notebook's namespace, and the last frame that a failure took away."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._bound: dict[str, _Bound] = {}
        self._removed: dict[str, pd.DataFrame] = {}  # those of one failure: the only frames kept alive

    def check(self, names: Sequence[str]) -> None:
        """Raise UsageError for a name that must not be bound."""
        for name in names:
            if not name.isidentifier() or keyword.iskeyword(name):
                raise UsageError(f"-o {name}: that is no name of a Python variable")
            if name in self._shell.user_ns_hidden:
                raise UsageError(f"-o {name}: that is IPython's own; choose another name")
            if hasattr(builtins, name):
                raise UsageError(f"-o {name}: that would hide Python's own {name}; choose another name")
            if isinstance(self._shell.user_ns.get(name), ModuleType):
                raise UsageError(f"-o {name}: {name} is a module in this notebook; choose another name")
        if len(set(names)) < len(names):
            raise UsageError(f"-o {','.join(names)}: a name stands twice")

    def bind(self, names: Iterable[str], frames: Iterable[pd.DataFrame]) -> None:
        """Bind each name to its frame."""
        when = datetime.now().astimezone().strftime("%H:%M")
        for name, frame in zip(names, frames, strict=False):
            self._shell.push({name: frame})
            self._bound[name] = _Bound(weakref.ref(frame), size(frame), when)
            self._removed.pop(name, None)

    def kept(self, names: Iterable[str]) -> list[str]:
        """What the names still hold, for a failure before anything was sent."""
        ours = {name: self._ours(name) for name in names}
        return [
            f"{name} still holds {bound.size} of {bound.when}"
            for name, bound in ours.items()
            if bound is not None
        ]

    def remove(self, names: Iterable[str]) -> list[str]:
        """Take away what cells of ours bound, since it would pass for the failed answer; says how to get it back."""
        ours = {name: bound for name in names if (bound := self._ours(name)) is not None}
        if ours:
            self._removed = {name: self._shell.user_ns.pop(name) for name in ours}
        return [
            f"{name} ({bound.size} of {bound.when}) was removed; %kql_restore {name} brings it back"
            for name, bound in ours.items()
        ]

    def restore(self, name: str) -> pd.DataFrame:
        """The frame that a failure took from the name, bound again; UsageError when there is none."""
        if name not in self._removed:
            there = f"; there is {', '.join(self._removed)}" if self._removed else ""
            raise UsageError(f"nothing was removed from {name!r}{there}")
        if name in self._shell.user_ns:
            raise UsageError(f"{name} holds another value since; del {name} first")
        frame = self._removed.pop(name)
        self._shell.push({name: frame})
        return frame

    def _ours(self, name: str) -> _Bound | None:
        """What we bound, if the name still holds it."""
        bound = self._bound.get(name)
        holds = self._shell.user_ns.get(name)
        return bound if bound is not None and holds is not None and holds is bound.frame() else None
