"""The connections that every contract test runs on; a new one joins this list, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable

from kqlmagic_ext import connect
from kqlmagic_ext.connections import Connection

CONNECTIONS: dict[str, Callable[[], Connection]] = {
    "local": lambda: connect("local://"),
}
