"""What is surely wrong in a query: faults of syntax that a token shows, and names that nothing in the query can mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqlmagic_ext.kql.language_service import Diagnostic
from kqlmagic_ext.kql.language_service.language import language, words
from kqlmagic_ext.kql.language_service.ours.expressions import TYPES
from kqlmagic_ext.kql.language_service.ours.follower import ROOT, Follower
from kqlmagic_ext.kql.language_service.ours.grammar import AFTER_WORD, CLAUSES, INFIX
from kqlmagic_ext.kql.language_service.ours.scope import NOTHING, Columns, Function
from kqlmagic_ext.kql.language_service.ours.section import assigned
from kqlmagic_ext.kql.words import OPERATORS, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kqlmagic_ext.kql.language_service import Schema
    from kqlmagic_ext.kql.language_service.ours.code import Code
    from kqlmagic_ext.kql.language_service.ours.scope import Names

_MORE_OPERATORS = frozenset(("mvexpand", "mvapply", "project-by-names", "assert-schema", "execute-and-cache"))
# Operators whose arguments are expressions of columns and nothing else.
_EXPRESSIVE = frozenset(
    ("where", "filter", "extend", "project", "summarize", "distinct", "sort", "order", "top")
)
_LITERALS = frozenset(("true", "false", "null", "True", "False", "TRUE", "FALSE", "nan", "inf", "typeof"))
_ORDERING = frozenset(("asc", "desc", "nulls", "first", "last", "hint"))
_OPEN_QUERY = frozenset(("in", "~", "toscalar", "materialize", "has_any", "has_all"))
_NEAR = 0.8  # how alike a name must be to one that is known before an unknown one is told


def check(code: Code, schema: Schema) -> Iterator[Diagnostic]:
    """The faults of syntax; where there is none, the names that nothing has."""
    faults = sorted([*_open_strings(code), *_brackets(code)], key=lambda fault: fault.start)
    if faults:
        yield faults[0]  # what follows may only follow from it
        return
    found: list[Diagnostic] = []
    checker = _Checker(code, schema, found)
    checker.follower.statements(0, len(code), ROOT)
    unknown = {fault.start: fault for fault in found}
    yield from (unknown[start] for start in sorted(unknown))


def _open_strings(code: Code) -> Iterator[Diagnostic]:
    for token in code.tokens:
        if token.kind == "string" and not code.is_closed(token):
            yield Diagnostic(
                token.start,
                token.end,
                "syntax",
                "this string has no end",
                f"close it with {token.text.lstrip('hH@')[:1]}",
            )


def _brackets(code: Code) -> Iterator[Diagnostic]:
    pairs = {"(": ")", "[": "]", "{": "}"}
    for place in code.unopened[:1]:
        token = code.tokens[place]
        yield Diagnostic(
            token.start,
            token.end,
            "syntax",
            f"nothing opens this {token.text}",
            "take it away, or open it before",
        )
    for place in code.unclosed[-1:]:
        token = code.tokens[place]
        yield Diagnostic(
            token.start, token.end, "syntax", f"nothing closes this {token.text}", f"add {pairs[token.text]}"
        )


class _Checker:
    """Watches a query being followed, and looks at the names in each operator's arguments."""

    def __init__(self, code: Code, schema: Schema, found: list[Diagnostic]) -> None:
        self.code, self.schema, self.found = code, schema, found
        self.follower = Follower(code, schema, watch=self.look, unknown=self.source)
        self.defined = set(_defined(code))

    def look(self, name: str, low: int, high: int, columns: Columns, names: Names) -> None:
        """Look at one operator."""
        if not name:
            self._no_operator(low, high)
        elif name not in OPERATORS and name not in _MORE_OPERATORS and name not in language()["operator"]:
            self._unknown_operator(name, low)
        elif name in _EXPRESSIVE:
            self._expressions(name, low, high, columns, names)

    def _no_operator(self, low: int, high: int) -> None:
        place = low - 1
        if low >= high and self.code.word(place) == "|":
            token = self.code.tokens[place]
            self.found.append(
                Diagnostic(
                    token.start,
                    token.end,
                    "syntax",
                    "no operator follows this pipe",
                    "name one, such as where",
                )
            )

    def _unknown_operator(self, name: str, low: int) -> None:
        end = self.code.tokens[low - 1].end
        hint = did_you_mean(name, OPERATORS) or "such as where, extend, project, summarize"
        self.found.append(Diagnostic(end - len(name), end, "syntax", f"there is no operator {name}", hint))

    def _expressions(self, operator: str, low: int, high: int, columns: Columns, names: Names) -> None:
        place = low
        while place < high:
            if self.code.words[place] == "(" and self._opens_query(place, names):
                close = self.code.closers[place]
                self.follower.pipeline(place + 1, close, names)
                place = close
            elif self.code.is_name(place):
                self._name(operator, place, low, columns, names)
            place += 1

    def _opens_query(self, place: int, names: Names) -> bool:
        if self.code.word(place - 1) not in _OPEN_QUERY:
            return False
        return self.follower.is_tabular(place + 1, self.code.closers[place], names)

    def _name(self, operator: str, place: int, low: int, columns: Columns, names: Names) -> None:
        code, word = self.code, self.code.words[place]
        behind = code.word(place + 1)
        if code.word(place - 1) in (".", ":") or behind == ":" or word.startswith("$"):
            return
        if behind == "(":
            self._function(place, names)
            return
        is_language = word in _LITERALS or word in AFTER_WORD or word in INFIX or word in TYPES
        clauses = CLAUSES.get(operator, ())
        if is_language or word in _ORDERING or word in clauses:
            return
        if self._is_infix(place, low):
            self._unknown(place, "operator", [*INFIX, *clauses])
            return
        if not columns.known or columns is NOTHING:
            return
        if word in columns.types or word in names.lets or word in self.follower.named or word in self.defined:
            return
        if word in self.schema.tables:
            return
        self._unknown(place, "column", columns.types)

    def _is_infix(self, place: int, low: int) -> bool:
        """Whether a name stands right behind an operand, where only an operator can."""
        before = self.code.tokens[place - 1]
        if place <= low or before.kind == "mark":
            return place > low and before.text in ")]"
        return before.kind == "name" and before.text not in AFTER_WORD | INFIX | _ORDERING

    def source(self, low: int, name: str) -> None:
        """Look at a name that stands for a table and that nothing has."""
        del name
        lets = [token.text for token in self.code.tokens[:low] if token.kind == "name"]
        self._unknown(low, "table", [*self.schema.tables, *lets])

    def _function(self, place: int, names: Names) -> None:
        word = self.code.words[place]
        known = words("function", "aggregate", "window", "tabular", "plugin", "keyword", "infix")
        if (
            word in known
            or word in names.lets
            or word in _LITERALS
            or word in AFTER_WORD
            or word in TYPES
            or word in OPERATORS
        ):
            return
        lets = [name for name, bound in names.lets.items() if isinstance(bound, Function)]
        self._unknown(place, "function", [*known, *lets])

    def _unknown(self, place: int, what: str, known: Iterable[str]) -> None:
        token = self.code.tokens[place]
        hint = did_you_mean(token.text, known, _NEAR)
        if hint is not None:
            self.found.append(
                Diagnostic(token.start, token.end, "unknown_name", f"there is no {what} {token.text}", hint)
            )


def _defined(code: Code) -> Iterator[str]:
    """Every name that stands before `=` somewhere: a column that is made, under whatever circumstances."""
    for place in range(len(code)):
        if code.is_name(place) and code.assigns(place + 1, len(code)):
            yield code.words[place]
        elif code.words[place] == "(":
            yield from assigned(code, place, len(code))[0]
