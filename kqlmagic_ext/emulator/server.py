"""The routes of the Log Analytics API, version 1, over one workspace."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp import web

from kqlmagic_ext.connections.worker import cancellable
from kqlmagic_ext.emulator.answers import Answer, Workspace, Writer, answer
from kqlmagic_ext.emulator.asks import DEFAULT_WAIT, Ask, ask_of, read_body, refuse_in_search
from kqlmagic_ext.emulator.catalogue import data_sources, metadata, permissions
from kqlmagic_ext.emulator.faults import HEADER, Faults, Plan
from kqlmagic_ext.emulator.gate import CORRELATION, Gate, json_answer, name_answer
from kqlmagic_ext.emulator.refusals import Refusal, bad_argument, path_not_found, throttled, timed_out
from kqlmagic_ext.emulator.slots import Slots, Throttled, user_of
from kqlmagic_ext.emulator.transfer import JSON_TYPE, send

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LONGEST_HEADER = 4000
LARGEST_REQUEST = 64 * 2**20
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_RESOURCE = "/v1/{resource:/?subscriptions/.+}"


class Server:
    """Answers requests over a workspace; keeps what it received, and heeds the faults that are switched on."""

    def __init__(self, workspace: Workspace, faults: Faults) -> None:
        self._workspace, self._faults = workspace, faults
        self._slots = Slots()
        self.gate = Gate(faults, self._slots)

    def application(self) -> web.Application:
        """The server as an aiohttp application."""
        app = web.Application(
            client_max_size=LARGEST_REQUEST, middlewares=[self.gate.recorded, self.gate.guarded]
        )
        for path in ("/v1/workspaces/{id}", _RESOURCE):
            app.router.add_post(f"{path}/query", self._query)
            app.router.add_get(f"{path}/query", self._query, allow_head=False)
            app.router.add_post(f"{path}/metadata", self._metadata)
            app.router.add_get(f"{path}/metadata", self._metadata, allow_head=False)
        app.on_response_prepare.append(name_answer)
        app.router.add_post("/v1/workspaces/{id}/search", self._search)
        app.router.add_post("/v1/$batch", self._batch)
        app.router.add_route("*", "/{tail:.*}", self._nothing)
        return app

    async def _nothing(self, _request: web.Request) -> web.StreamResponse:
        raise path_not_found()

    # ---------------------------------------------------------------- endpoints

    async def _query(self, request: web.Request) -> web.StreamResponse:
        resource = _resource(request)
        if request.method == "POST" and not (
            await request.read() and request.content_type == "application/json"
        ):
            return web.Response()  # documented: 200 with an empty body
        asked = request.query if request.method == "GET" else read_body(await request.read())
        return await self._answered(request, ask_of(asked, request.headers.get("Prefer", ""), resource))

    async def _search(self, request: web.Request) -> web.StreamResponse:
        """The query endpoint of Basic and Auxiliary tables: the times stand in the URL."""
        _resource(request)
        asked = {**read_body(await request.read()), "timespan": request.query.get("timespan")}
        if not asked["timespan"]:
            raise bad_argument("The timespan parameter of the URL is missing", "QueryValidationError")
        ask = ask_of(asked, request.headers.get("Prefer", ""))
        refuse_in_search(ask.text)
        return await self._answered(request, ask)

    async def _answered(self, request: web.Request, ask: Ask) -> web.StreamResponse:
        plan = self._faults.plan(request.headers.get(HEADER, ""))
        await asyncio.sleep(plan.number("slow-first-byte", 0))
        answered = await self._run(ask, plan, user_of(request.headers))
        headers = _told(answered, ask, plan)
        pieces = Writer(answered, ask, plan).pieces(self._access(ask, plan))
        return await send(request, pieces, headers, plan)

    async def _metadata(self, request: web.Request) -> web.StreamResponse:
        _resource(request)
        found = await asyncio.to_thread(metadata, self._workspace, request.match_info.get("id"))
        return json_answer(found)

    async def _batch(self, request: web.Request) -> web.StreamResponse:
        """Several queries at once; the answers come in another order than they were asked, as they may."""
        items = read_body(await request.read()).get("requests")
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise bad_argument("The batch has no list of requests", "QueryValidationError")
        names = [str(item.get("id")) for item in items]
        twins = [name for name in names if names.count(name) > 1]
        if twins:
            raise bad_argument(f"The request id {twins[0]} is not unique", "QueryValidationError")
        plan = self._faults.plan(request.headers.get(HEADER, ""))
        await asyncio.sleep(plan.number("slow-first-byte", 0))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._item(item, plan, user_of(request.headers))) for item in items]
        responses = [task.result() for task in reversed(tasks)]
        return await send(request, iter([json.dumps({"responses": responses}).encode()]), {}, plan)

    async def _item(self, item: Mapping[str, Any], plan: Plan, user: str) -> dict[str, Any]:
        headers = {"Content-Type": JSON_TYPE, CORRELATION: str(uuid.uuid4())}
        try:
            if not _GUID.fullmatch(str(item.get("workspace"))) or item.get("path") != "/query":
                raise path_not_found()
            prefer = (item.get("headers") or {}).get("Prefer", "")
            ask = ask_of(item.get("body") or {}, prefer)
            answered = await self._run(ask, plan, user)
            pieces = Writer(answered, ask, plan).pieces(self._access(ask, plan))
            body = await asyncio.to_thread(lambda: json.loads(b"".join(pieces)))
            status = 200
            headers |= _told(answered, ask, plan)
        except Refusal as refusal:
            status, headers = refusal.status, {**headers, **refusal.headers}
            body = {"error": {**refusal.error, "correlationId": headers[CORRELATION]}}
        return {"id": str(item.get("id")), "status": status, "headers": headers, "body": body}

    # ---------------------------------------------------------------- the work

    async def _run(self, ask: Ask, plan: Plan, user: str) -> Answer:
        """The answer, when a slot is free; a client that goes away, or has waited enough, ends the engine's work."""
        work = partial(answer, self._workspace, ask, plan.denied)
        try:
            async with self._slots.taken(user, self._faults.limits()):
                async with asyncio.timeout(ask.prefer.wait or DEFAULT_WAIT):
                    return await cancellable(work)
        except Throttled as error:
            raise throttled(str(error), error.retry_after) from error
        except TimeoutError as error:
            raise timed_out() from error

    def _access(self, ask: Ask, plan: Plan) -> dict[str, Any]:
        """What the client prefers to be told of tables and rights."""
        prefer = ask.prefer
        return {
            "permissions": permissions(ask.resource, plan.denied) if prefer.permissions else None,
            "dataSources": data_sources(self._workspace, ask.text) if prefer.data_sources else None,
        }


def _told(answered: Answer, ask: Ask, plan: Plan) -> dict[str, str]:
    """The headers of an answer: the wait that was heeded, its age, and what the workspace warns of."""
    told = {}
    if ask.prefer.wait is not None:
        told["Preference-Applied"] = f"wait={ask.prefer.wait:g}"
    if "cached" in plan:
        told["Age"] = f"{plan.number('cached', 0):g}"
    if answered.warnings:
        told["x-emulator-warnings"] = _warnings(answered.warnings)
    return told


def _warnings(warnings: Sequence[str]) -> str:
    """The warnings as JSON that a header can hold: when they are too long, how many there are, and the first."""
    text = json.dumps(warnings)
    return (
        text
        if len(text) <= _LONGEST_HEADER
        else json.dumps([f"{len(warnings):,} warnings", warnings[0][:500]])
    )


def _resource(request: web.Request) -> str | None:
    """The id of the resource that the path names, None for a workspace; Refusal for a workspace that is no GUID."""
    if "id" in request.match_info and not _GUID.fullmatch(request.match_info["id"]):
        raise path_not_found()
    resource = request.match_info.get("resource")
    return None if resource is None else "/" + resource.strip("/")
