"""A server that answers byte for byte what a test wants: what no well-made server sends, and what stands between."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest

from kqlmagic_ext import ConnectError, KqlMagicError, PartialResultError, Query, QueryError
from kqlmagic_ext.connections.log_analytics.connection import LogAnalyticsConnection
from kqlmagic_ext.emulator import WORKSPACE, Emulator
from tests.emulated import hasty_connection

WHOLE = b'{"tables":[{"name":"PrimaryResult","columns":[{"name":"x","type":"long"}],"rows":[[1]]}]}'


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [
        f"HTTP/1.1 {status}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Raw(threading.Thread):
    """Sends the same bytes to whoever asks, then closes; `asked` are the requests."""

    def __init__(self, reply: bytes) -> None:
        super().__init__(daemon=True)
        self._reply, self.asked = reply, list[bytes]()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.url = f"loganalytics://{WORKSPACE}?endpoint=http://127.0.0.1:{self.port}&auth=none"

    def run(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            with client:
                self.asked.append(self._request(client))
                if self.asked[-1]:
                    client.sendall(self._reply)

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.join(5)

    @staticmethod
    def _request(client: socket.socket) -> bytes:
        text = b""
        while b"\r\n\r\n" not in text and (piece := client.recv(65536)):
            text += piece
        head, _, body = text.partition(b"\r\n\r\n")
        length = next(
            (
                int(line.split(b":")[1])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            ),
            0,
        )
        while len(body) < length and (piece := client.recv(65536)):
            body += piece
        return head + b"\r\n\r\n" + body


@contextmanager
def asking(reply: bytes) -> Iterator[tuple[LogAnalyticsConnection, Raw]]:
    server = Raw(reply)
    server.start()
    try:
        with hasty_connection(server.url) as connection:
            yield connection, server
    finally:
        server.close()


def test_the_raw_server_is_understood() -> None:
    with asking(answer(WHOLE)) as (connection, server):
        assert connection.run(Query("T")).frame["x"].tolist() == [1]
    assert b"accept-encoding: gzip\r\n" in server.asked[0].lower()


@pytest.mark.parametrize(
    "pause", ["0", "-5", format_datetime(datetime(2015, 1, 1, tzinfo=UTC), usegmt=True), "soon", "86400"]
)
def test_a_throttling_service_is_not_asked_without_end(pause: str) -> None:
    with asking(answer(b"{}", f"Retry-After: {pause}", status="429 Too Many")) as (connection, server):
        with pytest.raises(QueryError, match="lets no more queries in"):
            connection.run(Query("T"))
        assert 1 <= len(server.asked) < 200


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nContent-Ty"], ids=["nothing", "half a head"])
def test_a_query_that_went_out_is_marked_so_when_no_answer_comes(reply: bytes) -> None:
    with asking(reply) as (connection, server):
        with pytest.raises(QueryError, match="closed the connection without an answer") as caught:
            connection.run(Query("T"))
        assert caught.value.sent
        assert len(server.asked) == 3


def test_an_encoding_that_was_not_asked_for_is_named() -> None:
    reply = answer(zlib.compress(WHOLE), "Content-Encoding: deflate")
    with asking(reply) as (connection, _), pytest.raises(QueryError, match="it came as deflate"):
        connection.run(Query("T"))


def test_the_name_of_the_encoding_may_be_in_capitals() -> None:
    packed = zlib.compressobj(wbits=31)
    body = packed.compress(WHOLE) + packed.flush()
    with asking(answer(body, "Content-Encoding: GZIP")) as (connection, _):
        assert connection.run(Query("T")).frame["x"].tolist() == [1]


@pytest.mark.parametrize(
    ("error", "complete"),
    [
        (
            b'{"code":"X","details":[{"message":"m","innererror":{"code":"-2133196797","message":"E_QUERY_RESULT_SET_TOO_LARGE","severity":3}}]}',
            False,
        ),
        (b'{"code":"X","details":[{"severity":2,"innererror":{"message":"m","severity":3}}]}', False),
        (b'{"code":"X","details":["shard 3 failed",{"message":"m","severity":3}]}', False),
        (b'{"code":"X","message":"m"}', False),
        (b'{"code":"X","message":"m","details":5}', False),
        (b'"gone"', False),
        (b"{}", False),
        (b'{"code":"X","details":[{"message":"slow","innererror":{"message":"slow","severity":3}}]}', True),
        (b"null", True),
    ],
)
def test_the_worst_of_an_error_decides(error: bytes, complete: bool) -> None:
    with asking(answer(WHOLE[:-1] + b',"error":' + error + b"}")) as (connection, _):
        if complete:
            assert connection.run(Query("T")).complete
        else:
            with pytest.raises(PartialResultError):
                connection.run(Query("T"))


@pytest.mark.parametrize(
    "body",
    [b'{"error":' + b'{"innererror":' * 900 + b"1" + b"}" * 901, b"[" * 100_000, b'{"error":[1]}', b"\xff"],
)
def test_an_error_of_any_form_is_one_of_ours(body: bytes) -> None:
    with asking(answer(body, status="400 Bad Request")) as (connection, _):
        with pytest.raises(KqlMagicError):
            connection.run(Query("T"))
        with pytest.raises(KqlMagicError):
            connection.tables()


def test_a_long_id_of_the_service_leaves_the_origin_small() -> None:
    with asking(answer(WHOLE, "request-id: " + "x" * 6000)) as (connection, _):
        assert len(connection.run(Query("T")).origin["correlation_id"]) == 64


def test_neither_a_proxy_nor_netrc_comes_between_this_machine_and_itself(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("default login me password hunter2\n")
    (tmp_path / ".netrc").chmod(0o600)
    code = "import sys, kqlmagic_ext as k\nc = k.connect(sys.argv[1])\nprint(c.run(k.Query('print x = 42')).frame['x'][0])\nc.close()"
    proxy = Raw(answer(b"", status="407 Proxy Authentication Required"))
    proxy.start()
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "HTTP_PROXY": f"http://127.0.0.1:{proxy.port}",
        "http_proxy": f"http://127.0.0.1:{proxy.port}",
    }
    environment.pop("NO_PROXY", None)
    environment.pop("no_proxy", None)
    with Emulator("local://") as emulator:
        done = subprocess.run(
            [sys.executable, "-c", code, emulator.url],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    proxy.close()
    assert done.stdout.strip() == "42"
    assert proxy.asked == []


def test_a_proxy_that_wants_credentials_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from kqlmagic_ext.connections.log_analytics import token_sources

    monkeypatch.setitem(token_sources.SOURCES, "default", token_sources.SOURCES["none"])
    proxy = Raw(answer(b"", status="407 Proxy Authentication Required"))
    proxy.start()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    refused = pytest.raises(ConnectError, match="the proxy answers 407")
    with hasty_connection(f"loganalytics://{WORKSPACE}") as connection, refused as caught:
        connection.run(Query("T"))
    proxy.close()
    assert not caught.value.sent
    assert proxy.asked[0].startswith(b"CONNECT api.loganalytics.azure.com:443 ")
