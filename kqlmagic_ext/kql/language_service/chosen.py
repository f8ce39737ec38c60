"""Which of the two answers: Microsoft's where its library is there and loaded, ours otherwise."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, TypeVar

from kqlmagic_ext.kql.language_service import Schema
from kqlmagic_ext.kql.language_service.dotnet import end_in_order, missing
from kqlmagic_ext.kql.language_service.ours import OurService

if TYPE_CHECKING:
    from collections.abc import Callable

    from kqlmagic_ext.kql.language_service import Completions, Diagnostic, Hover, LanguageService

    Question = Callable[[LanguageService], Any]

_Answer = TypeVar("_Answer")
_PATIENCE_S = 0.3
_WARMING = "T | where a == 1 | summarize count() by b"


def microsoft() -> LanguageService:
    """Microsoft's service, loaded, and asked once: its first answers take a hundred times as long as the later ones."""
    from kqlmagic_ext.kql.language_service.microsoft import Microsoft

    service, schema = Microsoft(), Schema({"T": {"a": "long", "b": "string"}})
    service.complete(_WARMING, len(_WARMING), schema)
    service.hover(_WARMING, 0, schema)
    service.diagnose(_WARMING, schema)
    return service


class Chosen:
    """A LanguageService out of two. The first question starts the loading of Microsoft's, in a thread of its own.

    Ours answers until that is ready, when it cannot be loaded, when it has no answer, fails or takes longer than
    `patience` (seconds). `wanted`: whether Microsoft's may be asked at all. `lacking`: why it cannot be loaded, else
    empty.
    """

    def __init__(
        self,
        ours: LanguageService | None = None,
        *,
        wanted: Callable[[], bool] = lambda: True,
        lacking: Callable[[], str] = missing,
        load: Callable[[], LanguageService] = microsoft,
        patience: float = _PATIENCE_S,
    ) -> None:
        self._ours = ours or OurService()
        self._wanted, self._lacking, self._load = wanted, lacking, load
        self._patience = patience
        self._questions: SimpleQueue[tuple[Question, Future[Any]] | None] = SimpleQueue()
        self._starting = Lock()
        self._thread: Thread | None = None
        self._theirs: LanguageService | None = None
        self._late: Future[Any] | None = None
        self._closed = False
        self.problem = ""  # why Microsoft's does not answer, or did not in time: one sentence

    # ------------------------------------------------------------ a LanguageService

    def complete(self, text: str, cursor: int, schema: Schema) -> Completions:
        """What may stand at the cursor."""
        theirs: Completions | None = self._ask(lambda service: service.complete(text, cursor, schema))
        return theirs if theirs is not None and theirs.found else self._ours.complete(text, cursor, schema)

    def hover(self, text: str, cursor: int, schema: Schema) -> Hover | None:
        """What the word at the cursor is; Microsoft's knows types and signatures, ours adds a sentence and the address."""
        theirs: Hover | None = self._ask(lambda service: service.hover(text, cursor, schema))
        ours = self._ours.hover(text, cursor, schema)
        if theirs is None or ours is None:
            return theirs or ours
        if theirs.name != ours.name:  # an operator, say, around the function that Microsoft's tells of
            return ours
        return replace(
            theirs, sentence=theirs.sentence or ours.sentence, address=theirs.address or ours.address
        )

    def diagnose(self, text: str, schema: Schema) -> tuple[Diagnostic, ...]:
        """What can be known to be wrong without asking."""
        theirs: tuple[Diagnostic, ...] | None = self._ask(lambda service: service.diagnose(text, schema))
        return self._ours.diagnose(text, schema) if theirs is None else theirs

    # ------------------------------------------------------------ Microsoft's

    @property
    def is_ready(self) -> bool:
        """Whether Microsoft's answers."""
        return self._theirs is not None and self._wanted()

    def lacks(self) -> str:
        """Why Microsoft's cannot be loaded, in one sentence; empty while nothing speaks against it."""
        return self._lacking() or (self.problem if self._theirs is None else "")

    def close(self) -> None:
        """Let the thread end; ours answers from now on. May be called twice."""
        self._closed, self._theirs = True, None
        self._questions.put(None)

    def _ask(self, question: Callable[[LanguageService], _Answer]) -> _Answer | None:
        """Microsoft's answer; None while there is none, and when it fails or does not come in time."""
        if not self._is_asked():
            return None
        answer: Future[Any] = Future()
        self._questions.put((question, answer))
        try:
            found: _Answer = answer.result(self._patience)
        except TimeoutError:
            answer.cancel()
            self._late = answer
            self.problem = f"Microsoft's language service did not answer within {self._patience} s"
            return None
        except Exception as error:  # noqa: BLE001 - whatever .NET raises: ours answers, and the reason is kept
            self.problem = f"Microsoft's language service failed: {_one_line(error)}"
            return None
        return found

    def _is_asked(self) -> bool:
        """Whether to ask Microsoft's now; starts the loading when nobody did."""
        if self._closed or not self._wanted():
            return False
        with self._starting:
            if self._thread is None and not self.problem:
                self._begin()
        is_free = self._late is None or self._late.done()
        # After a fork, the thread is in the other process.
        return self._theirs is not None and is_free and self._thread is not None and self._thread.is_alive()

    def _begin(self) -> None:
        self.problem = self._lacking()
        if not self.problem:
            end_in_order()
            self._thread = Thread(target=self._answer, name="kqlmagic_ext.language_service", daemon=True)
            self._thread.start()

    def _answer(self) -> None:
        """The thread's work: load, then answer one question after the other."""
        try:
            theirs = self._load()
        except Exception as error:  # noqa: BLE001 - a foreign runtime: ours answers, and the reason is kept
            self.problem = f"Microsoft's language service cannot be loaded: {_one_line(error)}"
            return
        if not self._closed:
            self._theirs = theirs
        while (asked := self._questions.get()) is not None:
            question, answer = asked
            if not answer.set_running_or_notify_cancel():
                continue  # nobody waits for it any longer
            try:
                answer.set_result(question(theirs))
            except Exception as error:  # noqa: BLE001 - raised where the answer is awaited
                answer.set_exception(error)


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
