from __future__ import annotations

import json
import uuid
from urllib.parse import quote

import pytest

from kqlmagic_ext.emulator import WORKSPACE, Emulator
from tests.emulator.conftest import QUERY, ask

RESOURCE = f"/subscriptions/{WORKSPACE}/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm1"


def test_an_answer_is_compact_json_in_the_order_of_the_service(emulator: Emulator) -> None:
    answer = ask(emulator, "print x = 1, y = ''", Prefer="include-statistics=true, include-render=true")
    assert answer.body.startswith(
        b'{"tables":[{"name":"PrimaryResult","columns":[{"name":"x","type":"long"},{"name":"y","type":"string"}],"rows":[[1,""]]}],"render":{'
    )
    assert list(answer.json) == ["tables", "render", "statistics"]
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.headers["content-encoding"] == "gzip"
    assert uuid.UUID(answer.headers["x-ms-correlation-request-id"])


def test_a_client_that_takes_no_gzip_gets_none(emulator: Emulator) -> None:
    answer = ask(emulator, "print x = 1", zipped=False)
    assert "content-encoding" not in answer.headers
    assert answer.rows == [[1]]


VALUES = [
    ("datetime(2026-11-01T02:03:04.5678Z)", "datetime", "2026-11-01T02:03:04.5678Z"),
    ("datetime(2026-11-01)", "datetime", "2026-11-01T00:00:00Z"),
    ("datetime(0001-01-01)", "datetime", "0001-01-01T00:00:00Z"),
    ("datetime(9999-12-31T23:59:59.999999Z)", "datetime", "9999-12-31T23:59:59.999999Z"),
    ("datetime(null)", "datetime", None),
    ("long(9223372036854775807)", "long", 2**63 - 1),
    ("int(5)", "int", 5),
    ("int(null)", "int", None),
    ("real(nan)", "real", "NaN"),
    ("real(-inf)", "real", "-Infinity"),
    ("real(null)", "real", None),
    ("1.5", "real", 1.5),
    ("true", "bool", True),
    ("timespan(1.02:03:04.5)", "timespan", "1.02:03:04.5"),
    ("-1h", "timespan", "-01:00:00"),
    ("dynamic({'a':[1,null,'é']})", "dynamic", '{"a":[1,null,"é"]}'),
    ("dynamic(null)", "dynamic", None),
    ("guid(74be27de-1e4e-49d9-b579-fe0b331d3642)", "guid", "74be27de-1e4e-49d9-b579-fe0b331d3642"),
    ("guid(null)", "guid", None),
    ("''", "string", ""),
    ("'😀 \\n \"'", "string", '😀 \n "'),
]


@pytest.mark.parametrize(("text", "kind", "wire"), VALUES, ids=str)
def test_a_value_travels_as_the_service_sends_it(
    emulator: Emulator, text: str, kind: str, wire: object
) -> None:
    answer = ask(emulator, f"print x = {text}")
    assert answer.json["tables"][0]["columns"] == [{"name": "x", "type": kind}]
    assert answer.rows == [[wire]]
    assert type(answer.rows[0][0]) is type(wire)


def test_a_decimal_is_text_in_plain_digits(emulator: Emulator) -> None:
    answer = ask(emulator, "datatable(x:decimal)[decimal(0.000000001), decimal(null), decimal(0)]")
    assert [cell for (cell,) in answer.rows] == ["0.000000001", None, "0.000000000"]


def test_each_tabular_statement_gives_a_table(emulator: Emulator) -> None:
    tables = ask(emulator, "print x = 1; print y = 'a'").json["tables"]
    assert [table["rows"] for table in tables] == [[[1]], [["a"]]]


def test_an_empty_answer_keeps_its_columns(emulator: Emulator) -> None:
    table = ask(emulator, "SigninLogs | where false | project TimeGenerated, UserId").json["tables"][0]
    assert [column["type"] for column in table["columns"]] == ["datetime", "string"]
    assert table["rows"] == []


