"""What goes out to Log Analytics, and what an answer carries."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from uuid import UUID

import pandas as pd
import pyarrow as pa
import pytest
from azure.core.credentials import AccessToken

from kqlmagic_ext import (
    ConnectError,
    ParameterError,
    Query,
    QueryError,
    Timespan,
    UnsupportedError,
    __version__,
    connect,
)
from kqlmagic_ext.connections.log_analytics import token_sources
from kqlmagic_ext.connections.log_analytics.address import parse
from kqlmagic_ext.connections.log_analytics.connection import LogAnalyticsConnection
from kqlmagic_ext.connections.log_analytics.prelude import TableLimits
from kqlmagic_ext.connections.log_analytics.service import Service
from kqlmagic_ext.emulator import Emulator
from kqlmagic_ext.errors import KqlMagicError
from kqlmagic_ext.frames import kql_field
from tests.emulated import hasty_connection
from tests.notebook import Notebook

OTHERS = "?also=other-workspace,01234567-89ab-cdef-0123-456789abcdef&timeout=77&"


def test_a_request_can_be_found_in_the_workspaces_audit(
    emulator: Emulator, azure: LogAnalyticsConnection
) -> None:
    frame = azure.run(Query("print x = 1")).frame
    headers = emulator.requests[-1].headers
    origin = frame.attrs["kql"]
    assert str(UUID(origin["request_id"])) == origin["request_id"] == headers["x-ms-client-request-id"]
    assert origin["correlation_id"]
    assert headers["x-ms-app"] == "kqlmagic_ext"
    assert headers["User-Agent"].startswith(f"kqlmagic_ext/{__version__} azsdk-python-monitor-query/")


def test_each_request_has_an_id_of_its_own(azure: LogAnalyticsConnection) -> None:
    assert len({azure.run(Query("print 1")).origin["request_id"] for _ in range(3)}) == 3


def test_what_the_url_asks_for_goes_out(emulator: Emulator) -> None:
    with hasty_connection(emulator.url.replace("?", OTHERS)) as connection:
        connection.run(Query("print x = 1", timespan=Timespan.parse("2026-10-30/2026-10-31")))
    request = emulator.requests[-1]
    assert request.body == {
        "query": "print x = 1",
        "timespan": "2026-10-30T00:00:00Z/2026-10-31T00:00:00Z",
        "workspaces": ["other-workspace", "01234567-89ab-cdef-0123-456789abcdef"],
    }
    assert (
        request.headers["Prefer"]
        == "wait=77, include-statistics=true, include-render=true, include-permissions=true"
    )


def test_render_and_statistics_stand_on_the_result(azure: LogAnalyticsConnection) -> None:
    result = azure.run(Query("print x = 1 | render columnchart with (kind=stacked, title='T')"))
    assert result.render == {"visualization": "columnchart", "kind": "stacked", "title": "T"}
    assert result.statistics is not None
    assert "query" in result.statistics
    assert azure.run(Query("print x = 1")).render is None


def test_inputs_are_let_statements_on_the_first_line(
    azure: LogAnalyticsConnection, emulator: Emulator
) -> None:
    table = pd.DataFrame({"a b": ["é"], "n": [1]})
    query = Query("t\n| where n == {{n}} and ['a b'] == who", {"t": table, "n": 1, "who": "é"})
    assert len(azure.run(query).frame) == 1
    sent = 'let who = "\\u00e9"; let _in_n = long(1); let t = datatable(["a b"]:string, ["n"]:long)["\\u00e9",long(1)]; t'
    assert emulator.requests[-1].body["query"].split("\n")[0] == sent
    assert azure.prepare(query) == emulator.requests[-1].body["query"]


@pytest.mark.parametrize("table", ["SigninLogs", "t"])
def test_a_parameter_that_a_column_would_hide_is_found_before_it_is_sent(
    azure: LogAnalyticsConnection, emulator: Emulator, table: str
) -> None:
    query = Query(
        f"{table} | where IPAddress == IPAddress", {"IPAddress": "x", "t": pd.DataFrame({"IPAddress": ["y"]})}
    )
    azure.tables()
    before = len(emulator.requests)
    with pytest.raises(ParameterError, match=r"also a column of.*\{\{IPAddress\}\}.*-i other=IPAddress"):
        azure.run(query)
    assert len(emulator.requests) == before


def test_the_tables_are_asked_for_once(azure: LogAnalyticsConnection, emulator: Emulator) -> None:
    before = len(emulator.requests)
    assert azure.table("SigninLogs").columns["TimeGenerated"] == "datetime"
    assert len(azure.tables()) == 18
    assert len(emulator.requests) == before + 1


def test_a_misspelt_name_proposes_the_nearest(azure: LogAnalyticsConnection) -> None:
    azure.tables()
    with pytest.raises(QueryError, match=r"did you mean SigninLogs\?") as caught:
        azure.run(Query("\n  SigninLog | count"))
    assert (caught.value.line, caught.value.column) == (2, 3)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (TableLimits(frame_rows=10), "it has 11 rows, and at most 10 travel"),
        (TableLimits(frame_bytes=50), "at most 50 travel"),
    ],
)
def test_a_frame_too_large_for_a_query_says_what_to_do(
    azure: LogAnalyticsConnection, limits: TableLimits, said: str
) -> None:
    azure._limits = limits
    with pytest.raises(ParameterError, match=f"t is too large for a query: .*{said}.*join in pandas"):
        azure.run(Query("t", {"t": pd.DataFrame({"x": range(11)})}))


def test_the_settings_bound_the_frames_of_a_cell(notebook: Notebook, emulator: Emulator) -> None:
    notebook.value("%config KqlMagics.frame_rows = 10")
    try:
        notebook.value(f"%kql_connect {emulator.url} --as azure")
        notebook.names["t"] = pd.DataFrame({"x": range(11)})
        assert "at most 10 travel" in str(notebook.error("%kql -i t t"))
    finally:
        notebook.value("%config KqlMagics.frame_rows = 10000")


def test_a_frame_of_the_largest_size_travels(azure: LogAnalyticsConnection) -> None:
    table = pd.DataFrame({"ip": [f"203.0.113.{number}" for number in range(10_000)], "n": range(10_000)})
    assert azure.run(Query("t | summarize sum(n)", {"t": table})).frame.iloc[0, 0] == sum(range(10_000))


def test_a_naive_datetime_warns_once(notebook: Notebook, emulator: Emulator) -> None:
    notebook.value(f"%kql_connect {emulator.url} --as azure")
    notebook.names["since"] = datetime(2026, 10, 30)
    notebook.value("%kql -o a SigninLogs | where TimeGenerated > {{since}} | count")
    assert "since has no time zone and is read as UTC" in notebook.receipt
    notebook.value("%kql -o a SigninLogs | where TimeGenerated > {{since}} | count")
    assert "time zone" not in notebook.receipt


def test_search_asks_the_endpoint_of_basic_tables(asking: Notebook, emulator: Emulator) -> None:
    asking.value("%%kql --search -t 2026-10-30/2026-10-31 -o found\nSigninLogs | where ResultType != '0'")
    request = emulator.requests[-1]
    assert request.path.endswith("/search")
    assert request.query["timespan"] == "2026-10-30T00:00:00Z/2026-10-31T00:00:00Z"
    assert "timespan" not in request.body
    assert len(asking.names["found"]) > 0
    assert "add one, such as -t 7d" in str(asking.error("%kql --search SigninLogs"))
    error = asking.error("%kql --search -t 7d SigninLogs | join kind=inner (Heartbeat) on TenantId")
    assert isinstance(error, QueryError)
    assert "it has no join, union" in str(error)


def test_what_the_place_lacks_is_unsupported_and_placed(azure: LogAnalyticsConnection) -> None:
    with pytest.raises(UnsupportedError) as caught:
        azure.run(Query("SigninLogs\n| invoke f()"))
    assert (caught.value.line, caught.value.column) == (2, 3)


def test_connections_share_one_client_a_sign_in(emulator: Emulator) -> None:
    first, second = connect(emulator.url), connect(emulator.url)
    assert isinstance(first, LogAnalyticsConnection)
    assert isinstance(second, LogAnalyticsConnection)
    assert first._service is second._service
    assert first._service.client(first._address) is second._service.client(second._address)
    first.close()
    assert second.run(Query("print x = 1")).frame["x"][0] == 1
    second.close()


def test_a_query_is_asked_where_the_list_of_tables_is_refused(
    azure: LogAnalyticsConnection, emulator: Emulator
) -> None:
    emulator.faults.set("403@1")
    result = azure.run(Query("print x = host", {"host": "a"}))
    assert result.frame["x"][0] == "a"
    assert result.warnings == ("a column named host would hide the input; {{name}} is safe from it",)


def test_a_query_that_meets_the_closing_of_its_service_ends(emulator: Emulator) -> None:
    service = Service()
    connection = LogAnalyticsConnection("azure", emulator.url, parse(emulator.url), service=service)
    connection.run(Query("print 1"))
    emulator.faults.set("slow-first-byte=60")
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(connection.run, Query("print 1")) for _ in range(4)]
        time.sleep(0.3)
        service.close()
        errors = [one.exception(10) for one in asked]
    emulator.faults.clear()
    assert [type(error) for error in errors] == [ConnectError] * 4
    with pytest.raises(ConnectError, match="closed"):
        connection.run(Query("print 1"))
    service.close()


@pytest.mark.skipif(
    not hasattr(os, "fork"), reason="no fork on this system"
)  # what it guards against is not there
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_is_told_to_connect_again(azure: LogAnalyticsConnection) -> None:
    azure.run(Query("print 1"))
    child = os.fork()
    if not child:
        try:
            azure.run(Query("print 1"))
        except ConnectError as error:
            os._exit(7 if "another process" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


@pytest.mark.parametrize("declared", [True, False])
def test_an_arrow_table_is_an_input_like_a_frame(azure: LogAnalyticsConnection, declared: bool) -> None:
    table = pa.table({"s": ["a", None], "n": pa.array([1, None], pa.int64())})
    if declared:
        table = table.cast(pa.schema([kql_field("s", "string"), kql_field("n", "long")]))
    result = azure.run(Query("t", {"t": table}))
    assert result.frame["s"].tolist() == ["a", ""]
    assert result.frame["n"].isna().tolist() == [False, True]
    assert result.warnings == ("t['s']: 1 missing values crossed as \"\" (KQL has no null string)",)


def test_a_place_without_access_is_no_default(notebook: Notebook, emulator: Emulator) -> None:
    emulator.faults.set("403")
    assert "Log Analytics Reader" in str(notebook.error(f"%kql_connect {emulator.url} --as azure"))
    emulator.faults.clear()
    assert "%kql_connect azure failed" in str(notebook.error("%kql print 1"))
    notebook.value(f"%kql_connect {emulator.url} --as azure")
    assert notebook.receipt.startswith(f"azure answers now: {emulator.url}, 18 tables")


def test_a_token_stands_nowhere(
    notebook: Notebook,
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked = []

    class Source:
        """A fake sign-in with a token that looks like one."""

        def get_token(self, *scopes: str, **_options: object) -> AccessToken:
            asked.append(scopes)
            return AccessToken("eyJhunter2.eyJhunter2.hunter2", 2**40)

    monkeypatch.setitem(token_sources.SOURCES, "none", lambda _: Source())
    caplog.set_level(logging.DEBUG)
    notebook.value(f"%kql_connect {emulator.url} --as azure")
    shown = [repr(notebook.shell.magics_manager.registry["KqlMagics"].places.choose("azure"))]
    for fault in ["", "401", "403", "404", "504", "204", "row-limit=3", "cached=9"]:
        emulator.faults.clear()
        if fault:
            emulator.faults.set(fault)
        result = notebook.run("%kql -o a SigninLogs")
        error = result.error_in_exec
        if isinstance(error, KqlMagicError):
            shown += [*error.lines(), repr(error), repr(error.__cause__), repr(error.__context__)]
        else:
            shown.append(str(notebook.names["a"].attrs))
        shown += [notebook.receipt, notebook.stdout, notebook.stderr]
    text = "\n".join([*shown, caplog.text])
    assert "SigninLogs" in text
    assert asked
    assert "hunter2" not in text
    assert "Authorization" not in "".join(str(request.headers) for request in emulator.requests)


def test_https_is_spoken_with_a_certificate_that_the_machine_trusts() -> None:
    with Emulator("local://", https=True) as emulator:
        code = (
            "import sys, kqlmagic_ext as k\n"
            "c = k.connect(sys.argv[1])\n"
            "try: print(c.run(k.Query('print x = 41 + 1')).frame['x'][0])\n"
            "except k.ConnectError as error: print(error)\n"
            "c.close()"
        )
        trusting = {**os.environ, "SSL_CERT_FILE": str(emulator.authority)}
        wary = {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"}
        done = [
            subprocess.run(
                [sys.executable, "-W", "error::ResourceWarning", "-c", code, emulator.url],
                env=env,
                capture_output=True,
                text=True,
                check=True,
            )
            for env in (trusting, wary)
        ]
    assert done[0].stdout.strip() == "42"
    assert "shows a certificate that this machine does not trust" in done[1].stdout
    assert "SSL_CERT_FILE" in done[1].stdout
    assert done[0].stderr == ""


def test_connecting_by_name_asks_whether_the_service_is_there(notebook: Notebook) -> None:
    with Emulator("local://") as emulator:
        notebook.value(f"%kql_connect {emulator.url} --as azure")
        notebook.value("%kql_connect azure")
    error = notebook.error("%kql_connect azure")
    assert "cannot be reached" in str(error)
    assert "does the emulator run?" in str(error)


def test_unloading_ends_the_loop_and_its_clients(notebook: Notebook, emulator: Emulator) -> None:
    notebook.value(f"%kql_connect {emulator.url} --as azure")
    names = [thread.name for thread in threading.enumerate()]
    assert "kqlmagic_ext Log Analytics" in names
    notebook.value("%unload_ext kqlmagic_ext")
    assert "kqlmagic_ext Log Analytics" not in [thread.name for thread in threading.enumerate()]
