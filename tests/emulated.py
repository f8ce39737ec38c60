"""A connection to an emulator whose limits a test does not have to wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from kqlmagic_ext.connections.log_analytics.address import parse
from kqlmagic_ext.connections.log_analytics.connection import LogAnalyticsConnection
from kqlmagic_ext.connections.log_analytics.limiter import Limits
from kqlmagic_ext.connections.log_analytics.requests import Patience
from kqlmagic_ext.connections.log_analytics.service import Service

UNLIMITED = "rate-limit=1000000"  # the emulator's own limit of 200 queries in 30 s


async def at_once(_seconds: float) -> None:
    await asyncio.sleep(0)


HASTE = Patience(sleep=at_once, jitter=lambda: 0.0)


@contextmanager
def hasty_connection(url: str, name: str = "azure") -> Iterator[LogAnalyticsConnection]:
    """A connection with a service of its own, which neither counts queries in a span nor pauses between its tries."""
    service = Service(Limits(in_span=10**9))
    connection = LogAnalyticsConnection(name, url, parse(url), service=service, patience=HASTE)
    try:
        yield connection
    finally:
        connection.close()
        service.close()
