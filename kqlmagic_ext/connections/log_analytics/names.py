"""The names of a query beside those of the workspace: which hide each other, which was meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqlmagic_ext.errors import KqlMagicError, QueryError
from kqlmagic_ext.kql.parameters import bare_scalars, hidden_parameter
from kqlmagic_ext.kql.tokens import code, names_in, split
from kqlmagic_ext.kql.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from kqlmagic_ext.connections.log_analytics.questions import Question
    from kqlmagic_ext.query import Query, Table

_WIDE = {"find", "invoke", "join", "let", "lookup", "materialize", "search", "toscalar", "union"}
_OF_NO_TABLE = ("print", "range", "datatable")
_SEARCH_LACKS = (
    "--search reads one Basic or Auxiliary table: it has no join, union, find, search, externaldata, and no functions of "
    "the workspace"
)


def refuse_hidden(question: Question, tables: Mapping[str, Table]) -> None:
    """KQL takes a column before a parameter of the same name: such a parameter would be ignored without a word."""
    names = bare_scalars(question.bound)
    for table, columns in _columns_in(question, tables) if names else ():
        for name in names:
            if name in columns:
                raise hidden_parameter(name, table)


def _columns_in(question: Question, tables: Mapping[str, Table]) -> Iterator[tuple[str, Container[str]]]:
    """The inputs and the tables that the text names, with their columns."""
    yield from question.inputs.items()
    for name in sorted(names_in(question.query.text) & tables.keys()):
        yield name, tables[name].columns


def tables_read(text: str, tables: Mapping[str, Table]) -> frozenset[str] | None:
    """The tables that a query reads, when that can be told from its text; None when it may read any."""
    words = code(text)
    first = words[0].text if words else ""
    is_one = len(split(text.rstrip().rstrip(";"), ";")) == 1
    has_inner = text.count("|") >= len(
        split(text, "|")
    )  # a pipe in brackets, or in a string: not looked into
    if not is_one or has_inner or not _WIDE.isdisjoint(word.text for word in words):
        return None
    if first in _OF_NO_TABLE:
        return frozenset()
    return frozenset([first]) if first in tables else None


def advise(error: KqlMagicError, query: Query, tables: Mapping[str, Table]) -> None:
    """Propose the nearest name where the service knows none of the one written; say what the search endpoint lacks."""
    if not isinstance(error, QueryError) or error.hint is not None:
        return
    if query.search:
        error.hint = _SEARCH_LACKS
    elif error.unknown:
        columns = {column for table in tables.values() for column in table.columns}
        error.hint = did_you_mean(error.unknown, tables) or did_you_mean(error.unknown, columns)
