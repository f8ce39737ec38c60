from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from kqlmagic_ext import connect
from kqlmagic_ext.connections.local.connection import LocalConnection
from kqlmagic_ext.emulator import WORKSPACE, Emulator

DEMO = "local://demo?end=2026-11-01&rows=20000"
# About 10^14 pairs: hours of work.
ENDLESS = "range a from 1 to 10000000 step 1 | extend k = 1 | join kind=inner (range b from 1 to 10000000 step 1 | extend k = 1) on k | summarize sum(a * b % 7)"
QUERY = f"/v1/workspaces/{WORKSPACE}/query"


@dataclass(frozen=True)
class Answered:
    """An answer as it came: status, headers (names in lower case), the body without its gzip."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def rows(self) -> list[Any]:
        rows: list[Any] = self.json["tables"][0]["rows"]
        return rows

    @property
    def code(self) -> str:
        """The codes of an error, from the outside in."""
        error, codes = self.json["error"], []
        while error:
            codes.append(error["code"])
            error = error.get("innererror")
        return " > ".join(codes)

    @property
    def inner(self) -> dict[str, Any]:
        """The innermost error."""
        error: dict[str, Any] = self.json["error"]
        while "innererror" in error:
            error = error["innererror"]
        return error


def ask(
    emulator: Emulator,
    query: str | None = None,
    *,
    path: str = QUERY,
    method: str = "POST",
    body: Any = None,
    zipped: bool = True,
    **headers: str,
) -> Answered:
    """One request as any HTTP client makes it; `x_emulator_fault="503"` is the header `x-emulator-fault: 503`."""
    sent = {"Authorization": "Bearer x", "Content-Type": "application/json"}
    sent |= {"Accept-Encoding": "gzip"} if zipped else {}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    asked = {"query": query, **(body or {})} if query is not None else body
    data = asked if isinstance(asked, (str, bytes, type(None))) else json.dumps(asked)
    with closing(http.client.HTTPConnection(urlsplit(emulator.endpoint).netloc, timeout=60)) as connection:
        connection.request(method, path, data, {name: value for name, value in sent.items() if value})
        response = connection.getresponse()
        raw = response.read()
        found = {name.lower(): value for name, value in response.getheaders()}
        body_bytes = gzip.decompress(raw) if found.get("content-encoding") == "gzip" else raw
        return Answered(response.status, found, body_bytes)


@pytest.fixture(scope="session")
def demo() -> Iterator[LocalConnection]:
    """One workspace for all emulators: its tables are made once."""
    connection = connect(DEMO)
    assert isinstance(connection, LocalConnection)
    yield connection
    connection.close()


@pytest.fixture
def emulated(demo: LocalConnection) -> Iterator[Callable[..., Emulator]]:
    """Starts emulators of the demo that close when the test ends."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(Emulator(demo, **settings))


@pytest.fixture
def emulator(emulated: Callable[..., Emulator]) -> Emulator:
    return emulated()
