from __future__ import annotations

from collections.abc import Iterator

import pytest

from kqlmagic_ext.connections.log_analytics.connection import LogAnalyticsConnection
from kqlmagic_ext.emulator import Emulator
from tests.emulated import UNLIMITED, hasty_connection
from tests.notebook import Notebook


@pytest.fixture(scope="session")
def running() -> Iterator[Emulator]:
    with Emulator("local://demo?end=2026-11-01&rows=20000") as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Emulator) -> Emulator:
    """The emulator without a fault."""
    running.faults.clear()
    running.faults.set(UNLIMITED)
    return running


@pytest.fixture
def azure(emulator: Emulator) -> Iterator[LogAnalyticsConnection]:
    """A connection to the emulator that does not wait between its tries."""
    with hasty_connection(emulator.url) as connection:
        yield connection


@pytest.fixture
def asking(notebook: Notebook, azure: LogAnalyticsConnection) -> Notebook:
    """A notebook whose cells ask the emulator; `old` holds an answer of before."""
    places = notebook.shell.magics_manager.registry["KqlMagics"].places
    places._open["azure"], places._urls["azure"], places.default = azure, azure.url, "azure"
    notebook.value("%kql -o old print x = 'stale'")
    return notebook
