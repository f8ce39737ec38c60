"""`loganalytics://`: KQL answered by Azure Monitor Log Analytics, the store of Microsoft Sentinel."""

from __future__ import annotations

import json
import time
import uuid
from concurrent.futures import CancelledError
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kqlmagic_ext.connections.log_analytics.completeness import judge
from kqlmagic_ext.connections.log_analytics.prelude import TableLimits, prelude
from kqlmagic_ext.connections.log_analytics.refusals import SentText, refusal, without_tokens
from kqlmagic_ext.connections.log_analytics.requests import Ask, Conversation, Patience, Reply, Unreachable
from kqlmagic_ext.connections.log_analytics.results import result_of
from kqlmagic_ext.connections.log_analytics.schema import tables_of
from kqlmagic_ext.connections.log_analytics.service import SHARED
from kqlmagic_ext.connections.log_analytics.status import Status
from kqlmagic_ext.connections.worker import Cancellation, interruptible
from kqlmagic_ext.errors import ConnectError, KqlMagicError, ParameterError, PartialResultError, QueryError
from kqlmagic_ext.kql.parameters import Bound, bare_scalars, bind, short_forms
from kqlmagic_ext.kql.statements import find_slips, preview, tabular_statements
from kqlmagic_ext.kql.tokens import find_name
from kqlmagic_ext.kql.words import did_you_mean
from kqlmagic_ext.query import Query, Result, Sent, Table, Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kqlmagic_ext.connections import Progress
    from kqlmagic_ext.connections.log_analytics.address import Address
    from kqlmagic_ext.connections.log_analytics.service import Service

_OK, _NO_CONTENT, _UNAUTHORIZED, _NOT_FOUND = 200, 204, 401, 404
_APPLICATION = "kqlmagic_ext"
_LONGEST_SIGN_IN = 400
_SEARCH_LACKS = (
    "--search reads one Basic or Auxiliary table: it has no join, union, find, search, externaldata, and no functions of "
    "the workspace"
)


@dataclass(frozen=True)
class _Written:
    """A query as it goes out: its text with the inputs' statements, its window, and what to say of it."""

    sent: SentText
    bound: Bound
    inputs: Mapping[str, tuple[str, ...]]
    window: Window
    now: datetime
    warnings: tuple[str, ...]

    @property
    def text(self) -> str:
        return self.sent.prelude + self.sent.text


