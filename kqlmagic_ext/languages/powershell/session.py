"""The session of PowerShell: values in, cells, values out, and what becomes of an interrupt and of a death."""

from __future__ import annotations

import secrets
import time
from contextlib import contextmanager, suppress
from threading import RLock
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import ParameterError
from kqlmagic_ext.languages import Crossing, Outcome, Variable
from kqlmagic_ext.languages.conversation import Refused
from kqlmagic_ext.languages.powershell import receiving, streams
from kqlmagic_ext.languages.powershell.completion import found, units
from kqlmagic_ext.languages.powershell.find import NAME, TITLE, failed
from kqlmagic_ext.languages.powershell.given import Given, assumed, completed, digest
from kqlmagic_ext.languages.powershell.leftovers import sweep
from kqlmagic_ext.languages.powershell.places import script_error
from kqlmagic_ext.languages.powershell.sending import written
from kqlmagic_ext.languages.powershell.starting import start
from kqlmagic_ext.languages.process import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kqlmagic_ext.errors import LanguageError
    from kqlmagic_ext.languages import Settings, Show
    from kqlmagic_ext.languages.conversation import Message
    from kqlmagic_ext.languages.powershell.completion import Completions

_STEP_S = 0.05
_PATIENCE_S = 1.0
_FAREWELL_S = 3.0  # the bridge gives 2 s to what runs
_SAYS = {
    "no_variable": "there is no variable ${name} in PowerShell: assign it in the cell",
    "bad_name": "{name!r} is no plain name of a PowerShell variable (letters, digits, _)",
    "stopped": "${name} did not cross: it was stopped",
}


