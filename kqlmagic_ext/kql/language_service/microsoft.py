"""Microsoft's own answers: Kusto.Language, in the kernel's process.

It counts in UTF-16 units, so each character of two is given to it as one of one; it does not filter by what is typed, has
nothing to say of operators and no keys of dynamic columns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.kql.language_service import Completion, Completions, Diagnostic, Hover
from kqlmagic_ext.kql.language_service.dotnet import LOCK, load
from kqlmagic_ext.kql.language_service.symbols import REPLACED, TABLES_HERE, Symbols, one_unit
from kqlmagic_ext.kql.literals import written_name
from kqlmagic_ext.kql.parameters import RESERVED
from kqlmagic_ext.kql.tokens import code, placeholders, tokens
from kqlmagic_ext.kql.words import OPERATORS, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kqlmagic_ext.kql.language_service import Schema

_LONGEST, _DEEPEST, _LONGEST_PATH = 100_000, 300, 500  # its time grows with the square of the depth
_PART = re.compile(r"(?<![!\w])[A-Za-z_]\w*\Z")
_PATH = re.compile(r"((?:[A-Za-z_]\w*(?:\[[^\]\n]*\])*\.)+)(\w*)$")  # `Column.key[0].` and the part of a word
_KINDS = {
    "Table": "class",
    "MaterialiedView": "class",  # written so in the library
    "Column": "field",
    "BuiltInFunction": "function",
    "LocalFunction": "function",
    "DatabaseFunction": "function",
    "AggregateFunction": "function",
    "Parameter": "variable",
    "Variable": "variable",
    "QueryPrefix": "operator",
    "TabularSuffix": "operator",
    "ScalarInfix": "operator",
    "ScalarPrefix": "keyword",
    "TabularPrefix": "keyword",
    "Keyword": "keyword",
    "ScalarType": "keyword",
    "RenderChart": "value",
    "Syntax": "value",
    "Example": "value",
    "Option": "property",
}
_HOVERED = {
    "Table": "class",
    "Column": "field",
    "BuiltInFunction": "function",
    "LocalFunction": "function",
    "DatabaseFunction": "function",
    "Type": "variable",
    "Variable": "variable",
    "Parameter": "variable",
}
_UNKNOWN = {
    "KS142": "column",  # or variable
    "KS204": "table",
    "KS211": "function",
}
_NEAR = 0.8  # how alike a known name must be before an unknown one is told: a schema may lack a column that is there
_MOST = 5  # unknown names that are looked at: the rest mostly follows from them
_EXPECTED, _ONE_OF = "KS005", "Expected one of: "


class Microsoft:
    """A LanguageService. Making one starts .NET: about a second; a warm answer takes about two milliseconds."""

    def __init__(self) -> None:
        self._kusto = load()
        with LOCK:
            self._symbols = Symbols(self._kusto)

    def complete(self, text: str, cursor: int, schema: Schema) -> Completions:
        """What may stand at the cursor, for the part of a word that stands before it."""
        nothing = Completions(cursor, cursor)
        if _is_excessive(text):
            return nothing
        if keys := _subkeys(text[:cursor], schema):
            return keys
        text = _plain(text)
        with LOCK:
            found = self._complete(text, cursor, schema, "")
            # `to` of `tostring` is a word of the language to the library: such a part is left out, and asked for again.
            if not found.found and (part := _PART.search(text[max(0, cursor - _LONGEST_PATH) : cursor])):
                start = cursor - len(part[0])
                again = self._complete(text[:start] + text[cursor:], start, schema, part[0])
                found = Completions(start, cursor, again.found)
        return found

    def _complete(self, text: str, cursor: int, schema: Schema, part: str) -> Completions:
        """What may stand at the cursor; `part`: of a word, taken out of the text before it."""
        service, analysed = self._read(text, schema)
        answer = service.GetCompletionItems(cursor)
        start = int(answer.EditStart)
        if text[start - 1 : start] == "!":  # of a part of `!has`, the library knows nothing
            return Completions(cursor, cursor)
        types = _types(analysed.GetColumnsInScope(cursor))
        near = _Near((text[start:cursor] + part).casefold(), text[cursor : cursor + 1], types)
        return Completions(start, cursor, tuple(self._items(answer.Items, near, schema)))

    def hover(self, text: str, cursor: int, schema: Schema) -> Hover | None:
        """What the word at the cursor is, or the function in whose parentheses it stands; None where there is nothing to say."""
        if _is_excessive(text):
            return None
        text = _plain(text)
        with LOCK:
            service, _ = self._read(text, schema)
            for start, end in _asked_words(text, cursor):
                for item in service.GetQuickInfo(start).Items:
                    kind = _HOVERED.get(str(item.Kind))
                    if kind is not None:
                        return Hover(text[start:end], kind, str(item.Text).strip())
        return None

    def diagnose(self, text: str, schema: Schema) -> tuple[Diagnostic, ...]:
        """Errors of syntax, and unknown names that are nearly a known one, where the schema knows tables."""
        if _is_excessive(text):
            return ()
        text = _plain(text)
        with LOCK:
            service, analysed = self._read(text, schema)
            syntax = {(one.Code, one.Start) for one in analysed.GetSyntaxDiagnostics()}
            knows = bool(schema.tables) and not self._symbols.is_wide(text, schema)
            return tuple(self._sure(text, service.GetDiagnostics(), syntax, schema, analysed, knows=knows))

    def _read(self, text: str, schema: Schema) -> tuple[Any, Any]:
        """The library's service for a text, and the text as it was analysed."""
        analysed = self._kusto.KustoCode.ParseAndAnalyze(text, self._symbols.of(text, schema))
        return self._kusto.KustoCodeService(analysed), analysed

    def _items(self, items: Iterable[Any], near: _Near, schema: Schema) -> Iterator[Completion]:
        """The library's items as ours, those that begin as what is typed, each once."""
        offered: set[str] = set()
        for item in items:
            name = str(item.MatchText or "")
            if name == TABLES_HERE:  # a table may stand here: all may
                others = [one for one in schema.tables if one not in offered and near.begins(one)]
                yield from (Completion(written_name(one), "class", "table") for one in others)
                offered.update(others)
            elif name not in offered and REPLACED not in name and near.begins(name):
                offered.add(name)
                kind = self._kusto.kinds[int(item.Kind)]
                if (found := _completion(name, kind, item, near, schema)) is not None:
                    yield found

    def _sure(
        self,
        text: str,
        said: Iterable[Any],
        syntax: set[tuple[str, int]],
        schema: Schema,
        analysed: Any,
        *,
        knows: bool,
    ) -> Iterator[Diagnostic]:
        """What is sure to be wrong, up to the first error of syntax: behind it the text is read by guess."""
        told = 0
        for one in sorted(said, key=lambda one: one.Start):
            start, end = int(one.Start), int(one.Start + one.Length)
            if one.Code == _EXPECTED or (one.Code, one.Start) in syntax:
                yield _syntax_error(text, start, end, str(one.Message))
                return
            if not knows or one.Code not in _UNKNOWN or text.startswith(RESERVED, start) or told == _MOST:
                continue
            name, told = text[start:end], told + 1
            known = self._names(str(one.Code), schema, analysed, start)
            if (hint := did_you_mean(name, known, _NEAR)) is not None:
                yield Diagnostic(start, end, "unknown_name", f"there is no {_UNKNOWN[one.Code]} {name}", hint)

    def _names(self, unknown: str, schema: Schema, analysed: Any, at: int) -> Iterable[str]:
        """What may have been meant: a column that is there, or else a table; a function."""
        if unknown == "KS211":
            return self._symbols.functions
        if unknown == "KS204":
            return schema.tables
        return _types(analysed.GetColumnsInScope(at)) or schema.tables


