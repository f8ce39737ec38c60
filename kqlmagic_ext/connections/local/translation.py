"""KQL to DuckDB's SQL, by duckdb-kql; what it says of a query, as errors with a place in the cell.

duckdb-kql's stages are called one by one: between reading the text and writing the SQL, the tables that the query names
are loaded and checked against the catalogue. A quoted path is such a name, and so is refused.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.diagnosis import PLACE, Source, translation_error
from kqlmagic_ext.connections.local.dialect import (
    CLOCK_SLOT,
    bind,
    clock,
    errors,
    ir,
    match_wildcard,
    query_parameters,
    read_query,
    to_sql,
)
from kqlmagic_ext.connections.local.functions.forms import apart
from kqlmagic_ext.connections.local.kept import Recent
from kqlmagic_ext.connections.local.literals import right_literals
from kqlmagic_ext.connections.local.operators.search import LETS
from kqlmagic_ext.connections.local.outside import Outside, collected
from kqlmagic_ext.connections.local.review import refuse_wrong, with_constant_needles
from kqlmagic_ext.connections.local.rewriting import right_operators
from kqlmagic_ext.connections.local.stages import Stages, has_stages
from kqlmagic_ext.connections.local.tree import nodes
from kqlmagic_ext.connections.local.unions import split_columns
from kqlmagic_ext.connections.local.user_functions import UserFunction, function_of, located
from kqlmagic_ext.connections.local.watchlist_calls import alias_of
from kqlmagic_ext.connections.local.watchlists import no_watchlist
from kqlmagic_ext.errors import ParameterError, QueryError, UnsupportedError
from kqlmagic_ext.kql.parameters import RESERVED, hidden_parameter
from kqlmagic_ext.kql.statements import find_slips
from kqlmagic_ext.kql.words import did_you_mean
from kqlmagic_ext.values import TICKS_A_SECOND, Value, significant_digits

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime

AnswerStage = Any  # (name, Translation) → the columns with their KQL types, and what answers SQL
_LONGEST_KEPT = 100_000  # characters of a query and its values
_OF_THE_ENGINE = re.compile(r"_s\d+")


@dataclass(frozen=True)
class Translation:
    """The SQL of one statement, the values bound to its placeholders, what it reads, and what to warn of."""

    sql: str
    parameters: Mapping[str, Any]
    tables: tuple[str, ...]
    outside: tuple[Outside, ...]
    warnings: tuple[str, ...]


def translate(
    source: Source,
    scalars: Mapping[str, Value],
    now: datetime,
    load: Callable[[Iterable[str]], Mapping[str, Mapping[str, str]]],
    known: Iterable[str],
    answer_stage: AnswerStage | None = None,
    used: tuple[UserFunction, ...] = (),
) -> Translation:
    """The SQL of a statement.

    `scalars`: its parameters; `now`: the moment that now() gives; `known`: every table's name; `load`: given the names
    that the statement reads, the columns of each with their KQL types. `answer_stage`: makes a table of this name from a
    translation; gives its columns with their KQL types, and what answers SQL on it. `used`: the functions of the
    analyst's own that the statement uses.

    Raises
    ------
    QueryError
        For what is no KQL, an unknown table, and (UnsupportedError) what duckdb-kql cannot translate.
    ParameterError
        For a value that the engine cannot hold, or a parameter that a column of a table would hide.
    """
    question = _key(source, scalars, known)
    key, length = (question, used), len(source.text) + sum(len(value[2]) for value in question[1])
    kept = _RECENT.get(key)
    if kept is None or load(kept.translation.tables) != kept.columns:
        kept = _located(source, scalars, load, list(known), now, answer_stage, used)
        if not kept.staged and length <= _LONGEST_KEPT:
            _RECENT.keep(key, kept)
    return kept.at(now)


@dataclass(frozen=True)
class _Kept:
    """A translation for any moment, and the columns of its tables when it was made."""

    translation: Translation
    columns: Mapping[str, Mapping[str, str]]
    asks_the_time: bool
    staged: bool

    def at(self, now: datetime) -> Translation:
        """The translation in which now() is that moment."""
        if not self.asks_the_time:
            return self.translation
        moment = {CLOCK_SLOT: now.replace(tzinfo=None)}
        return dataclasses.replace(self.translation, parameters={**self.translation.parameters, **moment})


_RECENT: Recent[_Kept] = Recent()


def _key(
    source: Source, scalars: Mapping[str, Value], known: Iterable[str]
) -> tuple[str, tuple[tuple[str, str, str], ...], tuple[str, ...]]:
    """What a translation depends on, but for the columns of its tables."""
    # As they are written: 0.0 and -0.0 are equal, and not the same.
    values = ((name, value.type, repr(engine_value(value, name))) for name, value in scalars.items())
    return source.text, tuple(values), tuple(known)


def _located(source: Source, *args: Any) -> _Kept:
    """A translation; an error inside a function of the analyst's own tells where it is."""
    used: tuple[UserFunction, ...] = args[-1]
    for function in used:
        function.refuse_broken(source)
    try:
        return _translated(source, *args)
    except QueryError as error:
        found = located(error, used, source)
        if found is error:
            raise
        raise found from error


