"""A FAKE of bridge.ps1: it proves the Python side alone, and knows no PowerShell.

    python fake_bridge.py MODE ARGUMENT…      (the line of PowerShell's own arguments follows, and is not read)

`replay TRANSCRIPT` gives the answers that a real PowerShell gave, request by request, after a look at the request.
`script` runs cells that are JSON lists of steps (see `Steps`), and keeps the envelopes that it is given.
Any other mode is a fault of the start (see `START_FAULTS`).
"""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

Message = dict[str, Any]
LIMITS = {
    "records": 10_000,
    "chars": 2_000_000,
    "rows": 10_000_000,
    "items": 1_000_000,
    "depth": 16,
    "matches": 500,
}
LOST = {"depth": 0, "items": 0, "rows": 0, "getters": 0}


class Line:
    """The connection to Python."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.lines = self.socket.makefile("rb")
        self.lock = threading.Lock()

    def send(self, message: Message) -> None:
        self.raw(json.dumps(message).encode() + b"\n")

    def raw(self, data: bytes) -> None:
        with self.lock:
            self.socket.sendall(data)

    def receive(self) -> Message:
        """The next request; Python's end ends us, as it ends the bridge."""
        line = self.lines.readline()
        if not line:
            leave(0)
        request: Message = json.loads(line)
        note(request)
        return request


