"""What a request asks: the query, its times, what it prefers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.emulator.refusals import Refusal, bad_argument, not_supported
from kqlmagic_ext.kql.tokens import code
from kqlmagic_ext.query import Timespan

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_WAIT, LONGEST_WAIT = 180, 600
_FINER = re.compile(r"\.\d{6}\d*[1-9]")
# What the tables of the Basic and Auxiliary plans cannot do: behind a pipe, as a source, as a function.
_OPERATORS = {"join", "union", "lookup", "evaluate", "invoke", "fork", "facet", "partition", "search"}
_SOURCES = {"union", "find", "search", "externaldata", "external_data"}
_FUNCTIONS = {"materialize", "toscalar", "workspace", "app", "resource"}


@dataclass(frozen=True)
class Prefer:
    """What the client prefers; `wait`: seconds, None where it said nothing."""

    wait: float | None = None
    statistics: bool = False
    render: bool = False
    permissions: bool = False
    data_sources: bool = False

    @classmethod
    def parse(cls, header: str) -> Prefer:
        """The preferences of a header, which may be empty; unknown ones are not heeded."""
        pairs = dict(part.strip().partition("=")[::2] for part in header.split(","))
        asked = {name.lower(): value.strip().lower() for name, value in pairs.items()}
        wait = asked.get("wait", "")
        return cls(
            min(float(wait), LONGEST_WAIT) if re.fullmatch(r"\d+(\.\d+)?", wait) else None,
            statistics=asked.get("include-statistics") == "true",
            render=asked.get("include-render") == "true",
            permissions=asked.get("include-permissions") == "true",
            data_sources=asked.get("include-datasources") == "true",
        )


@dataclass(frozen=True)
class Ask:
    """One query: its text, times, preferences; `resource`: the id of the Azure resource that is asked, if one is."""

    text: str
    timespan: Timespan | None
    prefer: Prefer
    workspaces: tuple[str, ...] = ()
    resource: str | None = None


def read_body(body: bytes) -> Mapping[str, Any]:
    """The JSON object of a request's body; Refusal for anything else."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise bad_argument(
            "The request body is not valid JSON", "QueryValidationError", detail="InvalidJsonBody"
        ) from error
    if not isinstance(asked, dict):
        raise bad_argument(
            "The request body is no JSON object", "QueryValidationError", detail="InvalidJsonBody"
        )
    return asked


def ask_of(asked: Mapping[str, Any], prefer: str, resource: str | None = None) -> Ask:
    """What a body or the parameters of a URL ask; Refusal where it is wrong."""
    text, timespan, others = asked.get("query"), asked.get("timespan"), asked.get("workspaces")
    if not isinstance(text, str):
        raise bad_argument("The request has no query text", "QueryValidationError")
    if isinstance(others, str):
        others = [name.strip() for name in others.split(",")]
    if not isinstance(others, list | None) or not all(isinstance(name, str) for name in others or ()):
        raise bad_argument("workspaces is no list of text", "QueryValidationError")
    return Ask(text, _timespan(timespan), Prefer.parse(prefer), tuple(others or ()), resource)


def _timespan(text: object) -> Timespan | None:
    """The times that an ISO 8601 duration or interval tells; None for none."""
    if text is None or text == "":
        return None
    if not isinstance(text, str) or not all(_is_iso(part) for part in text.split("/")):
        raise _bad_timespan(text)
    if _FINER.search(text):
        raise not_supported(f"the embedded workspace keeps microseconds, and the timespan {text} is finer")
    try:
        return Timespan.parse(text)
    except ValueError as error:
        raise _bad_timespan(text) from error


def _is_iso(part: str) -> bool:
    return part.strip().startswith("P") or re.match(r"\d{4}-", part.strip()) is not None


def _bad_timespan(text: object) -> Refusal:
    return bad_argument(f"Timespan '{text}' is not a valid ISO 8601 time interval", "InvalidTimespan")


def refuse_in_search(text: str) -> None:
    """Refuse, as the search endpoint does, what the tables of the Basic plan cannot do."""
    before = ""
    words = code(text)
    for at, word in enumerate(words):
        after = words[at + 1] if at + 1 < len(words) else word
        is_source = before in ("", ";", "(", "=") and (after.kind in ("name", "string") or after.text == "(")
        refused = (
            (before == "|" and word.text in _OPERATORS)
            or (is_source and word.text in _SOURCES)
            or (after.text == "(" and word.text in _FUNCTIONS)
        )
        if refused:
            said = f"'{word.text}' is not supported for tables with the Basic or Auxiliary plan"
            raise bad_argument(said, "SemanticError")
        before = word.text