def _translated(
    source: Source,
    scalars: Mapping[str, Value],
    load: Callable[[Iterable[str]], Mapping[str, Mapping[str, str]]],
    known: list[str],
    now: datetime,
    answer_stage: AnswerStage | None,
    used: tuple[UserFunction, ...],
) -> _Kept:
    slips = find_slips(source.text)
    lets = "".join(function.declaration() for function in used)
    of_lets, decimals = right_literals(Source(lets, lets), {})
    source, own = right_literals(source, scalars, len(decimals))
    scalars = {**scalars, **decimals, **own}
    declared = prelude(source.text, scalars) + right_operators(of_lets.text)
    values = {name: engine_value(value, name) for name, value in scalars.items()}
    try:
        with clock(now.replace(tzinfo=None)), collected() as outside:
            query = with_constant_needles(read_query(declared + right_operators(source.text)), values)
            refuse_wrong(query, source)
            read = _tables(query, source, [*known, *outside], scalars)
            tables = load([name for name in read.tables if name not in outside])
            columns = {**tables, **{name: table.columns for name, table in outside.items()}}
            _refuse_hidden(scalars, tables)
            staged = has_stages(query)

            def make(before: Any) -> Any:
                if answer_stage is None:
                    raise errors.KqlUnsupportedError("evaluate whose columns depend on the rows")
                sql = to_sql(before, {name: list(each) for name, each in columns.items()})
                found, _ = bind(query.parameters, values)
                used = {slot: value for slot, value in found.items() if slot in sql.slots}
                stage = Translation(apart(str(sql)), used, tuple(tables), tuple(outside.values()), ())
                name = _stage_name({*known, *columns})
                kinds, rows = answer_stage(name, _Kept(stage, {}, _asks_the_time(stage), staged=True).at(now))
                return name, kinds, rows

            query = Stages(make, columns).resolved(query)
            warnings = (*slips, *read.warnings, *split_columns(query, columns))
            _refuse_wrong_case(query, columns, source)
            result = to_sql(query, {name: list(each) for name, each in columns.items()})
            bound, unbound = bind(query.parameters, values)
    except errors.KqlError as error:
        inside, why = function_of(error, len(declared) - len(of_lets.text), used)
        if inside is not None:
            found = translation_error(why, Source(declared, declared), 0)
            raise inside.error(found.message, None, source, found.hint) from why
        raise translation_error(error, source, len(declared)) from error
    except RecursionError as error:
        raise QueryError("the query is nested too deeply for the embedded workspace") from error
    except (AssertionError, IndexError) as error:  # how duckdb-kql meets a form that it has no case for
        raise UnsupportedError(
            f"{PLACE} cannot read a form of this query yet", construct="unknown"
        ) from error
    if unbound:
        raise ParameterError(
            f"the query declares {', '.join(unbound)} without a value; give it by -i", name=unbound[0]
        )
    parameters = {slot: value for slot, value in bound.items() if slot in result.slots}
    translation = Translation(
        apart(str(result)), parameters, tuple(tables), tuple(outside.values()), warnings
    )
    return _Kept(
        translation,
        {name: dict(columns) for name, columns in tables.items()},
        _asks_the_time(translation),
        staged,
    )


