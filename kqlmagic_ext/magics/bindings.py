"""The variables that our cells bind: which may be bound, what they hold, what becomes of them after a failure."""

from __future__ import annotations

import builtins
import keyword
import weakref
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from kqlmagic_ext.display.receipt import described
from kqlmagic_ext.errors import ParameterError
from kqlmagic_ext.kql.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from IPython.core.interactiveshell import InteractiveShell


@dataclass(frozen=True)
class _Bound:
    """What a cell of ours bound: whether a value is it still, what it is, and when (the notebook's own clock)."""

    holds: Callable[[Any], bool]
    kind: str
    when: str


def _is_it(value: Any) -> Callable[[Any], bool]:
    """Whether a value is this one, which is not kept alive by the question."""
    try:
        held = weakref.ref(value)
    except TypeError:  # a list, a text, a number: its place in memory, and its type
        place, kind = id(value), type(value)
        return lambda other: id(other) == place and type(other) is kind
    return lambda other: held() is other


class Bindings:
    """The notebook's variables: their values, what our cells bound, and what the last failure took away."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._bound: dict[str, _Bound] = {}
        self._removed: dict[str, Any] = {}  # those of one failure: the only frames kept alive

    def value(self, name: str, local_ns: Mapping[str, Any] | None = None, **place: Any) -> Any:
        """The value of a Python variable, from the calling function if a magic runs in one.

        Raises ParameterError, at the place of the cell, when there is none.
        """
        for namespace in (local_ns or {}, self._shell.user_ns):
            if name in namespace:
                return namespace[name]
        own = [one for one in self._shell.user_ns if not one.startswith("_")]
        near = did_you_mean(name, [*(local_ns or {}), *own])
        meant = f"; {near}" if near else ""
        raise ParameterError(f"there is no variable {name!r} in this notebook{meant}", name=name, **place)

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

    def bind(self, names: Iterable[str], values: Iterable[Any]) -> None:
        """Bind each name to its value."""
        when = datetime.now().astimezone().strftime("%H:%M")
        for name, value in zip(names, values, strict=False):
            self._shell.push({name: value})
            self._bound[name] = _Bound(_is_it(value), described(value), when)
            self._removed.pop(name, None)

    def kept(self, names: Iterable[str]) -> list[str]:
        """What the names still hold, for a failure before anything was sent."""
        ours = {name: self._ours(name) for name in names}
        return [
            f"{name} still holds {bound.kind} of {bound.when}"
            for name, bound in ours.items()
            if bound is not None
        ]

    def remove(self, names: Iterable[str]) -> list[str]:
        """Take away what cells of ours bound, since it would pass for the failed answer; says how to get it back."""
        ours = {name: bound for name in names if (bound := self._ours(name)) is not None}
        if ours:
            self._removed = {name: self._shell.user_ns.pop(name) for name in ours}
        return [
            f"{name} ({bound.kind} of {bound.when}) was removed; %kql_restore {name} brings it back"
            for name, bound in ours.items()
        ]

    def restore(self, name: str) -> Any:
        """The value that a failure took from the name, bound again; UsageError when there is none."""
        if name not in self._removed:
            there = f"; there is {', '.join(self._removed)}" if self._removed else ""
            raise UsageError(f"nothing was removed from {name!r}{there}")
        if name in self._shell.user_ns:
            raise UsageError(f"{name} holds another value since; del {name} first")
        value = self._removed.pop(name)
        self._shell.push({name: value})
        return value

    def _ours(self, name: str) -> _Bound | None:
        """What we bound, if the name still holds it."""
        bound = self._bound.get(name)
        names = self._shell.user_ns
        return bound if bound is not None and name in names and bound.holds(names[name]) else None
