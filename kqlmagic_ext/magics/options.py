"""The options that all cells share, and where they end: the query is everything from the first other character on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic_arguments import MagicArgumentParser, argument, parse_argstring

from kqlmagic_ext.kql.words import did_you_mean
from kqlmagic_ext.query import Timespan

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

_OPTION = re.compile(r"\s*(-[A-Za-z]|--[A-Za-z][\w-]*(?=[\s=]|$))")
_VALUE = re.compile(r"""(?:=|\s+|(?<=^-[A-Za-z])|(?<=\s-[A-Za-z]))(?:"([^"]*)"|'([^']*)'|(\S+))""")
_OUTPUT = re.compile(r"(?:^|\s)(?:-o|--output)[\s=]+(\S+)")
_IN_BRACES = re.compile(r"\{\{\s*([^\W\d]\w*)\s*\}\}")
_WORD = re.compile(r"""\s*(?:"([^"]+)"|'([^']+)'|(\S+))""")
_SHIFT = re.compile(r"\s*([^\W\d]\w*(?:\s*,\s*[^\W\d]\w*)*)\s*<<[ \t]*\n?")

INPUT = argument(
    "-i",
    "--input",
    metavar="NAME",
    action="append",
    default=[],
    help="give a Python variable to the cell: to a query a DataFrame as a table, any other value as a parameter; to another "
    "language a variable; OTHERNAME=NAME gives it under another name; repeat, or separate by commas",
)
OUTPUT = argument(
    "-o",
    "--output",
    metavar="NAME",
    action="append",
    default=[],
    help="bind what the cell made to a Python variable: of a query one name a result table, in order; of another language "
    "its variable of that name (NAME=OTHERNAME: of another name)",
)
CONNECTION = argument(
    "-c",
    "--connection",
    metavar="NAME_OR_URL",
    help="the connection for this cell (%%kql_connections lists them)",
)
TIMESPAN = argument(
    "-t",
    "--timespan",
    metavar="SPAN",
    help="the times that the query may see: 7d, 12h, P1D, START/END, START/DURATION, all; the start belongs to it, the end does not",
)


@dataclass(frozen=True)
class Cell:
    """What a cell asks: its parsed options, the text after them, where in the cell that text begins, and the whole cell."""

    options: argparse.Namespace
    text: str
    outputs: tuple[str, ...]
    line: int
    column: int
    source: str = ""


def parse(magic: Callable[..., Any], line: str, cell: str | None, *, shift: bool = True) -> Cell:
    """The options at the head of the line, and the text: what follows them, then the cell's body.

    `shift`: whether `NAME <<` at the head of the text is an output; in most languages it is their own.

    Raises
    ------
    UsageError
        For an option that the magic has not, or one without its value.
    """
    parser: MagicArgumentParser = magic.parser  # type: ignore[attr-defined]  # set by magic_arguments
    words, end = leading_options(line, parser)
    options = parser.parse_args(words)
    text, lines, columns = line[end:], 0, len(f"%{parser.prog} ") + end + (cell is not None)
    if cell is not None and text.strip():
        text = f"{text}\n{cell}"
    elif cell is not None:
        text, lines, columns = cell, 1, 0
    outputs = listed(options.output)
    if shift and (match := _SHIFT.match(text)):
        head = match[0]
        outputs += listed([match[1]])
        below = head.count("\n")
        text, lines = text[len(head) :], lines + below
        columns = len(head) - head.rfind("\n") - 1 + (0 if below else columns)
    source = f"%{parser.prog} {line}" if cell is None else f"%%{parser.prog} {line}\n{cell}"
    return Cell(options, text, tuple(outputs), lines, columns, source)


def arguments(magic: Callable[..., Any], line: str) -> argparse.Namespace:
    """The parsed arguments of a line magic; UsageError for a quote that is not closed."""
    try:
        return parse_argstring(magic, line)  # type: ignore[no-any-return]  # IPython types it as anything
    except ValueError as error:
        raise UsageError(f"a quote is not closed: {line}") from error