def _asks_the_time(translation: Translation) -> bool:
    """Whether its SQL has a place for the moment: a stage may have taken the only one."""
    return f"${CLOCK_SLOT}" in translation.sql


def _stage_name(taken: Collection[str]) -> str:
    """A name that no table has."""
    folded = {name.casefold() for name in taken}
    return next(name for number in count() if (name := f"_stage_{number}") not in folded)


# ---------------------------------------------------------------- parameters


def prelude(text: str, scalars: Mapping[str, Value]) -> str:
    """The declaration of the parameters, on the first line of what is sent; nothing where there are none.

    A parameter that the text declares itself is left to it.
    """
    own = {parameter.name for parameter in _own_parameters(text)}
    listed = ", ".join(f"{name}:{value.type}" for name, value in scalars.items() if name not in own)
    return f"declare query_parameters({listed}); " if listed else ""


def _own_parameters(text: str) -> list[Any]:
    if "query_parameters" not in text:
        return []
    try:
        return list(query_parameters(text))
    except errors.KqlError:
        return []  # the translation of the same text says what is wrong, and where


def engine_value(value: Value, name: str) -> Any:
    """The value as the engine takes it; ParameterError for what it would change."""
    plain = value.plain
    if plain is None:
        return None
    if value.type == "datetime":
        return _datetime(plain, name)
    if value.type == "timespan":
        return _timespan(plain, name)
    if value.type == "decimal":
        return _decimal(plain, name)
    if value.type == "dynamic":
        from kqlmagic_ext.frames import json_text

        return json_text(value, name.removeprefix(RESERVED))
    return plain


