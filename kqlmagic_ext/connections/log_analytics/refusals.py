"""What the service says instead of an answer, as our errors: one sentence, a place in the cell, what to do next."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.log_analytics.tokens import without_tokens
from kqlmagic_ext.errors import ConnectError, KqlMagicError, QueryError, UnsupportedError
from kqlmagic_ext.kql.parameters import RESERVED
from kqlmagic_ext.kql.tokens import find_name, place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kqlmagic_ext.connections.log_analytics.address import Address
    from kqlmagic_ext.connections.log_analytics.requests import Reply
    from kqlmagic_ext.connections.log_analytics.unreachable import Unreachable

_OK, _NO_CONTENT = 200, 204
_BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TIMED_OUT, _THROTTLED = 400, 401, 403, 404, 504, 429
_UNRESOLVED = re.compile(r"(?i)failed to resolve .*?'([^']+)'")
_AT = re.compile(r"\s*(?:on|at)?\s*line \[\d+,\d+\]\s*")
_UNSUPPORTED = "NotSupportedByEmulator"
_BEFORE_RUNNING = ("SyntaxError", "SemanticError", _UNSUPPORTED)
_LONGEST = 600
_DEEPEST = 20


@dataclass(frozen=True)
class SentText:
    """The text as it was sent, the `let` statements before it on its first line, and the cell's own text."""

    prelude: str
    text: str
    shown: str

    def place(self, line: int, unit: int, token: str) -> dict[str, Any]:
        """Where the service's line (from 1) and UTF-16 offset are in the cell, as an error takes it.

        Empty inside the prelude; without a column when the error's token does not stand there.
        """
        lines = self.text.split("\n")
        if not 1 <= line <= len(lines):
            return {}
        unit -= _units(self.prelude) if line == 1 else 0
        before = _utf16_prefix(lines[line - 1], unit)
        # Whether the service counts the offset from 0 or from 1 is told nowhere: its token decides.
        for column in (before, None if before is None else before - 1):
            if column is not None and column >= 0 and token and lines[line - 1].startswith(token, column):
                return place(self.text, _offset(lines, line) + column, self.shown)
        if line == 1 and unit < 0:
            return {}
        return {**place(self.text, _offset(lines, line), self.shown), "column": None}

    def named(self, name: str) -> dict[str, Any]:
        """Where a name first stands."""
        offset = find_name(self.text, name)
        return {} if offset is None else place(self.text, offset, self.shown)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _utf16_prefix(text: str, units: int) -> int | None:
    """How many characters the first UTF-16 units of a text are; None when it is shorter or they split a pair."""
    if units < 0:
        return None
    encoded = text.encode("utf-16-le", "surrogatepass")[: 2 * units]
    try:
        return len(encoded.decode("utf-16-le")) if len(encoded) == 2 * units else None
    except UnicodeDecodeError:
        return None


def _offset(lines: list[str], line: int) -> int:
    return sum(len(one) + 1 for one in lines[: line - 1])


def refusal(reply: Reply, sent: SentText, address: Address, ids: Mapping[str, str]) -> KqlMagicError:
    """The error for a reply that is no answer; its ids, by which the service's own log finds the query, stand below."""
    chain = list(_chain(_error_of(reply)))
    error = _of_status(reply, chain, sent, address)
    if not (isinstance(error, QueryError) and {code for code, *_ in chain} & set(_BEFORE_RUNNING)):
        error.after_sending()
    found = _error_of(reply).get("correlationId") or ids.get("correlation_id")
    error.add_note(
        f"request {ids['request_id']}" + (f", correlation {without_tokens(str(found))}" if found else "")
    )
    return error


def no_answer(reply: Reply, sent: SentText, address: Address, ids: Mapping[str, str]) -> KqlMagicError:
    """The error for a reply without a table."""
    if reply.status == _NO_CONTENT:
        said = "the service answered without content (204): the workspace holds no data yet"
        return QueryError(said, hint="data arrives some minutes after a source is connected").after_sending()
    if reply.answer is not None and reply.answer.tail.get("error"):
        text = json.dumps({"error": reply.answer.tail["error"]}, default=str).encode()
        reply = replace(reply, answer=None, text=text)
    elif reply.status == _OK:
        said = f"the service's answer holds no table ({reply.broken or 'it is empty'})"
        return QueryError(said, hint="run the cell again").after_sending()
    return refusal(reply, sent, address, ids)


