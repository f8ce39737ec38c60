from __future__ import annotations

import http.client
import json
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, cast
from urllib.parse import urlsplit

import pytest

from kqlmagic_ext import Query
from kqlmagic_ext.connections import Connection
from kqlmagic_ext.connections.local.connection import LocalConnection
from kqlmagic_ext.connections.worker import Cancellation
from kqlmagic_ext.emulator import FAULTS, WORKSPACE, Emulator, Fault, Faults
from tests.emulator.conftest import QUERY, ask

Emulated = Callable[..., Emulator]
ROWS = "range n from 1 to 5000 step 1 | extend text = strcat('row ', n)"


def raw(
    emulator: Emulator, fault: str, *, zipped: bool
) -> tuple[bytes, http.client.HTTPResponse, Exception | None]:
    """The bytes that came, gzipped or not, and what the client's HTTP library said of their end."""
    headers = {"Authorization": "Bearer x", "Content-Type": "application/json", "x-emulator-fault": fault}
    headers |= {"Accept-Encoding": "gzip"} if zipped else {}
    with closing(http.client.HTTPConnection(urlsplit(emulator.endpoint).netloc, timeout=30)) as connection:
        connection.request("POST", QUERY, json.dumps({"query": ROWS}), headers)
        response = connection.getresponse()
        try:
            return response.read(), response, None
        except http.client.IncompleteRead as error:
            return error.partial, response, error


def details(emulator: Emulator, text: str = ROWS) -> list[dict[str, object]]:
    found: list[dict[str, object]] = [
        detail["innererror"] for detail in ask(emulator, text).json["error"]["details"]
    ]
    return found


# ---------------------------------------------------------------- rows and errors beside them


def test_a_row_limit_cuts_and_tells(emulator: Emulator) -> None:
    emulator.faults.set("row-limit=4321")
    answer = ask(emulator, ROWS)
    assert answer.status == 200
    assert [row[0] for row in answer.rows] == list(range(1, 4322))
    assert list(answer.json) == ["tables", "error"]
    (inner,) = details(emulator)
    assert (inner["code"], inner["severity"], inner["severityName"]) == ("-2133196797", 2, "Error")
    assert "E_QUERY_RESULT_SET_TOO_LARGE" in str(inner["message"])


def test_a_row_limit_that_is_met_exactly_cuts_nothing(emulator: Emulator) -> None:
    emulator.faults.set("row-limit=5000")
    assert "error" not in ask(emulator, ROWS).json


@pytest.mark.parametrize("limit", [0, 10, 1000, 80_000])
def test_a_byte_limit_cuts_at_the_end_of_a_row(emulator: Emulator, limit: int) -> None:
    emulator.faults.set(f"byte-limit={limit}")
    answer = ask(emulator, ROWS)
    count = len(answer.rows)
    assert count < 5000
    written = json.dumps(answer.rows, separators=(",", ":"))
    assert len(written) <= limit + 2
    if limit >= 1000:
        assert len(written) > limit - 20
    assert "bytes" in str(details(emulator)[0]["message"])


def test_limits_hold_over_all_tables_of_an_answer(emulator: Emulator) -> None:
    emulator.faults.set("row-limit=6")
    tables = ask(emulator, "range n from 1 to 4 step 1; range n from 1 to 4 step 1").json["tables"]
    assert [len(table["rows"]) for table in tables] == [4, 2]


def test_a_partial_error_and_a_warning_stand_beside_whole_tables(emulator: Emulator) -> None:
    for fault, severity in (("partial", 2), ("warning", 3)):
        emulator.faults.set(f"{fault}@1")
        answer = ask(emulator, ROWS)
        assert len(answer.rows) == 5000
        assert answer.json["error"]["code"] == "PartialError"
        assert answer.json["error"]["details"][0]["innererror"]["severity"] == severity
        assert "error" not in ask(emulator, ROWS).json


def test_a_silent_truncation_says_nothing(emulator: Emulator) -> None:
    emulator.faults.set("truncate=10")
    answer = ask(emulator, ROWS)
    assert len(answer.rows) == 10
    assert list(answer.json) == ["tables"]


