"""500,000 sign-ins of 12 columns from a server on loopback to a DataFrame, against the SDK's own way: `python -m tests.benchmarks.decode`.

Each path runs in fresh processes of one run, in turn; CPU time of the client, the least of three, and peak memory above the
imports. The floor receives, unzips and scans the JSON, and makes nothing of it.
"""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import random
import resource
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import orjson

ROWS = 500_000
RUNS = 3
WORKSPACE = "00000000-0000-0000-0000-000000000001"
BLOCK = 1 << 18
COLUMNS = {
    "TimeGenerated": "datetime",
    "UserPrincipalName": "string",
    "UserId": "string",
    "IPAddress": "string",
    "CorrelationId": "string",
    "UserAgent": "string",
    "ResultDescription": "string",
    "ResultType": "long",
    "DurationMs": "long",
    "RiskScore": "real",
    "IsInteractive": "bool",
    "LocationDetails": "dynamic",
}
CITIES = [("Zürich", "CH"), ("Amsterdam", "NL"), ("Boston", "US"), ("Lyon", "FR")]
TEXTS = ["", "Invalid username or password.", 'User did not pass the "MFA" challenge.', "Andere Gründe"]
PATHS = {
    "a": "ours, dynamic as objects",
    "b": "ours, dynamic as text",
    "c": "the SDK's query_workspace, DataFrame, types; dynamic as text",
    "e": "the same, dynamic as objects",
    "d": "the floor: receive, unzip, scan",
}


