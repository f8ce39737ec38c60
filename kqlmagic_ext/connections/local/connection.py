"""`local://`: KQL answered by the embedded DuckDB."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.catalogue import Catalogue
from kqlmagic_ext.connections.local.diagnosis import Source
from kqlmagic_ext.connections.local.dialect import MACROS, PYTHON_FUNCTIONS
from kqlmagic_ext.connections.local.elsewhere import at_home
from kqlmagic_ext.connections.local.engine_errors import engine_error
from kqlmagic_ext.connections.local.functions.geo import geo_function
from kqlmagic_ext.connections.local.inputs import add_inputs
from kqlmagic_ext.connections.local.outside.reach import NOTHING, Reach
from kqlmagic_ext.connections.local.statement import Moment, Statement
from kqlmagic_ext.connections.local.translation import prelude
from kqlmagic_ext.connections.local.user_functions import UserFunctions
from kqlmagic_ext.connections.local.watchlist_calls import named_watchlists
from kqlmagic_ext.connections.worker import Cancellation, interruptible
from kqlmagic_ext.errors import ConnectError
from kqlmagic_ext.frames import frame_from_arrow
from kqlmagic_ext.kql.literals import literal_of
from kqlmagic_ext.kql.parameters import Bound, bind, hidden_tables, is_frame, short_forms
from kqlmagic_ext.kql.statements import preview, render_clause, tabular_statements
from kqlmagic_ext.kql.tokens import without_hidden
from kqlmagic_ext.query import Query, Result, Sent, Table, Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

    from kqlmagic_ext.connections import Progress
    from kqlmagic_ext.connections.local.database import Database
    from kqlmagic_ext.connections.local.tables import Tables


class LocalConnection:
    """An embedded workspace: its tables, and the inputs of each query.

    `now`: the moment that now() gives, when the workspace is pinned to one. `synthetic`: its rows are invented.
    `place`: the URL that opens the same rows again, at any time. `reach`: what `externaldata` may read; nothing by default.
    """

    def __init__(  # noqa: PLR0913 - what makes a workspace
        self,
        name: str,
        url: str,
        database: Database,
        tables: Tables,
        *,
        now: datetime | None = None,
        synthetic: bool = False,
        place: str | None = None,
        reach: Reach = NOTHING,
    ) -> None:
        self.name, self.url, self.synthetic = name, url, synthetic
        self.place = place or url
        self._database, self._pinned, self._reach = database, now, reach
        self._catalogue = Catalogue(tables, database)
        self.functions = UserFunctions(reach.folder)
        database.add_functions([*PYTHON_FUNCTIONS, geo_function(reach.geoip)], MACROS)

    def __repr__(self) -> str:
        return f"<LocalConnection {self.name}: {self.url}>"

    def tables(self, progress: Progress | None = None) -> Sequence[Table]:  # noqa: ARG002 - nothing to tell
        """All tables, by name, with what is known without reading them."""
        return self._catalogue.listed()

    def table(self, name: str) -> Table:
        """One table with its columns; KeyError when there is none of that name."""
        if name not in self._catalogue.names:
            raise KeyError(name)

        def read(cancellation: Cancellation) -> Table:
            with self._working(cancellation):
                return self._catalogue.load([name], cancellation)[name]

        return interruptible(read)

    def prepare(self, query: Query) -> str:
        """The KQL that would be run; what is bound beside it stands in comments below."""
        bound = bind(query)
        beside = [f"// {name} = {literal_of(value)}" for name, value in bound.scalars.items()]
        beside += [
            f"// {name} = a table of {len(frame):,} rows × {frame.shape[1]}"
            for name, frame in bound.frames.items()
        ]
        if query.timespan is not None:
            beside.append(f"// TimeGenerated in {query.timespan.window(query.now or self._now())}")
        return "\n".join([_sent_text(query, bound), *beside])

    def run(self, query: Query, progress: Progress | None = None) -> Result:  # noqa: ARG002 - nothing to tell
        """The answer to the query; an interrupt stops the engine.

        Raises
        ------
        QueryError
            For a wrong query, with its place, and for one that fails; UnsupportedError for KQL that is not there yet.
        ParameterError
            For a value that cannot become a KQL value here.
        """
        return interruptible(lambda cancellation: self._answer(query, cancellation))

    def answers(
        self, query: Query, cancellation: Cancellation, denied: frozenset[str] = frozenset()
    ) -> tuple[list[pa.Table], tuple[str, ...]]:
        """The Arrow answer of each tabular statement and the warnings, made in the caller's own thread.

        `cancellation` ends the work from another thread; `denied`: tables that the query sees without rows; it then
        sees no watchlist and reads nothing outside. Raises what `run` raises.
        """
        return self._answers(query, bind(query), self._moment(query, denied), cancellation)

    def close(self) -> None:
        """End the engine and remove its temporary files; may be called twice."""
        self._database.close()

    def _now(self) -> datetime:
        return self._pinned or datetime.now(UTC)

    def _moment(self, query: Query, denied: frozenset[str] = frozenset()) -> Moment:
        now = query.now or self._now()
        window = query.timespan.window(now) if query.timespan else Window()
        return Moment(now, window, denied, NOTHING if denied else self._reach)

    def _answer(self, query: Query, cancellation: Cancellation) -> Result:
        began, moment = time.perf_counter(), self._moment(query)
        bound = bind(query)
        answers, warnings = self._answers(query, bound, moment, cancellation)
        frames = tuple(frame_from_arrow(answer, cancellation.check) for answer in answers)
        sent = Sent(
            without_hidden(_sent_text(query, bound)),
            short_forms(bound),
            self.name,
            moment.window,
            moment.now,
            str(query.timespan or "all times"),
            self.synthetic,
        )
        render = render_clause(sent.text, bound.scalars)
        return _result(frames, answers, sent, warnings, time.perf_counter() - began, render)

    def _answers(
        self, query: Query, bound: Bound, moment: Moment, cancellation: Cancellation
    ) -> tuple[list[pa.Table], tuple[str, ...]]:
        """The Arrow answer of each tabular statement, and what the analyst should know."""
        answers, warnings = [], list(bound.warnings)
        with self._working(cancellation) as cursor:
            inputs = add_inputs(_frames(query, bound), cursor, self._catalogue.names)
            for text in tabular_statements(_limited(bound.text, query)):
                source = at_home(Source(text, query.text), self.name, self.functions.names())
                statement = Statement(
                    source,
                    inputs,
                    catalogue=self._catalogue,
                    moment=moment,
                    cursor=cursor,
                    cancellation=cancellation,
                    used=self.functions.used_by(source, self.name),
                )
                answers.append(statement.answer(bound.scalars))
                warnings += statement.warnings
        warnings += [*inputs.warnings, *hidden_tables(inputs.columns, self._catalogue.names, self.name)]
        if query.limit is not None:
            warnings.append(f"a preview: at most {query.limit:,} rows")
        return answers, tuple(dict.fromkeys(warnings))

    @contextmanager
    def _working(self, cancellation: Cancellation) -> Iterator[DuckDBPyConnection]:
        """A cursor; what the engine raises on it becomes an error of ours."""
        import duckdb

        try:
            with self._database.working(cancellation) as cursor:
                yield cursor
        except duckdb.Error as error:
            cancellation.check()
            if self._database.closed:
                raise ConnectError(f"the connection {self.name} is closed; connect again") from error
            raise engine_error(error, Source("", ""), {}) from error


def _result(
    frames: tuple[pd.DataFrame, ...],
    answers: list[pa.Table],
    sent: Sent,
    warnings: tuple[str, ...],
    seconds: float,
    render: Mapping[str, Any] | None,
) -> Result:
    origins = [sent.origin(rows=len(frame), seconds=seconds, warnings=warnings) for frame in frames]
    for frame, origin in zip(frames, origins, strict=True):
        frame.attrs["kql"] = origin
    return Result(frames, tuple(answers), origins[0], warnings=warnings, render=render, sent=sent)


def _frames(query: Query, bound: Bound) -> dict[str, Any]:
    """The inputs that the query reads as tables, and those that it names as watchlists alone."""
    named = {name: query.inputs[name] for name in named_watchlists(query.text) if name in query.inputs}
    return {**{name: value for name, value in named.items() if is_frame(value)}, **bound.frames}


def _limited(text: str, query: Query) -> str:
    return text if query.limit is None else preview(text, query.limit)


def _sent_text(query: Query, bound: Bound) -> str:
    text = _limited(bound.text, query)
    return prelude(text, bound.scalars) + text
