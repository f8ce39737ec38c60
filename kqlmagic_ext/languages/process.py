"""A session in a child process: what all languages share of asking it, stopping it, and its death."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from kqlmagic_ext.errors import LanguageError, SessionDied
from kqlmagic_ext.languages.conversation import Ended, Refused, TooSlow

if TYPE_CHECKING:
    from collections.abc import Callable

    from kqlmagic_ext.languages import Settings
    from kqlmagic_ext.languages.child import Child
    from kqlmagic_ext.languages.conversation import Conversation, Message

_FAREWELL_S = 5.0  # a crash may write a dump


class Words(Protocol):
    """What a child said last."""

    def text(self) -> str:
        """The lines, of which the last is told when it has died."""


def private_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder of a session's own: mode 0700."""
    return tempfile.TemporaryDirectory(prefix="kqlmagic_ext-")


class Process:
    """A session's child process: requests to it, an interrupt that keeps it where it can, and what its death means.

    Parameters
    ----------
    language, title
        The language's name for errors, and as the analyst reads it.
    child, conversation
        The running program and the line to it, past its greeting.
    stop
        What stops the code that runs, in the child's own way.
    words
        What it said last on its stderr.
    folder
        The session's own folder, when the child had to know it; else one is made.
    """

    def __init__(  # noqa: PLR0913 - all that a running session consists of
        self,
        language: str,
        title: str,
        child: Child,
        conversation: Conversation,
        stop: Callable[[], object],
        words: Words,
        settings: Settings,
        *,
        folder: tempfile.TemporaryDirectory[str] | None = None,
    ) -> None:
        self.language, self.title = language, title
        self._child, self._conversation, self._words = child, conversation, words
        self._stop, self._grace = stop, settings.grace
        self._folder = folder or private_folder()
        self.known: tuple[str, ...] = ()
        self._closed = False

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return not self._closed and not self._conversation.over and self._child.alive

    @property
    def folder(self) -> Path:
        """Where data crosses in files that only this user can read."""
        return Path(self._folder.name)

    def ask(self, op: str, listen: Callable[[Message], object] | None = None, **fields: Any) -> Message:
        """The answer to a request. An interrupt stops the child's work and is raised; its notes say what became of it.

        Raises
        ------
        SessionDied
            When the process has ended, on the way or before.
        Refused
            When it said no.
        """
        if self._closed:
            raise self._died(None)
        number = None
        try:
            number = self._conversation.number()
            self._conversation.send(number, op, **fields)
            return self._conversation.wait(number, listen)
        except Ended as ended:
            raise self._died(ended.broken) from ended
        except Refused:
            raise
        except (
            BaseException
        ) as error:  # an interrupt, or what `listen` raised: nobody waits for the work any more
            if number is not None:
                self._end_interrupted(number, listen if isinstance(error, KeyboardInterrupt) else None, error)
            raise

    def try_ask(self, op: str, seconds: float, **fields: Any) -> Message | None:
        """The answer to a request that must not disturb: None when it is late, or there is nobody to answer."""
        if not self.alive:
            return None
        number = self._conversation.request(op, **fields)
        try:
            return self._conversation.wait(number, None, seconds)
        except (Ended, TooSlow):
            return None
        finally:
            self._conversation.forget(number)

    def tell(self, op: str) -> None:
        """Send a request whose answer nobody waits for."""
        self._conversation.forget(self._conversation.request(op))

    def _end_interrupted(
        self, number: int, listen: Callable[[Message], object] | None, interrupt: BaseException
    ) -> None:
        """Wait until the work has stopped; a process that does not stop, or a second interrupt, ends the process."""
        try:
            if self._conversation.expects(number):
                self._stop()
                self._conversation.wait(number, listen, self._grace)
        except Ended:
            interrupt.add_note(f"{self.title} was stopped, and its process ended{self._gone()}")
            self.close()
        except (TooSlow, KeyboardInterrupt) as error:
            late = f"did not stop within {self._grace:g} s"
            why = late if isinstance(error, TooSlow) else "was interrupted again"
            interrupt.add_note(f"{self.title} {why}, and its process was ended{self._gone()}")
            self.close()
        except Refused:  # since it was stopped
            interrupt.add_note(f"the cell was stopped; the variables of {self.title} are kept")
        else:
            interrupt.add_note(f"the cell was stopped; the variables of {self.title} are kept")

    def _gone(self) -> str:
        return f"; gone are {', '.join(self.known)}" if self.known else ""

    def _died(self, broken: str | None) -> SessionDied:
        """The error that says how the process ended; it is ended wholly."""
        status = self._child.wait(0 if broken else _FAREWELL_S)
        words = ""
        if not self._closed:
            if status is None:  # it lives on without a line to it
                self._child.end()
            words = self._words.text()
            self.close()
        closed = "closed its line, and was ended" if status is None else f"ended (exit status {status})"
        how = f"was ended, since {broken}" if broken else closed
        said = f": {words.splitlines()[-1].strip()}" if words.strip() else ""
        return SessionDied(
            f"the process of {self.title} {how}{said}{self._gone()}; the next cell starts a new one",
            exit_code=status,
            lost=self.known,
            language=self.language,
        )

    def close(self, farewell: Callable[[], object] = lambda: None) -> None:
        """End the process and all that it started; `farewell` lets it end by itself before."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._child.alive and not self._conversation.over:
                farewell()
        finally:
            try:
                self._child.end()
            finally:
                self._folder.cleanup()


def not_installed(language: str, title: str, how: str) -> LanguageError:
    """The error that says that a runtime is missing, and how to get it."""
    return LanguageError(f"{title} is not installed: {how}", language=language)
