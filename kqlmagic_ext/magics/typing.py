"""Tab and Shift-Tab in KQL cells and lines: the language service answers for the query, we for options and variables."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from types import ModuleType
from typing import TYPE_CHECKING, Any

from IPython.core.completer import SimpleCompletion, context_matcher
from IPython.core.error import UsageError

from kqlmagic_ext.errors import ConnectError
from kqlmagic_ext.kql.language_service import Completion, Completions, Hover
from kqlmagic_ext.kql.parameters import RESERVED, bind, is_frame
from kqlmagic_ext.magics import options as opt
from kqlmagic_ext.magics.cells import (
    about_places,
    braces_at,
    cursor_of,
    find_cell,
    name_in_braces_at,
    option_at,
    without_braces,
)
from kqlmagic_ext.magics.inspection import wrap_inspection
from kqlmagic_ext.magics.schemas import Schemas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from IPython.core.completer import CompletionContext, SimpleMatcherResult
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.core.magic_arguments import MagicArgumentParser

    from kqlmagic_ext.connections import Connection
    from kqlmagic_ext.kql.language_service import Diagnostic, LanguageService, Schema
    from kqlmagic_ext.magics.cells import KqlCell
    from kqlmagic_ext.magics.places import Places
    from kqlmagic_ext.query import Query, Result

_SPANS = ("1h", "1d", "7d", "30d", "all")
# A scalar of -i or {{…}} stands before the query as it would in a query to Log Analytics, empty: its type is what counts.
_EMPTY = {
    str: '""',
    bool: "bool(null)",
    int: "long(null)",
    float: "real(null)",
    list: "dynamic([])",
    dict: "dynamic({})",
}


class Typing:
    """Answers Tab and Shift-Tab, in any thread; `service` gives the language service that answers now."""

    def __init__(
        self,
        shell: InteractiveShell,
        places: Places,
        parser: MagicArgumentParser,
        service: Callable[[], LanguageService],
    ) -> None:
        self._shell, self._places, self._parser, self._service = shell, places, parser, service
        self._schemas = Schemas()
        self._take_away: list[Callable[[], None]] = []

    def learn(self, connection: Connection, result: Result) -> None:
        """Take note of an answer."""
        self._schemas.learn(connection, result)

    # ------------------------------------------------------------ Tab

    def complete(self, text: str, cursor: int) -> Completions | None:
        """What may stand at an offset of a cell's text; None outside KQL."""
        cell = find_cell(text, cursor, self._parser)
        if cell is None:
            asked = about_places(text, cursor)
            return None if asked is None else self._argument(*asked, cursor)
        part = braces_at(text[cell.head_start : cursor])
        if part is not None:
            return self._variables_in_braces(text, cursor, part)
        option = option_at(cell, cursor)
        if option is not None:
            return self._option_value(*option, cursor)
        if cursor < cell.query_start:
            return Completions(cursor, cursor)
        query, before, schema = self._question(cell)
        found = self._service().complete(query, cursor - cell.query_start + before, schema)
        shift = cell.query_start - before
        return Completions(found.start + shift, found.end + shift, found.found)

    def _question(self, cell: KqlCell) -> tuple[str, int, Schema]:
        """The query with what is given to it by name, the length of what that puts before it, and what is known."""
        query = without_braces(cell.query)
        return self._given(query, self._inputs(cell, query), self._connection(cell))

    def _given(
        self, query: str, values: Mapping[str, Any], connection: Connection | None
    ) -> tuple[str, int, Schema]:
        frames = {name: value for name, value in values.items() if is_frame(value)}
        lets = "".join(
            f"let {name}={_EMPTY.get(type(value), 'dynamic(null)')};"
            for name, value in values.items()
            if name not in frames
        )
        before = f"{lets}\n" if lets else ""
        return before + query, len(before), self._schemas.schema(connection, frames)

    def _inputs(self, cell: KqlCell, query: str) -> dict[str, Any]:
        names = dict(self._shell.user_ns)
        found: dict[str, Any] = {}
        for word in opt.listed(cell.options.get("input") or []):
            name, _, variable = (part.strip() for part in word.partition("="))
            if name.isidentifier() and (variable or name) in names:
                found[name] = names[variable or name]
        if query != cell.query:
            found |= {f"_in_{name}": names[name] for name in names if f"_in_{name}" in query}
        return found

    def _connection(self, cell: KqlCell) -> Connection | None:
        """The open connection that would answer the cell; a place that is not open yet stays so."""
        try:
            wanted = opt.variable_in(cell.options.get("connection"), self._shell.user_ns)
        except UsageError:  # running the cell says what is wrong with it
            return None
        return self._places.opened(wanted)

    def _variables_in_braces(self, text: str, cursor: int, part: str) -> Completions:
        close = "" if text[cursor:].lstrip().startswith("}}") else "}}"
        found = tuple(
            Completion(one.text + close, one.kind, one.type)
            for one in self._variables()
            if one.text.startswith(part)
        )
        return Completions(cursor - len(part), cursor, found)

    def _variables(self) -> Iterator[Completion]:
        hidden = self._shell.user_ns_hidden
        for name, value in dict(self._shell.user_ns).items():
            is_own = (
                name.startswith("_")
                or name in hidden
                or isinstance(value, ModuleType | type)
                or callable(value)
            )
            if not is_own:
                yield Completion(name, "variable", type(value).__name__)

    def _option_value(self, option: str, written: str, cursor: int) -> Completions:
        part = written
        found: Iterable[Completion] = ()
        if not option:
            found = self._options(self._parser)
        elif option in ("-i", "--input"):
            part = written.rpartition(",")[2].rpartition("=")[2]
            found = self._variables()
        elif option in ("-c", "--connection"):
            found = self._named_connections()
        elif option in ("-t", "--timespan"):
            found = (Completion(span, "value") for span in _SPANS)
        matching = tuple(one for one in found if one.text.startswith(part))
        return Completions(cursor - len(part), cursor, matching)

    def _argument(self, magic: str, written: str, cursor: int) -> Completions:
        """What may stand behind `%kql_connect` and `%kql_tables`."""
        part = written.rpartition(" ")[2]
        earlier = written.split()[: -1 if part else None]
        found: Iterable[Completion] = ()
        if part.startswith("-"):
            found = self._options(self._shell.find_line_magic(magic).parser)
        elif (magic == "kql_connect" and not earlier) or earlier[-1:] in (["-c"], ["--connection"]):
            found = self._named_connections()
        elif magic == "kql_tables":
            found = self._tables(earlier)
        folded = part.casefold()
        matching = tuple(one for one in found if one.text.casefold().startswith(folded))
        return Completions(cursor - len(part), cursor, matching)

    def _tables(self, words: list[str]) -> Iterator[Completion]:
        """The tables of the connection that some words of a line name, else of the one that answers."""
        wanted = next((name for option, name in pairwise(words) if option in ("-c", "--connection")), None)
        schema = self._schemas.schema(self._places.opened(wanted), {})
        return (Completion(name, "class", "table") for name in schema.tables)

    @staticmethod
    def _options(parser: MagicArgumentParser) -> Iterator[Completion]:
        for action in parser._actions:  # noqa: SLF001 - argparse tells its options nowhere else
            for name in sorted(action.option_strings, key=len):
                yield Completion(name, "property")

    def _named_connections(self) -> Iterator[Completion]:
        try:
            names = [name for name, _, _ in self._places]
        except ConnectError:  # the file of connections cannot be read, and %kql_connect says why
            names = []
        yield from (Completion(name, "variable") for name in names)
        yield from (Completion(url, "value") for url in ("local://demo", "local:///", "loganalytics://"))

    # ------------------------------------------------------------ Shift-Tab

    def hover(self, text: str, cursor: int) -> Hover | None:
        """What the word at an offset of a cell's text is; None when there is nothing to say."""
        cell = find_cell(text, cursor, self._parser)
        if cell is None:
            return None
        if cursor < cell.query_start:
            return self._hover_option(cell, cursor)
        variable = name_in_braces_at(cell.query, cursor - cell.query_start)
        if variable in self._shell.user_ns:
            value = self._shell.user_ns[variable]
            said = "A Python variable of this notebook, which crosses as a typed value."
            return Hover(variable, "variable", f"{variable}: {type(value).__name__}", said)
        query, before, schema = self._question(cell)
        return self._service().hover(query, cursor - cell.query_start + before, schema)

    def _hover_option(self, cell: KqlCell, cursor: int) -> Hover | None:
        at = cursor - cell.head_start
        word = (cell.head[:at].split(" ")[-1] + cell.head[at:].split(" ")[0]).partition("=")[0]
        for action in self._parser._actions:  # noqa: SLF001 - argparse tells its options nowhere else
            if word in action.option_strings:
                value = f" {action.metavar}" if action.metavar else ""
                said = (action.help or "").replace("%%", "%")
                return Hover(word, "property", f"{', '.join(action.option_strings)}{value}", said)
        return None

    def is_ours(self, text: str, cursor: int) -> bool:
        """Whether KQL stands at an offset of a cell's text."""
        return find_cell(text, cursor, self._parser) is not None

    # ------------------------------------------------------------ a query that goes out

    def diagnose(self, query: Query, connection: Connection) -> Iterator[Diagnostic]:
        """What can be known to be wrong with a query without asking anybody, by offsets of its own text."""
        bound = bind(query)
        names = (*bound.scalars, *bound.frames)
        values = {name: query.inputs[name.removeprefix(RESERVED)] for name in names}
        text, before, schema = self._given(bound.text, values, connection)
        for fault in self._service().diagnose(text, schema):
            if fault.start >= before:
                yield replace(fault, start=fault.start - before, end=fault.end - before)

    # ------------------------------------------------------------ IPython

    def add(self) -> None:
        """Let IPython's completer and the kernel's inspection ask us; `close` takes that away again."""
        matcher = _matcher(self)
        matchers = self._shell.Completer.custom_matchers
        matchers.append(matcher)
        self._take_away.append(lambda: matchers.remove(matcher) if matcher in matchers else None)
        kernel = getattr(self._shell, "kernel", None)
        if kernel is not None:
            self._take_away.append(wrap_inspection(kernel, self))

    def close(self) -> None:
        """Ask us no more."""
        while self._take_away:
            self._take_away.pop()()


class _Nothing(list[SimpleCompletion]):
    """No completion, as an answer: IPython asks Python's matchers beside an empty list, which it knows by its length."""

    def __len__(self) -> int:
        return 1


def _matcher(typing: Typing) -> Callable[[CompletionContext], SimpleMatcherResult]:
    @context_matcher(identifier="kqlmagic_ext.kql")  # type: ignore[untyped-decorator,unused-ignore]
    def complete(context: CompletionContext) -> SimpleMatcherResult:
        text, cursor = context.full_text, cursor_of(context)
        found = typing.complete(text, cursor)
        if found is None:
            return {"completions": []}
        word = text[found.start : cursor]
        offered = [SimpleCompletion(one.text, type=one.kind) for one in found.found] or _Nothing()
        return {"completions": offered, "matched_fragment": word, "ordered": True, "suppress": True}

    matcher: Callable[[CompletionContext], SimpleMatcherResult] = complete
    return matcher
