from __future__ import annotations

import pytest

from kqlmagic_ext.emulator import Emulator
from tests.emulator.conftest import ask


@pytest.mark.parametrize(
    ("text", "line", "pos", "token"),
    [
        ("My Not So Valid Query", 1, 3, "Not"),
        ("SigninLogs\n| wher x", 2, 2, "wher"),
        ("SigninLogs\n// 😀\n| extend s = '😀' | wher x", 3, 20, "wher"),
        ("let _in_a = 'x'; let t = datatable(a:long)[\n1,\n2];\nSigninLogs | wher _in_a", 4, 13, "wher"),
        ("let a = 1; let b = ago(1d); let c = 'x'; T | wher c", 1, 45, "wher"),
        ("print x = 1 +", 1, 13, "<EOF>"),
    ],
)
def test_a_syntax_error_tells_its_place_in_the_text_as_sent(
    emulator: Emulator, text: str, line: int, pos: int, token: str
) -> None:
    answer = ask(emulator, text)
    assert answer.status == 400
    assert answer.code == "BadArgumentError > SyntaxError > SYN0002"
    found = answer.inner
    assert (found["line"], found["pos"], found["token"]) == (line, pos, token)
    assert found["message"] == f"Query could not be parsed at '{token}' on line [{line},{pos}]"


@pytest.mark.parametrize(
    "text", ["Nope", "SigninLogs | where Nope == 1", "let x = 1; SigninLogs | project Nope"]
)
def test_an_unknown_name_is_a_semantic_error_without_a_place(emulator: Emulator, text: str) -> None:
    answer = ask(emulator, text)
    assert (answer.status, answer.code) == (400, "BadArgumentError > SemanticError > SEM0100")
    assert answer.inner == {
        "message": "Failed to resolve table or column expression named 'Nope'",
        "code": "SEM0100",
    }
    assert answer.json["error"]["correlationId"] == answer.headers["x-ms-correlation-request-id"]


@pytest.mark.parametrize(
    "text", ["", "// nothing", "let x = 1", "SigninLogs | where UserId = 'x'", "print strcat(1) + true"]
)
def test_what_is_refused_before_it_runs_is_a_semantic_error(emulator: Emulator, text: str) -> None:
    answer = ask(emulator, text)
    assert answer.status == 400
    assert answer.code.startswith("BadArgumentError > SemanticError")


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("SigninLogs | evaluate basket(0.1)", "evaluate"),
        ("SigninLogs\n| extend x = geo_point_to_s2cell(1,2)", "geo_point_to_s2cell"),
        ("print x = datetime(2026-01-01T00:00:00.1234567Z)", "2026"),
    ],
)
def test_what_the_engine_cannot_run_is_said_never_answered_empty(
    emulator: Emulator, text: str, token: str
) -> None:
    answer = ask(emulator, text)
    assert (answer.status, answer.code) == (400, "BadArgumentError > NotSupportedByEmulator")
    assert answer.inner["token"] == token
    assert "embedded workspace" in answer.inner["message"]


def test_a_let_that_the_engine_cannot_hold_is_said(emulator: Emulator) -> None:
    answer = ask(emulator, "let _in_t = datetime(2026-01-01T00:00:00.1234567Z); print x = _in_t")
    assert answer.code == "BadArgumentError > NotSupportedByEmulator"
    table = ask(emulator, "let t = datatable(x:datetime)[datetime(2026-01-01T00:00:00.1234567Z)]; t")
    assert table.code == "BadArgumentError > NotSupportedByEmulator"


def test_a_failure_at_execution_is_told(emulator: Emulator) -> None:
    answer = ask(emulator, "range n from 1 to 2 step 1 | summarize sum(n * 9223372036854775807)")
    assert answer.status == 400
    assert answer.code == "BadArgumentError > EngineError"
