"""Whether an answer is whole: checked every time, since the service says it in seven ways, and sometimes not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.log_analytics.tokens import without_tokens

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from kqlmagic_ext.connections.log_analytics.decode import Answer
    from kqlmagic_ext.connections.log_analytics.requests import Reply

MOST_ROWS = 500_000
MOST_BYTES = 100 * 1024 * 1024
_NEAR = 0.99
_LONGEST = 600
_WARNING = 3  # severities: 1 critical, 2 error, 3 warning, 4 information
_TOO_LARGE = ("-2133196797", "E_QUERY_RESULT_SET_TOO_LARGE", "0x80DA0003")


@dataclass(frozen=True)
class Judgement:
    """Why rows may be missing (empty: the answer is whole), and what else the analyst should know."""

    reasons: tuple[str, ...]
    warnings: tuple[str, ...]


def judge(reply: Reply, answer: Answer, read: Container[str] | None, *, refreshed: bool = False) -> Judgement:
    """The judgement of a reply with status 200.

    `read`: the tables that the query reads, None when it may be any. `refreshed`: no answer from a cache was wanted.
    """
    reasons, warnings = [], list(answer.warnings)
    if reply.broken is not None:
        reasons.append(f"the answer broke off, twice: {reply.broken}")
    for severity, said in _errors(answer.tail.get("error")):
        (warnings if severity >= _WARNING else reasons).append(said)
    if not reasons:
        reasons += _limits(answer)
    for name in sorted(set(_denied_names(answer.tail.get("permissions")))):
        said = f"access to {name} is denied, and the service leaves such rows out"
        (reasons if read is None or name in read else warnings).append(said)
    warnings += _age(reply.headers.get("age"), refreshed=refreshed)
    return Judgement(tuple(dict.fromkeys(reasons)), tuple(dict.fromkeys(warnings)))


def _limits(answer: Answer) -> Iterator[str]:
    """The service's limits, reached without a word."""
    for table in answer.tables:
        if table.num_rows >= MOST_ROWS:
            yield f"the answer has {table.num_rows:,} rows, the most that the service gives: some may be missing"
    if answer.size >= _NEAR * MOST_BYTES:
        yield f"the answer has {answer.size / 1024**2:,.0f} MiB, and the service gives at most 100: rows may be missing"


def _errors(error: Any) -> Iterator[tuple[int, str]]:
    """Severity and sentence of each error beside the tables; an error that tells no severity counts as one."""
    if error is None:
        return
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) and details else [error]:
        chain = list(_chain(detail))
        if not chain:
            yield 0, f"the service says: {_plain(detail)}"
            continue
        severities = [one["severity"] for one in [*chain, error] if isinstance(one.get("severity"), int)]
        said = next((one["message"] for one in reversed(chain) if one.get("message")), chain[-1].get("code"))
        codes = " ".join(str(one.get("code")) for one in chain)
        if any(mark in f"{codes} {said}" for mark in _TOO_LARGE):
            yield 0, f"the answer is larger than the service gives ({_plain(said)})"
        else:
            yield min(severities, default=0), f"the service says: {_plain(said)}"


def _chain(error: Any) -> Iterator[Mapping[str, Any]]:
    """An error and its inner errors, from the outside in."""
    while isinstance(error, dict):
        yield error
        error = error.get("innererror")


def _plain(said: Any) -> str:
    return without_tokens(" ".join(str(said).split()))[:_LONGEST]


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


def _age(text: str | None, *, refreshed: bool) -> Iterator[str]:
    if text is not None and text.strip().isdecimal() and int(text) > 0:
        way_on = "though none was wanted" if refreshed else "--refresh asks anew"
        yield f"the answer is {int(text):,} s old, from the service's cache; {way_on}"