def body() -> bytes:
    """A prepared answer, 340 bytes of JSON a row."""
    dice = random.Random(7)  # noqa: S311 - rows, no secrets
    rows = [sign_in(dice, number) for number in range(ROWS)]
    columns = [{"name": name, "type": kind} for name, kind in COLUMNS.items()]
    return gzip.compress(
        orjson.dumps({"tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}]}), 6
    )


def sign_in(dice: random.Random, number: int) -> list[Any]:
    moment = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(milliseconds=number * 37)
    user, (city, land) = dice.randrange(20_000), dice.choice(CITIES)
    place = {"city": city, "countryOrRegion": land, "asn": dice.randrange(65_000)}

    def or_null(plain: Any) -> Any:
        return None if dice.random() < 0.015 else plain

    return [
        f"{moment:%Y-%m-%dT%H:%M:%S}.{dice.randrange(10**7):07}Z",
        f"user{user}@contoso.com",
        str(uuid.uuid5(uuid.NAMESPACE_DNS, str(user))),
        ".".join(str(dice.randrange(1, 255)) for _ in range(4)),
        str(uuid.UUID(int=dice.getrandbits(128))),
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/{dice.randrange(100, 130)}.0.0.0 Safari/537.36",
        dice.choice(TEXTS),
        or_null(dice.choice([0, 0, 0, 50126, 50074])),
        or_null(dice.randrange(100_000)),
        or_null(round(dice.random() * 100, 3)),
        or_null(dice.random() < 0.5),
        or_null(json.dumps(place, separators=(",", ":"), ensure_ascii=False)),
    ]


def serve() -> None:
    answer = body()

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Answers)
    print(server.server_port, flush=True)
    server.serve_forever()


class Credential:
    """A token that needs no sign-in."""

    def get_token(self, *_: str, **__: Any) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken("x", int(time.time()) + 3600)


class AsyncCredential(Credential):
    async def get_token(self, *_: str, **__: Any) -> Any:  # type: ignore[override]
        return super().get_token()

    async def close(self) -> None:
        """Nothing to close."""


@contextmanager
def measured() -> Any:
    """Print the CPU seconds inside, and the peak memory above what it was before, in MB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    yield
    cpu = time.process_time() - start
    print(cpu, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


def ours(endpoint: str, *, objects: bool) -> None:
    import aiohttp  # noqa: F401 - imports are no part of the measure
    import azure.core.rest._aiohttp  # noqa: F401 - the same
    import isal.isal_zlib  # noqa: F401 - the same
    import pandas as pd  # noqa: F401 - the same
    import pyarrow.compute
    import pyarrow.pandas_compat  # noqa: F401 - the same
    from azure.core.pipeline.transport import AioHttpTransport  # noqa: F401 - the same
    from azure.core.rest import HttpRequest
    from azure.monitor.query.aio import LogsQueryClient

    from kqlmagic_ext.connections.log_analytics.decode import AnswerDecoder
    from kqlmagic_ext.frames import frame_from_arrow, kql_field

    async def fetch() -> Any:
        url = "{endpoint}/{apiVersion}/workspaces/" + WORKSPACE + "/query"
        client = LogsQueryClient(
            AsyncCredential(), endpoint=endpoint, audience="https://x", connection_data_block_size=BLOCK
        )
        async with client:
            request = HttpRequest("POST", url, json={"query": "T"})
            response = await client.send_request(request, stream=True, enforce_https=False)
            decoder = AnswerDecoder(gzipped=response.headers.get("Content-Encoding") == "gzip")
            async for piece in response.iter_raw():
                decoder.feed(piece)
            return decoder.finish()

    with measured():
        [table] = asyncio.run(fetch()).tables
        if not objects:
            field = kql_field("LocationDetails", "guid")  # text in which a null stays a null
            table = table.set_column(len(COLUMNS) - 1, field, table.column("LocationDetails"))
        frame = frame_from_arrow(table)
    assert frame.shape == (ROWS, len(COLUMNS))
    assert isinstance(frame["LocationDetails"].iloc[0], dict if objects else str)


def sdk(endpoint: str, *, objects: bool) -> None:
    import pandas as pd
    import pyarrow.compute  # noqa: F401 - imports are no part of the measure
    import requests  # noqa: F401 - the same
    from azure.core.pipeline.transport import RequestsTransport  # noqa: F401 - the same
    from azure.monitor.query import LogsQueryClient

    with measured(), LogsQueryClient(Credential(), endpoint=endpoint, audience="https://x") as client:
        result = client.query_workspace(WORKSPACE, "T", timespan=None, enforce_https=False)
        [table] = result.tables
        frame = pd.DataFrame(table.rows, columns=table.columns)
        dtypes = {"long": "Int64", "bool": "boolean", "string": "str", "real": "float64"}
        for name, kind in COLUMNS.items():
            if kind == "datetime":
                frame[name] = pd.to_datetime(frame[name], format="ISO8601", utc=True)
            elif kind in dtypes:
                frame[name] = frame[name].astype(dtypes[kind])
            elif objects:
                frame[name] = frame[name].map(json.loads, na_action="ignore")
    assert frame.shape == (ROWS, len(COLUMNS))


def floor(endpoint: str) -> None:
    from isal import isal_zlib

    scan = fastest_scan()
    connection = http.client.HTTPConnection(endpoint.removeprefix("http://"))
    with measured():
        connection.request("POST", "/", b"{}")
        response, unzip, text = connection.getresponse(), isal_zlib.decompressobj(31), bytearray()
        start = 0
        while piece := response.read1(BLOCK):
            text += unzip.decompress(piece)
            start = start or text.find(b"[[") + 1
            if len(text) >= 1 << 20:
                cut = text.rfind(b"],[") + 1
                scan(b"[" + text[start:cut] + b"]")
                del text[:cut]
                start = 1
        scan(b"[" + text[start:].removesuffix(b"]}]}") + b"]")
    connection.close()


def fastest_scan() -> Callable[[bytes], Any]:
    try:
        import simdjson
    except ImportError:
        print("the floor scans with orjson: pysimdjson is not there", file=sys.stderr)
        return orjson.loads
    return simdjson.Parser().parse  # type: ignore[no-any-return]


def measure(endpoint: str) -> dict[str, tuple[float, float]]:
    """Of each path the least CPU seconds and the least peak of three fresh processes.

    In rounds of all paths: what else this machine does weighs on all alike.
    """
    runs: dict[str, list[tuple[float, float]]] = {path: [] for path in PATHS}
    for path in [*PATHS] * RUNS:
        command = [sys.executable, "-m", "tests.benchmarks.decode", path, endpoint]
        cpu, peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        runs[path].append((float(cpu), float(peak)))
    return {path: (min(cpu for cpu, _ in of), min(peak for _, peak in of)) for path, of in runs.items()}


def main() -> None:
    command = [sys.executable, "-m", "tests.benchmarks.decode", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        try:
            costs = measure(f"http://127.0.0.1:{port}")
        finally:
            server.kill()
    for path, name in PATHS.items():
        print(f"{path}: {name}")
    for ours_, theirs in ("ac", "ae", "bc"):
        print(f"CPU {theirs} : {ours_} = {costs[theirs][0] / costs[ours_][0]:.1f}")
        print(f"peak memory {ours_} : {theirs} = {costs[ours_][1] / costs[theirs][1]:.2f}")
    for path in "ab":
        print(f"CPU {path} : d = {costs[path][0] / costs['d'][0]:.2f}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve"]:
            serve()
        case [("a" | "b") as path, endpoint]:
            ours(endpoint, objects=path == "a")
        case [("c" | "e") as path, endpoint]:
            sdk(endpoint, objects=path == "e")
        case ["d", endpoint]:
            floor(endpoint)
        case _:
            main()