def leave(status: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    if status < 0:
        os.kill(os.getpid(), -status)
    os._exit(status)


def note(entry: Any) -> None:
    """Write down what Python said, for the test to read."""
    if path := os.environ.get("FAKE_BRIDGE_NOTES"):
        with Path(path).open("a", encoding="utf-8") as notes:
            notes.write(json.dumps(entry) + "\n")


def hello(token: str, **changes: Any) -> Message:
    return {
        "event": "hello",
        "protocol": 1,
        "token": token,
        "pid": os.getpid(),
        "version": "7.4.2",
        "edition": "Core",
        "os": "fake",
        "language_mode": "FullLanguage",
        "culture": "",
        "encoding": "utf-8",
        "limits": LIMITS,
        **changes,
    }


def done(number: int, **changes: Any) -> Message:
    ended = {
        "event": "done",
        "id": number,
        "state": "completed",
        "text": None,
        "error": None,
        "exit_code": None,
    }
    return {**ended, "counts": {}, "dropped": {}, "cut_chars": 0, "ms": 1, **changes}


def refusal(number: int | None, code: str, message: str) -> Message:
    return {"event": "error", "id": number, "code": code, "message": message}


# ---------------------------------------------------------------- replay


def replay(config: Message, path: str) -> None:
    """Answer as the transcript does; `variables`, which Python asks after each cell, is answered where it was not recorded."""
    lines = [json.loads(text) for text in Path(path).read_text("ascii").splitlines()]
    console = "".join(line["text"] for line in lines if line["dir"] == "console")
    status = next(line["status"] for line in lines if line["dir"] == "close")
    steps = [line for line in lines if line["dir"] in ("to", "from", "file")]
    line = Line(config["port"])
    line.send({**steps.pop(0)["msg"], "token": config["token"], "pid": os.getpid()})
    sys.stdout.write(console)
    sys.stdout.flush()
    numbers: dict[int, Message] = {}
    while steps:
        step = steps.pop(0)
        if step["dir"] == "to":
            request = expected(line, step["msg"])
            numbers[step["msg"]["id"]] = request
            if request["op"] == "bye":
                leave(status)
            if request["op"] == "set":
                compare(request, json.loads(steps.pop(0)["text"]))
        elif step["dir"] == "from":
            answer(line, step["msg"], numbers, steps)
    leave(status)


def expected(line: Line, recorded: Message) -> Message:
    """The next request, which must be the one that was recorded."""
    while True:
        request = line.receive()
        if request["op"] == recorded["op"]:
            same = {key: value for key, value in recorded.items() if key not in ("id", "path", "shape")}
            if any(request.get(key) != value for key, value in same.items()):
                note({"unexpected": request, "recorded": recorded})
                leave(99)
            return request
        if request["op"] == "bye":  # the test has seen enough
            leave(0)
        if request["op"] != "variables":
            note({"unexpected": request, "recorded": recorded})
            leave(99)
        line.send({"event": "variables", "id": request["id"], "variables": []})


def compare(request: Message, recorded: Message) -> None:
    """Python wrote the data file of the recording."""
    note({"file": json.loads(Path(request["path"]).read_bytes()), "recorded": recorded})


def answer(line: Line, message: Message, numbers: dict[int, Message], steps: list[Message]) -> None:
    request = numbers.get(message["id"])
    told = {**message, "id": None if request is None else request["id"]}
    if told["event"] == "got" and request is not None:
        data = steps.pop(0)["text"].encode()
        with Path(request["path"]).open("xb") as file:
            file.write(data)
        told["bytes"] = len(data)
    line.send(told)


# ---------------------------------------------------------------- script


class Steps:
    """The steps of a scripted cell; each is a list of a word and its arguments.

    record FIELDS · console TEXT · stderr TEXT · bytes BASE64 · sleep S · exit STATUS · send TEXT (as it is, then the end)
    flood MEGABYTES · spawn (a sleeping child, its number on the console) · done FIELDS (the end of the cell)
    deaf (from now on `stop` is not heeded) · silent (no answer at all) · store NAME TEXT (a data file to give)
    """

    def __init__(self, bridge: Script, number: int) -> None:
        self.bridge, self.number = bridge, number

    def run(self, steps: list[list[Any]]) -> None:
        changes: Message = {}
        for word, *arguments in steps:
            if self.bridge.stopping.is_set():
                changes = {"state": "stopped"}
                break
            changes = getattr(self, word)(*arguments) or changes
        if self.bridge.stopping.is_set():
            changes = {"state": "stopped"}
        self.bridge.finish(done(self.number, **changes))

    def record(self, fields: Message) -> None:
        self.bridge.line.send({"event": "record", "id": self.number, **fields})

    def console(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    def stderr(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()

    def bytes(self, encoded: str) -> None:
        sys.stdout.buffer.write(base64.b64decode(encoded))
        sys.stdout.buffer.flush()

    def sleep(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.bridge.stopping.is_set():
            time.sleep(0.01)

    def exit(self, status: int) -> None:
        leave(status)

    def send(self, text: str) -> None:
        self.bridge.line.raw(text.encode("latin-1"))
        if not text.endswith("\n"):
            self.bridge.line.socket.shutdown(socket.SHUT_RDWR)
            time.sleep(60)

    def flood(self, megabytes: int) -> None:
        text = "\n".join(["x" * 1023] * 1024)
        for _ in range(megabytes):
            self.record({"stream": "output", "text": text})

    def spawn(self) -> None:
        child = subprocess.Popen(["/bin/sleep", "60"], stdin=subprocess.DEVNULL)
        self.record({"stream": "output", "text": str(child.pid)})

    def deaf(self) -> None:
        self.bridge.deaf = True

    def silent(self) -> None:
        time.sleep(60)

    def store(self, name: str, text: str) -> None:
        self.bridge.stored[name.lower()] = text.encode("utf-8", "surrogatepass")

    def done(self, fields: Message) -> Message:
        return fields


def forgotten(data: bytes, shape: str) -> bytes:
    """The envelope as PowerShell would give it back: an empty array has no columns, nulls no type, and a list is a table."""
    try:
        envelope = json.loads(data)
    except ValueError:
        return data
    if not isinstance(envelope, dict) or "exact" in envelope:
        return data
    if envelope["kind"] == "value":
        value = envelope["value"]
        if isinstance(value, list) and shape == "auto":
            envelope = {
                "kind": "table",
                "columns": [{"name": "Value", "type": "dynamic"}],
                "rows": [[e] for e in value],
            }
        elif value is None:
            envelope["type"] = "dynamic"
    elif not envelope["rows"]:
        envelope["columns"] = []
    else:
        for at, column in enumerate(envelope["columns"]):
            column["type"] = found_type(column["type"], [row[at] for row in envelope["rows"]])
    return json.dumps(envelope).encode()


def found_type(given: str, wires: list[Any]) -> str:
    kinds = {type(wire) for wire in wires if wire is not None}
    if not kinds:
        return "dynamic"
    one = {bool: "bool", int: "long", float: "real", str: "string"}.get(next(iter(kinds)))
    return one if given == "dynamic" and len(kinds) == 1 and one else given


class Script:
    """A bridge whose cells are lists of steps; one thread works, the other hears stop and bye meanwhile."""

    def __init__(self, config: Message, *words: str) -> None:
        self.line = Line(config["port"])
        self.stored: dict[str, bytes] = {}
        self.stopping, self.working, self.deaf = threading.Event(), False, "deaf" in words
        self.changes: Message = json.loads(words[0]) if words and words[0].startswith("{") else {}
        self.line.send(hello(config["token"], **self.changes))

    def serve(self) -> None:
        while True:
            request = self.line.receive()
            if request["op"] == "stop":
                self.line.send({"event": "ack", "id": request["id"], "running": self.working})
                if self.working and not self.deaf:
                    self.stopping.set()
            elif request["op"] == "bye":
                self.bye()
            elif self.working:
                self.line.send(refusal(request["id"], "busy", f"cannot {request['op']} while something runs"))
            else:
                self.working = True
                threading.Thread(target=self.work, args=[request], daemon=True).start()

    def bye(self) -> None:
        if not self.deaf:
            leave(0)

    def work(self, request: Message) -> None:
        self.stopping.clear()
        try:
            getattr(self, request["op"])(request)
        except (BrokenPipeError, ConnectionResetError):
            leave(0)
        except ValueError as error:
            note({"no steps": str(error)})
            leave(98)

    def run(self, request: Message) -> None:
        Steps(self, request["id"]).run(json.loads(request["code"] or "[]"))

    def set(self, request: Message) -> None:
        name, data = request["name"], Path(request["path"]).read_bytes()
        if name == "dies":
            leave(7)
        if name == "fixed":
            self.finish(
                refusal(request["id"], "set_failed", "Cannot overwrite variable fixed: it is read-only")
            )
            return
        self.stored[name.lower()] = data
        envelope = json.loads(data)
        size = {"rows": len(envelope.get("rows", ())), "columns": len(envelope.get("columns", ()))}
        renamed = ["A", "A_2"] if name == "renames" else []
        self.tell(request, "stored", name=name, **size, renamed=renamed)

    def get(self, request: Message) -> None:
        name = request["name"]
        if name == "dies":
            leave(7)
        if name == "slow":
            Steps(self, 0).sleep(60)
            self.finish(refusal(request["id"], "stopped", "stopped"))
            return
        if name.lower() not in self.stored:
            self.finish(refusal(request["id"], "no_variable", f"no variable ${name}"))
            return
        data, lost = forgotten(self.stored[name.lower()], request["shape"]), LOST
        with Path(request["path"]).open("xb") as file:
            file.write(data)
        size = len(data) + (1 if name == "cut" else 0)
        self.tell(request, "got", name=name, kind="table", rows=0, columns=0, bytes=size, lost=lost)

    def variables(self, request: Message) -> None:
        names = [
            {"name": name, "type": "System.Object[]", "kind": "table", "size": 1}
            for name in sorted(self.stored)
        ]
        self.tell(request, "variables", variables=names)

    def complete(self, request: Message) -> None:
        if "slow" in request["code"]:
            Steps(self, 0).sleep(60)
            self.finish(refusal(request["id"], "stopped", "stopped"))
            return
        matches = [{"text": "$alerts", "list": "alerts", "type": "Variable", "tip": "alerts"}]
        self.tell(request, "completions", start=request["cursor"] - 5, length=5, matches=matches, total=1)

    def tell(self, request: Message, event: str, **fields: Any) -> None:
        self.finish({"event": event, "id": request["id"], **fields})

    def finish(self, message: Message) -> None:
        """Give the answer; before it, we are free again, as the bridge is."""
        self.working = False
        self.line.send(message)


# ---------------------------------------------------------------- faults of the start


def wrong_token(config: Message) -> None:
    line = Line(config["port"])
    line.send(hello("0" * 64))
    line.receive()


def other_protocol(config: Message) -> None:
    line = Line(config["port"])
    line.send(hello(config["token"], protocol=2))
    line.receive()


def never_connects(_: Message) -> None:
    time.sleep(60)


def never_greets(config: Message) -> None:
    Line(config["port"]).receive()


def dies_before_hello(config: Message, status: str, *said: str) -> None:
    assert config
    sys.stdout.write(" ".join(said) + "\n")
    leave(int(status))


def dies_in_hello(config: Message) -> None:
    Line(config["port"]).raw(json.dumps(hello(config["token"])).encode()[:40])
    leave(6)


def greets_in_latin(config: Message) -> None:
    Line(config["port"]).raw(b'{"event":"hello","os":"caf\xe9"}\n')
    time.sleep(60)


def second_connection(config: Message) -> None:
    """Greets; then another tries to connect to the same port, and the note says what became of it."""
    script = Script(config)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", config["port"]), 1) as other:
                other.settimeout(1)
                refused = other.recv(1) == b""
        except OSError:
            refused = True
        if refused:
            break
    note({"second": "refused" if refused else "accepted"})
    script.serve()


START_FAULTS = {
    fault.__name__: fault
    for fault in (
        wrong_token,
        other_protocol,
        never_connects,
        never_greets,
        dies_before_hello,
        dies_in_hello,
        greets_in_latin,
        second_connection,
    )
}


def main() -> None:
    mode, *arguments = sys.argv[1 : sys.argv.index("-NoLogo")]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt of the whole group must not reach us
    config = json.loads(sys.stdin.buffer.readline())
    seen = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("POWERSHELL", "NO_COLOR", "AZURE"))
    }
    note(
        {
            "config": config,
            "environment": seen,
            "folder": str(Path.cwd()),
            "command": sys.argv,
            "pid": os.getpid(),
        }
    )
    if mode == "replay":
        replay(config, *arguments)
    elif mode == "script":
        Script(config, *arguments).serve()
    else:
        START_FAULTS[mode](config, *arguments)


if __name__ == "__main__":
    main()