class PowerShellSession:
    """A running PowerShell; its variables live on between cells."""

    def __init__(self, settings: Settings) -> None:
        self._bridge = bridge = start(settings)
        self._grace, self._asking = settings.grace, RLock()
        self._given: dict[str, Given] = {}  # by the name in lower case: PowerShell tells no difference
        self._process = Process(
            NAME, TITLE, bridge.child, bridge.conversation, self.interrupt, bridge.console, settings
        )

    @property
    def alive(self) -> bool:
        """Whether it can still run cells."""
        return self._process.alive

    @property
    def known(self) -> tuple[str, ...]:
        """The names of its variables after the last cell, such as `$hosts`."""
        return self._process.known

    @property
    def version(self) -> str:
        """PowerShell and its version."""
        hello = self._bridge.hello
        return f"{'Windows ' * (hello['edition'] == 'Desktop')}{TITLE} {hello['version']}"

    # ------------------------------------------------------------ values

    def push(self, name: str, value: Any) -> tuple[str, ...]:
        """Give it a value: a frame becomes an array of objects. Raises ParameterError for what it cannot hold."""
        content, given, warnings = written(value, name)
        with self._file() as path:
            path.write_bytes(content)
            try:
                answer = self._ask("set", name=name, path=str(path))
            except Refused as refused:
                raise _not_taken(refused, name) from refused
        self._given[name.casefold()] = given
        self._process.known = tuple(dict.fromkeys([*self.known, f"${name}"]))
        names = answer["renamed"]
        renamed = zip(names[::2], names[1::2], strict=True)
        return (
            *warnings,
            *(f"{name}: {old!r} is {new!r} in {TITLE}, where case does not matter" for old, new in renamed),
        )

    def pull(self, name: str) -> Crossing:
        """The value of a variable: a collection as a DataFrame, one row an object; anything else as a Python value."""
        given = self._given.get(name.casefold())
        if given is not None and given.digest is not None:  # a list went in: unchanged, it comes back as one
            envelope, _ = self._get(name, "value")
            if digest(envelope["value"]) == given.digest:
                return Crossing(envelope["value"])
        envelope, lost = self._get(name, "auto")
        receiving.raise_lost(lost, name)
        value, warnings = receiving.read(completed(envelope, given), name)
        return Crossing(value, (*warnings, *assumed(envelope, given, name), *_unread(name, lost["getters"])))

    def _get(self, name: str, shape: str) -> tuple[dict[str, Any], dict[str, int]]:
        """The envelope of a variable, and what of it the bridge counted as lost."""
        with self._file() as path:
            try:
                answer = self._ask("get", name=name, path=str(path), shape=shape)
            except Refused as refused:
                raise _refused(refused, name) from refused
            content = path.read_bytes()
        if len(content) != answer["bytes"]:
            raise failed(f"${name} did not come whole: {len(content):,} of {answer['bytes']:,} bytes")
        is_core = self._bridge.hello["edition"] == "Core"
        return receiving.parsed(content, name, shortest=is_core), answer["lost"]

    @contextmanager
    def _file(self) -> Iterator[Path]:
        """A path in a folder that nobody else can read, and that goes with the process."""
        if not self.alive:
            self._ask("ping")  # raises how it ended
        path = self._process.folder / f"{secrets.token_hex(8)}.json"
        try:
            yield path
        except OSError as error:
            raise failed(f"a file that data crosses in cannot be used: {error}") from error
        finally:
            path.unlink(missing_ok=True)

    def variables(self) -> tuple[Variable, ...]:
        """The variables that cells have made, by name."""
        try:
            told = self._ask("variables")["variables"]
        except Refused as refused:
            raise failed(f"{TITLE} does not tell its variables: {refused.message}") from refused
        self._process.known = tuple(f"${each['name']}" for each in told)
        return tuple(Variable(each["name"], each["type"] or "$null", _size(each)) for each in told)

    # ------------------------------------------------------------ cells

    def run(self, code: str, show: Show, flags: frozenset[str] = frozenset()) -> Outcome:
        """Run a cell: what it writes is shown as PowerShell would. `--strict`: any error fails it.

        Raises LanguageError for an error that ends the cell, at its place, and for a prompt, which nobody can answer.
        """
        _check_text(code)
        with self._alone(), self._bridge.console.heard(show) as show_alone:
            heard = streams.Streams(code, show_alone)
            try:
                done = self._ask("run", heard.hear, code=code)
            except Refused as refused:
                raise failed(f"{TITLE} did not run the cell: {refused.message}") from refused
            finally:
                heard.close()
                self._learn()
        return _outcome(done, heard, code, strict="--strict" in flags)

    def _learn(self) -> None:
        """Learn the names of the variables, if there is somebody to tell them."""
        with suppress(Refused):
            answer = self._process.try_ask("variables", _PATIENCE_S)
            if answer is not None:
                self._process.known = tuple(f"${each['name']}" for each in answer["variables"])

    def interrupt(self) -> None:
        """Stop what runs; its variables stay."""
        self._process.tell("stop")

    def complete(self, code: str, cursor: int, seconds: float) -> Completions:
        """What may stand at the cursor; nothing when it is busy or takes longer than the seconds."""
        nothing = (cursor, cursor, ())
        try:
            code.encode()
            answer = self._process.try_ask("complete", seconds, code=code, cursor=units(code[:cursor]))
        except (Refused, UnicodeEncodeError):
            return nothing
        return nothing if answer is None else found(answer, code)

    # ------------------------------------------------------------ the process

    def _ask(self, op: str, listen: Callable[[Message], object] | None = None, **fields: Any) -> Message:
        """The answer of the bridge. What it still works at, since nobody waits for it any more, is stopped before."""
        with self._alone():
            deadline = time.monotonic() + self._grace + _PATIENCE_S
            while True:
                try:
                    return self._process.ask(op, listen, **fields)
                except Refused as refused:
                    if refused.code != "busy" or time.monotonic() > deadline:
                        raise
                self.interrupt()
                time.sleep(_STEP_S)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Inside, no other thread asks; raises LanguageError when one does already."""
        if not self._asking.acquire(blocking=False):
            raise failed(f"{TITLE} is busy with another cell; wait for it, or interrupt it")
        try:
            yield
        finally:
            self._asking.release()
            if not self.alive:
                self._leave()

    def close(self) -> None:
        """End PowerShell and all that its cells started; may be called twice."""
        self._process.close(self._farewell)
        self._leave()

    def _farewell(self) -> None:
        self._process.tell("bye")
        self._bridge.child.wait(_FAREWELL_S)

    def _leave(self) -> None:
        """After the end: the line is closed, and what a killed PowerShell leaves behind is deleted."""
        self._bridge.line.hang_up()
        sweep({self._bridge.child.process.pid, self._bridge.hello["pid"]})


def _outcome(done: Message, heard: streams.Streams, code: str, *, strict: bool) -> Outcome:
    """How the run ended; raises what failed it."""
    notes, errors = streams.notes(done), heard.errors
    failure = None
    if done["state"] == "stopped":
        failure = failed("the cell was stopped")
    elif done["state"] == "failed":
        failure = script_error(done["error"], done["text"], code).raised()
    else:
        fatal = [error for error in errors if strict or error.is_prompt]
        if fatal:
            failure = fatal[0].raised()
            if len(fatal) > 1:
                failure.add_note(f"and {len(fatal) - 1:,} more errors")
    if failure is None:
        return Outcome(errors=tuple(str(error) for error in errors), notes=notes)
    for note in notes:
        failure.add_note(note)
    raise failure


def _check_text(code: str) -> None:
    try:
        code.encode()
    except UnicodeEncodeError as error:
        line = code.count("\n", 0, error.start) + 1
        wrong = failed("the cell holds half of a surrogate pair, which is no text")
        wrong.line = line
        raise wrong from error


def _size(told: Message) -> str:
    size, plural = told["size"], "s" * (told["size"] != 1)
    if size is None:
        return ""
    if told["type"] == "System.String":
        return f"{size:,} character{plural}"
    return f"{size:,} row{plural}" if told["kind"] == "table" else f"{size:,} entr{'ies' if plural else 'y'}"


def _unread(name: str, count: int) -> tuple[str, ...]:
    """A warning for properties whose getter failed: of a .NET object there is often one, and PowerShell shows it empty."""
    if not count:
        return ()
    what = (
        "1 property could not be read and is"
        if count == 1
        else f"{count:,} properties could not be read and are"
    )
    return (f"${name}: {what} null",)


def _refused(refused: Refused, name: str) -> LanguageError:
    """Why a variable did not come."""
    return failed(
        _SAYS.get(refused.code, "${name} did not cross: {message}").format(name=name, message=refused.message)
    )


def _not_taken(refused: Refused, name: str) -> LanguageError | ParameterError:
    """Why a variable was not set."""
    if refused.code in ("bad_data", "bad_name", "set_failed"):
        return ParameterError(f"{name} was not taken by {TITLE}: {refused.message}", name=name)
    return _refused(refused, name)