@dataclass(frozen=True)
class _Near:
    """What stands around the cursor: the part of a word before it, the character behind it, the columns' types."""

    typed: str
    behind: str
    types: Mapping[str, str]

    def begins(self, name: str) -> bool:
        """Whether the name begins as what is typed."""
        return name.casefold().startswith(self.typed)


def _completion(name: str, foreign: str, item: Any, near: _Near, schema: Schema) -> Completion | None:
    """The library's item as ours; None for brackets and the like."""
    kind, before = _KINDS.get(foreign), str(item.BeforeText or "").strip()
    if kind is None or not name:
        return None
    if before.endswith(("(", "()")) and kind in ("function", "keyword"):
        closed = ")" if before.endswith("()") or str(item.DisplayText) == f"{name}()" else ""
        return Completion(
            name if near.behind == "(" else f"{name}({closed if kind == 'function' else ''}", kind
        )
    if before.endswith("=") and kind in ("keyword", "value"):
        return Completion(name if near.behind == "=" else f"{name}=", "property")
    if name in ("$left", "$right"):
        return Completion(name if near.behind == "." else f"{name}.", "keyword")
    if kind == "class" and name not in schema.tables:  # a let
        return Completion(name, "variable", "table")
    if kind == "field":
        return Completion(written_name(name), kind, near.types.get(name, ""))
    return Completion(written_name(name), kind, "table") if kind == "class" else Completion(name, kind)


