"""The answer to a query: run on the workspace, written as the service writes it, piece by piece."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from kqlmagic_ext.emulator.refusals import Refusal, Shortfall, of_query
from kqlmagic_ext.errors import KqlMagicError, ParameterError, QueryError
from kqlmagic_ext.frames import arrow_from_columns, kql_type, wire_rows
from kqlmagic_ext.kql.prelude import Lifted, lift
from kqlmagic_ext.kql.reading import Datatable
from kqlmagic_ext.kql.statements import render_clause
from kqlmagic_ext.kql.tokens import find_name
from kqlmagic_ext.query import Query

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from kqlmagic_ext.connections.worker import Cancellation
    from kqlmagic_ext.emulator.asks import Ask
    from kqlmagic_ext.emulator.faults import Plan
    from kqlmagic_ext.query import Table

ROW_LIMIT, BYTE_LIMIT = 500_000, 104_857_600
_RENDER_KEYS = (
    "visualization", "title", "accumulate", "isQuerySorted", "kind", "legend", "series", "yMin", "yMax", "xAxis",
    "xColumn", "xTitle", "yAxis", "yColumns", "ySplit", "yTitle", "anomalyColumns",
)  # fmt: skip


@runtime_checkable
class Workspace(Protocol):
    """A connection that can be served: it lists its tables, and answers in Arrow in the caller's own thread."""

    name: str

    def tables(self) -> Sequence[Table]:
        """All tables, by name."""

    def table(self, name: str) -> Table:
        """One table with its columns."""

    def answers(
        self, query: Query, cancellation: Cancellation, denied: frozenset[str] = frozenset()
    ) -> tuple[list[pa.Table], tuple[str, ...]]:
        """The answer of each tabular statement, and warnings."""

    def close(self) -> None:
        """Let go of everything."""


@dataclass(frozen=True)
class Answer:
    """The tables of a query, how long they took, and what the workspace warns of."""

    tables: list[pa.Table]
    seconds: float
    warnings: tuple[str, ...]


def answer(workspace: Workspace, ask: Ask, denied: frozenset[str], cancellation: Cancellation) -> Answer:
    """Run the query; Refusal for its errors.

    Values that the client sent as `let` statements are bound, not read as KQL. The engine reads a let itself where a column
    hides its name, and where it wants a constant: `bin(TimeGenerated, w)`.
    """
    began = time.perf_counter()
    lifted, refusal = lift(ask.text), None
    kept: frozenset[str] = frozenset()
    while True:
        try:
            query = Query(lifted.text, _inputs(lifted), ask.timespan)
            tables, warnings = workspace.answers(query, cancellation, denied)
        except KqlMagicError as error:
            refusal = refusal or of_query(error, lifted, ask.text)
            left = _left(error, lifted) - kept
            if not left:
                raise refusal from error
            kept |= left
            lifted = lift(ask.text, kept)
        else:
            return Answer(tables, time.perf_counter() - began, warnings)


def _left(error: KqlMagicError, lifted: Lifted) -> frozenset[str]:
    """The lets that the engine shall read itself after this error, which came before anything ran."""
    if isinstance(error, ParameterError):
        return frozenset() if error.hidden_by is None else frozenset([error.name])
    return lifted.readable if isinstance(error, QueryError) and not error.sent else frozenset()


def _inputs(lifted: Lifted) -> dict[str, Any]:
    """The lifted values that the text uses, a datatable in the types that it declares."""
    return {
        name: arrow_from_columns(value.types, value.columns, name) if isinstance(value, Datatable) else value
        for name, value in lifted.values.items()
        if f"{{{{{name}}}}}" in lifted.text or find_name(lifted.text, name) is not None
    }


# ---------------------------------------------------------------- on the wire


@dataclass
class _Room:
    """How many rows and bytes may still come."""

    rows: int
    bytes: int
    shortfall: Shortfall = field(default_factory=Shortfall)


