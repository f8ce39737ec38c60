"""One tabular statement, run on the cursor of its query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb

from kqlmagic_ext.connections.local.dialect import kusto_type
from kqlmagic_ext.connections.local.engine_errors import engine_error
from kqlmagic_ext.connections.local.functions import decomposition
from kqlmagic_ext.connections.local.functions.geo import NO_DATABASE, SQL_NAME
from kqlmagic_ext.connections.local.functions.of_columns import INGESTED_SQL, NOT_INGESTED
from kqlmagic_ext.connections.local.operators.plugins import DEPENDS
from kqlmagic_ext.connections.local.outside.reach import NOTHING, Reach
from kqlmagic_ext.connections.local.outside.views import add_view
from kqlmagic_ext.connections.local.sql import quote_name, quote_text
from kqlmagic_ext.connections.local.translation import Translation, translate
from kqlmagic_ext.connections.local.types import answer_sql, answer_table
from kqlmagic_ext.connections.local.user_functions import located
from kqlmagic_ext.connections.local.watchlist_calls import alias_of, table_of
from kqlmagic_ext.connections.local.watchlists import add_input
from kqlmagic_ext.kql.parameters import RESERVED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pyarrow as pa
    from duckdb import DuckDBPyConnection

    from kqlmagic_ext.connections.local.catalogue import Catalogue
    from kqlmagic_ext.connections.local.diagnosis import Source
    from kqlmagic_ext.connections.local.inputs import Inputs
    from kqlmagic_ext.connections.local.user_functions import UserFunction
    from kqlmagic_ext.connections.worker import Cancellation
    from kqlmagic_ext.query import Window
    from kqlmagic_ext.values import Value

_TIME_COLUMN = "TimeGenerated"


@dataclass(frozen=True)
class Moment:
    """When a query runs, which now() gives, the times that it may see, and the tables whose rows it may not see.

    `reach`: what lies outside the workspace and may be read.
    """

    now: datetime
    window: Window
    denied: frozenset[str] = frozenset()
    reach: Reach = NOTHING


class Statement:
    """One tabular statement of a query, on the query's cursor."""

    def __init__(
        self,
        source: Source,
        inputs: Inputs,
        *,
        catalogue: Catalogue,
        moment: Moment,
        cursor: DuckDBPyConnection,
        cancellation: Cancellation,
        used: tuple[UserFunction, ...],
    ) -> None:
        self._source, self._inputs, self._catalogue = source, inputs, catalogue
        self._moment, self._cursor, self._cancellation = moment, cursor, cancellation
        self._columns: dict[str, Mapping[str, str]] = {}
        self._used = used
        self.warnings: list[str] = []
        self._staged = False
        self._read_outside: set[str] = set()

    def answer(self, scalars: Mapping[str, Value]) -> pa.Table:
        """The answer in Arrow; an error of a query that began to run says that it was sent."""
        known = [*self._inputs.columns, *map(table_of, self._inputs.columns), *self._catalogue.names]
        translation = translate(
            self._source, scalars, self._moment.now, self._load, known, self._make_stage, self._used
        )
        self._make_ready(translation)
        try:
            return self._fetch(translation)
        except duckdb.Error as error:
            self._cancellation.check()
            ours = engine_error(error, self._source, {**self._inputs.columns, **self._columns})
            if self._staged and ours.unknown and not ours.hint:
                ours.hint = DEPENDS
            ours = located(ours, self._used, self._source)
            found_before = isinstance(error, duckdb.BinderException)
            raise (ours if found_before else ours.after_sending()) from error

    def _make_stage(self, name: str, translation: Translation) -> tuple[Mapping[str, str], Any]:
        """A temporary table of the translation's rows; it ends with the cursor."""
        self._staged = True
        self._make_ready(translation)
        try:
            self._cursor.execute(
                f"CREATE OR REPLACE TEMP TABLE {quote_name(name)} AS {translation.sql}",
                dict(translation.parameters) or None,
            )
        except duckdb.Error as error:
            self._cancellation.check()
            raise engine_error(error, self._source, {**self._inputs.columns, **self._columns}) from error
        made = self._cursor.sql(f"SELECT * FROM {quote_name(name)}")
        kinds = {
            each: kusto_type(str(kind).upper()) for each, kind in zip(made.columns, made.types, strict=True)
        }
        return kinds, lambda sql: self._cursor.execute(sql).fetchall()

    def _make_ready(self, translation: Translation) -> None:
        """Let the cursor see what the translation reads, each table outside read once; keep what there is to warn of."""
        self.warnings += translation.warnings
        if SQL_NAME in translation.sql and not self._moment.reach.geoip:
            self.warnings.append(NO_DATABASE)
        if INGESTED_SQL in translation.sql:
            self.warnings.append(NOT_INGESTED)
        self.warnings += decomposition.warnings(translation.sql)
        self._cancellation.check()
        self._narrow(translation)
        for outside in translation.outside:
            if outside.name not in self._read_outside:
                add_view(outside, self._moment.reach, self._cursor, self._cancellation.check)
                self._read_outside.add(outside.name)

    def _load(self, names: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
        """The columns of the tables and inputs that the statement reads."""
        wanted = list(names)
        self._columns = {name: self._inputs.columns[name] for name in wanted if name in self._inputs.columns}
        ours = [name for name in wanted if name not in self._columns]
        for name in [name for name in ours if name not in self._catalogue.names]:
            ours.remove(name)
            alias = alias_of(name) or ""
            made, said = add_input(alias, self._inputs.columns[alias], self._cursor, self._moment.now)
            self._columns[name] = made
            self.warnings += said
        for name, table in self._catalogue.load(ours, self._cancellation).items():
            self._columns[name] = table.columns
            self.warnings += table.losses
        return self._columns

    def _narrow(self, translation: Translation) -> None:
        """Let the statement see the tables' rows of the window alone; inputs are seen whole, denied tables empty."""
        condition, denied = _condition(self._moment.window), self._moment.denied
        for name in translation.tables:
            is_watchlist = alias_of(name) is not None
            if name not in self._inputs.columns and (name in denied or (denied and is_watchlist)):
                self._see(name, "false")
            elif condition and not is_watchlist:
                self._narrow_table(name, condition)

    def _narrow_table(self, name: str, condition: str) -> None:
        kind = self._columns[name].get(_TIME_COLUMN)
        if name in self._inputs.columns:
            if kind == "datetime":
                self.warnings.append(f"the timespan does not narrow the input {name.removeprefix(RESERVED)}")
        elif kind != "datetime":
            why = f"has no {_TIME_COLUMN}" if kind is None else f"has {_TIME_COLUMN} as {kind}"
            self.warnings.append(f"{name} {why}: the timespan does not narrow it")
        else:
            self._see(name, condition)

    def _see(self, name: str, condition: str) -> None:
        """Let the name stand for the rows of its table that meet the condition."""
        self._cursor.execute(
            f"CREATE OR REPLACE TEMP VIEW {quote_name(name)} AS "
            f"SELECT * FROM memory.main.{quote_name(name)} WHERE {condition}"
        )

    def _fetch(self, translation: Translation) -> pa.Table:
        params = dict(translation.parameters) or None
        relation = self._cursor.sql(translation.sql, params=params)
        types = relation.types
        wrapped = answer_sql(translation.sql, relation.columns, types)
        if wrapped is not translation.sql:
            relation = self._cursor.sql(wrapped, params=params)
        self._cancellation.check()
        return answer_table(relation.to_arrow_table(), types, self._cancellation.check)


def _condition(window: Window) -> str:
    """The half-open window as SQL; empty when it has no bounds."""
    bounds: list[tuple[str, datetime | None]] = [(">=", window.start), ("<", window.end)]
    return " AND ".join(
        f"{quote_name(_TIME_COLUMN)} {sign} TIMESTAMP {quote_text(moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=' '))}"
        for sign, moment in bounds
        if moment is not None
    )
