"""The session of a worker: Node.js, or Deno."""

from __future__ import annotations

import json
import re
import secrets
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import LanguageError
from kqlmagic_ext.frontend import FILES, has_library
from kqlmagic_ext.frontend import FOLDER as FRONTEND
from kqlmagic_ext.languages import Crossing, Outcome, Piece, Variable
from kqlmagic_ext.languages.child import Child
from kqlmagic_ext.languages.conversation import Conversation, Ended, Refused, TooSlow
from kqlmagic_ext.languages.javascript import data
from kqlmagic_ext.languages.javascript.beside import Errors, Late
from kqlmagic_ext.languages.javascript.line import Line
from kqlmagic_ext.languages.javascript.mixed import Mixed, record
from kqlmagic_ext.languages.javascript.runtimes import DENO, NODE, WORKER, without_types
from kqlmagic_ext.languages.process import Process, private_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kqlmagic_ext.languages import Settings, Show
    from kqlmagic_ext.languages.conversation import Message
    from kqlmagic_ext.languages.javascript.runtimes import Runtime

_START_S = 30.0
_FAREWELL_S = 0.5
_TOO_OLD = "TOO OLD "
_SAID = {
    "bad_name": "{name} {message}, and cannot be given from outside; give it under another one: -i other={name}",
    "no_variable": "there is no variable {name} in {title}: {message}",
    "get_failed": "{message}",
}
_DENIED = re.compile(r", run again with the --allow-(\w+) flag")


class _TooOld(Exception):  # noqa: N818 - what it is
    """The program is too old; its version."""