def _types(table: Any) -> Mapping[str, str]:
    """The columns of the library's table, with their types."""
    columns = () if table is None else table.Columns
    return {str(column.Name): str(column.Type.Name) for column in columns}


def _subkeys(before: str, schema: Schema) -> Completions | None:
    """The keys that answers have shown of the dynamic column, or of the path below it, before the dot."""
    match = _PATH.search(before[-_LONGEST_PATH:])
    keys = schema.keys.get(re.sub(r"\[[^\]]*\]", "", match[1])[:-1]) if match is not None else None
    if match is None or not keys:
        return None
    typed = match[2].casefold()
    start = len(before) - len(match[2])
    found = [key for key in keys if key.casefold().startswith(typed)]
    return Completions(start, len(before), tuple(Completion(key, "property") for key in found))


def _asked_words(text: str, cursor: int) -> Iterator[tuple[int, int]]:
    """The word at the cursor, then the functions in whose parentheses it stands, from the inside out."""
    words = code(text)
    for word in words:
        if word.kind == "name" and word.start <= cursor <= word.end:
            yield word.start, word.end
    depth = 0
    before = [word for word in words if word.end <= cursor]
    for position in range(len(before) - 1, 0, -1):
        word, function = before[position], before[position - 1]
        depth += (word.text == ")") - (word.text == "(")
        if depth < 0:
            depth = 0
            if function.kind == "name":
                yield function.start, function.end


def _syntax_error(text: str, start: int, end: int, message: str) -> Diagnostic:
    """The library's error in a sentence, with what may have been meant."""
    message, word = message.rstrip("."), text[start:end]
    if message in {"Missing: '", 'Missing: "'} and (opened := _string_before(text, start)):
        quote = message[-1]
        return Diagnostic(*opened, "syntax", "the string is not closed", f"close it with {quote}")
    hint: str | None = None
    if message.startswith(_ONE_OF):
        hint = did_you_mean(word, message.removeprefix(_ONE_OF).split(", "))
    elif "operator expected" in message:
        hint = did_you_mean(word, OPERATORS) if word else None
    elif word in OPERATORS:
        hint = "is a | missing before it?"
    elif text[:start].endswith("\n\n"):
        hint = "two queries in one cell are separated by ;"
    return Diagnostic(start, end, "syntax", message[:1].lower() + message[1:], hint or "")


def _string_before(text: str, end: int) -> tuple[int, int] | None:
    """The string that ends at an offset: the library points behind it."""
    strings = (one for one in tokens(text) if one.kind == "string" and one.end == end)
    return next(((one.start, one.end) for one in strings), None)


def _is_excessive(text: str) -> bool:
    """Whether the text is too long or nested too deeply to be asked about while somebody waits."""
    if len(text) > _LONGEST:
        return True
    depth = 0
    for char in text:
        if char in "([{":
            depth += 1
            if depth > _DEEPEST:
                return True
        elif char in ")]}":
            depth -= 1
    return False


def _plain(text: str) -> str:
    """The text as .NET can hold it, with `{{name}}` as a name; each offset stays."""
    text, pieces, end = one_unit(text), [], 0
    for braces in placeholders(text) if "{{" in text else ():
        if braces.name is not None:
            name = f"{RESERVED}{braces.name}".ljust(braces.end - braces.start)
            pieces += [text[end : braces.start], name]
            end = braces.end
    return "".join([*pieces, text[end:]])
