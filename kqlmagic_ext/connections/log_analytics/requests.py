"""One question to the service: sent through the SDK's pipeline, decoded while it arrives, asked again where that helps."""

from __future__ import annotations

import asyncio
import io
import json
import math
import random
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.log_analytics.decode import Answer, AnswerDecoder, BrokenAnswer
from kqlmagic_ext.connections.log_analytics.unreachable import Unreachable, plain, unreachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from azure.core.rest import AsyncHttpResponse
    from azure.monitor.query.aio import LogsQueryClient

    from kqlmagic_ext.connections.log_analytics.limiter import Limiter
    from kqlmagic_ext.connections.log_analytics.status import Status

_OK, _THROTTLED = 200, 429
_PASSING = (500, 502, 503)  # never 504: the query itself took too long, and would again
_CONNECT_S = 15
_MARGIN_S = 30
_LEAST_PAUSE_S = 1.0  # also where the service says 0
_LARGEST_ERROR = 1_000_000


@dataclass(frozen=True)
class Ask:
    """A question: the URL below the endpoint's version, its JSON body, its headers.

    A query has a body, and its answer is decoded as it arrives; without one it is a GET, whose answer is read whole.
    `wait`: the seconds that the service may take; `plain`: it stays on this machine and may go unencrypted.
    """

    path: str
    body: Mapping[str, Any] | None
    headers: Mapping[str, str]
    wait: int
    plain: bool = False


@dataclass(frozen=True)
class Reply:
    """What the service answered: the status, the headers in lower case, and a decoded answer or an error's text.

    `broken`: why the answer is not whole; then it holds the rows that came.
    """

    status: int
    headers: Mapping[str, str]
    answer: Answer | None = None
    text: bytes = b""
    broken: str | None = None


@dataclass(frozen=True)
class Patience:
    """How often and how long a question is asked again; `sleep` and `jitter` can be given by tests."""

    tries: int = 3
    throttled_s: float = 180.0
    first_pause_s: float = 2.0
    longest_pause_s: float = 60.0
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    jitter: Callable[[], float] = random.random

    def pause(self, again: int) -> float:
        """The seconds before the next try when the service names none: 2, 4, 8 … 60, and up to half of that more."""
        return float(min(self.first_pause_s * 2**again, self.longest_pause_s) * (1 + self.jitter() / 2))


@dataclass
class _Tries:
    """What was tried so far."""

    again: int = 0
    failed: int = 0
    broken: int = 0
    throttled_s: float = 0.0
    sent: bool = False