def test_get_asks_by_the_url(emulator: Emulator) -> None:
    path = f"{QUERY}?query={quote('SigninLogs | count')}&timespan=2026-10-31/P1D&workspaces=a,b"
    day = ask(emulator, path=path, method="GET").rows[0][0]
    every = ask(emulator, "SigninLogs | count").rows[0][0]
    assert 0 < day < every
    received = emulator.requests[0]
    assert (received.method, received.query["workspaces"], received.body) == ("GET", "a,b", None)


@pytest.mark.parametrize(
    "timespan",
    ["P1D", "PT86400.0S", "2026-10-31/2026-11-01", "2026-10-31T00:00:00Z/PT24H", "PT24H/2026-11-01"],
)
def test_every_form_of_a_timespan_is_a_window(emulator: Emulator, timespan: str) -> None:
    text = "SigninLogs | summarize min(TimeGenerated), max(TimeGenerated)"
    (first, last), *_ = ask(emulator, text, body={"timespan": timespan}).rows
    assert first.startswith("2026-10-31T")
    assert last.startswith("2026-10-31T")


@pytest.mark.parametrize(
    "timespan", ["yesterday", "7d", "all", "2026-11-01/2026-10-31", "P1D/P1D", "P", 5, "PT-1S"]
)
def test_a_bad_timespan_is_a_bad_argument(emulator: Emulator, timespan: object) -> None:
    answer = ask(emulator, "print 1", body={"timespan": timespan})
    assert answer.status == 400
    assert answer.code == "BadArgumentError > InvalidTimespan"


def test_a_resource_is_asked_by_get_and_by_either_form_of_its_path(emulator: Emulator) -> None:
    assert ask(emulator, path=f"/v1{RESOURCE}/query?query=print%20x%3D1", method="GET").rows == [[1]]
    assert ask(emulator, "print x = 2", path=f"/v1/{RESOURCE}/query").rows == [[2]]


def test_the_metadata_tells_each_table_and_its_columns(emulator: Emulator) -> None:
    for method in ("GET", "POST"):
        found = ask(emulator, path=f"/v1/workspaces/{WORKSPACE}/metadata", method=method).json
        assert set(found) == {"tables", "solutions", "functions", "resourceTypes", "workspaces", "categories"}
        table = next(table for table in found["tables"] if table["name"] == "SigninLogs")
        assert table["id"] == "t/SigninLogs"
        assert table["timespanColumn"] == "TimeGenerated"
        kinds = {column["name"]: column["type"] for column in table["columns"]}
        assert (kinds["TimeGenerated"], kinds["UserId"], kinds["LocationDetails"]) == (
            "datetime",
            "string",
            "dynamic",
        )
    resource = ask(emulator, path=f"/v1{RESOURCE}/metadata", method="GET").json
    assert resource["tables"] == found["tables"]


def test_search_answers_with_its_timespan_in_the_url(emulator: Emulator) -> None:
    path = f"/v1/workspaces/{WORKSPACE}/search"
    answer = ask(
        emulator, "SigninLogs | extend app = 1 | where (app == 1) | take 3", path=f"{path}?timespan=P1D"
    )
    assert len(answer.rows) == 3
    assert ask(emulator, "SigninLogs | take 3", path=path, body={"timespan": "P1D"}).status == 400


@pytest.mark.parametrize(
    "text",
    ["SigninLogs | join (Heartbeat) on TenantId", "union SigninLogs, AuditLogs", "SigninLogs | union AuditLogs",
     "SigninLogs | lookup Heartbeat on TenantId", "let t = materialize(SigninLogs); t", "SigninLogs | evaluate bag_unpack(x)"],
)  # fmt: skip
def test_search_refuses_what_basic_tables_cannot_do(emulator: Emulator, text: str) -> None:
    answer = ask(emulator, text, path=f"/v1/workspaces/{WORKSPACE}/search?timespan=P1D")
    assert answer.status == 400
    assert answer.code == "BadArgumentError > SemanticError"