class LogAnalyticsConnection:
    """A workspace, or the logs of a resource, in Azure Monitor; `limits`: how large a frame may be inside a query."""

    def __init__(
        self,
        name: str,
        url: str,
        address: Address,
        limits: TableLimits | None = None,
        *,
        service: Service | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.name, self.url = name, url
        self._address, self._limits, self._patience = address, limits or TableLimits(), patience
        self._shares = service is None
        self._service = service or SHARED.acquire()
        self._closed = False
        self._tables: Mapping[str, Table] | None = None

    def __repr__(self) -> str:
        return f"<LogAnalyticsConnection {self.name}: {self._address.place}>"

    # ------------------------------------------------------------ tables

    def tables(self) -> Sequence[Table]:
        """All tables with their columns, by name; the service is asked once."""
        if self._tables is None:
            self._tables = interruptible(self._read_tables)
        return list(self._tables.values())

    def table(self, name: str) -> Table:
        """One table with its columns; KeyError when there is none of that name."""
        return {table.name: table for table in self.tables()}[name]

    def _read_tables(self, cancellation: Cancellation) -> Mapping[str, Table]:
        status, ids = Status(self._address.wait), _ids()
        ask = Ask(f"{self._address.place}/metadata", None, _headers(ids), status.wait, self._address.is_plain)
        reply = self._reply(ask, status, cancellation)
        if self._address.is_resource and reply.status == _NOT_FOUND:
            raise QueryError("the service does not list the tables of this resource").after_sending()
        if reply.status != _OK:
            raise refusal(reply, SentText("", "", ""), self._address, ids)
        try:
            return tables_of(reply.text)
        except ValueError as error:
            raise QueryError("the service's list of tables cannot be read").after_sending() from error

    # ------------------------------------------------------------ queries

    def prepare(self, query: Query) -> str:
        """The KQL that would be sent; its window stands in a comment below."""
        written = self._written(query)
        window = "" if query.timespan is None else f"\n// timespan {written.window}"
        return written.text + window

    def run(self, query: Query, progress: Progress | None = None) -> Result:
        """The answer to the query; an interrupt ends the request. `progress` is called by this thread while it waits.

        Raises
        ------
        QueryError
            For a wrong query, with its place, and for one that fails.
        PartialResultError
            When rows are missing: it holds those that came.
        ParameterError
            For a value that cannot become a KQL value, or a frame too large for a query.
        ConnectError
            When the service cannot be reached, or gives no access.
        """
        status = Status(self._address.wait)
        watch = None if progress is None else lambda: progress(status.line())
        result = interruptible(lambda cancellation: self._answer(query, status, cancellation), watch)
        if result.complete:
            return result
        error = _partial(result)
        del result  # the error alone holds it, and can let it go: a traceback keeps what its frames name
        raise error

    def close(self) -> None:
        """Let go of the service; the last connection ends it. May be called twice."""
        if not self._closed:
            self._closed = True
            if self._shares:
                SHARED.release()

    def _answer(self, query: Query, status: Status, cancellation: Cancellation) -> Result:
        began, ids = time.perf_counter(), _ids()
        written = self._written(query)
        status.enter("preparing")
        warnings = (*written.warnings, *self._refuse_hidden(written, query.text, cancellation))
        try:
            reply = self._reply(self._ask(query, written, ids), status, cancellation)
            ids |= _correlation(reply)
            if reply.status != _OK or reply.answer is None or not reply.answer.tables:
                raise self._no_answer(reply, written, ids)
        except KqlMagicError as error:
            self._advise(error, query)
            raise
        status.enter("making the frame")
        return result_of(
            reply.answer,
            judge(reply, reply.answer, query.text),
            self._told(query, written),
            ids,
            lambda: time.perf_counter() - began,
            cancellation.check,
            warnings=warnings,
        )

    def _written(self, query: Query) -> _Written:
        now = datetime.now(UTC)
        bound = bind(query)
        tabular_statements(bound.text)  # raises when nothing is asked
        before = prelude(bound, self._limits)
        text = bound.text if query.limit is None else preview(bound.text, query.limit)
        warnings = [*bound.warnings, *find_slips(bound.text), *before.warnings, *self._hides(bound)]
        if query.limit is not None:
            warnings.append(f"a preview: at most {query.limit:,} rows")
        window = query.timespan.window(now) if query.timespan else Window()
        return _Written(
            SentText(before.text, text, query.text), bound, before.columns, window, now, tuple(warnings)
        )

    def _told(self, query: Query, written: _Written) -> Sent:
        times = str(query.timespan or "all times")
        short = short_forms(written.bound)
        return Sent(written.text, short, self.name, written.window, written.now, times)

    def _ask(self, query: Query, written: _Written, ids: Mapping[str, str]) -> Ask:
        body: dict[str, Any] = {"query": written.text}
        timespan = None if query.timespan is None else str(written.window)
        path = f"{self._address.place}/{'search' if query.search else 'query'}"
        if timespan is not None and query.search:
            path += f"?timespan={quote(timespan, safe='')}"
        elif timespan is not None:
            body["timespan"] = timespan
        if self._address.also:
            body["workspaces"] = list(self._address.also)
        wishes = [f"wait={self._address.wait}", "include-statistics=true", "include-render=true"]
        if self._address.is_resource:
            wishes.append("include-permissions=true")
        more = {"Prefer": ", ".join(wishes), **({"Cache-Control": "no-cache"} if query.refresh else {})}
        return Ask(path, body, _headers(ids) | more, self._address.wait, self._address.is_plain)

    def _reply(self, ask: Ask, status: Status, cancellation: Cancellation) -> Reply:
        """The service's reply; the request ends with the cell."""
        if self._closed:
            raise ConnectError(f"the connection {self.name} is closed; connect again")
        future = self._service.submit(self._converse(ask, status))
        try:
            with cancellation.stopping(future.cancel):
                return future.result()
        except CancelledError as error:
            cancellation.check()
            raise ConnectError(
                f"the connection {self.name} was closed; connect again"
            ).after_sending() from error
        except Unreachable as error:
            raise self._unreachable(error) from error

    async def _converse(self, ask: Ask, status: Status) -> Reply:
        client, credential = self._service.client(self._address)
        await self._sign_in(credential, status)
        reply = await Conversation(client, self._service.limiter, status, self._patience).reply(ask)
        if reply.status == _UNAUTHORIZED:
            credential.forget()  # the next cell signs in anew
        return reply

    async def _sign_in(self, credential: Any, status: Status) -> None:
        """Have a token before a slot is taken: signing in may wait for the analyst."""
        from azure.core.exceptions import AzureError

        status.enter("signing in")
        try:
            with status.asking():
                await credential.get_token(f"{self._address.audience.rstrip('/')}/.default")
        except AzureError as error:
            said = " ".join(without_tokens(str(error)).split())[:_LONGEST_SIGN_IN]
            raise ConnectError(
                f"signing in failed ({said}); az login, or auth=devicecode in the connection's URL, may help"
            ) from error

    def _unreachable(self, error: Unreachable) -> KqlMagicError:
        if error.untrusted:
            return ConnectError(
                f"{self._address.endpoint} shows a certificate that this machine does not trust ({error}); where a proxy "
                "of your company opens the traffic, set SSL_CERT_FILE to its authority's file before the kernel starts"
            )
        if not error.sent:
            return ConnectError(
                f"{self._address.endpoint} cannot be reached: {error}; look at the network, the proxy and cloud=…"
            )
        said = f"the service's answer did not come: {error}"
        return QueryError(said, hint="run the cell again").after_sending()

    def _no_answer(self, reply: Reply, written: _Written, ids: Mapping[str, str]) -> KqlMagicError:
        if reply.status == _NO_CONTENT:
            said = "the service answered without content (204): the workspace holds no data yet"
            return QueryError(
                said, hint="data arrives some minutes after a source is connected"
            ).after_sending()
        if reply.answer is not None and reply.answer.tail.get("error"):
            text = json.dumps({"error": reply.answer.tail["error"]}, default=str).encode()
            reply = Reply(reply.status, reply.headers, text=text)
        elif reply.status == _OK:
            said = f"the service's answer holds no table ({reply.broken or 'it is empty'})"
            return QueryError(said, hint="run the cell again").after_sending()
        return refusal(reply, written.sent, self._address, ids)

    # ------------------------------------------------------------ names

    def _refuse_hidden(self, written: _Written, text: str, cancellation: Cancellation) -> list[str]:
        """KQL takes a column before a parameter of the same name: such a parameter would be ignored without a word."""
        names, warnings = bare_scalars(written.bound), []
        if names and self._tables is None:
            try:
                self._tables = self._read_tables(cancellation)
            except QueryError:
                warnings = [
                    f"a column named {' or '.join(names)} would hide the input; {{{{name}}}} is safe from it"
                ]
        for table, columns in self._columns_in(written, text) if names else ():
            for name in names:
                if name in columns:
                    raise ParameterError(
                        f"{name!r} is also a column of {table}, and KQL would take the column: write {{{{{name}}}}} in "
                        f"the query, or -i other={name}",
                        name=name,
                    )
        return warnings

    def _columns_in(self, written: _Written, text: str) -> Iterator[tuple[str, set[str]]]:
        """The tables and inputs that the text names, with their columns."""
        for name, columns in written.inputs.items():
            yield name, set(columns)
        for name, table in (self._tables or {}).items():
            if find_name(text, name) is not None:
                yield name, set(table.columns)

    def _hides(self, bound: Bound) -> list[str]:
        return [
            f"the input {name} hides the table {name} of {self.name} in this query"
            for name in bound.frames
            if name in (self._tables or {})
        ]

    def _advise(self, error: KqlMagicError, query: Query) -> None:
        """Propose the nearest name where the service knows none of the one written; say what the search endpoint lacks."""
        if isinstance(error, QueryError) and error.hint is None and query.search:
            error.hint = _SEARCH_LACKS
        if isinstance(error, QueryError) and error.unknown and error.hint is None and self._tables:
            columns = {column for table in self._tables.values() for column in table.columns}
            error.hint = did_you_mean(error.unknown, self._tables) or did_you_mean(error.unknown, columns)


def _ids() -> dict[str, str]:
    """The id by which the workspace's query audit tells this request."""
    return {"request_id": str(uuid.uuid4())}


def _headers(ids: Mapping[str, str]) -> dict[str, str]:
    return {
        "Accept": "application/json",
        "x-ms-client-request-id": ids["request_id"],
        "x-ms-app": _APPLICATION,
    }


def _correlation(reply: Reply) -> dict[str, str]:
    for header in ("x-ms-correlation-request-id", "request-id", "x-ms-request-id"):
        if header in reply.headers:
            return {"correlation_id": reply.headers[header]}
    return {}


def _partial(result: Result) -> PartialResultError:
    rows = sum(len(frame) for frame in result.frames)
    said = f"rows are missing: {'; '.join(result.missing)}; {rows:,} rows came"
    error = PartialResultError(said, result=result, reasons=result.missing)
    error.after_sending()
    return error
