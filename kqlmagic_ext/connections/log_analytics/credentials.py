"""How one signs in: a credential of azure-identity behind one adapter that caches its token and never blocks the loop."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
import time
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.log_analytics.status import SignIn
from kqlmagic_ext.connections.log_analytics.token_sources import ASKING, SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.core.credentials import AccessToken

    from kqlmagic_ext.connections.log_analytics.address import Address
    from kqlmagic_ext.connections.log_analytics.status import Status

_FRESH_S = 300


class Credential:
    """An asynchronous credential over one of azure-identity's, synchronous or not; the token is asked for once.

    A sign-in goes on when the query that began it is stopped: the next query waits for the same one.
    """

    def __init__(self, source: Any, tenant: str | None) -> None:
        self._source, self._tenant = source, tenant
        self._tokens: dict[tuple[str, ...], AccessToken] = {}
        self._pending: dict[tuple[str, ...], tuple[asyncio.Task[AccessToken], SignIn]] = {}

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """The token for the scopes, new when the old one ends within five minutes, or when the service claims another."""
        if options.get("claims"):
            self._tokens[scopes] = await self._ask(*scopes, **options)
        token = self._tokens.get(scopes)
        if token is not None and token.expires_on - time.time() >= _FRESH_S:
            return token
        task, _ = self._signing_in(*scopes)
        return await asyncio.shield(task)

    async def sign_in(self, scope: str, status: Status) -> None:
        """Have a token; `status` shows what the analyst must do meanwhile."""
        token = self._tokens.get((scope,))
        if token is None or token.expires_on - time.time() < _FRESH_S:
            task, status.sign_in = self._signing_in(scope)
            try:
                await asyncio.shield(task)
            finally:
                status.sign_in = None

    def forget(self) -> None:
        """Let the tokens go: the service refused one."""
        self._tokens.clear()

    async def close(self) -> None:
        """Close what the source holds open."""
        closed = self._source.close() if hasattr(self._source, "close") else None
        if inspect.isawaitable(closed):
            await closed

    def _signing_in(self, *scopes: str) -> tuple[asyncio.Task[AccessToken], SignIn]:
        """The sign-in under way, begun when there is none."""
        if scopes not in self._pending:
            sign_in = SignIn()
            token = ASKING.set(sign_in)
            task = asyncio.get_running_loop().create_task(self._renew(*scopes))
            ASKING.reset(token)
            task.add_done_callback(_heard)
            self._pending[scopes] = task, sign_in
        return self._pending[scopes]

    async def _renew(self, *scopes: str) -> AccessToken:
        try:
            self._tokens[scopes] = await self._ask(*scopes)
            return self._tokens[scopes]
        finally:
            del self._pending[scopes]

    async def _ask(self, *scopes: str, **options: Any) -> AccessToken:
        known = {name: value for name, value in options.items() if name in ("claims", "enable_cae")}
        if self._tenant is not None:
            known["tenant_id"] = self._tenant
        if inspect.iscoroutinefunction(self._source.get_token):
            token: AccessToken = await self._source.get_token(*scopes, **known)
            return token
        in_time: AccessToken = await in_thread(lambda: self._source.get_token(*scopes, **known))
        return in_time


def _heard(task: asyncio.Task[AccessToken]) -> None:
    """A failure that nobody waits for any more is no news."""
    if not task.cancelled():
        task.exception()


async def in_thread(call: Callable[[], Any]) -> Any:
    """What a blocking call gives; a sign-in that nobody waits for keeps no interpreter from ending."""
    loop, answered = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if answered.cancelled():
            return
        if error is None:
            answered.set_result(result)
        else:
            answered.set_exception(error)

    def work() -> None:
        result, error = None, None
        try:
            result = call()
        except Exception as caught:  # noqa: BLE001 - it is raised again where the answer is awaited
            error = caught
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, error)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=[work], name="kqlmagic_ext sign-in", daemon=True).start()
    return await answered


def credential_of(address: Address) -> Credential:
    """The credential that the address names; raises ConnectError when its package is missing."""
    return Credential(SOURCES[address.auth](address), None if address.auth == "none" else address.tenant)
