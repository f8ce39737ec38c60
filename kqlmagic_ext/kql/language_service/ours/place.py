"""Where the cursor stands in a query: what kind of word is wanted there, and which names are in force."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kqlmagic_ext.kql.language_service.ours.follower import PREPARING, ROOT, SOURCES
from kqlmagic_ext.kql.language_service.ours.scope import NOTHING, Columns, Names
from kqlmagic_ext.kql.language_service.ours.section import Section, past_options
from kqlmagic_ext.kql.language_service.ours.tables import applied

if TYPE_CHECKING:
    from kqlmagic_ext.kql.language_service.ours.follower import Follower

_OPENS_QUERY = frozenset(("materialize", "toscalar", "totable", "view"))
_IN = frozenset(("in", "~", "has_any", "has_all"))


@dataclass(frozen=True)
class Place:
    """What is wanted, and what is in force.

    `wants`: statement, source (a table), value (of let: a table or a value), pipe (only a pipe may follow), operator,
    arguments, type, or nothing. `operator`: whose arguments, from the token at `low` on; `bracket`: the innermost open
    one; `right`: behind `on`, the columns of the other table.
    """

    wants: str
    columns: Columns = NOTHING
    names: Names = ROOT
    operator: str = ""
    low: int = 0
    bracket: int | None = None
    right: Columns | None = None


def find_place(follower: Follower) -> Place:
    """The place at the end of the follower's text, which ends before the word at the cursor."""
    return _Finder(follower).statements(0, ROOT)


