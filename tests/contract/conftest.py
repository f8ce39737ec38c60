from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from kqlmagic_ext.connections import Connection
from tests.contract.connections import CONNECTIONS

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