def test_denied_tables_are_empty_and_stand_in_the_permissions_alone(emulator: Emulator) -> None:
    resource = f"/subscriptions/{WORKSPACE}/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm1"
    emulator.faults.set("deny=SigninLogs,AuditLogs")
    text = "union withsource=T Signin*, Heartbeat | summarize count() by T"
    asked = {"path": f"/v1{resource}/query", "Prefer": "include-permissions=true, include-dataSources=true"}
    answer = ask(emulator, text, **asked)
    assert [row[0] for row in answer.rows] == ["Heartbeat"]
    (told,) = answer.json["permissions"]["resources"]
    assert (told["resourceId"], told["denyTables"]) == (resource, ["AuditLogs", "SigninLogs"])
    assert answer.json["dataSources"][0]["tables"] == ["Heartbeat"]
    assert ask(emulator, "SigninLogs | count", body={"timespan": "P1D"}).rows == [[0]]
    emulator.faults.clear()
    answer = ask(emulator, text, **asked)
    assert sorted(row[0] for row in answer.rows) == ["Heartbeat", "SigninLogs"]
    assert "denyTables" not in answer.json["permissions"]["resources"][0]


def test_a_malformed_row_has_the_wrong_width(emulator: Emulator) -> None:
    emulator.faults.set("malformed-row")
    assert [len(row) for row in ask(emulator, ROWS).rows[:2]] == [1, 2]


def test_a_bad_tail_is_no_json(emulator: Emulator) -> None:
    emulator.faults.set("bad-tail")
    with pytest.raises(json.JSONDecodeError):
        _ = ask(emulator, ROWS).json


def test_a_cached_answer_tells_its_age(emulator: Emulator) -> None:
    assert "age" not in ask(emulator, "print 1").headers
    emulator.faults.set("cached=37")
    assert ask(emulator, "print 1").headers["age"] == "37"


# ---------------------------------------------------------------- in the service's place


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("401", 401, "AuthenticationFailed"),
        ("403", 403, "InsufficientAccessError"),
        ("404", 404, "PathNotFoundError"),
        ("429", 429, "ThrottledError"),
        ("500", 500, "InternalServerError"),
        ("503", 503, "ServiceUnavailable"),
        ("504", 504, "GatewayTimeout > GatewayTimeout"),
    ],
)
def test_a_status_fault_answers_in_the_services_place_as_often_as_it_is_told(
    emulator: Emulator, fault: str, status: int, code: str
) -> None:
    emulator.faults.set(f"{fault}@2")
    answers = [ask(emulator, "print x = 1") for _ in range(3)]
    assert [answer.status for answer in answers] == [status, status, 200]
    assert answers[0].code == code
    assert "retry-after" not in answers[0].headers
    assert [received.status for received in emulator.requests] == [status, status, 200]


def test_a_throttled_client_may_be_told_when_to_come_again(emulator: Emulator) -> None:
    emulator.faults.set("429=7")
    assert ask(emulator, "print 1").headers["retry-after"] == "7"


def test_a_bad_gateway_speaks_html_and_no_content_nothing(emulator: Emulator) -> None:
    answers = [ask(emulator, "print 1", x_emulator_fault=fault) for fault in ("502", "204", "empty")]
    assert [answer.status for answer in answers] == [502, 204, 200]
    assert answers[0].body.startswith(b"<html>")
    assert answers[1].body == answers[2].body == b""


def test_a_header_strikes_its_own_request_alone(emulator: Emulator) -> None:
    assert ask(emulator, ROWS, x_emulator_fault="row-limit=3; cached=5").headers["age"] == "5"
    assert ask(emulator, "print 1", x_emulator_fault="503").status == 503
    assert len(ask(emulator, ROWS).rows) == 5000
    wrong = ask(emulator, "print 1", x_emulator_fault="row-limt=3")
    assert wrong.status == 400
    assert "did you mean row-limit?" in wrong.inner["message"]


# ---------------------------------------------------------------- on the way


def test_a_chunked_body_is_cut_amid(emulator: Emulator) -> None:
    for zipped in (False, True):
        body, response, error = raw(emulator, "cut=5000", zipped=zipped)
        assert error is not None
        assert response.getheader("Transfer-Encoding") == "chunked"
        assert len(body) == 5000
    whole, _, error = raw(emulator, "", zipped=False)
    assert error is None
    assert json.loads(whole)


def test_a_chunked_body_is_cut_even_behind_its_last_byte(emulator: Emulator) -> None:
    _, _, error = raw(emulator, "cut=100000000", zipped=False)
    assert error is not None


def test_a_body_with_a_length_is_cut_before_it(emulator: Emulator) -> None:
    for size in ("=5000", "=100000000", ""):
        body, response, error = raw(emulator, f"cut-length{size}", zipped=False)
        assert error is not None
        assert len(body) < int(response.getheader("Content-Length") or 0)


def test_a_gzip_stream_that_is_cut_ends_its_chunks_rightly(emulator: Emulator) -> None:
    for size in ("=3000", "=100000000"):
        body, response, error = raw(emulator, f"cut-gzip{size}", zipped=True)
        assert error is None
        assert response.getheader("Content-Encoding") == "gzip"
        packer = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        assert packer.decompress(body)
        assert not packer.eof


