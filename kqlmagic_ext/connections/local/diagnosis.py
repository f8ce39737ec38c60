"""What duckdb-kql and DuckDB say of a query, as our errors: one sentence, a place in the cell, what to do."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from duckdb_kql import errors
from duckdb_kql.translate.functions import AGGREGATE_FUNCTIONS, SCALAR_FUNCTIONS

from kqlmagic_ext.errors import QueryError, UnsupportedError
from kqlmagic_ext.kql.tokens import code, find_name, place
from kqlmagic_ext.kql.words import KEYWORDS, OPERATORS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PLACE = "the embedded workspace"
_MISSING_COLUMN = re.compile(
    r"""Referenced column "(?P<name>(?:[^"]|"")*)" not found"""
    r"""|(?:Column|Alias with name) "+(?P<later>[^"]*)"+ (?:referenced that )?exists"""
)
_CASE = re.compile(r"columns ('.*') and ('.*') differ only in case")
_WORD = re.compile(r"[\w-]+|\S")
_LONGEST_EXCERPT = 40
_CONSTRUCTS = {"(": "a source in parentheses", "let": "this form of let"}


@dataclass(frozen=True)
class Source:
    """A statement, and the cell's own text with the same offsets, for errors."""

    text: str
    shown: str

    def place(self, offset: int | None) -> dict[str, Any]:
        """Where an offset of the text is, as an error takes it."""
        return {} if offset is None else place(self.text, offset, self.shown)

    def named(self, name: str, *, last: bool = False) -> dict[str, Any]:
        """Where a name first (or last) stands."""
        return self.place(find_name(self.text, name, last=last))


def translation_error(error: errors.KqlError, source: Source, shift: int) -> QueryError:
    """duckdb-kql's error as ours; `shift`: how much stands before the text on its first line."""
    if isinstance(error, errors.KqlSyntaxError) and error.diagnostics:
        first = error.diagnostics[0]
        return _syntax_error(first.message, _offset(first.span, source, shift), source)
    if isinstance(error, errors.KqlUnsupportedError):
        return _unsupported(error, source, shift)
    if isinstance(error, errors.KqlSchemaError) and (twins := _CASE.search(error.hint or "")):
        said = f"columns {twins[1]} and {twins[2]} differ only in case, and {PLACE} cannot keep them apart"
        return QueryError(said, hint="rename one with project-rename", **source.named(twins[2].strip("'")))
    if isinstance(error, errors.KqlSchemaError):
        return QueryError(
            f"{error.name}: {error.hint}" if error.hint else str(error), **source.named(error.name)
        )
    return QueryError(str(error))


def _offset(span: errors.SourceSpan, source: Source, shift: int) -> int:
    """The offset in the text of duckdb-kql's line (from 1) and column (from 0)."""
    starts = [0, *(match.end() for match in re.finditer("\n", source.text))]
    line = min(span.line, len(starts))
    column = span.column - shift if line == 1 else span.column
    return int(min(starts[line - 1] + max(0, column), len(source.text)))


def _unsupported(error: errors.KqlUnsupportedError, source: Source, shift: int) -> UnsupportedError:
    """Names the function or the operator by the analyst's own word."""
    kind, _, name = error.construct.rpartition(":")
    if kind in ("function", "aggregate"):
        known = name in SCALAR_FUNCTIONS or name in AGGREGATE_FUNCTIONS
        said = f"cannot run this form of {name}() yet" if known else f"has no function {name}() yet"
        return UnsupportedError(f"{PLACE} {said}", construct=f"{name}()", **source.named(name))
    if error.span is None:
        return UnsupportedError(f"{PLACE} cannot run {error.construct} yet", construct=error.construct)
    offset = _offset(error.span, source, shift)
    word = _word_at(source.text, offset)
    word = _CONSTRUCTS.get(word, word)
    operator = _operator_at(source.text, offset)
    if word == operator or not operator:
        return UnsupportedError(f"{PLACE} cannot run {word} yet", construct=word, **source.place(offset))
    said = f"cannot run this form of {operator} yet"
    return UnsupportedError(f"{PLACE} {said}", construct=operator, **source.place(offset))


def _word_at(text: str, offset: int) -> str:
    match = _WORD.search(text, offset)
    return match[0] if match else ""


