from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from kqlmagic_ext.emulator import Emulator

from kqlmagic_ext import connect
from kqlmagic_ext.connections.log_analytics.connection import LogAnalyticsConnection
from kqlmagic_ext.connections.log_analytics.requests import Patience
from tests.notebook import Notebook


async def at_once(_seconds: float) -> None:
    await asyncio.sleep(0)


HASTE = Patience(sleep=at_once, jitter=lambda: 0.0)


@pytest.fixture(scope="session")
def running() -> Iterator[Emulator]:
    with Emulator("local://demo?end=2026-11-01&rows=20000") as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Emulator) -> Emulator:
    """The emulator without a fault and without a memory."""
    running.faults.clear()
    running.requests.clear()
    return running


@pytest.fixture
def azure(emulator: Emulator) -> Iterator[LogAnalyticsConnection]:
    """A connection to the emulator that does not wait between its tries."""
    connection = connect(emulator.url, patience=HASTE)
    assert isinstance(connection, LogAnalyticsConnection)
    yield connection
    connection.close()


@pytest.fixture
def asking(notebook: Notebook, azure: LogAnalyticsConnection) -> Notebook:
    """A notebook whose cells ask the emulator; `old` holds an answer of before."""
    places = notebook.shell.magics_manager.registry["KqlMagics"].places
    places._open["azure"], places._urls["azure"], places.default = azure, azure.url, "azure"
    azure.name = "azure"
    notebook.value("%kql -o old print x = 'stale'")
    return notebook
