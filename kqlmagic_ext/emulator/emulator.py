"""An emulator that runs: its server in a thread of its own, its endpoint, what it received."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from kqlmagic_ext.connections import connect
from kqlmagic_ext.emulator.answers import Workspace
from kqlmagic_ext.emulator.catalogue import WORKSPACE
from kqlmagic_ext.emulator.faults import Faults
from kqlmagic_ext.emulator.received import LOOPBACK
from kqlmagic_ext.errors import ConnectError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable
    from types import TracebackType

    from kqlmagic_ext.connections import Connection
    from kqlmagic_ext.emulator.received import Received

_PATIENCE_S = 0.5


class Emulator:
    """A Log Analytics server on this machine over a `local://` workspace; it serves from `start()` or `with` to `close()`.

    Parameters
    ----------
    data
        A `local://` URL, or an open connection to such a workspace, which stays open when the emulator closes.
    faults
        Such as `["503@2", "row-limit=100"]`: NAME[=VALUE][@TIMES]; `emulator.faults` switches them while it runs.
    port
        0 for any that is free.
    https
        Whether it speaks https, with a certificate of its own: `emulator.authority` is the file that a client must trust.

    Raises
    ------
    ConnectError
        For a host that is not this machine's loopback, a port that is taken, data that cannot be served.
    """

    def __init__(
        self,
        data: str | Connection,
        *,
        faults: str | Iterable[str] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        https: bool = False,
    ) -> None:
        if host not in LOOPBACK:
            raise ConnectError(
                f"the emulator binds this machine's loopback alone ({', '.join(LOOPBACK)}), not {host!r}"
            )
        self._faults = Faults(faults)
        self.workspace = WORKSPACE
        self.authority: Path | None = None
        self._host, self._port, self._https = host, port, https
        self._owned = isinstance(data, str)
        self._data = _servable(connect(data) if isinstance(data, str) else data, owned=self._owned)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._thread: _Serving | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"<Emulator of {self._data.name}: {self.endpoint if self._thread else 'not started'}>"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> Self:
        """Serve; gives the emulator itself when it can be reached."""
        if self._closed:
            raise ConnectError("the emulator was closed; make another one")
        if self._thread is None:
            self._thread = _Serving(self._data, self._faults, self._host, self._port, self._context())
            try:
                self._thread.begin()
            except (OSError, OverflowError) as error:
                self._thread = None
                self.close()
                why = getattr(error, "strerror", None) or error
                said = f"the emulator cannot bind {self._host}:{self._port}: {why}"
                raise ConnectError(said) from error
        return self

    @property
    def faults(self) -> Faults:
        """The faults that are switched on: `faults.set("503@2")`, `faults.clear()`; any thread may, while it runs."""
        return self._faults

    @property
    def endpoint(self) -> str:
        """The address that Azure clients take as their endpoint: `http://127.0.0.1:PORT`."""
        if self._thread is None:
            raise ConnectError("the emulator does not run; start() it, or use it in a with statement")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http{'s' if self._https else ''}://{host}:{self._thread.port}"

    @property
    def url(self) -> str:
        """The connection URL: `loganalytics://…?endpoint=…&auth=none`."""
        return f"loganalytics://{self.workspace}?endpoint={self.endpoint}&auth=none"

    @property
    def requests(self) -> list[Received]:
        """The newest 10,000 requests that it received, frozen, in their order, without their sign-in."""
        return [] if self._thread is None else self._thread.server.gate.log.all()

    def close(self) -> None:
        """End the server and what still runs, and close the workspace if the emulator opened it; may be called twice."""
        self._closed = True
        if self._thread is not None:
            self._thread.end()
        if self._owned:
            self._data.close()
        if self._folder is not None:
            self._folder.cleanup()

    def _context(self) -> ssl.SSLContext | None:
        if not self._https:
            return None
        from kqlmagic_ext.emulator.certificate import server_context

        self._folder = tempfile.TemporaryDirectory(prefix="kqlmagic_ext-emulator-")
        context, self.authority = server_context(Path(self._folder.name))
        return context


def _servable(connection: Connection, *, owned: bool) -> Any:
    if not isinstance(connection, Workspace):
        if owned:
            connection.close()
        raise ConnectError(f"the emulator serves local:// workspaces, and {connection.name} is none")
    return connection


class _Serving(threading.Thread):
    """The server's thread, with an event loop of its own."""

    def __init__(
        self, data: Workspace, faults: Faults, host: str, port: int, context: ssl.SSLContext | None
    ) -> None:
        from kqlmagic_ext.emulator.server import Server

        super().__init__(name="kqlmagic_ext emulator", daemon=True)
        self.server, self.port = Server(data, faults), port
        self._host, self._context = host, context
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready, self._ended = threading.Event(), asyncio.Event()
        self._failure: OSError | OverflowError | None = None

    def begin(self) -> None:
        """Start, and wait until it can be reached; OSError when the port cannot be had."""
        self.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def end(self) -> None:
        """Stop serving; may be called twice."""
        if self._loop is not None and self.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
            self.join()

    def run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        from aiohttp import web

        self._loop = asyncio.get_running_loop()
        runner = web.AppRunner(
            self.server.application(),
            handler_cancellation=True,
            access_log=None,
            shutdown_timeout=_PATIENCE_S,
        )
        await runner.setup()
        try:
            # One address: for localhost, a free port would be another one for each of its two.
            host = "127.0.0.1" if self._host == "localhost" else self._host
            site = web.TCPSite(runner, host, self.port, ssl_context=self._context)
            await site.start()
            self.port = int(runner.addresses[0][1])
            self._ready.set()
            await self._ended.wait()
        except (OSError, OverflowError) as error:
            self._failure = error
        finally:
            await runner.cleanup()
            self.server.gate.hang_up()
            await asyncio.sleep(0.01)  # a transport closes in a later step of its loop