class Conversation:
    """A question until its answer: in a slot of the limiter, with the pauses and repeats that the service wants."""

    def __init__(
        self, client: LogsQueryClient, limiter: Limiter, status: Status, patience: Patience | None = None
    ) -> None:
        self._client, self._limiter, self._status = client, limiter, status
        self._patience = patience or Patience()
        self._tries = _Tries()

    async def reply(self, ask: Ask) -> Reply:
        """The answer, or the error that no repeat would cure; Unreachable when none came."""
        while True:
            try:
                self._status.enter("waiting for a free slot")
                async with self._limiter.slot():
                    reply = await self._once(ask)
                pause = self._pause_after(reply)
                is_throttled = reply.status == _THROTTLED
                why = "the service asks for patience" if is_throttled else "the service failed"
            except Unreachable as error:
                pause, why = self._pause_after_failure(error), "the service cannot be reached"
                error.sent = error.sent or self._tries.sent
                if pause is None:
                    raise
            if pause is None:
                return reply
            self._tries.again += 1
            if pause:
                self._status.enter(f"{why}, again in {pause:.0f} s")
                await self._patience.sleep(pause)

    def _pause_after(self, reply: Reply) -> float | None:
        """The pause before the question is asked again; None when this is the answer."""
        if reply.broken is not None and not self._tries.broken:
            self._tries.broken += 1
            return 0.0
        if reply.status == _THROTTLED:
            return self._throttled(reply)
        if reply.status in _PASSING:
            return self._failed()
        return None

    def _pause_after_failure(self, error: Unreachable) -> float | None:
        return self._failed() if error.passing else None

    def _failed(self) -> float | None:
        self._tries.failed += 1
        if self._tries.failed >= self._patience.tries:
            return None
        return self._patience.pause(self._tries.failed - 1)

    def _throttled(self, reply: Reply) -> float | None:
        pause = _retry_after(reply.headers.get("retry-after"))
        pause = self._patience.pause(self._tries.again) if pause is None else max(pause, _LEAST_PAUSE_S)
        self._tries.throttled_s += pause
        return None if self._tries.throttled_s > self._patience.throttled_s else pause

    async def _once(self, ask: Ask) -> Reply:
        """One exchange; what it holds open is closed also when it is cancelled."""
        from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError

        self._status.enter("connecting")
        try:
            response = await self._send(ask)
            self._tries.sent = True
        except (ServiceRequestError, ServiceResponseError) as error:
            raise unreachable(error) from error
        try:
            return await self._read(ask, response)
        except AzureError as error:
            raise Unreachable(plain(error), connected=True, passing=False) from error
        finally:
            await response.close()

    async def _send(self, ask: Ask) -> AsyncHttpResponse:
        from azure.core.rest import HttpRequest

        url = f"{{endpoint}}/{{apiVersion}}/{ask.path}"
        if ask.body is None:
            request = HttpRequest("GET", url, headers=dict(ask.headers))
        else:
            # As a stream: aiohttp warns of a megabyte of bytes.
            content = io.BytesIO(json.dumps(ask.body, ensure_ascii=False).encode())
            headers = {**ask.headers, "Content-Type": "application/json"}
            request = HttpRequest("POST", url, headers=headers, content=content)
        self._status.enter("waiting for the service")
        return await self._client.send_request(
            request,
            stream=True,
            retry_total=0,
            permit_redirects=False,
            connection_timeout=_CONNECT_S,
            read_timeout=ask.wait + _MARGIN_S,
            enforce_https=not ask.plain,
        )

    async def _read(self, ask: Ask, response: AsyncHttpResponse) -> Reply:
        headers = {name.lower(): value for name, value in response.headers.items()}
        if response.status_code != _OK:
            return Reply(response.status_code, headers, text=await _text(response, _LARGEST_ERROR))
        if ask.body is None:
            return Reply(_OK, headers, text=await _text(response))
        answer, broken = await self._decode(response, headers)
        return Reply(_OK, headers, answer, broken=broken)

    async def _decode(
        self, response: AsyncHttpResponse, headers: Mapping[str, str]
    ) -> tuple[Answer, str | None]:
        """The answer, decoded as it arrives, and why it is not whole."""
        from azure.core.exceptions import AzureError

        encoding = headers.get("content-encoding", "").strip().lower()
        decoder = AnswerDecoder(gzipped=encoding == "gzip")
        if encoding not in ("", "gzip", "identity"):
            return decoder.salvage(), f"it came as {encoding[:20]}, which was not asked for"
        try:
            async for piece in response.iter_raw():
                decoder.feed(piece)
                self._status.phase = "receiving"
                self._status.received, self._status.rows = decoder.received, decoder.rows
            return decoder.finish(), None
        except BrokenAnswer as error:
            return decoder.salvage(), str(error)
        except AzureError as error:
            return decoder.salvage(), f"the connection was lost ({plain(error)})"


async def _text(response: AsyncHttpResponse, most: float = math.inf) -> bytes:
    """The body, or its head."""
    text = bytearray()
    async for piece in response.iter_bytes():
        text += piece
        if len(text) > most:
            break
    return bytes(text)


def _retry_after(text: str | None) -> float | None:
    """The seconds that a Retry-After names, as a number or a date; None when it names none."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None
