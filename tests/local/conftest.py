from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from kqlmagic_ext import Query, connect
from kqlmagic_ext.connections.local.connection import LocalConnection


@pytest.fixture
def opened() -> Iterator[Callable[..., LocalConnection]]:
    """Opens workspaces that close when the test ends."""
    with ExitStack() as stack:

        def open_one(url: str | Path, **settings: Any) -> LocalConnection:
            url = f"local://{url}" if isinstance(url, Path) else url
            connection = connect(url, **settings)
            assert isinstance(connection, LocalConnection)
            return stack.enter_context(closing(connection))

        yield open_one


def answer(connection: LocalConnection, text: str, **inputs: Any) -> list[tuple[Any, ...]]:
    """The rows of a query's answer."""
    frame = connection.run(Query(text, inputs)).frame
    return list(frame.itertuples(index=False, name=None))
