"""What duckdb-kql says of a query, as our errors: one sentence, a place in the cell, what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from kqlmagic_ext.connections.local import slips
from kqlmagic_ext.connections.local.dialect import AGGREGATE_FUNCTIONS, SCALAR_FUNCTIONS, errors
from kqlmagic_ext.errors import QueryError, UnsupportedError
from kqlmagic_ext.kql.language_service.ours.grammar import RENDER_PROPERTIES
from kqlmagic_ext.kql.parameters import RESERVED
from kqlmagic_ext.kql.tokens import code, find_name, place
from kqlmagic_ext.kql.words import KEYWORDS, OPERATORS, did_you_mean

PLACE = "the embedded workspace"
_CASE = re.compile(r"columns ('.*') and ('.*') differ only in case")
_WORD = re.compile(r"[\w-]+|\S")
_EVALUATED = re.compile(r"evaluate\s+(?:hint\.\w+\s*=\s*\w+\s+)*(\w+)", re.IGNORECASE)
_LONGEST_EXCERPT = 40
_CONSTRUCTS = {"(": "a source in parentheses", "let": "this form of let", "{": "a function body here"}
_RUNNING = (
    "where",
    "extend",
    "project",
    "summarize",
    "take",
    "limit",
    "top",
    "join",
    "union",
    "parse",
    "distinct",
    "sort",
    "order",
)
_JOIN_KINDS = (
    "inner", "innerunique", "leftouter", "rightouter", "fullouter", "leftanti", "anti", "leftantisemi", "rightanti",
    "rightantisemi", "leftsemi", "rightsemi",
)  # fmt: skip


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


def _unsupported(error: errors.KqlUnsupportedError, source: Source, shift: int) -> QueryError:
    """Names the function or the operator by the analyst's own word."""
    kind, _, name = error.construct.rpartition(":")
    if kind in ("function", "aggregate"):
        return _unsupported_function(name, source)
    place = source.place(_offset(error.span, source, shift)) if error.span else {}
    if kind == "join kind" and name not in _JOIN_KINDS:
        return QueryError(f"there is no join kind {name!r}", hint=did_you_mean(name, _JOIN_KINDS), **place)
    if error.span is None:
        return UnsupportedError(f"{PLACE} cannot run {error.construct} yet", construct=error.construct)
    offset = _offset(error.span, source, shift)
    word = _word_at(source.text, offset)
    operator = _operator_at(source.text, offset)
    if operator and (word != operator or word in _RUNNING):
        said = f"cannot run this form of {operator} yet"
        return UnsupportedError(f"{PLACE} {said}", construct=operator, **place)
    named = _plugin(error, source, offset) if word == "evaluate" else _CONSTRUCTS.get(word, word)
    return UnsupportedError(f"{PLACE} cannot run {named} yet", construct=named, **place)


def _plugin(error: errors.KqlUnsupportedError, source: Source, offset: int) -> str:
    """What ours says of a plugin's form; the name of one that is not there."""
    found = _EVALUATED.match(source.text, offset)
    is_ours = " " in error.construct
    return str(error.construct) if is_ours or found is None else f"evaluate {found[1]}"


def _unsupported_function(name: str, source: Source) -> QueryError:
    known = [*SCALAR_FUNCTIONS, *AGGREGATE_FUNCTIONS]
    words = [word.text for word in code(source.text)]
    if any(words[at : at + 3] == ["let", name, "="] for at in range(len(words))):
        said = f"{PLACE} cannot run this call of {name}(): look at its arguments, and whether a table may stand here"
        return UnsupportedError(said, construct=f"{name}()", **source.named(name, last=True))
    if (wrong := slips.wrong_call(name, source)) is not None:
        hint = None if name in known else did_you_mean(name, known, cutoff=0.75)
        return QueryError(wrong, hint=hint, **source.named(name))
    said = f"cannot run this form of {name}() yet" if name in known else f"has no function {name}() yet"
    hint = None if name in known else did_you_mean(name, known, cutoff=0.85)
    return UnsupportedError(f"{PLACE} {said}", construct=f"{name}()", hint=hint, **source.named(name))


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
    if (found := slips.missing_semicolon(source, offset)) is not None:
        return found
    if source.text[offset : offset + 1] == "|" and (behind := _WORD.search(source.text, offset + 1)):
        return _operator_error(behind[0], source, behind.start())
    hint = _slip(source.text, offset)
    said = _reason(message).replace(RESERVED, "")
    return QueryError(said, hint=hint, syntax=True, **source.place(offset))


def _slip(text: str, offset: int) -> str | None:
    """What the analyst may have meant where the text cannot be read on."""
    words = [word.text for word in code(text[offset:])[:3]]
    if text[offset : offset + 1] in ("'", '"'):
        return "the string is not closed"
    if words[1:2] == ["="] and _operator_at(text, offset) == "render":
        return did_you_mean(words[0], RENDER_PROPERTIES)
    if len(words) > 1 and words[0] in KEYWORDS and words[1] == "=":
        return f"{words[0]} is a word of KQL; as a name, write ['{words[0]}']"
    if words[:1] == ["{"] and words[2:] == ["}"]:
        return f"a Python value is written {{{{{words[1]}}}}}"
    if re.search(r"\n[ \t]*\n\s*$", text[:offset]):
        return "two queries in one cell are separated by ;"
    return "is a | missing before it?" if words and words[0] in OPERATORS else None


def _operator_error(word: str, source: Source, offset: int) -> QueryError:
    place = source.place(offset)
    if (found := slips.incomplete(word, source, offset)) is not None:
        return found
    if word not in OPERATORS:
        near = did_you_mean(word, OPERATORS)
        return QueryError(f"there is no operator {word!r}", hint=near, syntax=True, **place)
    if word in ("serialize", "parse-kv", "project-by-names"):
        return UnsupportedError(f"{PLACE} cannot run this form of {word} yet", construct=word, **place)
    marks = [token.text for token in code(source.text) if token.kind == "mark"]
    opened = next(
        (pair[0] for pair in ("()", "[]", "{}") if marks.count(pair[0]) != marks.count(pair[1])), None
    )
    hint = (
        f"count its {opened}: they are not all closed"
        if opened
        else "look at its brackets, commas and quotes"
    )
    return QueryError(f"this {word} cannot be read", hint=hint, syntax=True, **place)


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