def no_connection(error: Unreachable, address: Address) -> KqlMagicError:
    """The error when no answer came."""
    if error.untrusted:
        return ConnectError(
            f"{address.endpoint} shows a certificate that this machine does not trust ({error}); where a proxy "
            "of your company opens the traffic, set SSL_CERT_FILE to its authority's file before the kernel starts"
        )
    if not error.connected:
        look = "does the emulator run?" if address.is_local else "look at the network, the proxy and cloud=…"
        failure = ConnectError(f"{address.endpoint} cannot be reached: {error}; {look}")
        return failure.after_sending() if error.sent else failure
    said = f"the service's answer did not come: {error}"
    return QueryError(said, hint="run the cell again").after_sending()


def _error_of(reply: Reply) -> dict[str, Any]:
    try:
        error = json.loads(reply.text)["error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return error if isinstance(error, dict) else {"message": str(error)}


def _chain(error: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Code, message and the whole of an error, of its inner errors and of its details, from the outside in."""
    yield str(error.get("code", "")), without_tokens(str(error.get("message", ""))), error
    inner = error.get("innererror")
    details = error.get("details")
    for below in [inner, *(details if isinstance(details, list) else [])]:
        if isinstance(below, dict) and depth < _DEEPEST:
            yield from _chain(below, depth + 1)


def _of_status(
    reply: Reply, chain: list[tuple[str, str, Mapping[str, Any]]], sent: SentText, address: Address
) -> KqlMagicError:
    said = _said(chain, reply)
    if reply.status == _BAD_REQUEST:
        return _bad_request(chain, said, sent, address)
    if reply.status in (_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND):
        return _no_access(reply.status, said, address)
    if reply.status == _TIMED_OUT:
        return QueryError(
            f"the service gave the query up, whose time limit was {address.wait} s ({said})",
            hint="narrow it (-t, earlier where), or allow more: ?timeout=600 in the connection's URL",
        )
    if reply.status == _THROTTLED:
        return QueryError(
            f"the service lets no more queries in now ({said})",
            hint="200 in 30 s and 5 at once are allowed to a user; run the cell again in a minute",
        )
    return QueryError(f"the service failed with status {reply.status}: {said}", hint="run the cell again")


def _said(chain: list[tuple[str, str, Mapping[str, Any]]], reply: Reply) -> str:
    """The innermost message, which is the one that tells something."""
    messages = [message for _, message, _ in chain if message]
    text = messages[-1] if messages else without_tokens(reply.text[:_LONGEST].decode("utf-8", "replace"))
    return " ".join(text.split())[:_LONGEST] or "it says no more"


def _bad_request(
    chain: list[tuple[str, str, Mapping[str, Any]]], said: str, sent: SentText, address: Address
) -> KqlMagicError:
    codes = [code for code, *_ in chain]
    if "FailedToResolveResource" in codes:
        return _no_access(_NOT_FOUND, said, address)
    where = next((found for *_, error in reversed(chain) if (found := _placed(error, sent)) is not None), {})
    said = _AT.sub(" ", said).replace(RESERVED, "").strip()
    if _UNSUPPORTED in codes:
        return UnsupportedError(said, construct=_construct(chain), **where)
    unknown = match[1] if "SemanticError" in codes and (match := _UNRESOLVED.search(said)) else None
    if unknown is not None and not where:
        where = sent.named(unknown) or sent.named(RESERVED + unknown)
    return QueryError(said, unknown=unknown, syntax="SyntaxError" in codes, **where)


def _placed(error: Mapping[str, Any], sent: SentText) -> dict[str, Any] | None:
    line, unit = error.get("line"), error.get("pos")
    if not isinstance(line, int) or not isinstance(unit, int):
        return None
    return sent.place(line, unit, str(error.get("token") or ""))


def _construct(chain: list[tuple[str, str, Mapping[str, Any]]]) -> str:
    return next((str(error["token"]) for *_, error in reversed(chain) if error.get("token")), "unknown")


def _no_access(status: int, said: str, address: Address) -> ConnectError:
    what = "the resource" if address.is_resource else f"workspace {address.place.rpartition('/')[2]}"
    if status == _UNAUTHORIZED:
        next_step = (
            "sign in anew (az login, or auth=devicecode in the URL), to the tenant that holds it (tenant=…)"
        )
    elif status == _FORBIDDEN:
        next_step = (
            "ask for the role Log Analytics Reader on it, or name the tenant that holds it (tenant=…); a role that was "
            "just given takes some minutes"
        )
    else:
        next_step = "compare the ID with the workspace's Overview page (it is a GUID, not the name), and the cloud (cloud=…)"
    return ConnectError(f"no access to {what}: {said}; {next_step}")
