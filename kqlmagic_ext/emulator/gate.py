"""What every request goes through: the record, the ids, the sign-in, the rate, the faults in the service's place."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
import weakref
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aiohttp import web

from kqlmagic_ext.emulator.faults import HEADER, Fault, Faults, parse_header
from kqlmagic_ext.emulator.received import LOOPBACK, Log, Received
from kqlmagic_ext.emulator.refusals import (
    Refusal,
    bad_argument,
    internal,
    not_signed_in,
    of_fault,
    path_not_found,
    throttled,
)
from kqlmagic_ext.emulator.slots import Slots, Throttled, user_of
from kqlmagic_ext.emulator.transfer import JSON_TYPE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CORRELATION = "x-ms-correlation-request-id"
_logger = logging.getLogger("kqlmagic_ext.emulator")


class Gate:
    """The way into an emulator; it keeps what came in."""

    def __init__(self, faults: Faults, slots: Slots) -> None:
        self._faults, self._slots = faults, slots
        self._transports: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()
        self.log = Log()

    def hang_up(self) -> None:
        """Close every connection at once, whatever its client still waits for."""
        for transport in tuple(self._transports):
            transport.abort()

    @web.middleware
    async def recorded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Keep and log the request, and how it ended."""
        number = self.log.add(_received(request))
        if request.transport is not None:
            self._transports.add(request.transport)
        status, cancelled = None, False
        try:
            response = await self._refused(request, handler, number)
            status = response.status
        except (asyncio.CancelledError, ConnectionError) as error:
            cancelled = True
            raise asyncio.CancelledError from error  # aiohttp reports any other error of a client that is gone as ours
        finally:
            self.log.change(number, status=status, cancelled=cancelled)
            _logger.info("%s %s: %s", request.method, request.path, "client gone" if cancelled else status)
        return response

    async def _refused(self, request: web.Request, handler: Handler, number: int) -> web.StreamResponse:
        """What the handler answers; what it refuses, as an error with a correlation id."""
        try:
            self.log.change(number, body=_told_in(await request.read()))
            return await handler(request)
        except Refusal as error:
            refusal = error
        except web.HTTPRequestEntityTooLarge:
            refusal = bad_argument("The request is larger than 64 MiB", "QueryValidationError")
        except ConnectionError:  # the client went away
            raise
        except Exception:  # a fault of ours is answered as the service answers its own, and logged
            _logger.exception("the emulator failed")
            refusal = internal()
        correlation = str(uuid.uuid4())
        told = {"error": {**refusal.error, "correlationId": correlation}}
        return json_answer(told, {CORRELATION: correlation, **refusal.headers}, refusal.status)

    @web.middleware
    async def guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The sign-in, the rate, and the faults that answer in the service's place.

        A page of the web that made its own name mean this machine (DNS rebinding) is told by the Host that it names.
        """
        if request.url.host not in LOOPBACK:
            raise path_not_found()
        if not request.headers.get("Authorization", "").strip():
            raise not_signed_in()
        try:
            header = request.headers.get(HEADER, "")
            parse_header(header)
        except ValueError as error:
            raise bad_argument(str(error), "InvalidFault") from error
        try:
            self._slots.count(user_of(request.headers), self._faults.limits())
        except Throttled as error:
            raise throttled(str(error), error.retry_after) from error
        fault = self._faults.status(header)
        if fault is not None:
            return _of_status(fault)
        return await handler(request)


async def name_answer(_request: web.Request, response: web.StreamResponse) -> None:
    """Give the answer the ids that every answer bears."""
    for name in (CORRELATION, "request-id"):
        response.headers.setdefault(name, str(uuid.uuid4()))


def json_answer(told: object, headers: Mapping[str, str] | None = None, status: int = 200) -> web.Response:
    """A whole answer in compact JSON."""
    body = json.dumps(told, separators=(",", ":")).encode()
    return web.Response(body=body, status=status, headers={"Content-Type": JSON_TYPE, **(headers or {})})


def _of_status(fault: Fault) -> web.StreamResponse:
    """What a status fault answers; Refusal where that is an error with a body in JSON."""
    if fault.name in ("204", "empty"):
        return web.Response(status=204 if fault.name == "204" else 200)
    if fault.name == "502":
        page = "<html><body><h1>502 Bad Gateway</h1></body></html>"
        return web.Response(status=502, text=page, content_type="text/html")
    raise of_fault(fault)


def _received(request: web.Request) -> Received:
    """The record of a request, while its body is not read."""
    headers = {name: value for name, value in request.headers.items() if name.lower() != "authorization"}
    query = dict(request.query)
    return Received(request.method, request.path, MappingProxyType(headers), MappingProxyType(query))


def _told_in(body: bytes) -> Any:
    """What a body tells in JSON, its text when it is none, None when it is empty."""
    try:
        return json.loads(body) if body else None
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")