def test_json_that_is_cut_ends_gzip_and_chunks_rightly(emulator: Emulator) -> None:
    body, _, error = raw(emulator, "cut-json=3000", zipped=True)
    assert error is None
    packer = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    assert len(packer.decompress(body)) == 3000
    assert packer.eof


def test_slow_answers_are_slow(emulator: Emulator) -> None:
    began = time.monotonic()
    assert ask(emulator, "print x = 1", x_emulator_fault="slow-first-byte=0.3").rows == [[1]]
    assert time.monotonic() - began >= 0.3
    began = time.monotonic()
    assert ask(emulator, "print x = 1", x_emulator_fault="slow-body=0.1").rows == [[1]]
    assert time.monotonic() - began >= 0.3


# ---------------------------------------------------------------- limits that are always on


def test_the_201st_request_in_30_seconds_is_throttled(emulated: Emulated) -> None:
    emulator = emulated()
    statuses = [ask(emulator, path="/v1/x", method="GET").status for _ in range(201)]
    assert statuses == [404] * 200 + [429]
    answer = ask(emulator, "print 1")
    assert (answer.status, 0 < int(answer.headers["retry-after"]) <= 30) == (429, True)
    assert ask(emulator, "print 1", Authorization="Bearer another").status == 200


class Held:
    """A workspace whose queries end when it lets them go."""

    def __init__(self, data: LocalConnection) -> None:
        self._data, self.name = data, data.name
        self.go = threading.Event()
        self.tables, self.table, self.close = data.tables, data.table, data.close

    def answers(self, query: Query, cancellation: Cancellation, denied: frozenset[str] = frozenset()) -> Any:
        assert self.go.wait(30)
        return self._data.answers(query, cancellation, denied)


@pytest.fixture
def held(demo: LocalConnection) -> Iterator[tuple[Held, Emulator]]:
    workspace = Held(demo)
    with Emulator(cast("Connection", workspace)) as emulator:
        yield workspace, emulator
        workspace.go.set()


def received(emulator: Emulator, count: int) -> None:
    while len(emulator.requests) < count:
        time.sleep(0.01)
    time.sleep(0.1)  # from the record to the queue is a step of the loop


def test_the_sixth_query_waits_for_a_slot(held: tuple[Held, Emulator]) -> None:
    workspace, emulator = held
    with ThreadPoolExecutor(7) as pool:
        five = [pool.submit(ask, emulator, f"print x = {n}") for n in range(5)]
        received(emulator, 5)
        emulator.faults.set("queue-seconds=0.2")
        sixth = ask(emulator, "print x = 6")
        assert sixth.status == 429
        assert "slot" in sixth.inner["message"]
        emulator.faults.clear()
        seventh = pool.submit(ask, emulator, "print x = 7")
        received(emulator, 7)
        assert not seventh.done()
        workspace.go.set()
        assert seventh.result().rows == [[7]]
        assert [one.result().rows for one in five] == [[[n]] for n in range(5)]


def test_a_full_queue_refuses_at_once(held: tuple[Held, Emulator]) -> None:
    workspace, emulator = held
    for limit in ("slots=1", "queue=1"):
        emulator.faults.set(limit)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask, emulator, "print x = 1")
        received(emulator, 1)
        second = pool.submit(ask, emulator, "print x = 2")
        received(emulator, 2)
        assert ask(emulator, "print x = 3").status == 429
        workspace.go.set()
        assert (first.result().rows, second.result().rows) == ([[1]], [[2]])


# ---------------------------------------------------------------- the switchboard


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("503", Fault("503")),
        ("503@2", Fault("503", "", 2)),
        ("429=5@1", Fault("429", "5", 1)),
        (" deny = A, B ", Fault("deny", "A, B")),
        ("slow-body=0.5", Fault("slow-body", "0.5")),
    ],
)
def test_a_fault_is_written_as_name_value_times(text: str, fault: Fault) -> None:
    assert Fault.parse(text) == fault


@pytest.mark.parametrize(
    "text",
    ["", "nothing", "row-limit", "row-limit=x", "503=1", "partial=2", "429=x", "503@x", "deny", "503@-1"],
)
def test_a_fault_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="fault"):
        Fault.parse(text)


def test_faults_are_switched_from_any_thread() -> None:
    faults = Faults("503@100; partial")
    threads = [threading.Thread(target=lambda: [faults.status("") for _ in range(10)]) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {fault.name: fault.times for fault in faults} == {"503": 10, "partial": None}
    faults.clear("503")
    assert [fault.name for fault in faults] == ["partial"]
    faults.clear()
    assert list(faults) == []


def test_every_fault_tells_what_it_does() -> None:
    assert all(FAULTS.values())
