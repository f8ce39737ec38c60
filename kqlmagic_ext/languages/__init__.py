"""Other languages whose cells share the data: each has a session that lives on between its cells.

A new language is a module with a Session, and a line in `LANGUAGES`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Show = Callable[["Piece"], None]


@dataclass(frozen=True)
class Settings:
    """What a session is started with.

    `grace`: seconds that an interrupted cell gets to stop before its process is ended. `program`: the path of the
    runtime, None to look for it. `allow`: what a sandboxed runtime may do, in its own words.
    """

    folder: Path = field(default_factory=Path.cwd)
    grace: float = 5.0
    program: str | None = None
    allow: tuple[str, ...] = ()


@dataclass(frozen=True)
class Piece:
    """A piece of what a cell writes while it runs.

    `stream`: stdout, stderr, error, warning, verbose, debug, information or progress. Of progress, `text` is the line to
    show in place of the last one (empty: it is over).
    """

    stream: str
    text: str


@dataclass(frozen=True)
class Outcome:
    """How a cell ended that did not fail.

    `value`: the text of its last expression, None when there is none. `errors`: errors that did not end it, as they
    were shown. `notes`: what the analyst should know, such as an exit status or output that was left out.
    """

    value: str | None = None
    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Crossing:
    """A value that came from a session, and what the analyst should know of the way."""

    value: Any
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Variable:
    """A variable of a session: its name, and its type and size in the language's own words."""

    name: str
    type: str
    size: str = ""


class Session(Protocol):
    """A running language. What its process cannot survive is told by SessionDied, once; it is then not `alive`."""

    @property
    def alive(self) -> bool:
        """Whether it can still run cells."""

    @property
    def known(self) -> tuple[str, ...]:
        """The names of the variables that it had after its last cell, also when it is dead."""

    @property
    def version(self) -> str:
        """The runtime and its version, such as `Node.js 24.1.0`."""

    def push(self, name: str, value: Any) -> tuple[str, ...]:
        """Give it a Python value under a name; what the analyst should know. Raises ParameterError, LanguageError."""

    def run(self, code: str, show: Show, flags: frozenset[str] = frozenset()) -> Outcome:
        """Run a cell; what it writes is shown as it comes. Raises LanguageError; an interrupt stops the cell."""

    def pull(self, name: str) -> Crossing:
        """The value of a variable as a DataFrame or a Python value. Raises LanguageError."""

    def variables(self) -> tuple[Variable, ...]:
        """The variables that cells have made, by name."""

    def interrupt(self) -> None:
        """Stop the cell that runs."""

    def close(self) -> None:
        """End the process and all that it started; may be called twice."""


@runtime_checkable
class Completer(Protocol):
    """A session that can say what may stand at the cursor."""

    def complete(
        self, code: str, cursor: int, seconds: float
    ) -> tuple[int, int, tuple[tuple[str, str], ...]]:
        """Start and end of the text to replace (in characters), and pairs of text and kind; nothing when it is busy."""


@dataclass(frozen=True)
class Language:
    """A language: how it is written and started.

    `magics`: the cell magics that run it; without one, `--runtime` of the magic of `runtime_of` chooses it. `sigil` stands
    before its variables; `flags` are the options that its `run` understands, with their help.
    """

    name: str
    title: str
    session: str
    magics: tuple[str, ...] = ()
    runtime_of: str | None = None
    sigil: str = ""
    flags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def variable(self, name: str) -> str:
        """Its variable in a receipt: `$failed`; where no sigil tells it from Python's, `failed (Node.js)`."""
        return f"{self.sigil}{name}" if self.sigil else f"{name} ({self.title})"

    def start(self, settings: Settings) -> Session:
        """A new session. Raises LanguageError when the runtime is not there: it says how to get it."""
        module, _, name = self.session.partition(":")
        started: Session = getattr(import_module(module), name)(settings)
        return started


_SCRIPT = MappingProxyType({"--ts": "the cell is TypeScript: its types are taken off"})
LANGUAGES: Mapping[str, Language] = MappingProxyType(
    {
        language.name: language
        for language in (
            Language(
                "powershell",
                "PowerShell",
                "kqlmagic_ext.languages.powershell:PowerShellSession",
                magics=("powershell", "pwsh"),
                sigil="$",
                flags=MappingProxyType({"--strict": "an error that does not end the cell fails it, too"}),
            ),
            Language(
                "node",
                "Node.js",
                "kqlmagic_ext.languages.javascript:NodeSession",
                magics=("node",),
                flags=_SCRIPT,
            ),
            Language(
                "deno",
                "Deno",
                "kqlmagic_ext.languages.javascript:DenoSession",
                runtime_of="node",
                flags=_SCRIPT,
            ),
        )
    }
)