def _operator_at(text: str, offset: int) -> str:
    """The operator in which an offset stands: the word behind the last pipe before it; empty where there is none."""
    pipe = text.rfind("|", 0, offset + 1)
    word = _word_at(text, pipe + 1) if pipe >= 0 else ""
    return word if word in OPERATORS else ""


def _syntax_error(message: str, offset: int, source: Source) -> QueryError:
    """ANTLR's message in words; at a pipe it means the operator behind it."""
    if source.text[offset : offset + 1] == "|" and (behind := _WORD.search(source.text, offset + 1)):
        return _operator_error(behind[0], source.place(behind.start()))
    return QueryError(_reason(message), hint=_name_hint(source.text, offset), **source.place(offset))


def _name_hint(text: str, offset: int) -> str | None:
    """What to write when a word of KQL is used as a name, as in `first = min(x)`."""
    words = code(text[offset:])
    if len(words) > 1 and words[0].text in KEYWORDS and words[1].text == "=":
        return f"{words[0].text} is a word of KQL; as a name, write ['{words[0].text}']"
    return None


def _operator_error(word: str, place: dict[str, Any]) -> QueryError:
    if word not in OPERATORS:
        return QueryError(f"there is no operator {word!r}", hint=did_you_mean(word, OPERATORS), **place)
    if word in ("serialize", "parse-kv", "project-by-names"):
        return UnsupportedError(f"{PLACE} cannot run this form of {word} yet", construct=word, **place)
    return QueryError(f"this {word} is no KQL; look at its brackets, commas and quotes", **place)


def _reason(message: str) -> str:
    """ANTLR's message without the list of all that it would have taken instead."""
    reason = message.partition(" expecting ")[0]
    if "<EOF>" in reason:
        return "the query ends too early"
    if match := re.match(r"no viable alternative at input '(.*)'$", reason, re.DOTALL):
        cut = "…" if len(match[1]) > _LONGEST_EXCERPT else ""
        return f"this is no KQL: {cut}{match[1][-_LONGEST_EXCERPT:]}"
    for said, ours in (
        ("mismatched input ", "unexpected "),
        ("extraneous input ", "unexpected "),
        ("token recognition error at: ", "unexpected character "),
    ):
        reason = reason.replace(said, ours)
    return reason


def engine_error(error: Exception, source: Source, tables: Mapping[str, Mapping[str, str]]) -> QueryError:
    """DuckDB's error as ours: an unknown column by its name, anything else by its first line."""
    text = str(error)
    columns = [column for table in tables.values() for column in table]
    if match := _MISSING_COLUMN.search(text):
        name = (match["name"] or match["later"]).replace('""', '"')
        return _missing_column(name, columns, tables, source)
    first = text.split("\n", maxsplit=1)[0].partition(": ")
    hint = (
        "raise %config KqlMagics.memory_limit, or narrow the query"
        if "OutOfMemory" in type(error).__name__
        else None
    )
    return QueryError(f"the embedded engine failed: {first[2] or first[0]}", hint=hint)


def _missing_column(
    name: str, columns: list[str], tables: Mapping[str, Mapping[str, str]], source: Source
) -> QueryError:
    if name in tables:
        hint = f"name the column too: in ({name} | project {next(iter(tables[name]))})"
        said = f"{name!r} is a table, and stands where a value is wanted"
        return QueryError(said, hint=hint, unknown=name, **source.named(name, last=True))
    if name in columns or _is_made(name, source.text):
        said = f"the column {name!r} is gone: an operator before this place dropped it"
        return QueryError(said, unknown=name, **source.named(name, last=True))
    near = did_you_mean(name, columns)
    return QueryError(f"there is no column {name!r}", hint=near, unknown=name, **source.named(name))


def _is_made(name: str, text: str) -> bool:
    """Whether the text gives something that name, as in `extend name = …`."""
    words = [word.text for word in code(text)]
    return any(
        words[at : at + 2] == [name, "="] and words[at + 2] not in "=~" for at in range(len(words) - 2)
    )


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """`did you mean SigninLogs?` for the nearest of the known names; None when none is near."""
    folded = {candidate.casefold(): candidate for candidate in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return f"did you mean {folded[near[0]]}?" if near else None
