"""Which service answers: Microsoft's when it is ready, ours in every other case."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kqlmagic_ext.kql.language_service import Completion, Completions, Diagnostic, Hover, Schema
from kqlmagic_ext.kql.language_service.chosen import Chosen

NOTHING = Schema({})
OURS = Completions(0, 0, (Completion("ours", "keyword"),))
THEIRS = Completions(0, 0, (Completion("theirs", "keyword"),))


class Ours:
    def complete(self, text: str, cursor: int, schema: Schema) -> Completions:  # noqa: ARG002 - a LanguageService
        return OURS

    def hover(self, text: str, cursor: int, schema: Schema) -> Hover | None:  # noqa: ARG002 - a LanguageService
        name = "where" if text.startswith("| where") else "ago"
        return Hover(name, "function", f"{name} (ours)", "One sentence.", "https://example.org")

    def diagnose(self, text: str, schema: Schema) -> tuple[Diagnostic, ...]:  # noqa: ARG002 - a LanguageService
        return (Diagnostic(0, 1, "syntax", "ours"),)


class Theirs(Ours):
    """Answers; `late` is slow until its gate opens, `broken` raises, `empty` finds nothing."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.asked: list[str] = []

    def complete(self, text: str, cursor: int, schema: Schema) -> Completions:  # noqa: ARG002 - a LanguageService
        self.asked.append(text)
        if text == "late":
            assert self.gate.wait(30)
        if text == "broken":
            raise RuntimeError("a fault\nof two lines")
        return Completions(0, 0) if text == "empty" else THEIRS

    def hover(self, text: str, cursor: int, schema: Schema) -> Hover | None:  # noqa: ARG002 - a LanguageService
        return None if text == "nothing" else Hover("ago", "function", "ago (theirs)")

    def diagnose(self, text: str, schema: Schema) -> tuple[Diagnostic, ...]:  # noqa: ARG002 - a LanguageService
        return ()


@contextmanager
def loaded(theirs: Theirs, *, patience: float = 30) -> Iterator[Chosen]:
    chosen = Chosen(Ours(), lacking=lambda: "", load=lambda: theirs, patience=patience)
    chosen.complete("", 0, NOTHING)
    while not chosen.is_ready:
        threading.Event().wait(0.001)
    yield chosen
    thread = chosen._thread
    chosen.close()
    assert thread is not None
    thread.join(30)
    assert not thread.is_alive()


def test_nothing_is_loaded_before_the_first_question() -> None:
    def load() -> Theirs:
        raise AssertionError("nobody asked")

    chosen = Chosen(Ours(), lacking=lambda: "", load=load)
    assert chosen._thread is None
    chosen.close()


def test_ours_answers_while_theirs_loads_and_theirs_once_it_is_there() -> None:
    gate, theirs = threading.Event(), Theirs()

    def load() -> Theirs:
        assert gate.wait(30)
        return theirs

    chosen = Chosen(Ours(), lacking=lambda: "", load=load, patience=30)
    assert chosen.complete("", 0, NOTHING) == OURS
    assert chosen.complete("", 0, NOTHING) == OURS
    gate.set()
    while not chosen.is_ready:
        gate.wait(0.001)
    assert chosen.complete("", 0, NOTHING) == THEIRS
    assert chosen.diagnose("", NOTHING) == ()
    chosen.close()
    assert chosen.complete("", 0, NOTHING) == OURS


def test_what_cannot_be_loaded_is_tried_once_and_the_reason_is_kept() -> None:
    tried = []

    def load() -> Theirs:
        tried.append(1)
        raise OSError("no such\nlibrary")

    chosen = Chosen(Ours(), lacking=lambda: "", load=load)
    chosen.complete("", 0, NOTHING)
    assert chosen._thread is not None
    chosen._thread.join(30)
    assert [chosen.complete("", 0, NOTHING) for _ in range(3)] == [OURS] * 3
    assert tried == [1]
    assert chosen.lacks() == "Microsoft's language service cannot be loaded: OSError: no such library"


def test_what_is_missing_is_told_and_no_thread_starts() -> None:
    chosen = Chosen(Ours(), lacking=lambda: "there is no .NET")
    assert chosen.complete("", 0, NOTHING) == OURS
    assert (chosen.lacks(), chosen._thread) == ("there is no .NET", None)


def test_the_setting_decides_at_each_question() -> None:
    wanted = [False]
    chosen = Chosen(Ours(), wanted=lambda: wanted[0], lacking=lambda: "", load=Theirs, patience=30)
    assert chosen.complete("", 0, NOTHING) == OURS
    assert chosen._thread is None
    wanted[0] = True
    chosen.complete("", 0, NOTHING)
    while not chosen.is_ready:
        threading.Event().wait(0.001)
    assert chosen.complete("", 0, NOTHING) == THEIRS
    wanted[0] = False
    assert chosen.complete("", 0, NOTHING) == OURS
    chosen.close()


def test_an_answer_that_fails_or_is_empty_is_ours() -> None:
    with loaded(Theirs()) as chosen:
        assert chosen.complete("broken", 0, NOTHING) == OURS
        assert chosen.problem == "Microsoft's language service failed: RuntimeError: a fault of two lines"
        assert chosen.complete("empty", 0, NOTHING) == OURS
        assert chosen.complete("fine", 0, NOTHING) == THEIRS


def test_nobody_waits_for_a_late_answer_and_nobody_queues_behind_it() -> None:
    theirs = Theirs()
    with loaded(theirs, patience=0.05) as chosen:
        assert chosen.complete("late", 0, NOTHING) == OURS
        assert "did not answer within" in chosen.problem
        assert chosen.complete("fine", 0, NOTHING) == OURS
        assert theirs.asked[-1] == "late"
        theirs.gate.set()
        while not (chosen._late is not None and chosen._late.done()):
            threading.Event().wait(0.001)
        chosen._patience = 30
        assert chosen.complete("fine", 0, NOTHING) == THEIRS


def test_their_signature_stands_with_our_sentence_and_address() -> None:
    with loaded(Theirs()) as chosen:
        told = chosen.hover("ago", 0, NOTHING)
        assert told == Hover("ago", "function", "ago (theirs)", "One sentence.", "https://example.org")
        assert chosen.hover("nothing", 0, NOTHING) == Ours().hover("nothing", 0, NOTHING)
        assert chosen.hover("| where", 0, NOTHING) == Ours().hover("| where", 0, NOTHING)


@pytest.mark.parametrize("threads", [8])
def test_questions_of_many_threads_each_get_their_answer(threads: int) -> None:
    answers: list[object] = []
    with loaded(Theirs()) as chosen:
        asking = [
            threading.Thread(target=lambda: answers.append(chosen.complete("fine", 0, NOTHING)))
            for _ in range(threads)
        ]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join(30)
    assert answers == [THEIRS] * threads