class _Finder:
    def __init__(self, follower: Follower) -> None:
        self.follower, self.code = follower, follower.code
        self.end = len(self.code)
        self.open = set(self.code.unclosed)

    def statements(self, low: int, names: Names) -> Place:
        *done, (start, _) = self.code.split(low, self.end, ";")
        for first, last in done:
            names, _ = self.follower.statements(first, last, names)
        return self._statement(start, names)

    def _statement(self, low: int, names: Names) -> Place:
        if low >= self.end:
            return Place("statement", names=names)
        word = self.code.words[low]
        if word == "let":
            name, place = self.code.named(low + 1, self.end)
            return self._value(place + 1, names) if name and place < self.end else Place("nothing")
        if word in PREPARING:
            return Place("type" if self.code.words[-1] == ":" else "nothing", names=names)
        return self.pipeline(low, names)

    def _value(self, low: int, names: Names) -> Place:
        """What stands behind `let name =`."""
        code = self.code
        if low >= self.end:
            return Place("value", names=names)
        if code.word(low) == "view":
            low += 1
        if code.word(low) == "(":
            close = code.closers.get(low)
            if close is None:
                return self._in_parentheses(low, names)
            if code.word(close + 1) == "{" and close + 1 in self.open:
                return self.statements(close + 2, self.follower.parameters(low, close, names))
        return self.pipeline(low, names, wants="value")

    def _in_parentheses(self, low: int, names: Names) -> Place:
        """Inside `let name = (`: the parameters of a function, or a value."""
        if self.code.words[-1] == ":":
            return Place("type", names=names)
        return self._value(low + 1, names)

    # ------------------------------------------------------------ pipelines

    def pipeline(self, low: int, names: Names, given: Columns | None = None, wants: str = "source") -> Place:
        """The place in a pipeline that the cursor is in."""
        sections = self.code.split(low, self.end, "|")
        start, _ = sections.pop()
        if given is None and not sections:
            return self._source(start, names, wants)
        if given is None:
            given = self.follower.source(*sections.pop(0), names)
        for first, last in sections:
            given = self.follower.step(first, last, given, names)
        return self._operator(start, given, names)

    def _source(self, low: int, names: Names, wants: str) -> Place:
        code = self.code
        if low >= self.end:
            return Place(wants, names=names)
        word = code.words[low]
        if word == "(" and low in self.open:
            return self.pipeline(low + 1, names, wants=wants)
        if word in SOURCES and not (word == "range" and code.word(low + 1) == "("):
            columns = NOTHING
            if word in ("find", "search"):
                columns = self.follower.source(low, self.end, names)
            return self._arguments(Place("arguments", columns, names, word, low + 1))
        if wants == "source" and not any(place >= low for place in self.open):
            is_path = code.words[-1] == "."
            return Place(
                "source" if is_path else "pipe", names=names, low=low, operator="." if is_path else ""
            )
        return self._arguments(Place("arguments", NOTHING, names, "", low))

    def _operator(self, low: int, columns: Columns, names: Names) -> Place:
        name, place = self.code.hyphened(low, self.end)
        if not name:
            return Place("operator", columns, names)
        return self._arguments(Place("arguments", columns, names, name, place))

    def _arguments(self, place: Place) -> Place:
        """The place among an operator's arguments: in the innermost open bracket, or in the query inside one."""
        for bracket in [opening for opening in self.code.unclosed if opening >= place.low]:
            inner = self._inner_query(place, bracket)
            if inner is not None:
                return inner
            place = replace(place, bracket=bracket)
        if place.operator in ("join", "lookup", "union") and place.bracket is None:
            return self._tables(place)
        if place.operator == "evaluate" and self.code.word(place.low).endswith("_lookup"):
            first, last = self.code.split(place.low + 2, self.end, ",")[0]
            looked_up = self.follower.source(first, last, place.names)
            return replace(place, columns=place.columns.and_those_of(looked_up))
        is_typed = place.operator in ("datatable", "externaldata", "parse", "parse-where", "parse-kv")
        return replace(place, wants="type") if is_typed and self.code.words[-1] == ":" else place

    def _inner_query(self, place: Place, bracket: int) -> Place | None:
        """The place inside the query that a bracket opens; None when it opens none."""
        code, before = self.code, self.code.word(bracket - 1)
        if code.words[bracket] == "{":
            return self.statements(bracket + 1, place.names)
        if code.words[bracket] != "(":
            return None
        if before in _OPENS_QUERY:
            return self.pipeline(bracket + 1, place.names)
        if before in _IN:
            return self._in_list(place, bracket)
        if place.bracket is not None and code.words[place.bracket] != "(":
            return None
        return self._operators_query(place, bracket)

    def _operators_query(self, place: Place, bracket: int) -> Place | None:
        before, names, low = self.code.word(bracket - 1), place.names, place.low
        if place.operator in ("join", "lookup"):
            is_table = self.code.find(low, bracket, "on") == bracket
            return self.pipeline(bracket + 1, names) if is_table else None
        if place.operator == "union":
            is_table = before in (",", "union", "(") or bracket == past_options(self.code, low, bracket)[1]
            return self.pipeline(bracket + 1, names) if is_table else None
        if place.operator in ("mv-apply", "mvapply") and before == "on":
            section = Section(self.follower, low, self.end, place.columns, names)
            return self.pipeline(bracket + 1, names, given=applied(section)[0])
        if place.operator in ("partition", "fork"):
            return self.pipeline(bracket + 1, names, given=place.columns)
        if place.operator in ("find", "search") and before == "in":
            return Place("source", names=names)
        return None

    def _in_list(self, place: Place, bracket: int) -> Place | None:
        """Inside `in (`: a query when it has a pipe; at its begin a table is as likely as a value."""
        if place.operator in ("find", "search"):
            return Place("source", names=place.names)
        if len(self.code.split(bracket + 1, self.end, "|")) > 1:
            return self.pipeline(bracket + 1, place.names)
        if bracket == self.end - 1:
            return replace(place, wants="value", bracket=bracket)
        return None

    def _tables(self, place: Place) -> Place:
        """Where join, lookup and union want a table, options or, behind `on`, columns."""
        code, low = self.code, past_options(self.code, place.low, self.end)[1]
        if place.operator == "union":
            if code.words[-1] == "=":
                return place
            is_wanted = low == self.end or code.words[-1] == ","
            return replace(place, wants="source" if is_wanted else "pipe", low=low)
        on = code.find(low, self.end, "on")
        if on < self.end:
            return replace(place, right=self.follower.source(low, on, place.names))
        if low == self.end:
            return replace(place, wants="source")
        return place
