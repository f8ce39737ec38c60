"""The unmodified Azure SDK, sync and aio, over http and https."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.monitor.query import LogsBatchQuery, LogsQueryClient, LogsQueryPartialResult, LogsQueryResult
from azure.monitor.query.aio import LogsQueryClient as AsyncClient

from kqlmagic_ext.emulator import WORKSPACE, Emulator, local_client

Emulated = Callable[..., Emulator]
RESOURCE = "/subscriptions/6b716c6d-0000-0000-0000-000000000000/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm1"
DAY = (datetime(2026, 10, 31, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))


class Token:
    """A credential for both clients: its token says nothing."""

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken("emulator", 2**40)


class AsyncToken:
    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken("emulator", 2**40)

    async def close(self) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


def test_a_workspace_query_gives_typed_rows(emulator: Emulator) -> None:
    answer = local_client(emulator.endpoint).query_workspace(
        emulator.workspace,
        "print a = 1, b = 'x', c = true, d = 1.5, e = datetime(2026-11-01T02:03:04.5Z), f = dynamic({'k':[1]}), g = long(null)",
        timespan=None,
    )
    assert isinstance(answer, LogsQueryResult)
    assert answer.tables[0].name == "PrimaryResult"
    assert answer.tables[0].columns == list("abcdefg")
    assert answer.tables[0].columns_types == ["long", "string", "bool", "real", "datetime", "dynamic", "long"]
    row = list(answer.tables[0].rows[0])
    assert row == [1, "x", True, 1.5, datetime(2026, 11, 1, 2, 3, 4, 500_000, UTC), '{"k":[1]}', None]


@pytest.mark.parametrize(
    "timespan", [DAY, (DAY[0], timedelta(days=1)), timedelta(days=1)], ids=["start/end", "start/PT", "PT"]
)
def test_a_timespan_narrows_the_query(emulator: Emulator, timespan: Any) -> None:
    client = local_client(emulator.endpoint)
    text = "SigninLogs | summarize count(), min(TimeGenerated), max(TimeGenerated)"
    count, first, last = client.query_workspace(emulator.workspace, text, timespan=timespan).tables[0].rows[0]
    every = client.query_workspace(emulator.workspace, text, timespan=None).tables[0].rows[0][0]
    assert 0 < count < every
    assert DAY[0] <= first <= last < DAY[1]


def test_statistics_visualization_and_the_wait_are_answered(emulator: Emulator) -> None:
    answer = local_client(emulator.endpoint).query_workspace(
        emulator.workspace,
        "SigninLogs | summarize n = count() by AppDisplayName | render barchart with (kind=stacked, title='Apps', xtitle=App, ycolumns=n, ymin=0)",
        timespan=None,
        include_statistics=True,
        include_visualization=True,
        server_timeout=60,
    )
    assert answer.statistics["query"]["executionTime"] > 0
    assert answer.statistics["query"]["datasetStatistics"][0]["tableRowCount"] == len(answer.tables[0].rows)
    drawn = answer.visualization
    assert drawn["visualization"] == "barchart"
    assert (drawn["kind"], drawn["title"], drawn["xTitle"]) == ("stacked", "Apps", "App")
    assert (drawn["yColumns"], drawn["yMin"], drawn["yMax"], drawn["series"]) == (["n"], 0, "NaN", None)


def test_a_resource_query_answers_as_the_workspace(emulator: Emulator) -> None:
    answer = local_client(emulator.endpoint).query_resource(RESOURCE, "Heartbeat | count", timespan=None)
    assert answer.tables[0].rows[0][0] > 0
    assert emulator.requests[-1].path == f"/v1{RESOURCE}/query"


def test_a_batch_gives_each_query_its_own_answer(emulator: Emulator) -> None:
    texts = ["print x = 1", "print x = 2", "Nope | count", "print x = 3"]
    answers = local_client(emulator.endpoint).query_batch(
        [LogsBatchQuery(WORKSPACE, text, timespan=None, include_statistics=True) for text in texts]
    )
    assert [answer.tables[0].rows[0][0] for answer in answers if isinstance(answer, LogsQueryResult)] == [
        1,
        2,
        3,
    ]
    assert answers[0].statistics
    assert answers[2].code == "BadArgumentError"
    assert "'Nope'" in answers[2].message


def test_a_row_limit_makes_a_partial_result(emulator: Emulator) -> None:
    emulator.faults.set("row-limit=7")
    answer = local_client(emulator.endpoint).query_workspace(emulator.workspace, "SigninLogs", timespan=None)
    assert isinstance(answer, LogsQueryPartialResult)
    assert len(answer.partial_data[0].rows) == 7
    assert answer.partial_error is not None
    assert "E_QUERY_RESULT_SET_TOO_LARGE" in str(answer.partial_error.details)


def test_a_syntax_error_tells_its_line_and_place(emulator: Emulator) -> None:
    with pytest.raises(HttpResponseError) as raised:
        local_client(emulator.endpoint).query_workspace(
            emulator.workspace, "My Not So Valid Query", timespan=None
        )
    assert raised.value.status_code == 400
    assert raised.value.error is not None
    inner = raised.value.error.innererror
    assert inner["code"] == "SyntaxError"
    told = {key: inner["innererror"][key] for key in ("code", "message", "line", "pos", "token")}
    assert told == {
        "code": "SYN0002",
        "message": "Query could not be parsed at 'Not' on line [1,3]",
        "line": 1,
        "pos": 3,
        "token": "Not",
    }


def test_a_refused_sign_in_raises_as_the_sdk_raises(emulator: Emulator) -> None:
    emulator.faults.set("401")
    with pytest.raises(HttpResponseError) as raised:
        local_client(emulator.endpoint).query_workspace(emulator.workspace, "print 1", timespan=None)
    assert isinstance(raised.value.__context__, ClientAuthenticationError)
    assert raised.value.status_code == 401


def test_a_throttled_query_is_sent_again_by_the_sdk_when_it_is_told_to_wait(emulator: Emulator) -> None:
    emulator.faults.set("429=0@2")
    answer = local_client(emulator.endpoint).query_workspace(emulator.workspace, "print x = 1", timespan=None)
    assert answer.tables[0].rows[0][0] == 1
    assert [received.status for received in emulator.requests] == [429, 429, 200]


def test_the_aio_client_works_without_enforcing_https(emulator: Emulator) -> None:
    async def run() -> tuple[Any, ...]:
        async with AsyncClient(
            AsyncToken(), endpoint=emulator.endpoint, audience=emulator.endpoint
        ) as client:
            one, two = await asyncio.gather(
                client.query_workspace(
                    WORKSPACE,
                    "SigninLogs | count",
                    timespan=timedelta(days=1),
                    enforce_https=False,
                    include_statistics=True,
                ),
                client.query_resource(RESOURCE, "print x = 2", timespan=None, enforce_https=False),
            )
            emulator.faults.set("partial@1")
            partial = await client.query_workspace(
                WORKSPACE, "print x = 1", timespan=None, enforce_https=False
            )
            batch = await client.query_batch(
                [LogsBatchQuery(WORKSPACE, f"print x = {n}", timespan=None) for n in range(3)],
                enforce_https=False,
            )
            return one, two, partial, batch

    one, two, partial, batch = asyncio.run(run())
    assert one.tables[0].rows[0][0] > 0
    assert one.statistics
    assert two.tables[0].rows[0][0] == 2
    assert isinstance(partial, LogsQueryPartialResult)
    assert [answer.tables[0].rows[0][0] for answer in batch] == [0, 1, 2]


def test_https_works_for_a_client_that_trusts_the_authority(emulated: Emulated) -> None:
    emulator = emulated(https=True)
    assert emulator.endpoint.startswith("https://127.0.0.1:")
    client = LogsQueryClient(
        Token(),
        endpoint=emulator.endpoint,
        audience=emulator.endpoint,
        connection_verify=str(emulator.authority),
    )
    assert client.query_workspace(WORKSPACE, "print x = 1", timespan=None).tables[0].rows[0][0] == 1
    stranger = LogsQueryClient(Token(), endpoint=emulator.endpoint, audience=emulator.endpoint, retry_total=0)
    with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
        stranger.query_workspace(WORKSPACE, "print x = 1", timespan=None)
