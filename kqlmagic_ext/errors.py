"""What can go wrong, as one tree.

    KqlMagicError
    ├── ConnectError          no such place, cannot sign in, no access; says what to do
    ├── QueryError            the query is wrong or failed: .line, .column, .hint
    │   └── UnsupportedError    valid KQL that this place cannot run: .construct
    ├── PartialResultError    rows are missing: .result holds what came, .reasons says why
    ├── ParameterError        a Python value that cannot become a KQL value: .name
    └── LanguageError         a cell of another language failed: .language, .line, .column
        └── SessionDied         its process ended: .exit_code, .lost (variables gone)

A notebook shows an error as one line (and a caret under the place, where that is known) instead of a
traceback; the traceback with its cause shows under `%xmode Verbose`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from collections.abc import Callable

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}  # control, format (bidi marks), surrogate, private, separators
_CARET_LINE_WIDTH = 120
# All control characters but tab, line feed, carriage return and the escape of a colour; the marks that turn text around.
_HARMFUL = re.compile(
    r"(?!\x1b\[[0-9;]*m)[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def visible(text: str) -> str:
    """The text with control characters, bidi marks and the like written as escapes: log text is hostile."""
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in _HIDDEN else char
        for char in text
    )


def harmless(text: str) -> str:
    """What a program writes, for a screen: lines, tabs and colours stay; other control characters and bidi marks show."""
    return _HARMFUL.sub(lambda match: visible(match[0]), text)


class KqlMagicError(Exception):
    """The root of all errors of kqlmagic_ext; `sent` says whether the work had already begun elsewhere."""

    full_traceback: ClassVar[Callable[[], bool]] = staticmethod(lambda: False)
    sent: bool = False

    def after_sending(self) -> Self:
        """The error itself, marked: the work had begun, so an old answer must not pass for the new one."""
        self.sent = True
        return self

    def lines(self) -> list[str]:
        """The error as a notebook shows it: one sentence, and what belongs under it."""
        notes = (visible(note) for note in getattr(self, "__notes__", ()))
        return [f"{type(self).__name__}: {visible(str(self))}", *notes]

    @property
    def _render_traceback_(self) -> Callable[[], list[str]]:
        # IPython asks for this attribute by hasattr: without it, it shows the full traceback.
        if KqlMagicError.full_traceback():
            raise AttributeError("_render_traceback_")
        return self.lines


class ConnectError(KqlMagicError):
    """The place cannot be reached or opened: no such place, no sign-in, no access."""


class PlacedError(KqlMagicError):
    """An error that knows its place: `line` and `column` (from 1, None when unknown) and that line's text."""

    def __init__(
        self,
        message: str,
        *,
        line: int | None = None,
        column: int | None = None,
        source: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.line, self.column, self.source = message, line, column, source

    def __str__(self) -> str:
        if self.line is None:
            return self.message
        at = f"line {self.line}" if self.column is None else f"line {self.line}, column {self.column}"
        return f"{at}: {self.message}"

    def move(self, lines: int, columns: int) -> None:
        """Tell the place in the cell: the text began `lines` below its top, and `columns` into that line."""
        if self.line is None:
            return
        if self.line == 1 and self.column is not None:
            self.column += columns
            self.source = None if self.source is None else " " * columns + self.source
        self.line += lines

    def lines(self) -> list[str]:
        """One sentence, the line of the cell with a caret under the place, and what belongs under it."""
        first, *notes = super().lines()
        return [first, *self._caret(), *notes]

    def _caret(self) -> list[str]:
        """The source line with a caret under the place; a long line is cut around it."""
        if self.source is None or self.column is None:
            return []
        start = max(0, self.column - 1 - _CARET_LINE_WIDTH // 2)
        before = visible(self.source[start : self.column - 1].replace("\t", " "))
        after = visible(self.source[self.column - 1 : start + _CARET_LINE_WIDTH].replace("\t", " "))
        return [f"    {before}{after}", "    " + " " * len(before) + "^"]


class QueryError(PlacedError):
    """The query is wrong or failed.

    `line`, `column`: where, from 1, None when unknown. `hint`: what to do. `unknown`: the table or column name
    that was not found. `syntax`: whether the text is no KQL at all.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        unknown: str | None = None,
        syntax: bool = False,
        **place: Any,
    ) -> None:
        super().__init__(message, **place)
        self.hint, self.unknown, self.syntax = hint, unknown, syntax

    def __str__(self) -> str:
        return super().__str__() if self.hint is None else f"{super().__str__()}; {self.hint}"


class UnsupportedError(QueryError):
    """Valid KQL that this place cannot run; `construct` names it."""

    def __init__(self, message: str, *, construct: str, **rest: Any) -> None:
        super().__init__(message, **rest)
        self.construct = construct


class PartialResultError(KqlMagicError):
    """Rows are missing: `result` holds those that came (None once they were let go), `reasons` says why.

    `hint`: how to take them.
    """

    def __init__(self, message: str, *, result: Any, reasons: tuple[str, ...]) -> None:
        super().__init__(message)
        self.result, self.reasons = result, reasons
        self.hint: str | None = None

    def __str__(self) -> str:
        return super().__str__() if self.hint is None else f"{super().__str__()}; {self.hint}"

    def release(self) -> None:
        """Let the rows go, so that an error which Python remembers keeps no frame alive."""
        self.result = None


class ParameterError(PlacedError):
    """A Python value that cannot become a KQL value; `name` is the variable's, `hidden_by` the table whose column hides it."""

    def __init__(self, message: str, *, name: str, hidden_by: str | None = None, **place: Any) -> None:
        super().__init__(message, **place)
        self.name, self.hidden_by = name, hidden_by


class LanguageError(PlacedError):
    """A cell of another language failed; `language` is its name."""

    def __init__(self, message: str, *, language: str, **place: Any) -> None:
        super().__init__(message, **place)
        self.language = language

    def lines(self) -> list[str]:
        """The first line of the message, the place, and the message's other lines, which cannot pass for our own."""
        first, *rest = str(self).splitlines() or [""]
        under = super().lines()[1:]
        caret = self._caret()
        others = [f"    {visible(line)}" for line in rest]
        return [f"{type(self).__name__}: {visible(first)}", *caret, *others, *under[len(caret) :]]


class SessionDied(LanguageError):  # noqa: N818 - what happened, in the words of the field
    """The process of a language ended: its `exit_code`, and `lost`, the variables that are gone with it."""

    def __init__(self, message: str, *, exit_code: int | None, lost: tuple[str, ...], **rest: Any) -> None:
        super().__init__(message, **rest)
        self.exit_code, self.lost = exit_code, lost
