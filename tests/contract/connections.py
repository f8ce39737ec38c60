"""The connections that every contract test runs on; a new one joins this list, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing

from kqlmagic_ext import connect
from kqlmagic_ext.connections import Connection


def local(stack: ExitStack, url: str) -> Connection:
    return stack.enter_context(closing(connect(url)))


def log_analytics(stack: ExitStack, url: str) -> Connection:
    """The same workspace behind a Log Analytics server on this machine, asked through the Azure SDK."""
    from kqlmagic_ext.emulator import Emulator

    emulator = stack.enter_context(Emulator(url))
    return stack.enter_context(closing(connect(emulator.url)))


CONNECTIONS: dict[str, Callable[[ExitStack, str], Connection]] = {
    "local": local,
    "log_analytics": log_analytics,
}
