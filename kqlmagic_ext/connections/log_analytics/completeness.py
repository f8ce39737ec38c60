"""Whether an answer is whole: checked every time, since the service says it in seven ways, and sometimes not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.log_analytics.refusals import without_tokens
from kqlmagic_ext.kql.tokens import find_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kqlmagic_ext.connections.log_analytics.decode import Answer
    from kqlmagic_ext.connections.log_analytics.requests import Reply

MOST_ROWS = 500_000
MOST_BYTES = 100 * 1024 * 1024
_NEAR = 0.99
_WARNING = 3  # severities: 1 critical, 2 error, 3 warning, 4 information
_TOO_LARGE = ("-2133196797", "E_QUERY_RESULT_SET_TOO_LARGE", "0x80DA0003")


@dataclass(frozen=True)
class Judgement:
    """Why rows may be missing (empty: the answer is whole), and what else the analyst should know."""

    reasons: tuple[str, ...]
    warnings: tuple[str, ...]


def judge(reply: Reply, answer: Answer, text: str) -> Judgement:
    """The judgement of a reply with status 200 to the query `text`."""
    reasons, warnings = [], list(answer.warnings)
    if reply.broken is not None:
        reasons.append(f"the answer broke off, twice: {reply.broken}")
    for severity, said in _errors(answer.tail.get("error")):
        (warnings if severity >= _WARNING else reasons).append(said)
    if not reasons:
        reasons += _limits(answer)
    for name in sorted(set(_denied_names(answer.tail.get("permissions")))):
        said = f"access to {name} is denied, and the service leaves such rows out"
        (warnings if find_name(text, name) is None else reasons).append(said)
    warnings += _age(reply.headers.get("age"))
    return Judgement(tuple(dict.fromkeys(reasons)), tuple(dict.fromkeys(warnings)))


def _limits(answer: Answer) -> Iterator[str]:
    """The service's limits, reached without a word."""
    for table in answer.tables:
        if table.num_rows >= MOST_ROWS:
            yield f"the answer has {table.num_rows:,} rows, the most that the service gives"
    if answer.size >= _NEAR * MOST_BYTES:
        yield f"the answer has {answer.size / 1024**2:,.0f} MiB, and the service gives at most 100"


def _errors(error: Any) -> Iterator[tuple[int, str]]:
    """Severity and sentence of each error beside the tables; an error that tells no severity counts as one."""
    if not isinstance(error, dict):
        if error is not None:
            yield 0, f"the service says: {without_tokens(str(error))}"
        return
    details = [one for one in error.get("details") or () if isinstance(one, dict)]
    for detail in details or [error]:
        innermost = _innermost(detail)
        severity = innermost.get("severity", detail.get("severity", error.get("severity")))
        yield severity if isinstance(severity, int) else 0, _sentence(detail, innermost)


def _innermost(error: Mapping[str, Any]) -> Mapping[str, Any]:
    while isinstance(error.get("innererror"), dict):
        error = error["innererror"]
    return error


def _sentence(error: Mapping[str, Any], innermost: Mapping[str, Any]) -> str:
    said = " ".join(str(innermost.get("message") or error.get("message") or error.get("code")).split())
    if any(mark in f"{innermost.get('code')} {said}" for mark in _TOO_LARGE):
        return f"the answer is larger than the service gives ({without_tokens(said)})"
    return f"the service says: {without_tokens(said)}"


def _denied_names(node: Any) -> Iterator[str]:
    """The tables that a resource's query left out, wherever the permissions name them."""
    if isinstance(node, list):
        for item in node:
            yield from _denied_names(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key.casefold() in ("denytables", "deniedtables") and isinstance(value, list):
                yield from map(str, value)
            else:
                yield from _denied_names(value)


def _age(text: str | None) -> Iterator[str]:
    if text is not None and text.strip().isdecimal() and int(text) > 0:
        yield f"the answer is {int(text):,} s old, from the service's cache; --refresh asks anew"
