"""Errors as the service tells them: its codes, nested as it nests them, and a status."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import KqlMagicError, ParameterError, QueryError, UnsupportedError
from kqlmagic_ext.kql.tokens import token_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kqlmagic_ext.emulator.faults import Fault
    from kqlmagic_ext.kql.prelude import Lifted

_INVALID = "The request had some invalid properties"
_TOO_LARGE = -2133196797  # E_QUERY_RESULT_SET_TOO_LARGE, 0x80DA0003


class Refusal(Exception):  # noqa: N818 - it is what the service answers
    """An answer that is an error: its status, the `error` object without its correlation id, headers."""

    def __init__(
        self, status: int, error: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(error.get("message"))
        self.status, self.error, self.headers = status, error, dict(headers or {})


def _error(code: str, message: str, inner: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    nested = {} if inner is None else {"innererror": inner}
    return {"message": message, "code": code, **more, **nested}


def bad_argument(message: str, inner: str, *, detail: str | None = None) -> Refusal:
    """400 BadArgumentError with one inner error."""
    details = {} if detail is None else {"details": [{"code": detail, "message": message}]}
    return Refusal(400, _error("BadArgumentError", _INVALID, _error(inner, message), **details))


def not_supported(message: str, **place: Any) -> Refusal:
    """400 for valid KQL that the embedded workspace cannot run; the inner code is this emulator's own."""
    inner = _error("NotSupportedByEmulator", message, **place)
    return Refusal(400, _error("BadArgumentError", _INVALID, inner))


def path_not_found() -> Refusal:
    """404 for a path or the form of a workspace id that there is not."""
    return Refusal(404, _error("PathNotFoundError", "The requested path does not exist"))


def not_signed_in() -> Refusal:
    """401 for a request without an Authorization header."""
    said = "Authentication failed. The 'Authorization' header is missing."
    return Refusal(401, _error("AuthenticationFailed", said))


def timed_out() -> Refusal:
    """504 for a query that ran longer than the client would wait."""
    inner = _error("GatewayTimeout", "ADX query timed out")
    return Refusal(504, _error("GatewayTimeout", "The service timed out answering the request", inner))


def throttled(why: str, retry_after: float | None) -> Refusal:
    """429; the code and message are those that other clients' tests have, the live ones are not established."""
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return Refusal(429, _error("ThrottledError", f"The request was throttled: {why}"), headers)


def internal() -> Refusal:
    """500 for a failure that nobody meant."""
    return Refusal(500, _error("InternalServerError", "The service failed to answer the request"))


def of_fault(fault: Fault) -> Refusal:
    """The answer of a status fault that tells an error."""
    if fault.name == "429":
        return throttled("a fault of the emulator", fault.number if fault.value else None)
    if fault.name == "504":
        return timed_out()
    if fault.name == "404":
        return path_not_found()
    if fault.name == "401":
        return Refusal(401, _error("AuthenticationFailed", "Authentication failed"))
    if fault.name == "403":
        said = "The provided credentials have insufficient access to perform the requested operation"
        return Refusal(403, _error("InsufficientAccessError", said))
    if fault.name == "503":
        return Refusal(503, _error("ServiceUnavailable", "The service is unavailable"))
    return internal()


# ---------------------------------------------------------------- a query's errors


def of_query(error: KqlMagicError, lifted: Lifted, text: str) -> Refusal:
    """What the service would answer for an error of the query; places refer to the text as it was sent."""
    if isinstance(error, ParameterError | UnsupportedError):
        return not_supported(_sentence(error), **_place(error, lifted, text))
    if not isinstance(error, QueryError):
        return internal()
    if error.syntax:
        inner = _syntax_error(error, _place(error, lifted, text))
    elif error.unknown is not None:
        said = f"Failed to resolve table or column expression named '{error.unknown}'"
        inner = _error("SemanticError", "A semantic error occurred.", _error("SEM0100", said))
    elif error.sent:
        inner = _error("EngineError", _sentence(error))
    else:
        # No code of the service: its number is ours. Of these, a function that is none tells its place.
        place = _place(error, lifted, text) if error.message.startswith("there is no function") else {}
        own = _error("SEM9000", _sentence(error), **place)
        inner = _error("SemanticError", "A semantic error occurred.", own)
    return Refusal(400, _error("BadArgumentError", _INVALID, inner))


def _syntax_error(error: QueryError, place: Mapping[str, Any]) -> dict[str, Any]:
    """SYN0002, with what the embedded workspace says of it under a key of our own."""
    at = f" at '{place['token']}' on line [{place['line']},{place['pos']}]" if place else ""
    inner = _error("SYN0002", f"Query could not be parsed{at}", **place, emulator=_sentence(error))
    return _error("SyntaxError", "A recognition error occurred in the query.", inner)


def _sentence(error: KqlMagicError) -> str:
    """The error's sentence without its place, which is not that of the text as it was sent."""
    message = getattr(error, "message", str(error))
    hint = getattr(error, "hint", None)
    return message if hint is None else f"{message}; {hint}"


def _place(error: KqlMagicError, lifted: Lifted, text: str) -> dict[str, Any]:
    """`line` (from 1), `pos` and `token` of an error; empty where its place is unknown.

    `pos` counts from 0, as Microsoft's example shows: 'My Not So Valid Query' fails "at 'Not' on line [1,3]". That it counts
    UTF-16 units, as a .NET service's strings do, is not established.
    """
    line, column = getattr(error, "line", None), getattr(error, "column", None)
    if line is None or column is None:
        return {}
    lines = lifted.text.split("\n")
    offset = sum(len(one) + 1 for one in lines[: line - 1]) + column - 1
    at = min(lifted.original(offset), len(text))
    before = text[:at]
    start = before.rfind("\n") + 1
    token = token_at(text, at)
    return {
        "line": before.count("\n") + 1,
        "pos": len(before[start:].encode("utf-16-le", "surrogatepass")) // 2,
        "token": "<EOF>" if token is None else token.text,
    }


# ---------------------------------------------------------------- errors beside rows


@dataclass
class Shortfall:
    """What an answer with status 200 tells beside its rows: the details of its PartialError."""

    details: list[dict[str, Any]] = field(default_factory=list)

    def too_large(self, what: str) -> None:
        """A limit was met; `what`: such as `500000 records`. The live wording is not established."""
        said = (
            f"Query result set has exceeded the internal limit of {what} (E_QUERY_RESULT_SET_TOO_LARGE; see "
            "https://aka.ms/kustoquerylimits)"
        )
        self._add(_TOO_LARGE, said, 2, "Error")

    def failed(self) -> None:
        """A part of the query failed."""
        self._add(-2133196788, "A part of the query failed: a fault of the emulator", 2, "Error")

    def warned(self) -> None:
        """The service warns; no row is missing."""
        self._add(-2133196790, "A warning: a fault of the emulator", 3, "Warning")

    def _add(self, code: int, message: str, severity: int, name: str) -> None:
        said = "Something went wrong processing your query on the server."
        inner = {"code": str(code), "message": message, "severity": severity, "severityName": name}
        self.details.append({"code": "EngineError", "message": said, "innererror": inner})

    def error(self) -> dict[str, Any] | None:
        """The PartialError; None where nothing was short."""
        if not self.details:
            return None
        said = "There were some errors when processing your query."
        return {"code": "PartialError", "message": said, "details": self.details}