def outputs_in(line: str) -> list[str]:
    """The names of `-o` in a line that could not be parsed."""
    return listed([match[1] for match in _OUTPUT.finditer(line)])


def leading_options(line: str, parser: MagicArgumentParser) -> tuple[list[str], int]:
    """The option words at the head of the line, and the offset of the first character that is none of them."""
    known = parser._option_string_actions  # noqa: SLF001 - argparse tells its options nowhere else
    words: list[str] = []
    end = 0
    while match := _OPTION.match(line, end):
        option = match[1]
        if option not in known:
            there = ", ".join(sorted(name for name in known if name.startswith("--") and name != "--help"))
            near = did_you_mean(option, [name for name in known if name.startswith("--")], 0.7)
            raise UsageError(f"there is no option {option}; {near or f'there is {there}'}")
        end = match.end()
        if known[option].nargs == 0:  # a flag
            words.append(option)
            continue
        value = _VALUE.match(line, end)
        text = next((group for group in value.groups() if group), None) if value else None
        if value is None or text is None:
            raise UsageError(f"{option} wants a value")
        words.append(f"{option}={text}" if option.startswith("--") else f"{option}{text}")
        end = value.end()
    space = re.compile(r"\s*").match(line, end) if words else None
    return words, space.end() if space else end


def word_among(line: str, parser: MagicArgumentParser, wanted: str) -> tuple[str, list[str]]:
    """The one word of a line, such as a query's name, and the option words before and behind it."""
    words, end = leading_options(line, parser)
    match = _WORD.match(line, end)
    if match is None:
        raise UsageError(wanted)
    behind = line[match.end() :]
    more, end = leading_options(behind, parser)
    if behind[end:].strip():
        raise UsageError(f"behind the name stand options alone, not {behind[end:].strip()!r}")
    return next(group for group in match.groups() if group), [*words, *more]


def listed(words: list[str]) -> list[str]:
    """The names of options that may be repeated or hold names separated by commas."""
    return [name.strip() for word in words for name in word.split(",") if name.strip()]


def inputs(words: list[str]) -> dict[str, str]:
    """Names in the query with the names of the Python variables; `-i host` is short for `-i host=host`."""
    found: dict[str, str] = {}
    for word in listed(words):
        name, _, variable = (part.strip() for part in word.partition("="))
        if not name.isidentifier() or name in found:
            raise UsageError(
                f"-i {word}: " + ("that name stands twice" if name in found else "that is no name")
            )
        found[name] = variable or name
    return found


def results(words: list[str]) -> dict[str, str]:
    """Names of Python variables with the names in the language; `-o hosts` is short for `-o hosts=hosts`."""
    found: dict[str, str] = {}
    for word in listed(words):
        variable, equals, name = (part.strip() for part in word.partition("="))
        if variable in found or (equals and not name):
            raise UsageError(
                f"-o {word}: "
                + ("that name stands twice" if variable in found else "a name is missing behind =")
            )
        found[variable] = name or variable
    return found


def variable_in(text: str | None, names: Mapping[str, Any]) -> str | None:
    """The text itself, or the value of the variable that it names as `{{name}}`."""
    match = _IN_BRACES.fullmatch(text or "")
    if match is None:
        return text
    value = names.get(match[1])
    if not isinstance(value, str):
        raise UsageError(f"{text}: there is no variable {match[1]!r} that holds a text")
    return value


def timespan(text: str, origin: str) -> Timespan | None:
    """The timespan that an option or a setting names; UsageError, naming its origin, when it names none."""
    try:
        return Timespan.parse(text)
    except ValueError as error:
        raise UsageError(f"{origin}: {error}") from error


def row_limit(text: str | None) -> int | None:
    """The number of rows that --limit names; UsageError when it names none."""
    if text is None:
        return None
    if not text.isdecimal():
        raise UsageError(f"--limit {text}: that is no number of rows")
    return int(text)