class JavaScriptSession:
    """A worker that runs in a program of a runtime: the first of those that are there which is not too old."""

    def __init__(self, settings: Settings, runtime: Runtime) -> None:
        self._runtime, self._has_arrow = runtime, has_library("arrow")
        self._allowed = settings.allow
        self._cells = self._files = 0
        self._is_busy = False
        candidates = runtime.candidates(settings)
        for program in candidates:
            try:
                self._start(program, settings)
            except _TooOld as error:
                if program == candidates[-1]:
                    said = f"{runtime.title} {error} ({program}) is too old; {runtime.get}"
                    raise LanguageError(said, language=runtime.language) from error
            else:
                break

    # ------------------------------------------------------------ start

    def _start(self, program: str, settings: Settings) -> None:
        """Start a program. Raises LanguageError, _TooOld."""
        with ExitStack() as undo:
            folder = private_folder()
            undo.callback(folder.cleanup)
            self._line = Line(Path(folder.name))
            undo.callback(self._line.close)
            self._child = self._launch(program, settings, Path(folder.name))
            undo.callback(self._child.end)
            greeting = self._converse(settings)
            undo.pop_all()
        title = self._runtime.title
        self.version = f"{title} {greeting['version']}"
        self._program, self._takes_types = program, greeting["typescript"]
        self._process = Process(
            self._runtime.language,
            title,
            self._child,
            self._conversation,
            self.interrupt,
            self._errors,
            settings,
            folder=folder,
        )

    def _launch(self, program: str, settings: Settings, own: Path) -> Child:
        command = [program, *self._runtime.flags(settings, own), str(WORKER / "worker.mjs")]
        try:
            return Child(command, settings.folder, self._runtime.variables)
        except OSError as error:
            raise self._runtime.missing(program, error) from error

    def _converse(self, settings: Settings) -> Message:
        """Begin to listen to the worker; its greeting."""
        mark = "\x1e" + secrets.token_hex(16)
        self._late = Late()
        mixed = Mixed(self._child.stdout, mark)
        self._conversation = Conversation(self._line.send, _lines(mixed), self._late.add)
        self._errors = Errors(self._child.stderr, self._conversation, lambda: mixed.belongs)
        first = {
            "mark": mark,
            "folder": str(settings.folder),
            "line": None if self._line.path is None else str(self._line.path),
            "frame": str(FRONTEND / FILES["frame"]),
            "arrow": str(FRONTEND / FILES["arrow"]) if self._has_arrow else None,
        }
        greeting = self._greet(json.dumps(first).encode() + b"\n")
        self._line.started(self._child.stdin)
        return greeting

    def _greet(self, first: bytes) -> Message:
        """The worker's answer to the first line; raises _TooOld, LanguageError."""
        try:
            self._child.stdin.write(first)
            self._child.stdin.flush()
        except OSError:
            pass  # it has ended, and the reader knows
        try:
            return self._conversation.greeting(_START_S)
        except (Ended, TooSlow) as error:
            words = self._errors.first()
            if words.startswith(_TOO_OLD):
                raise _TooOld(words.removeprefix(_TOO_OLD)) from error
            why = f": {words}" if words else ""
            title = self._runtime.title
            raise LanguageError(f"{title} did not start{why}", language=self._runtime.language) from error

    # ------------------------------------------------------------ what it is

    @property
    def alive(self) -> bool:
        """Whether it can still run cells."""
        return self._process.alive

    @property
    def known(self) -> tuple[str, ...]:
        """The names of the variables that it had after its last cell, also when it is dead."""
        return self._process.known

    def variables(self) -> tuple[Variable, ...]:
        """The variables that cells have made, by name."""
        listed = self._ask("variables")["variables"]
        return tuple(Variable(found["name"], found["type"], found["size"]) for found in listed)

    # ------------------------------------------------------------ cells

    def run(self, code: str, show: Show, flags: frozenset[str] = frozenset()) -> Outcome:
        """Run a cell; `--ts` takes its types off. Raises LanguageError, SessionDied."""

        def heard(message: Message) -> None:
            show(Piece(message["stream"], message["text"]))

        if "--ts" in flags and not self._takes_types:
            raise without_types(self.version, self._program)
        self._show_late(heard)
        self._cells += 1
        self._is_busy = True
        try:
            done = self._process.ask("run", heard, code=code, number=self._cells, ts="--ts" in flags)
        except Refused as refused:
            self._know(refused.details)
            if refused.details.get("ends"):
                self.close()
            raise self._failed(refused) from None
        except KeyboardInterrupt as interrupt:
            if self.alive:
                word = self._runtime.language
                interrupt.add_note(
                    f"what it awaited may go on in its session; %restart_session {word} ends it"
                )
            raise
        finally:
            self._is_busy = False
            self._errors.settle()
            self._show_late(heard)
        self._know(done)
        return Outcome(done["value"])

    def _show_late(self, heard: Callable[[Message], object]) -> None:
        for message in self._late.take():
            heard(message)

    def _know(self, answer: Message) -> None:
        self._process.known = tuple(answer.get("names", self.known))

    def _failed(self, refused: Refused) -> LanguageError:
        """The error of a cell, with its place."""
        details = refused.details
        place = {name: details.get(name) for name in ("line", "column", "source")}
        message = _DENIED.sub(self._how_to_allow, refused.message)
        error = LanguageError(message, language=self._runtime.language, **place)
        for note in details.get("notes", ()):
            error.add_note(note)
        return error

    def _how_to_allow(self, denied: re.Match[str]) -> str:
        """How to allow one thing more than now."""
        return self._runtime.allow.format(allowed=",".join([*self._allowed, denied[1]]))

    def interrupt(self) -> None:
        """Stop the cell that runs, and what its programs do in the foreground."""
        self._process.tell("stop")
        self._child.signal_all(signal.SIGINT)

    def close(self) -> None:
        """End the process and all that it started; may be called twice."""
        self._process.close(self._say_goodbye)
        self._line.close()

    def _say_goodbye(self) -> None:
        self._process.tell("bye")
        self._child.wait(_FAREWELL_S)

    def complete(
        self, code: str, cursor: int, seconds: float
    ) -> tuple[int, int, tuple[tuple[str, str], ...]]:
        """Start and end of the text to replace, and pairs of text and kind; nothing while a cell runs."""
        if self._is_busy:
            return cursor, cursor, ()
        answer = self._process.try_ask("complete", seconds, before=code[:cursor])
        if answer is None or answer["event"] != "completions":
            return cursor, cursor, ()
        return cursor - answer["size"], cursor, tuple((one["text"], one["kind"]) for one in answer["found"])

    # ------------------------------------------------------------ data

    def push(self, name: str, value: Any) -> tuple[str, ...]:
        """Give it a Python value under a name; what the analyst should know. Raises ParameterError, LanguageError."""
        path = self._new_path()
        try:
            fields, warnings = data.packed(value, name, path, with_arrow=self._has_arrow)
            self._ask("set", name=name, **fields)
        finally:
            path.unlink(missing_ok=True)
        self._process.known = tuple(sorted({*self._process.known, name}))
        return warnings

    def pull(self, name: str) -> Crossing:
        """The value of a variable as a DataFrame or a Python value. Raises LanguageError."""
        path = self._new_path()
        try:
            answer = self._ask("get", name=name, path=str(path))
            return data.unpacked(answer, path, name, self._runtime.language)
        finally:
            path.unlink(missing_ok=True)

    def _new_path(self) -> Path:
        self._files += 1
        return self._process.folder / f"{self._files}.data"

    def _ask(self, op: str, **fields: Any) -> Message:
        """An answer that is no cell's. Raises LanguageError."""
        try:
            return self._process.ask(op, **fields)
        except Refused as refused:
            said = _SAID.get(refused.code, "{message}").format(
                name=fields.get("name"), message=refused.message, title=self._runtime.title
            )
            raise LanguageError(said, language=self._runtime.language) from None


class NodeSession(JavaScriptSession):
    """A session of Node.js."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, NODE)


class DenoSession(JavaScriptSession):
    """A session of Deno, which reaches its own folder, and what the settings allow."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, DENO)


def _lines(mixed: Mixed) -> Iterator[bytes | Message]:
    """The messages of stdout, and its plain text as such."""
    for part in mixed.read():
        yield part if isinstance(part, bytes) else record("stdout", part, mixed.belongs)
