"""Whatever the service does: what the analyst sees, nothing stale stays bound, the next cell works."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from kqlmagic_ext import ConnectError, PartialResultError, QueryError, connect
from kqlmagic_ext.connections.log_analytics import completeness
from kqlmagic_ext.connections.log_analytics.connection import LogAnalyticsConnection
from kqlmagic_ext.connections.log_analytics.requests import Patience
from kqlmagic_ext.emulator import Emulator
from kqlmagic_ext.query import Query
from tests.emulated import hasty_connection
from tests.notebook import Notebook

ROWS = 400
CELL = f"%%kql -o old\nSigninLogs | order by TimeGenerated asc, CorrelationId asc | take {ROWS}"


def asked(emulator: Emulator) -> int:
    return sum(request.path.endswith("/query") for request in emulator.requests)


def the_next_cell_works(notebook: Notebook, emulator: Emulator) -> None:
    emulator.faults.clear()
    notebook.value(CELL)
    assert len(notebook.names["old"]) == ROWS


@pytest.mark.parametrize(
    ("fault", "kind", "said", "requests"),
    [
        ("401", ConnectError, "sign in anew", 1),
        ("403", ConnectError, "Log Analytics Reader", 1),
        ("404", ConnectError, "compare the ID", 1),
        ("429", QueryError, "200 in 30 s and 5 at once", None),
        ("429=9", QueryError, "200 in 30 s and 5 at once", None),
        ("500", QueryError, "status 500", 3),
        ("502", QueryError, "status 502", 3),
        ("503", QueryError, "status 503", 3),
        ("504", QueryError, "gave the query up.*180 s.*timeout=600", 1),
        ("204", QueryError, "holds no data yet", 1),
        ("empty", QueryError, "holds no table", 2),
    ],
)
def test_a_refusal_fails_the_cell_and_says_what_to_do(
    asking: Notebook, emulator: Emulator, fault: str, kind: type, said: str, requests: int | None
) -> None:
    emulator.faults.set(fault)
    before = asked(emulator)
    error = asking.error(CELL)
    assert isinstance(error, kind)
    with pytest.raises(kind, match=said):
        raise error
    count = asked(emulator) - before
    assert count == requests if requests is not None else count > 3
    assert "old" not in asking.names
    assert any("%kql_restore old" in note for note in error.__notes__)
    the_next_cell_works(asking, emulator)


@pytest.mark.parametrize(
    "fault",
    [
        "429@1",
        "429=1@2",
        "500@2",
        "502@1",
        "503@2",
        "cut@1",
        "cut-length@1",
        "cut-gzip@1",
        "cut-json@1",
        "bad-tail@1",
        "malformed-row@1",
        "empty@1",
    ],
)
def test_what_passes_is_asked_again_without_a_word(asking: Notebook, emulator: Emulator, fault: str) -> None:
    emulator.faults.set(fault)
    before = asked(emulator)
    asking.value(CELL)
    assert len(asking.names["old"]) == ROWS
    assert asked(emulator) - before > 1
    assert asking.names["old"].attrs["kql"]["complete"] is True
    assert "warning" not in asking.receipt


@pytest.mark.parametrize(
    ("fault", "said", "rows"),
    [
        ("row-limit=7", "larger than the service gives", 7),
        ("byte-limit=20000", "larger than the service gives", None),
        ("partial", "the service says: ", ROWS),
        ("cut=5000", "connection was lost|broke off", None),
        ("cut-length=5000", "connection was lost|broke off", None),
        ("cut-gzip=5000", "gzip", None),
        ("cut-json=50000", "JSON", None),
        ("bad-tail", "broke off", ROWS),
        ("malformed-row", "broke off", 0),
    ],
)
def test_missing_rows_fail_the_cell_and_can_be_accepted(
    asking: Notebook, emulator: Emulator, fault: str, said: str, rows: int | None
) -> None:
    emulator.faults.set(fault)
    error = asking.error(CELL)
    assert isinstance(error, PartialResultError)
    with pytest.raises(PartialResultError, match=said):
        raise error
    assert "%kql_accept -o old binds them" in str(error)
    assert "old" not in asking.names
    before = asked(emulator)
    asking.value("%kql_accept -o old")
    assert asked(emulator) == before
    frame = asking.names["old"]
    assert frame.attrs["kql"]["complete"] is False
    assert "rows are missing: " in asking.receipt
    assert len(frame) == rows if rows is not None else 0 <= len(frame) < ROWS
    the_next_cell_works(asking, emulator)


def test_partial_binds_at_once_and_says_what_is_missing(asking: Notebook, emulator: Emulator) -> None:
    emulator.faults.set("row-limit=7")
    asking.value(CELL.replace("-o old", "--partial -o old"))
    assert len(asking.names["old"]) == 7
    assert asking.names["old"].attrs["kql"]["complete"] is False
    assert "rows are missing: the answer is larger than the service gives" in asking.receipt


def test_the_rows_of_an_incomplete_answer_are_let_go_by_the_next_query(
    asking: Notebook, emulator: Emulator
) -> None:
    emulator.faults.set("row-limit=7")
    error = asking.error(CELL)
    assert isinstance(error, PartialResultError)
    held = weakref.ref(error.result.frame)
    emulator.faults.clear()
    asking.value("%kql print x = 1")
    gc.collect()
    assert error.result is None
    assert held() is None
    assert "no answer waits" in str(asking.error("%kql_accept -o old"))


def test_accepted_rows_live_as_long_as_their_variable(asking: Notebook, emulator: Emulator) -> None:
    emulator.faults.set("row-limit=7")
    error = asking.error(CELL)
    asking.value("%kql_accept -o old")
    held = weakref.ref(asking.names["old"])
    del asking.names["old"]
    gc.collect()
    assert isinstance(error, PartialResultError)
    assert held() is None


def test_a_script_gets_the_rows_with_the_error(azure: LogAnalyticsConnection, emulator: Emulator) -> None:
    emulator.faults.set("row-limit=7")
    with pytest.raises(PartialResultError) as caught:
        azure.run(Query("SigninLogs"))
    assert len(caught.value.result.frame) == 7
    assert caught.value.result.complete is False
    assert caught.value.reasons == caught.value.result.missing


def test_a_warning_of_the_service_is_a_warning(asking: Notebook, emulator: Emulator) -> None:
    emulator.faults.set("warning")
    asking.value(CELL)
    assert len(asking.names["old"]) == ROWS
    assert "warning: the service says: " in asking.receipt
    assert asking.names["old"].attrs["kql"]["complete"] is True


def test_a_cached_answer_says_its_age_and_refresh_asks_anew(asking: Notebook, emulator: Emulator) -> None:
    emulator.faults.set("cached=90")
    asking.value(CELL)
    assert "the answer is 90 s old, from the service's cache; --refresh asks anew" in asking.receipt
    assert "no-cache" not in emulator.requests[-1].headers.get("Cache-Control", "")
    asking.value(CELL.replace("-o old", "--refresh -o old"))
    assert "from the service's cache; though none was wanted" in asking.receipt
    assert emulator.requests[-1].headers["Cache-Control"] == "no-cache"


def test_rows_cut_without_a_word_are_noticed_at_the_services_limit(
    asking: Notebook, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.faults.set("truncate=100")
    monkeypatch.setattr(completeness, "MOST_ROWS", 100)
    error = asking.error(CELL)
    assert isinstance(error, PartialResultError)
    assert "100 rows, the most that the service gives" in str(error)


def test_an_answer_near_the_services_size_is_noticed(
    asking: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completeness, "MOST_BYTES", 10_000)
    error = asking.error(CELL)
    assert isinstance(error, PartialResultError)
    assert "the service gives at most 100" in str(error)


def test_a_denied_table_is_noticed(asking: Notebook, emulator: Emulator) -> None:
    emulator.faults.set("deny=SigninLogs")
    error = asking.error("%kql -o old SigninLogs | count")
    assert isinstance(error, PartialResultError)
    assert "access to SigninLogs is denied" in str(error)
    asking.value("%kql -o old print x = 1")
    assert asking.names["old"].attrs["kql"]["complete"] is True


def test_what_went_out_before_the_service_vanished_is_remembered() -> None:
    with Emulator("local://", faults=["500"]) as emulator:
        waits = iter([emulator.close])

        async def pause(_seconds: float) -> None:
            await asyncio.get_running_loop().run_in_executor(None, next(waits, lambda: None))

        connection = connect(emulator.url, patience=Patience(sleep=pause))
        try:
            with pytest.raises(ConnectError, match=r"cannot be reached: .*does the emulator run") as caught:
                connection.run(Query("print 1"))
        finally:
            connection.close()
    assert caught.value.sent


def test_tables_denied_to_a_resource_are_noticed(emulator: Emulator) -> None:
    emulator.faults.set("deny=SigninLogs")
    url = emulator.url.replace(
        f"//{emulator.workspace}", "///subscriptions/s/resourceGroups/g/providers/p/t/vm1"
    )
    with hasty_connection(url) as connection:
        with pytest.raises(PartialResultError, match="access to SigninLogs is denied"):
            connection.run(Query("SigninLogs | count"))
        with pytest.raises(PartialResultError):
            connection.run(Query("union Heartbeat, Heartbeat | count"))
        connection.tables()
        result = connection.run(Query("Heartbeat | count"))
        assert any("access to SigninLogs is denied" in warning for warning in result.warnings)


def test_a_slow_answer_is_waited_for(asking: Notebook, emulator: Emulator) -> None:
    emulator.faults.set("slow-first-byte=1")
    asking.value(CELL)
    assert len(asking.names["old"]) == ROWS


def test_nobody_there_is_a_connect_error_after_three_tries() -> None:
    with Emulator("local://") as gone:
        url = gone.url
    with hasty_connection(url) as connection, pytest.raises(ConnectError, match="cannot be reached"):
        connection.run(Query("print 1"))


def test_a_closed_connection_says_so(emulator: Emulator) -> None:
    connection = connect(emulator.url)
    connection.close()
    connection.close()
    with pytest.raises(ConnectError, match="is closed"):
        connection.run(Query("print 1"))
