"""A query as it goes out: its text with the inputs' statements, its window, and the request that carries it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kqlmagic_ext.connections.log_analytics.prelude import TableLimits, prelude
from kqlmagic_ext.connections.log_analytics.refusals import SentText
from kqlmagic_ext.connections.log_analytics.requests import Ask
from kqlmagic_ext.errors import QueryError
from kqlmagic_ext.kql.parameters import Bound, bind, short_forms
from kqlmagic_ext.kql.statements import find_slips, preview, tabular_statements
from kqlmagic_ext.kql.tokens import without_hidden
from kqlmagic_ext.query import Query, Sent, Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kqlmagic_ext.connections.log_analytics.address import Address
    from kqlmagic_ext.connections.log_analytics.requests import Reply

_APPLICATION = "kqlmagic_ext"
_LONGEST_ID = 64


@dataclass(frozen=True)
class Question:
    """A query, written: `inputs` are the columns of its frames, `warnings` what looks like a slip."""

    query: Query
    sent: SentText
    bound: Bound
    inputs: Mapping[str, tuple[str, ...]]
    window: Window
    now: datetime
    warnings: tuple[str, ...]

    @property
    def text(self) -> str:
        """The KQL that goes out."""
        return self.sent.prelude + self.sent.text

    def told(self, connection: str) -> Sent:
        """What the answer's origin tells of the question."""
        times = str(self.query.timespan or "all times")
        return Sent(
            without_hidden(self.text), short_forms(self.bound), connection, self.window, self.now, times
        )

    def ask(self, address: Address, ids: Mapping[str, str]) -> Ask:
        """The request."""
        body: dict[str, Any] = {"query": self.text}
        path = f"{address.place}/{'search' if self.query.search else 'query'}"
        if self.query.timespan is not None and self.query.search:  # read in the URL alone
            path += f"?timespan={quote(str(self.window), safe='')}"
        elif self.query.timespan is not None:
            body["timespan"] = str(self.window)
        if address.also:
            body["workspaces"] = list(address.also)
        headers = _headers(ids) | {"Prefer": _wishes(address)}
        if self.query.refresh:
            headers["Cache-Control"] = "no-cache"
        return Ask(path, body, headers, address.wait, address.is_plain)


def write(query: Query, limits: TableLimits) -> Question:
    """The query as it goes out; raises ParameterError and QueryError for what need not be sent to be wrong."""
    bound, now = bind(query), datetime.now(UTC)
    tabular_statements(bound.text)  # raises when nothing is asked
    if query.search and query.timespan is None:
        raise QueryError("the search endpoint wants a timespan", hint="add one, such as -t 7d")
    before = prelude(bound, limits)
    text = bound.text if query.limit is None else preview(bound.text, query.limit)
    warnings = [*bound.warnings, *find_slips(bound.text), *before.warnings]
    if query.limit is not None:
        warnings.append(f"a preview: at most {query.limit:,} rows")
    window = query.timespan.window(now) if query.timespan else Window()
    sent = SentText(before.text, text, query.text)
    return Question(query, sent, bound, before.columns, window, now, tuple(warnings))


def metadata_ask(address: Address, ids: Mapping[str, str]) -> Ask:
    """The request for the tables and their columns."""
    return Ask(f"{address.place}/metadata", None, _headers(ids), address.wait, address.is_plain)


def new_ids() -> dict[str, str]:
    """The id by which the workspace's query audit tells a request."""
    return {"request_id": str(uuid.uuid4())}


def correlation(reply: Reply) -> dict[str, str]:
    """The service's own id of a request, where it tells one."""
    for header in ("x-ms-correlation-request-id", "request-id", "x-ms-request-id"):
        if header in reply.headers:
            return {"correlation_id": reply.headers[header][:_LONGEST_ID]}
    return {}


def _headers(ids: Mapping[str, str]) -> dict[str, str]:
    return {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "x-ms-client-request-id": ids["request_id"],
        "x-ms-app": _APPLICATION,
    }


def _wishes(address: Address) -> str:
    # Permissions are documented for resources alone; nothing else tells of tables that were left out.
    return f"wait={address.wait}, include-statistics=true, include-render=true, include-permissions=true"