class Writer:
    """Writes one answer: `{"tables":[…],"render":…,"statistics":…,"error":…}` in this order of keys."""

    def __init__(self, answered: Answer, ask: Ask, plan: Plan) -> None:
        self._answered, self._ask, self._plan = answered, ask, plan
        self._limits = int(plan.number("row-limit", ROW_LIMIT)), int(plan.number("byte-limit", BYTE_LIMIT))
        self._room = _Room(*self._limits)

    def pieces(self, more: Mapping[str, Any]) -> Iterator[bytes]:
        """The JSON, some thousand rows at a time; `more`: keys behind the tables, without those that are None."""
        import orjson

        yield b'{"tables":['
        left = self._plan.number("truncate", float("inf"))
        for position, table in enumerate(self._answered.tables):
            shown = table if left >= table.num_rows else table.slice(0, int(left))
            left -= shown.num_rows
            yield b"," * (position > 0) + self._head(table)
            yield from self._rows(shown)
            yield b"]}"
        yield b"]"
        for key, value in {**self._behind(), **more, "error": self._error()}.items():
            if value is not None:
                yield b"," + orjson.dumps(key) + b":" + orjson.dumps(value)
        yield b"]" if "bad-tail" in self._plan else b"}"

    @staticmethod
    def _head(table: pa.Table) -> bytes:
        import orjson

        columns = [{"name": field.name, "type": kql_type(field)} for field in table.schema]
        return b'{"name":"PrimaryResult","columns":' + orjson.dumps(columns) + b',"rows":['

    def _rows(self, table: pa.Table) -> Iterator[bytes]:
        """The rows of a table with commas between, as far as the limits let them."""
        import orjson

        if table.num_rows > self._room.rows:
            self._room.shortfall.too_large(f"{self._limits[0]} records")
            table = table.slice(0, self._room.rows)
        self._room.rows -= table.num_rows
        comma = b""
        for rows in wire_rows(table, "answer"):
            if not comma and "malformed-row" in self._plan:
                rows[0] = rows[0][:-1]
            written = orjson.dumps(rows)[1:-1]
            if len(written) > self._room.bytes:
                written = self._fitting(rows)
            self._room.bytes -= len(written)
            if written:
                yield comma + written
                comma = b","
            if self._room.bytes <= 0:
                return

    def _fitting(self, rows: list[tuple[Any, ...]]) -> bytes:
        """As many of the rows as there is room for; the room is full then."""
        import orjson

        kept, length = [], 0
        for row in map(orjson.dumps, rows):
            length += len(row) + 1
            if length > self._room.bytes:
                break
            kept.append(row)
        self._room.bytes = 0
        self._room.shortfall.too_large(f"{self._limits[1]} bytes")
        return b",".join(kept)

    def _behind(self) -> dict[str, Any]:
        prefer = self._ask.prefer
        return {
            "render": render_object(self._ask.text) if prefer.render else None,
            "statistics": self._statistics() if prefer.statistics else None,
        }

    def _statistics(self) -> dict[str, Any]:
        """The service's shape; what the embedded engine does not measure is 0."""
        hits = {"hits": 0, "misses": 0, "total": 0}
        clock = "00:00:00"
        sizes = [
            {"tableRowCount": table.num_rows, "tableSize": table.nbytes} for table in self._answered.tables
        ]
        usage = {
            "cache": {"memory": hits, "disk": hits},
            "cpu": {"user": clock, "kernel": clock, "total cpu": clock},
            "memory": {"peakPerNode": 0},
            "network": {"interClusterTotalBytes": 0, "crossClusterTotalBytes": 0},
        }
        told = {
            "executionTime": self._answered.seconds,
            "resourceUsage": usage,
            "datasetStatistics": sizes,
        }
        return {"query": told}

    def _error(self) -> dict[str, Any] | None:
        if "partial" in self._plan:
            self._room.shortfall.failed()
        if "warning" in self._plan:
            self._room.shortfall.warned()
        return self._room.shortfall.error()


def render_object(text: str) -> dict[str, Any]:
    """What the `render` of a query asks, with all keys; null where it says nothing, and "NaN" for the bounds."""
    drawn: dict[str, Any] = dict.fromkeys(_RENDER_KEYS) | {"yMin": "NaN", "yMax": "NaN"}
    clause = render_clause(text)
    if clause is None:
        return drawn
    given = {key: clause[key.lower()] for key in _RENDER_KEYS if key.lower() in clause}
    return {**drawn, **{key: _property(key, value) for key, value in given.items()}}


def _property(key: str, value: str) -> Any:
    if key in ("yColumns", "series", "anomalyColumns"):
        return [name.strip() for name in value.split(",")]
    if key in ("yMin", "yMax"):
        try:
            return float(value)
        except ValueError:
            return value
    if key in ("accumulate", "isQuerySorted"):
        return value.lower() == "true"
    return value


__all__ = ["Answer", "Refusal", "Workspace", "Writer", "answer", "render_object"]
