"""`loganalytics://`: KQL answered by Azure Monitor Log Analytics, the store of Microsoft Sentinel."""

from __future__ import annotations

import sys
import time
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import TYPE_CHECKING

from kqlmagic_ext.connections import Prompt
from kqlmagic_ext.connections.log_analytics.completeness import judge
from kqlmagic_ext.connections.log_analytics.names import advise, refuse_hidden, tables_read
from kqlmagic_ext.connections.log_analytics.prelude import TableLimits
from kqlmagic_ext.connections.log_analytics.questions import correlation, metadata_ask, new_ids, write
from kqlmagic_ext.connections.log_analytics.refusals import SentText, no_answer, no_connection, refusal
from kqlmagic_ext.connections.log_analytics.requests import Ask, Conversation, Patience, Reply
from kqlmagic_ext.connections.log_analytics.results import result_of
from kqlmagic_ext.connections.log_analytics.schema import tables_of
from kqlmagic_ext.connections.log_analytics.service import SHARED
from kqlmagic_ext.connections.log_analytics.status import Status
from kqlmagic_ext.connections.log_analytics.tokens import without_tokens
from kqlmagic_ext.connections.log_analytics.unreachable import Unreachable
from kqlmagic_ext.connections.worker import Cancellation, interruptible
from kqlmagic_ext.errors import ConnectError, KqlMagicError, PartialResultError, QueryError
from kqlmagic_ext.kql.parameters import bare_scalars, hidden_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kqlmagic_ext.connections import Progress
    from kqlmagic_ext.connections.log_analytics.address import Address
    from kqlmagic_ext.connections.log_analytics.credentials import Credential
    from kqlmagic_ext.connections.log_analytics.questions import Question
    from kqlmagic_ext.connections.log_analytics.service import Service
    from kqlmagic_ext.query import Query, Result, Table

_OK, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 200, 401, 403, 404
_LONGEST_SIGN_IN = 400


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

    def tables(self, progress: Progress | None = None) -> Sequence[Table]:
        """All tables with their columns, by name; the service is asked once."""
        if self._tables is None:
            status = Status(self._address.wait)
            self._tables = interruptible(
                lambda cancellation: self._read_tables(status, cancellation), _watch(status, progress)
            )
        return list(self._tables.values())

    def table(self, name: str) -> Table:
        """One table with its columns; KeyError when there is none of that name."""
        return {table.name: table for table in self.tables()}[name]

    def _read_tables(self, status: Status, cancellation: Cancellation) -> Mapping[str, Table]:
        ids = new_ids()
        reply = self._reply(metadata_ask(self._address, ids), status, cancellation)
        if self._address.is_resource and reply.status in (_FORBIDDEN, _NOT_FOUND):
            return {}  # it lists those of workspaces
        if reply.status != _OK:
            raise refusal(reply, SentText("", "", ""), self._address, ids)
        try:
            return tables_of(reply.text)
        except ValueError as error:
            raise QueryError("the service's list of tables cannot be read").after_sending() from error

    # ------------------------------------------------------------ queries

    def prepare(self, query: Query) -> str:
        """The KQL that would be sent; its window stands in a comment below."""
        question = write(query, self._limits)
        window = "" if query.timespan is None else f"\n// timespan {question.window}"
        return question.text + window

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
        result = interruptible(
            lambda cancellation: self._answer(query, status, cancellation), _watch(status, progress)
        )
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
        began, ids = time.perf_counter(), new_ids()
        question = write(query, self._limits)
        warnings = self._check_names(question, status, cancellation)
        try:
            reply = self._reply(question.ask(self._address, ids), status, cancellation)
            ids |= correlation(reply)
            if reply.status != _OK or reply.answer is None or not reply.answer.tables:
                raise no_answer(reply, question.sent, self._address, ids)
        except KqlMagicError as error:
            advise(error, query, self._tables or {})
            raise
        status.enter("making the frame")
        return result_of(
            reply.answer,
            judge(reply, reply.answer, tables_read(query.text, self._tables or {}), refreshed=query.refresh),
            question.told(self.name),
            ids,
            lambda: time.perf_counter() - began,
            cancellation.check,
            warnings=(*question.warnings, *warnings),
        )

    def _check_names(self, question: Question, status: Status, cancellation: Cancellation) -> list[str]:
        """What to warn of the names; raises ParameterError for an input that a column would hide."""
        warnings = []
        names = bare_scalars(question.bound)
        if names and self._tables is None:
            with suppress(QueryError, ConnectError):  # the query itself may be allowed
                self._tables = self._read_tables(status, cancellation)
        if names and not self._tables:
            listed = " or ".join(names)
            warnings = [f"a column named {listed} would hide the input; {{{{name}}}} is safe from it"]
        refuse_hidden(question, self._tables or {})
        return warnings + hidden_tables(question.inputs, self._tables or {}, self.name)

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
            raise no_connection(error, self._address) from error

    async def _converse(self, ask: Ask, status: Status) -> Reply:
        client, credential = self._service.client(self._address)
        await self._sign_in(credential, status)
        reply = await Conversation(client, self._service.limiter, status, self._patience).reply(ask)
        if reply.status == _UNAUTHORIZED:
            credential.forget()  # the next cell signs in anew
        return reply

    async def _sign_in(self, credential: Credential, status: Status) -> None:
        """Have a token before a slot is taken: signing in may wait for the analyst."""
        from azure.core.exceptions import AzureError

        status.enter("signing in")
        try:
            await credential.sign_in(f"{self._address.audience.rstrip('/')}/.default", status)
        except AzureError as error:
            said = " ".join(without_tokens(str(error)).split())
            said = said if len(said) <= _LONGEST_SIGN_IN else f"{said[:_LONGEST_SIGN_IN]} …"
            raise ConnectError(
                f"signing in failed ({said}); az login, or auth=devicecode in the connection's URL, may help"
            ) from error


def _watch(status: Status, progress: Progress | None) -> Callable[[], None]:
    """What the waiting thread does in each of its steps; without progress, it tells what the analyst must do."""
    tell = _prompting() if progress is None else progress
    return lambda: tell(status.line())


def _prompting() -> Progress:
    told: set[str] = set()

    def tell(line: str) -> None:
        if isinstance(line, Prompt) and line not in told:
            told.add(line)
            print(line, file=sys.stderr)  # noqa: T201 - a script that must sign in

    return tell


def _partial(result: Result) -> PartialResultError:
    rows = sum(len(frame) for frame in result.frames)
    said = f"rows are missing: {'; '.join(result.missing)}; {rows:,} row{'s' * (rows != 1)} came"
    error = PartialResultError(said, result=result, reasons=result.missing)
    error.after_sending()
    return error
