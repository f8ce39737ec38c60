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


@pytest.fixture(scope="module")
def shared() -> Iterator[LocalConnection]:
    """A workspace for the tests that try many queries."""
    connection = connect("local://")
    assert isinstance(connection, LocalConnection)
    with closing(connection):
        yield connection


def answer(connection: LocalConnection, text: str, **inputs: Any) -> list[tuple[Any, ...]]:
    """The rows of a query's answer."""
    frame = connection.run(Query(text, inputs)).frame
    return list(frame.itertuples(index=False, name=None))


def plain(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows with None for each null."""
    import pandas as pd

    return [
        tuple(None if pd.api.types.is_scalar(cell) and pd.isna(cell) else cell for cell in row)
        for row in rows
    ]
