"""The running sessions of a notebook: each language's is started by its first cell, and lives until it is closed or dies."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kqlmagic_ext.languages import Language, Session, Settings


class Sessions:
    """Sessions by the name of their language. `settings`: what a language's session is started with."""

    def __init__(self, settings: Callable[[Language], Settings]) -> None:
        self._settings = settings
        self._sessions: dict[str, Session] = {}

    def open(self, language: Language) -> tuple[Session, list[str]]:
        """The language's session, and what the analyst should know of it: that it is a new one in place of a dead one."""
        session = self._sessions.get(language.name)
        if session is not None and session.alive:
            return session, []
        started = language.start(
            self._settings(language)
        )  # when it fails, the dead one is still to be told of
        lost = self._close(language.name)
        self._sessions[language.name] = started
        if session is None:
            return started, []
        gone = f"; gone are {', '.join(lost)}" if lost else ""
        return started, [f"a new session of {language.title}: the last one ended{gone}"]

    def running(self, name: str) -> Session | None:
        """The session of a language, if it runs."""
        session = self._sessions.get(name)
        return session if session is not None and session.alive else None

    def __iter__(self) -> Iterator[tuple[str, Session]]:
        """The running sessions, by the name of their language."""
        return ((name, session) for name, session in self._sessions.items() if session.alive)

    def end(self, name: str) -> tuple[str, ...]:
        """End a language's session; the names of the variables that are gone with it."""
        return self._close(name)

    def close(self) -> None:
        """End every session."""
        for name in list(self._sessions):
            self._close(name)

    def _close(self, name: str) -> tuple[str, ...]:
        session = self._sessions.pop(name, None)
        if session is None:
            return ()
        session.close()
        return session.known
