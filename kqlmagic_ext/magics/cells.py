"""Where the KQL stands in what an editor shows: a `%%kql` cell, or a `%kql` line of a Python cell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from kqlmagic_ext.magics import options as opt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from IPython.core.completer import CompletionContext
    from IPython.core.magic_arguments import MagicArgumentParser

_CELL = re.compile(r"\s*%%kql(?![\w?])")
_LINE = re.compile(r"[ \t]*(?:[^\W\d][\w.,\[\] \t\"']*=[ \t]*)?%kql(?![\w?])", re.MULTILINE)
_PLACES = re.compile(r"[ \t]*(?:[^\W\d]\w*[ \t]*=[ \t]*)?%(kql_connect|kql_tables)[ \t]+(.*)\Z")
_SHIFT = re.compile(r"\s*[^\W\d]\w*(?:\s*,\s*[^\W\d]\w*)*\s*<<")
_WORD = re.compile(r"\S*\Z")
_WHOLE = re.compile(r"\{\{[ \t]*([^\W\d]\w*)[ \t]*\}\}")
_BRACES = re.compile(r"\{\{[ \t]*([^\W\d]\w*)?\Z")


@dataclass(frozen=True)
class KqlCell:
    """The KQL of a cell or line.

    `head`: what stands between `%%kql` and the query, from the offset `head_start` on; `query`: the text from
    `query_start` on.
    """

    head: str
    head_start: int
    query: str
    query_start: int
    options: Mapping[str, Any]


def find_cell(text: str, cursor: int, parser: MagicArgumentParser) -> KqlCell | None:
    """The KQL around an offset of a cell's text; None when the cursor stands in anything else."""
    if match := _CELL.match(text):
        return _read(text, match.end(), parser) if cursor >= match.end() else None
    line = text.rfind("\n", 0, cursor) + 1
    end = text.find("\n", cursor)
    if match := _LINE.match(text, line):
        found = text if end < 0 else text[:end]
        return _read(found, match.end(), parser) if cursor >= match.end() else None
    return None


def about_places(text: str, cursor: int) -> tuple[str, str] | None:
    """The magic about connections on the line of an offset, and what is written behind it so far; None elsewhere."""
    if text.lstrip().startswith("%%"):
        return None
    match = _PLACES.match(text[text.rfind("\n", 0, cursor) + 1 : cursor])
    return None if match is None else (match[1], match[2])


def _read(text: str, start: int, parser: MagicArgumentParser) -> KqlCell:
    line_end = text.find("\n", start)
    line = text[start:] if line_end < 0 else text[start:line_end]
    try:
        words, end = opt.leading_options(line, parser)
        options = vars(parser.parse_args(words))
    except UsageError:  # an option that is being written
        end, options = len(line), {}
    query_start = start + end
    if match := _SHIFT.match(text, query_start):
        query_start = match.end()
    return KqlCell(text[start:query_start], start, text[query_start:], query_start, options)


def option_at(cell: KqlCell, cursor: int) -> tuple[str, str] | None:
    """The option whose value is written at an offset, empty for an option itself, and what is written so far.

    None where the query stands.
    """
    before = cell.head[: max(0, cursor - cell.head_start)]
    if cursor > cell.query_start:
        before += cell.query[: cursor - cell.query_start]
    if "\n" in before:
        return None
    word = _WORD.search(before)
    part = word[0] if word else ""
    earlier = before[: len(before) - len(part)].split()
    name, equals, value = part.partition("=")
    if equals and name.startswith("--"):
        return name, value
    if earlier and earlier[-1].startswith("-") and not part.startswith("-"):
        return earlier[-1], part
    return ("", part) if part.startswith("-") and all(_is_option(word, earlier) for word in earlier) else None


def _is_option(word: str, words: list[str]) -> bool:
    """Whether a word is an option or the value behind one."""
    at = words.index(word)
    return word.startswith("-") or (at > 0 and words[at - 1].startswith("-"))


def braces_at(text: str) -> str | None:
    """What is written of a name behind `{{` at the end of a text; None when no braces are open."""
    match = _BRACES.search(text)
    return None if match is None else match[1] or ""


def name_in_braces_at(text: str, cursor: int) -> str:
    """The name of the `{{name}}` around an offset; empty when there is none."""
    around = (match for match in _WHOLE.finditer(text) if match.start() <= cursor <= match.end())
    return next((match[1] for match in around), "")


def without_braces(text: str) -> str:
    """The text with each `{{name}}` as a plain name of the same length, so that every offset stays."""
    return _WHOLE.sub(lambda match: f"_in_{match[1]}".ljust(len(match[0])), text)


def cursor_of(context: CompletionContext) -> int:
    """Where the cursor stands in the cell, in characters."""
    lines = context.full_text.split("\n")
    before = sum(len(line) + 1 for line in lines[: context.cursor_line])
    return before + context.cursor_position
