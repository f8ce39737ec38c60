from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from kqlmagic_ext.connections import Connection
from kqlmagic_ext.languages import Session
from tests.contract.connections import CONNECTIONS
from tests.contract.sessions import SESSIONS

ZONES = ["UTC", "America/New_York"]


@pytest.fixture(scope="module", params=ZONES)
def zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """The machine's time zone: it must never reach a value."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield request.param
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.fixture(scope="module", params=list(CONNECTIONS))
def connection(request: pytest.FixtureRequest, zone: str) -> Iterator[Connection]:
    assert zone
    with ExitStack() as stack:
        yield CONNECTIONS[request.param](stack, "local://")


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.needs_pwsh] * (name == "powershell")) for name in SESSIONS],
)
def session(request: pytest.FixtureRequest, zone: str) -> Iterator[Session]:
    assert zone
    session = SESSIONS[request.param]()
    yield session
    session.close()
