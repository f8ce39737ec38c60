"""How an answer travels: status and headers, chunks, gzip, and the faults on the way."""

from __future__ import annotations

import asyncio
import logging
import zlib
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from kqlmagic_ext.emulator.faults import Plan

JSON_TYPE = "application/json; charset=utf-8"
_CUT_AT = 100
_GZIP = 16 + zlib.MAX_WBITS
_FAST = 1
_logger = logging.getLogger("kqlmagic_ext.emulator")


async def send(
    request: web.Request, pieces: Iterator[bytes], headers: Mapping[str, str], plan: Plan
) -> web.StreamResponse:
    """Send the pieces as a body of 200, with what the plan does to it; each piece is made in a thread."""
    response = web.StreamResponse(headers={"Content-Type": JSON_TYPE, **headers})
    zipped = "gzip" in request.headers.get("Accept-Encoding", "").lower() or "cut-gzip" in plan
    if zipped:
        response.headers["Content-Encoding"] = "gzip"
    body = _paused(_until(_iterated(pieces), plan, "cut-json"), plan)
    if zipped:
        body = _gzipped(body, ended="cut-gzip" not in plan)
    body = _until(body, plan, "cut-gzip")
    if "cut-length" in plan:
        await _with_length(request, response, body, int(plan.number("cut-length", _CUT_AT)))
    else:
        await _in_chunks(request, response, body, plan.number("cut", _CUT_AT) if "cut" in plan else None)
    return response


async def _in_chunks(
    request: web.Request, response: web.StreamResponse, body: AsyncIterator[bytes], cut: float | None
) -> None:
    """Write the body in chunks, up to `cut` bytes; the end is left to aiohttp, which writes it when the request is recorded."""
    response.enable_chunked_encoding()
    await response.prepare(request)
    left = float("inf") if cut is None else cut
    try:
        async for piece in body:
            await response.write(piece[: int(min(left, len(piece)))])
            left -= len(piece)
            if left <= 0:
                _cut(request)
                return
    except ConnectionError:
        raise
    except Exception:  # the status is sent: an answer that does not end is the one way to tell
        _logger.exception("the emulator failed amid an answer")
        _cut(request)
        return
    if cut is not None:
        _cut(request)


async def _with_length(
    request: web.Request, response: web.StreamResponse, body: AsyncIterator[bytes], cut: int
) -> None:
    """Promise the whole length, and cut before it."""
    whole = b"".join([piece async for piece in body])
    response.content_length = len(whole)
    await response.prepare(request)
    await response.write(whole[: min(cut, len(whole) - 1)])
    _cut(request)


def _cut(request: web.Request) -> None:
    """Close the connection when what was written has left; the answer never ends."""
    if request.transport is not None:
        request.transport.close()


async def _iterated(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces, each made in a thread: thousands of rows would hold up the other requests."""
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece


async def _paused(body: AsyncIterator[bytes], plan: Plan) -> AsyncIterator[bytes]:
    pause = plan.number("slow-body", 0)
    async for piece in body:
        yield piece
        if pause:
            await asyncio.sleep(pause)


async def _until(body: AsyncIterator[bytes], plan: Plan, fault: str) -> AsyncIterator[bytes]:
    """The body, up to as many bytes as the fault lets pass."""
    left = plan.number(fault, _CUT_AT) if fault in plan else float("inf")
    async for piece in body:
        if left > 0:
            yield piece[: int(min(left, len(piece)))]
        left -= len(piece)


async def _gzipped(body: AsyncIterator[bytes], *, ended: bool) -> AsyncIterator[bytes]:
    """The body as a gzip stream; one that is not `ended` lacks its last block, its length and its sum."""
    packer: Any = zlib.compressobj(_FAST, wbits=_GZIP)
    async for piece in body:
        packed = packer.compress(piece) + (b"" if ended else packer.flush(zlib.Z_SYNC_FLUSH))
        if packed:
            yield packed
    if ended:
        yield packer.flush()
