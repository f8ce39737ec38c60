"""The emulator's life: threads, cancelling, closing, the command line."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp
import pytest

from kqlmagic_ext import ConnectError, Query, connect
from kqlmagic_ext.connections.local.connection import LocalConnection
from kqlmagic_ext.connections.worker import Cancellation, cancellable
from kqlmagic_ext.emulator import WORKSPACE, Emulator
from kqlmagic_ext.emulator.received import LOOPBACK
from tests.emulator.conftest import ENDLESS, QUERY, ask

Emulated = Callable[..., Emulator]


def working() -> int:
    """How many queries the engine works on."""
    return sum(thread.name == "kqlmagic_ext query" for thread in threading.enumerate())


def until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_a_client_that_goes_away_cancels_its_query(emulator: Emulator) -> None:
    async def leave() -> None:
        async with aiohttp.ClientSession(headers={"Authorization": "Bearer x"}) as session:
            asked = asyncio.create_task(session.post(emulator.endpoint + QUERY, json={"query": ENDLESS}))
            await asyncio.to_thread(until, lambda: working() == 1)
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)

    asyncio.run(leave())
    until(lambda: emulator.requests[-1].cancelled)
    assert emulator.requests[-1].status is None
    until(lambda: working() == 0)
    assert ask(emulator, "print x = 1").rows == [[1]]


def test_a_client_that_goes_away_amid_the_answer_is_noticed(emulator: Emulator) -> None:
    with socket.create_connection(("127.0.0.1", int(emulator.endpoint.rpartition(":")[2]))) as client:
        body = b'{"query": "range n from 1 to 3000000 step 1"}'
        head = f"POST {QUERY} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")
    until(lambda: emulator.requests[-1].cancelled)


def test_a_query_beyond_its_wait_is_cancelled_and_told(emulator: Emulator) -> None:
    answer = ask(emulator, ENDLESS, Prefer="wait=1")
    assert (answer.status, answer.code) == (504, "GatewayTimeout > GatewayTimeout")
    assert answer.inner["message"] == "ADX query timed out"
    until(lambda: working() == 0)
    assert ask(emulator, "print x = 1", Prefer="wait=1").headers["preference-applied"] == "wait=1"


def test_closing_ends_a_running_query_and_the_thread() -> None:
    before = set(threading.enumerate())
    emulator = Emulator("local://").start()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, emulator, ENDLESS)
        until(lambda: working() == 1)
        emulator.close()
        emulator.close()
        assert isinstance(asked.exception(), OSError)
    until(lambda: working() == 0)
    left = set(threading.enumerate()) - before
    assert not [thread for thread in left if thread.name == "kqlmagic_ext emulator"]


def test_cancellable_work_gives_what_it_gives_and_raises_what_it_raises() -> None:
    def failing(_: Cancellation) -> None:
        raise ValueError("inside")

    async def run() -> int:
        with pytest.raises(ValueError, match="inside"):
            await cancellable(failing)
        return await cancellable(lambda _: 5)

    assert asyncio.run(run()) == 5


def test_a_workspace_that_was_given_open_stays_open(demo: LocalConnection) -> None:
    with Emulator(demo) as emulator:
        assert ask(emulator, "print x = 1").rows == [[1]]
    assert demo.run(Query("print x = 1")).frame["x"][0] == 1


def test_a_workspace_that_the_emulator_opened_closes_with_it(tmp_path: Path) -> None:
    (tmp_path / "T.csv").write_text("a,b\n1,x\n")
    with Emulator(f"local://{tmp_path}") as emulator:
        assert ask(emulator, "T").rows == [[1, "x"]]
        data = emulator._data
    with pytest.raises(ConnectError, match="closed"):
        data.run(Query("T"))


def test_its_addresses_are_what_clients_take(emulator: Emulator) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", emulator.endpoint)
    assert emulator.url == f"loganalytics://{WORKSPACE}?endpoint={emulator.endpoint}&auth=none"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.1", "example.org"])  # noqa: S104 - they are refused
def test_any_other_host_than_loopback_is_refused(host: str) -> None:
    with pytest.raises(ConnectError, match="loopback alone"):
        Emulator("local://", host=host)


@pytest.mark.parametrize("host", LOOPBACK)
def test_every_loopback_host_serves(demo: LocalConnection, host: str) -> None:
    with Emulator(demo, host=host) as emulator:
        assert ask(emulator, "print x = 1").rows == [[1]]


def test_a_port_that_is_taken_is_said(emulator: Emulator) -> None:
    port = int(emulator.endpoint.rpartition(":")[2])
    with pytest.raises(ConnectError, match=f"cannot bind 127.0.0.1:{port}"):
        Emulator("local://", port=port).start()


def test_what_is_no_local_workspace_is_refused() -> None:
    class Other:
        name = "other"

        def prepare(self, query: Query) -> str:
            return query.text

        def run(self, query: Query, progress: object = None) -> None: ...

        def close(self) -> None: ...

    with pytest.raises(ConnectError, match="local:// workspaces, and other is none"):
        Emulator(Other())  # type: ignore[arg-type]
    with pytest.raises(ConnectError):
        Emulator("local://nowhere")


def test_the_connection_can_still_be_used_beside_its_emulator(demo: LocalConnection) -> None:
    with Emulator(demo) as emulator:
        assert (
            ask(emulator, "SigninLogs | count").rows[0][0]
            == demo.run(Query("SigninLogs | count")).frame.iloc[0, 0]
        )


# ---------------------------------------------------------------- the command line


def command(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "kqlmagic_ext.emulator", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )  # fmt: skip


class Elsewhere:
    """What `ask` wants of an emulator that runs in another process."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_its_url_serves_and_ends_cleanly(number: int) -> None:
    with command("--data", "local://", "--fault", "503@1", "--row-limit", "2") as process:
        assert process.stdout is not None
        endpoint = process.stdout.readline().split()[-1]
        assert (
            process.stdout.readline().split()[-1]
            == f"loganalytics://{WORKSPACE}?endpoint={endpoint}&auth=none"
        )
        elsewhere: Emulator = Elsewhere(endpoint)  # type: ignore[assignment]
        assert ask(elsewhere, "print 1").status == 503
        assert len(ask(elsewhere, "range n from 1 to 5 step 1").rows) == 2
        process.send_signal(number)
        out, error = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in error
    assert "200" in error


