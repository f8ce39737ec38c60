from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.frontend.runtimes import COMMANDS, JavaScript


@pytest.fixture(scope="session", params=list(COMMANDS))
def javascript(request: pytest.FixtureRequest) -> Iterator[JavaScript]:
    with closing(JavaScript(request.param)) as running:
        yield running