def _datetime(ticks: int, name: str) -> datetime:
    from datetime import datetime, timedelta

    _whole_microseconds(ticks, name)
    return datetime(1, 1, 1) + timedelta(microseconds=ticks // 10)  # noqa: DTZ001 - ticks count UTC


def _timespan(ticks: int, name: str) -> Any:
    from datetime import timedelta

    _whole_microseconds(ticks, name)
    return timedelta(microseconds=ticks // 10)


def _whole_microseconds(ticks: int, name: str) -> None:
    if ticks % 10:
        raise _refused(
            name,
            f"it has a tick of 100 ns ({ticks % TICKS_A_SECOND:07} of a second), and {PLACE} keeps microseconds",
        )


def _decimal(number: Any, name: str) -> Any:
    """A decimal of at most 9 digits after the point and 29 before it, which the engine's DECIMAL(38,9) holds."""
    before, behind = significant_digits(number)
    if before > 29 or behind > 9:  # noqa: PLR2004 - see above
        raise _refused(
            name, f"{PLACE} keeps 29 digits before the point and 9 after it, and {number} has more"
        )
    return number


def _refused(name: str, why: str) -> ParameterError:
    name = name.removeprefix(RESERVED)
    return ParameterError(
        f"{name} cannot become a parameter here: {why}; round it or use a table (-i with a frame)", name=name
    )


def _refuse_hidden(scalars: Mapping[str, Value], tables: Mapping[str, Mapping[str, str]]) -> None:
    """KQL takes a column before a parameter of the same name: such a parameter would be ignored without a word."""
    for name in scalars:
        for table, columns in tables.items():
            if name.casefold() in {column.casefold() for column in columns}:
                raise hidden_parameter(name, table)


# ---------------------------------------------------------------- tables and columns


@dataclass(frozen=True)
class _Read:
    """The tables that a query reads, and what to warn of."""

    tables: list[str]
    warnings: tuple[str, ...]


def _tables(query: ir.Query, source: Source, known: list[str], scalars: Collection[str]) -> _Read:
    """The catalogue's names that the query reads; a name of the query's own (let) is none, from there on."""
    found: dict[str, None] = {}
    missing: dict[str, None] = {}
    lets = frozenset(name for each in nodes(query) if isinstance(each, ir.Query) for name, _ in each.lets)
    LETS.set(lets)  # what a wildcard passes over when the SQL is written
    for node, fuzzy in _table_references(query, frozenset(), set()):
        if isinstance(node, ir.WildcardTableRef):
            matched = dict.fromkeys(_every(node, known))
            _refuse_both(lets & matched.keys(), source)
            found.update(matched)
        elif fuzzy and node.database is None and node.name not in known:
            missing[str(node.name)] = None
        else:
            found[_known(node, source, known, scalars)] = None
    return _Read(
        list(found), tuple(f"union isfuzzy leaves out {name}: there is no such table" for name in missing)
    )


def _every(node: ir.WildcardTableRef, known: list[str]) -> list[str]:
    """The tables that a pattern means."""
    token = LETS.set(frozenset())
    try:
        return list(match_wildcard(node, {name: [] for name in known}))
    finally:
        LETS.reset(token)


def _refuse_both(names: Collection[str], source: Source) -> None:
    for name in names:
        said = f"{PLACE} cannot search the table {name} beside a let of its name; give the let another"
        raise UnsupportedError(said, construct="search", **source.named(name))


def _table_references(
    node: Any, lets: frozenset[str], seen: set[tuple[int, frozenset[str]]], *, fuzzy: bool = False
) -> Iterator[tuple[Any, bool]]:
    """The references to tables of the catalogue, and whether `union isfuzzy=true` lets each be missing.

    A let is in scope behind its own expression, not inside it.
    """
    if isinstance(node, (tuple, list)):
        for item in node:
            yield from _table_references(item, lets, seen, fuzzy=fuzzy)
        return
    if not dataclasses.is_dataclass(node) or isinstance(node, type) or (id(node), lets) in seen:
        return
    seen.add((id(node), lets))
    if isinstance(node, ir.WildcardTableRef) or (isinstance(node, ir.TableRef) and node.name not in lets):
        yield node, fuzzy
    parts = {field.name: getattr(node, field.name) for field in dataclasses.fields(node)}
    for name, bound in parts.pop("lets", ()) if isinstance(node, ir.Query) else ():
        yield from _table_references(bound, lets, seen)
        lets |= {name}
    fuzzy = fuzzy or (isinstance(node, ir.Union) and bool(node.isfuzzy))
    for part in parts.values():
        yield from _table_references(part, lets, seen, fuzzy=fuzzy)


def _known(node: ir.TableRef, source: Source, known: list[str], scalars: Collection[str]) -> str:
    if node.database is not None or node.cluster is not None:
        raise UnsupportedError(
            f"{PLACE} has one database; name the table alone",
            construct="cluster() and database()",
            **source.named("cluster" if node.cluster else "database"),
        )
    name, place = str(node.name), source.named(node.name)
    shown = name.removeprefix(RESERVED)
    if name in scalars:
        raise QueryError(
            f"{shown!r} is a value, no table", hint="a DataFrame is a table: pd.DataFrame(…)", **place
        )
    if name not in known and (alias := alias_of(name)) is not None:
        said, hint = no_watchlist(alias, known)
        raise QueryError(said, unknown=alias, hint=hint, **source.named("_GetWatchlist"))
    if name not in known:
        raise QueryError(
            f"there is no table {shown!r}", unknown=shown, hint=did_you_mean(name, known), **place
        )
    if _OF_THE_ENGINE.fullmatch(name):
        raise UnsupportedError(
            f"{PLACE} uses the name {name} itself; give the table another", construct=name, **place
        )
    return name


def _refuse_wrong_case(query: ir.Query, tables: Mapping[str, Mapping[str, str]], source: Source) -> None:
    """DuckDB would take `username` for the column `UserName`; KQL, and so Azure, does not."""
    columns = {column for table in tables.values() for column in table}
    given = {node.name for node in nodes(query) if isinstance(node, ir.NamedExpr) and node.name}
    folded = {name.casefold(): name for name in given | columns}
    made = columns | set(_made_names(query))
    for node in nodes(query):
        name = node.name if isinstance(node, ir.ColumnRef) else None
        if name is not None and name not in made and name.casefold() in folded:
            hint = f"did you mean {folded[name.casefold()]}?"
            raise QueryError(f"there is no column {name!r}", unknown=name, hint=hint, **source.named(name))


def _made_names(query: ir.Query) -> Iterator[str]:
    """Every text in the query that may name a column which it makes; a string literal or a function's name is none."""
    for node in nodes(query):
        if isinstance(node, (ir.ColumnRef, ir.Literal, ir.FunctionCall)):
            continue
        for field in dataclasses.fields(node):
            yield from _texts(getattr(node, field.name))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _texts(item)
