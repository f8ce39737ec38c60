"""Where in the cell an error of PowerShell stands, and the sentence that it says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.languages.powershell.completion import characters
from kqlmagic_ext.languages.powershell.find import failed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kqlmagic_ext.errors import LanguageError

_LINE_END = re.compile(r"\r\n|\n|\r")
_OF_A_CELL = re.compile(r"at <ScriptBlock>, <No file>: line (\d+)")
_PROMPT = "HostFunctionNotImplemented"
_PROMPTS = "A command that prompts the user failed"
_PROMPT_SAYS = re.compile(r"following message: (.*)", re.DOTALL)


@dataclass(frozen=True)
class Place:
    """A place in the cell, each part None where it is not known."""

    line: int | None = None
    column: int | None = None
    source: str | None = None


@dataclass(frozen=True)
class ScriptError:
    """An error as PowerShell tells it; `is_prompt`: it asked somebody who is not there."""

    message: str
    place: Place
    is_prompt: bool = False
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.message if self.place.line is None else f"line {self.place.line}: {self.message}"

    def raised(self) -> LanguageError:
        """The error to raise."""
        error = failed(self.message)
        error.line, error.column, error.source = self.place.line, self.place.column, self.place.source
        for other in self.others:
            error.add_note(other)
        return error


def script_error(told: Mapping[str, Any] | None, text: str | None, code: str) -> ScriptError:
    """The error of a record or of a run's end; `text`: as PowerShell shows it."""
    told = told or {}
    message = str(told.get("message") or text or "it failed and did not say why").strip()
    if str(told.get("id")).startswith(_PROMPT) or _PROMPTS in message:
        return ScriptError(_unanswered(message, text or ""), _place(told, code), is_prompt=True)
    others = [_problem(problem, code) for problem in told.get("problems", ())[1:]]
    return ScriptError(message, _place(told, code), others=tuple(others))


def _unanswered(message: str, text: str) -> str:
    """The sentence for a prompt: who asked what, and what to do."""
    who = text.partition(":")[0].strip() if ":" in text.partition("\n")[0] else "a command"
    said = _PROMPT_SAYS.search(message)
    asked = " ".join(said[1].split()) if said else ""
    what = f" ({asked})" if asked else ""
    return f"{who} asked for input{what}, and nobody can answer in a cell: give the value by -i, or -Confirm:$false"


def _problem(problem: Mapping[str, Any], code: str) -> str:
    place = _at(problem.get("line"), problem.get("column"), _LINE_END.split(code))
    return f"line {place.line}, column {place.column}: {problem.get('message')}"


def _place(told: Mapping[str, Any], code: str) -> Place:
    """Where in this cell: an error's own line may be one of a file, of an earlier cell or of a text that was run."""
    lines = _LINE_END.split(code)
    line, source, stack = told.get("line"), told.get("source"), told.get("stack")
    if told.get("problems") and not stack:  # the cell itself cannot be read: nothing of it ran
        return _at(line, told.get("column"), lines)
    if not told.get("script") and source is not None and _line(lines, line) == source:
        return _at(line, told.get("column"), lines)
    outermost = _OF_A_CELL.findall(stack or "")
    return _at(int(outermost[-1]) if outermost else None, None, lines)


def _line(lines: list[str], number: int | None) -> str | None:
    return lines[number - 1].rstrip() if number is not None and 0 < number <= len(lines) else None


def _at(line: int | None, column: int | None, lines: list[str]) -> Place:
    """A line of the cell, and a column in characters (it comes in UTF-16 units)."""
    if line is None or not 0 < line <= len(lines):
        return Place()
    source = lines[line - 1]
    return Place(line, None if column is None else characters(source, column - 1) + 1, source)
