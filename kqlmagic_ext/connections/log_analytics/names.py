"""The names of a query beside those of the workspace: which hide each other, which was meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqlmagic_ext.errors import KqlMagicError, ParameterError, QueryError
from kqlmagic_ext.kql.parameters import bare_scalars
from kqlmagic_ext.kql.tokens import code, find_name, split
from kqlmagic_ext.kql.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kqlmagic_ext.connections.log_analytics.questions import Question
    from kqlmagic_ext.query import Query, Table

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
                raise ParameterError(
                    f"{name!r} is also a column of {table}, and KQL would take the column: write {{{{{name}}}}} in "
                    f"the query, or -i other={name}",
                    name=name,
                )


def _columns_in(question: Question, tables: Mapping[str, Table]) -> Iterator[tuple[str, set[str]]]:
    """The inputs and the tables that the text names, with their columns."""
    for name, columns in question.inputs.items():
        yield name, set(columns)
    for name, table in tables.items():
        if find_name(question.query.text, name) is not None:
            yield name, set(table.columns)


def table_read(text: str, tables: Mapping[str, Table]) -> str | None:
    """The one table that a query reads, when that can be told from its text; None for any other query."""
    words = code(text)
    wide = {"find", "invoke", "join", "let", "lookup", "materialize", "search", "toscalar", "union"}
    name = words[0].text if words else ""
    is_one = len(split(text.rstrip().rstrip(";"), ";")) == 1 and name in tables
    inner = (
        text.count("|") != len(split(text, "|")) - 1
    )  # a pipe in brackets, or in a string: not looked into
    return name if is_one and not inner and wide.isdisjoint(word.text for word in words) else None


def hiding(question: Question, tables: Mapping[str, Table], place: str) -> list[str]:
    """A warning for each input that takes the name of a table."""
    return [
        f"the input {name} hides the table {name} of {place} in this query"
        for name in question.inputs
        if name in tables
    ]


def advise(error: KqlMagicError, query: Query, tables: Mapping[str, Table]) -> None:
    """Propose the nearest name where the service knows none of the one written; say what the search endpoint lacks."""
    if not isinstance(error, QueryError) or error.hint is not None:
        return
    if query.search:
        error.hint = _SEARCH_LACKS
    elif error.unknown:
        columns = {column for table in tables.values() for column in table.columns}
        error.hint = did_you_mean(error.unknown, tables) or did_you_mean(error.unknown, columns)
