"""Tab in a cell of another language: its session says what may stand at the cursor, if it runs and is free."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from IPython.core.completer import SimpleCompletion, context_matcher

from kqlmagic_ext.languages import LANGUAGES, Completer
from kqlmagic_ext.magics.cells import cursor_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.completer import CompletionContext, SimpleMatcherResult
    from IPython.core.interactiveshell import InteractiveShell

    from kqlmagic_ext.languages import Language
    from kqlmagic_ext.magics.sessions import Sessions

_PATIENCE_S = 0.5
_MAGIC = re.compile(r"%%(\w+)[^\n]*\n")
_RUNTIME = re.compile(r"--runtime[\s=]+(\w+)")


def completer_of(sessions: Sessions) -> Callable[[CompletionContext], SimpleMatcherResult]:
    """A matcher for IPython's completer. It starts no session, and answers nothing when it would have to wait.

    It is called in any thread, as editors do.
    """

    @context_matcher(identifier="kqlmagic_ext.languages")  # type: ignore[untyped-decorator,unused-ignore]
    def complete(context: CompletionContext) -> SimpleMatcherResult:
        head = _MAGIC.match(context.full_text)
        language = _language(head) if head is not None else None
        session: object = None if language is None else sessions.running(language.name)
        if head is None or not isinstance(session, Completer):
            return {"completions": []}
        body, cursor = context.full_text[head.end() :], cursor_of(context) - head.end()
        if cursor < 0:
            return {"completions": []}
        start, _, found = session.complete(body, cursor, _PATIENCE_S)
        return {
            "completions": [SimpleCompletion(text, type=kind) for text, kind in found],
            "matched_fragment": body[start:cursor],
            "suppress": True,
        }

    matcher: Callable[[CompletionContext], SimpleMatcherResult] = complete
    return matcher


def add(shell: InteractiveShell, sessions: Sessions) -> Callable[[], None]:
    """Let Tab ask the sessions; gives what takes that away again."""
    matcher = completer_of(sessions)
    matchers = shell.Completer.custom_matchers
    matchers.append(matcher)
    return lambda: matchers.remove(matcher) if matcher in matchers else None


def _language(head: re.Match[str]) -> Language | None:
    chosen = _RUNTIME.search(head[0])
    if chosen is not None:
        return LANGUAGES.get(chosen[1])
    return next((language for language in LANGUAGES.values() if head[1] in language.magics), None)
