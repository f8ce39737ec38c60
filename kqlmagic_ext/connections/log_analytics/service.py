"""What all connections of a process share: one loop thread, one client a sign-in, one limiter.

The service counts queries by user, not by connection, and a client caches its token; so both belong to the process, the
one place where this package keeps such a state. It begins with the first connection and ends with the last.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from kqlmagic_ext.connections.log_analytics.credentials import Credential, credential_of
from kqlmagic_ext.connections.log_analytics.limiter import Limiter, Limits
from kqlmagic_ext.errors import ConnectError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future

    from azure.monitor.query.aio import LogsQueryClient

    from kqlmagic_ext.connections.log_analytics.address import Address

T = TypeVar("T")
_CLOSING_S = 5
_BLOCK = 1 << 18  # bytes that are read at once: the SDK's own 4 KB cost four times as much
_FAREWELL_S = 0.1


class Service:
    """The loop thread with the clients and the limiter on it."""

    def __init__(self, limits: Limits | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._pid, self._closing = os.getpid(), False  # a forked process has no loop thread
        self._loop = _new_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="kqlmagic_ext Log Analytics", daemon=True
        )
        self._thread.start()
        self.limiter = Limiter(limits or Limits(), clock)
        self._clients: dict[tuple[str, ...], tuple[LogsQueryClient, Credential]] = {}
        self._lock = threading.Lock()

    @property
    def is_ours(self) -> bool:
        """Whether it was begun in this process, and not in one that this was forked from."""
        return self._pid == os.getpid()

    def client(self, address: Address) -> tuple[LogsQueryClient, Credential]:
        """The client and the credential of an address, made once."""
        where = (address.endpoint, address.audience, address.authority)
        key = (*where, address.auth, address.tenant or "", address.client or "")
        with self._lock:
            if key not in self._clients:
                credential = credential_of(address)
                self._clients[key] = _client(address, credential), credential
            return self._clients[key]

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """The work, begun on the loop; cancelling the future ends it and closes what it holds open."""
        with self._lock:
            if self._closing or not self.is_ours:
                work.close()
                raise ConnectError("the connection is closed, or belongs to another process; connect again")
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """End what is under way, close the clients, stop the loop."""
        with self._lock:
            if self._closing or not self.is_ours:
                return
            self._closing = True
        try:
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(_CLOSING_S)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_CLOSING_S)
            if not self._thread.is_alive():
                self._loop.close()

    async def _end(self) -> None:
        """Cancel what is under way and close the clients; one that cannot be closed keeps no other from it."""
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        closing = [one.close() for pair in self._clients.values() for one in pair]
        await asyncio.gather(*closing, return_exceptions=True)
        self._clients.clear()
        await asyncio.sleep(
            _FAREWELL_S
        )  # older aiohttp: an encrypted connection closes in the loop's next turns


def _new_loop() -> asyncio.AbstractEventLoop:
    """A loop that can start processes (az, pwsh); on Windows a kernel's own kind cannot."""
    if sys.platform == "win32":
        return asyncio.ProactorEventLoop()
    return asyncio.new_event_loop()


# Without a handler of the user's, Python would print the SDK's warnings into cells, also where a repeat has cured them.
logging.getLogger("azure").addHandler(logging.NullHandler())


def _client(address: Address, credential: Credential) -> LogsQueryClient:
    from azure.core.pipeline.transport import AioHttpTransport
    from azure.monitor.query.aio import LogsQueryClient

    import kqlmagic_ext

    return LogsQueryClient(
        credential,  # type: ignore[arg-type]  # the SDK's protocol asks for a context manager, and never uses it
        endpoint=address.endpoint,
        audience=address.audience,
        user_agent=f"kqlmagic_ext/{kqlmagic_ext.__version__}",
        # Of the environment the proxy alone: aiohttp would also put ~/.netrc beside our token, and ask it for loopback.
        transport=AioHttpTransport(use_env_settings=False, connection_data_block_size=_BLOCK),
        proxies=_proxies(address),
        retry_total=0,
        permit_redirects=False,
    )


def _proxies(address: Address) -> dict[str, str]:
    """The proxy of the environment for an https address of another machine."""
    host = urlsplit(address.endpoint).hostname or ""
    found = {} if address.is_local or proxy_bypass(host) else getproxies()
    return {"https://": found["https"]} if "https" in found else {}


class _Shared:
    """The service of this process, and how many connections use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._service: Service | None = None
        self._users = 0

    def acquire(self) -> Service:
        """The service, begun with its first user."""
        with self._lock:
            if self._service is None or not self._service.is_ours:
                self._service, self._users = Service(), 0
                atexit.register(self._service.close)
            self._users += 1
            return self._service

    def release(self) -> None:
        """One user less; without users it ends."""
        with self._lock:
            self._users -= 1
            if self._users or self._service is None:
                return
            service, self._service = self._service, None
        atexit.unregister(service.close)
        service.close()


SHARED = _Shared()
