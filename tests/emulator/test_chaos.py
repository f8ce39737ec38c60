from __future__ import annotations

import http.client
import json
import logging
import random
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from kqlmagic_ext.emulator import Emulator
from tests.emulator.conftest import QUERY, ask
from tests.emulator.test_running import until

FAULTS = ["", "cut=500", "cut-length", "cut-gzip", "cut-json", "row-limit=3", "429", "503", "slow-body=0.01", "malformed-row", "deny=SigninLogs", "204"]  # fmt: skip
TEXTS = ["print x=1", "SigninLogs | take 2000", "Nope", "range n from 1 to 20000 step 1", 'let _in_a = "x\\u00e9"; print _in_a', "T | wher"]  # fmt: skip


def leave(port: int, text: str, *, early: bool) -> None:
    """Go away amid the request, or before its answer."""
    body = json.dumps({"query": text}).encode()
    head = f"POST {QUERY} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(head.encode() + (body[:5] if early else body))


def test_whatever_clients_do_every_request_ends_and_nothing_of_ours_fails(
    emulated: Callable[..., Emulator], caplog: pytest.LogCaptureFixture
) -> None:
    emulator = emulated(faults=["rate-limit=100000", "slots=2"])
    port = int(emulator.endpoint.rpartition(":")[2])

    def act(seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - the same acts in every run
        for _ in range(30):
            text = chance.choice(TEXTS)
            if chance.random() < 0.2:
                leave(port, text, early=chance.random() < 0.3)
                continue
            try:
                ask(emulator, text, zipped=chance.random() < 0.5, x_emulator_fault=chance.choice(FAULTS))
            except (http.client.HTTPException, OSError, EOFError):
                continue  # what the faults are for

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(act, range(6)))
    until(lambda: all(received.status or received.cancelled for received in emulator.requests))
    until(lambda: not any(thread.name == "kqlmagic_ext query" for thread in threading.enumerate()))
    assert ask(emulator, "print x = 1").rows == [[1]]
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert len({received.status for received in emulator.requests}) >= 5