@pytest.mark.parametrize(
    ("path", "method"),
    [("/v1/workspaces/no-guid/query", "POST"), ("/v1/workspaces/no-guid/metadata", "GET"), ("/v1/nothing", "GET"), ("/", "GET"),
     (QUERY, "PUT"), (f"/v2/workspaces/{WORKSPACE}/query", "POST"), (f"/v1/workspaces/{WORKSPACE}/search", "GET")],
)  # fmt: skip
def test_any_other_path_is_not_found(emulator: Emulator, path: str, method: str) -> None:
    answer = ask(emulator, path=path, method=method, body={"query": "print 1"})
    assert answer.status == 404
    assert answer.code == "PathNotFoundError"
    assert answer.json["error"]["correlationId"] == answer.headers["x-ms-correlation-request-id"]


def test_a_request_without_a_sign_in_is_refused(emulator: Emulator) -> None:
    answer = ask(emulator, "print 1", Authorization="")
    assert (answer.status, answer.code) == (401, "AuthenticationFailed")


def test_a_request_that_names_another_host_is_not_answered(emulator: Emulator) -> None:
    assert ask(emulator, "print x = 1", Host="evil.example").status == 404
    assert ask(emulator, "print x = 1", Host="localhost:1").rows == [[1]]


def test_a_request_without_type_or_body_gets_an_empty_200(emulator: Emulator) -> None:
    untyped = ask(emulator, "print 1", Content_Type="")
    bodiless = ask(emulator)
    assert [(answer.status, answer.body) for answer in (untyped, bodiless)] == [(200, b""), (200, b"")]


@pytest.mark.parametrize(
    "body", ["{", "[1]", '{"timespan": null}', '{"query": 5}', '{"query": "print 1", "workspaces": 5}']
)
def test_a_body_that_asks_nothing_is_a_bad_argument(emulator: Emulator, body: str) -> None:
    answer = ask(emulator, body=body)
    assert (answer.status, answer.code) == (400, "BadArgumentError > QueryValidationError")


def test_a_request_is_at_most_64_mib(emulator: Emulator) -> None:
    assert ask(emulator, "print x = 1 //" + "x" * 2**22).rows == [[1]]
    assert ask(emulator, "print x = 1 //" + "x" * 2**26).status == 400


def test_a_batch_with_an_id_twice_is_refused(emulator: Emulator) -> None:
    item = {
        "id": "1",
        "workspace": WORKSPACE,
        "path": "/query",
        "method": "POST",
        "body": {"query": "print 1"},
    }
    assert ask(emulator, path="/v1/$batch", body={"requests": [item, item]}).status == 400


def test_a_batch_may_answer_in_another_order(emulator: Emulator) -> None:
    items = [
        {"id": str(n), "workspace": WORKSPACE if n else "x", "path": "/query", "method": "POST", "body": {"query": f"print x = {n}"}}
        for n in range(3)
    ]  # fmt: skip
    found = ask(emulator, path="/v1/$batch", body={"requests": items}).json["responses"]
    assert [item["id"] for item in found] != ["0", "1", "2"]
    by_id = {item["id"]: item for item in found}
    assert by_id["2"]["body"]["tables"][0]["rows"] == [[2]]
    assert (by_id["0"]["status"], by_id["0"]["body"]["error"]["code"]) == (404, "PathNotFoundError")


def test_requests_are_kept_without_their_sign_in(emulator: Emulator) -> None:
    ask(emulator, "print x = 1", body={"workspaces": ["other"]}, Prefer="", Authorization="Bearer secret")
    (received,) = emulator.requests
    assert received.body == {"query": "print x = 1", "workspaces": ["other"]}
    assert "secret" not in repr(received)
    assert "authorization" not in {name.lower() for name in received.headers}
    assert (received.status, received.cancelled) == (200, False)


def test_what_the_workspace_warns_of_stands_in_a_header(emulator: Emulator) -> None:
    answer = ask(emulator, "union isfuzzy=true SigninLogs, NoSuchTable | count")
    (warning,) = json.loads(answer.headers["x-emulator-warnings"])
    assert "leaves out NoSuchTable" in warning
