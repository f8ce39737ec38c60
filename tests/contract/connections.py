"""The connections that every contract test runs on; a new one joins this list, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing

from kqlmagic_ext import connect
from kqlmagic_ext.connections import Connection
from kqlmagic_ext.emulator import Emulator
from tests.emulated import UNLIMITED, hasty_connection


def local(stack: ExitStack, url: str) -> Connection:
    return stack.enter_context(closing(connect(url)))


def log_analytics(stack: ExitStack, url: str) -> Connection:
    """The same workspace behind a Log Analytics server on this machine, asked through the Azure SDK."""
    emulator = stack.enter_context(Emulator(url, faults=[UNLIMITED]))
    return stack.enter_context(hasty_connection(emulator.url))


CONNECTIONS: dict[str, Callable[[ExitStack, str], Connection]] = {
    "local": local,
    "log_analytics": log_analytics,
}
