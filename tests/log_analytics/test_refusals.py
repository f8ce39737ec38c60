"""The service's errors as ours: placed in the cell, with the next step, without secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kqlmagic_ext import ConnectError, QueryError, UnsupportedError
from kqlmagic_ext.connections.log_analytics.address import parse
from kqlmagic_ext.connections.log_analytics.refusals import SentText, refusal
from kqlmagic_ext.connections.log_analytics.requests import Reply
from kqlmagic_ext.errors import KqlMagicError

ADDRESS = parse("loganalytics://01234567-89ab-cdef-0123-456789abcdef")
IDS = {"request_id": "r1"}
PRELUDE = 'let _in_who = "\\ud83d\\ude00 x"; '


def error_of(status: int, error: dict[str, Any] | str, text: str = "T", prelude: str = "") -> KqlMagicError:
    body = error.encode() if isinstance(error, str) else json.dumps({"error": error}).encode()
    return refusal(Reply(status, {}, text=body), SentText(prelude, text, text), ADDRESS, IDS)


def syntax(line: int, pos: int, token: str) -> dict[str, Any]:
    said = f"Query could not be parsed at '{token}' on line [{line},{pos}]"
    inner = {"code": "SYN0002", "message": said, "line": line, "pos": pos, "token": token}
    middle = {"code": "SyntaxError", "message": "A syntax error occurred.", "innererror": inner}
    return {
        "code": "BadArgumentError",
        "message": "The request had some invalid properties",
        "innererror": middle,
    }


@pytest.mark.parametrize("base", [0, 1], ids=["counted from 0", "counted from 1"])
@pytest.mark.parametrize("prelude", ["", PRELUDE], ids=["bare", "with inputs"])
def test_a_syntax_error_stands_under_its_token(base: int, prelude: str) -> None:
    text = "T | wher x"
    error = error_of(400, syntax(1, len(prelude) + 4 + base, "wher"), text, prelude)
    assert isinstance(error, QueryError)
    assert (error.line, error.column, error.source) == (1, 5, text)
    assert "line [" not in str(error)
    assert not error.sent


def test_an_offset_counts_utf_16_units() -> None:
    text = "T | where x == '😀😀' wher"
    error = error_of(400, syntax(1, 22, "wher"), text)
    assert isinstance(error, QueryError)
    assert error.column == text.rindex("wher") + 1


def test_the_prelude_moves_only_the_first_line() -> None:
    error = error_of(400, syntax(2, 2, "wher"), "T\n| wher x", PRELUDE)
    assert isinstance(error, QueryError)
    assert (error.line, error.column) == (2, 3)


def test_a_token_that_does_not_stand_there_shows_the_line_without_a_caret() -> None:
    error = error_of(400, syntax(1, 2, "other"), "T | wher x")
    assert isinstance(error, QueryError)
    assert (error.line, error.column) == (1, None)
    assert error.lines()[0].startswith("QueryError: line 1: ")
    assert not any(line.strip() == "^" for line in error.lines())


@pytest.mark.parametrize("pos", [-5, 3, 10**9])
def test_a_place_inside_the_prelude_or_beyond_the_line_is_no_place_in_the_cell(pos: int) -> None:
    error = error_of(400, syntax(1, pos, "let"), "T | wher x", PRELUDE)
    assert isinstance(error, QueryError)
    assert error.column is None


def test_an_unknown_name_is_found_in_the_text() -> None:
    said = "'where' operator: Failed to resolve column or scalar expression named 'UserPrincipleName'"
    inner = {"code": "SEM0100", "message": said}
    middle = {"code": "SemanticError", "message": "A semantic error occurred.", "innererror": inner}
    error = error_of(
        400, {"code": "BadArgumentError", "innererror": middle}, "T\n| where UserPrincipleName == 'x'"
    )
    assert isinstance(error, QueryError)
    assert (error.unknown, error.line, error.column) == ("UserPrincipleName", 2, 9)


def test_what_the_emulator_cannot_run_is_unsupported() -> None:
    inner = {
        "code": "NotSupportedByEmulator",
        "message": "cannot run scan yet",
        "line": 1,
        "pos": 4,
        "token": "scan",
    }
    error = error_of(400, {"code": "BadArgumentError", "innererror": inner}, "T | scan")
    assert isinstance(error, UnsupportedError)
    assert (error.construct, error.column) == ("scan", 5)


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (401, ConnectError, "sign in anew.*tenant"),
        (403, ConnectError, "Log Analytics Reader.*tenant"),
        (404, ConnectError, "GUID"),
        (504, QueryError, "gave the query up.*180 s.*timeout=600"),
        (429, QueryError, "200 in 30 s"),
        (500, QueryError, "status 500.*run the cell again"),
        (418, QueryError, "status 418"),
    ],
)
@pytest.mark.parametrize(
    "body", [{"code": "X", "message": "because", "correlationId": "c9"}, "<html>gone</html>", ""]
)
def test_each_status_says_what_to_do_next(status: int, kind: type, said: str, body: Any) -> None:
    error = error_of(status, body)
    assert isinstance(error, kind)
    with pytest.raises(kind, match=f"(?s){said}"):
        raise error
    assert error.sent
    assert "request r1" in error.__notes__[0]


def test_a_token_in_a_message_is_taken_out() -> None:
    leaked = "eyJhbGciOi.eyJhdWQi.c2lnbmF0dXJl"
    for status in (400, 401, 403, 404, 500):
        error = error_of(
            status, {"code": "X", "message": f"Bearer {leaked} is bad ({leaked})", "correlationId": leaked}
        )
        assert leaked not in "\n".join(error.lines())
        assert leaked not in repr(error)
