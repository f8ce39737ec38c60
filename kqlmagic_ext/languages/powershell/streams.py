"""The streams of a run: each record as a piece to show, as PowerShell's own console would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kqlmagic_ext.languages import Piece
from kqlmagic_ext.languages.powershell.places import ScriptError, script_error
from kqlmagic_ext.languages.powershell.starting import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kqlmagic_ext.languages.conversation import Message

_LABELS = {"warning": "WARNING: ", "verbose": "VERBOSE: ", "debug": "DEBUG: ", "information": ""}
_OF_A_PROGRAM = "NativeCommandError"
_BAR = 20


class Streams:
    """Shows the records of one run as they come, and keeps its errors."""

    def __init__(self, code: str, show: Callable[[Piece], object]) -> None:
        self.errors: list[ScriptError] = []
        self._code, self._show = code, show
        self._progress: dict[int, str] = {}

    def hear(self, record: Message) -> None:
        """Show a record."""
        stream, text = record["stream"], record["text"]
        if stream == "progress":
            self._advance(record)
        elif stream == "error":
            self._error(record)
        elif stream == "host":
            self._show(Piece("stdout", text + "\n" if record["newline"] else text))
        elif stream in _LABELS:
            self._show(Piece(stream, f"{_LABELS[stream]}{text}\n"))
        else:
            self._show(Piece("stdout", f"{text}\n"))

    def close(self) -> None:
        """Take the progress away that was not completed."""
        if self._progress:
            self._progress.clear()
            self._show(Piece("progress", ""))

    def _error(self, record: Message) -> None:
        told, text = record["error"], record["text"]
        if str(told["id"]).startswith(_OF_A_PROGRAM):  # a line that a program wrote to its stderr
            self._show(Piece("stderr", f"{text}\n"))
            return
        error = script_error(told, text, self._code)
        self.errors.append(error)
        self._show(Piece("error", f"{error.message if error.is_prompt else text}\n"))

    def _advance(self, record: Message) -> None:
        """Show the activity that moved; of those that are over, the one before."""
        self._progress.pop(record["activity_id"], None)
        if not record["completed"]:
            self._progress[record["activity_id"]] = _line(record)
        self._show(Piece("progress", next(reversed(self._progress.values()), "")))


def _line(record: Message) -> str:
    percent, seconds = record["percent"], record["seconds"]
    parts = [record["text"]]
    if percent >= 0:
        full = min(percent, 100) * _BAR // 100
        parts.append(f"{'█' * full}{'░' * (_BAR - full)} {percent} %")
    parts += [word for word in (record["status"], record["operation"]) if word and word.strip()]
    if seconds >= 0:
        parts.append(f"{seconds:,} s left")
    return "  ".join(parts)


def notes(done: Mapping[str, Any]) -> tuple[str, ...]:
    """What the analyst should know of a run's end: a program's exit status, and what was left out."""
    return tuple(_notes(done))


def _notes(done: Mapping[str, Any]) -> Iterator[str]:
    if done["exit_code"]:
        yield f"$LASTEXITCODE is {done['exit_code']}"
    for stream, count in done["dropped"].items():
        most = f"at most {LIMITS['records']:,} records and {LIMITS['chars']:,} characters are shown"
        what = f"record of the {stream} stream was" if count == 1 else f"records of the {stream} stream were"
        yield f"{count:,} {what} left out ({most})"
    if done["cut_chars"]:
        yield f"{done['cut_chars']:,} characters of output were cut"
