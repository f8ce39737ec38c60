"""How an answer travels: status and headers, chunks, gzip, and the faults on the way."""

from __future__ import annotations

import asyncio
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


class CutOff(Exception):  # noqa: N818 - it is what the fault does
    """The connection was cut on purpose, amid the answer."""


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
        return await _with_length(request, response, body, plan)
    response.enable_chunked_encoding()
    await response.prepare(request)
    left = plan.number("cut", _CUT_AT) if "cut" in plan else float("inf")
    async for piece in body:
        await response.write(piece[: int(min(left, len(piece)))])
        left -= len(piece)
        if left <= 0:
            _cut(request)
    await response.write_eof()
    return response


async def _with_length(
    request: web.Request, response: web.StreamResponse, body: AsyncIterator[bytes], plan: Plan
) -> web.StreamResponse:
    """Promise the whole length and cut before it."""
    whole = b"".join([piece async for piece in body])
    response.content_length = len(whole)
    await response.prepare(request)
    await response.write(whole[: min(int(plan.number("cut-length", _CUT_AT)), len(whole) - 1)])
    _cut(request)
    return response


def _cut(request: web.Request) -> None:
    """Close the connection when what was written has left; the answer never ends."""
    if request.transport is not None:
        request.transport.close()
    raise CutOff


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