def test_the_command_tells_which_authority_to_trust() -> None:
    with command("--data", "local://", "--https") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        authority = Path(lines[2].split()[-1])
        assert authority.read_text().startswith("-----BEGIN CERTIFICATE-----")
        assert f"SSL_CERT_FILE={authority}" in lines[3]
        process.terminate()
        process.communicate(timeout=20)
    assert not authority.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "loopback alone"),  # noqa: S104 - it is refused
        (["--fault", "nothing"], "is no fault"),
        (["--data", "local://nowhere"], "names no place"),
    ],
)
def test_the_command_refuses_in_one_sentence(arguments: list[str], said: str) -> None:
    with command(*arguments) as process:
        out, error = process.communicate(timeout=30)
    assert process.returncode == 2
    assert (out, len(error.splitlines())) == ("", 1)
    assert said in error


def test_connect_is_what_opens_the_data() -> None:
    connection = connect("local://")
    try:
        with Emulator(connection) as emulator:
            assert "Emulator of local" in repr(emulator)
    finally:
        connection.close()


def test_a_closed_emulator_does_not_start_again() -> None:
    emulator = Emulator("local://")
    with emulator:
        pass
    with pytest.raises(ConnectError, match="was closed"):
        emulator.start()


@pytest.mark.parametrize("port", [70_000, -5])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(ConnectError, match="cannot bind"):
        Emulator("local://", port=port).start()


@pytest.mark.parametrize(
    "literal", ["1e5000h", "9" * 5000, "1e9999999999h", f"long({'9' * 5000})", "1e999999d"]
)
def test_a_literal_of_any_length_is_an_answer_or_a_refusal(emulator: Emulator, literal: str) -> None:
    assert ask(emulator, f"let a = {literal}; print a").status in (200, 400)
