"""The start of a bridge: a loopback line that only the process which was started can have opened."""

from __future__ import annotations

import hmac
import json
import secrets
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import LanguageError, SessionDied
from kqlmagic_ext.languages.child import Child
from kqlmagic_ext.languages.conversation import Conversation, Ended, TooSlow
from kqlmagic_ext.languages.powershell.console import Console
from kqlmagic_ext.languages.powershell.find import NAME, TITLE, command, failed, find_powershell

if TYPE_CHECKING:
    from kqlmagic_ext.languages import Settings
    from kqlmagic_ext.languages.conversation import Message

PROTOCOL = 1
START_S = 60.0
_STEP_S = 0.05
_END_S = 2.0
# Beyond these a value is refused, or output is left out, and said so. Rows and items: what a kernel's memory can take as
# Python objects. Depth: a log's JSON is flatter, and objects that name each other grow with each level by themselves.
LIMITS = {
    "rows": 10_000_000,
    "items": 1_000_000,
    "depth": 16,
    "records": 10_000,
    "chars": 2_000_000,
    "matches": 500,
}
_VARIABLES = {
    "POWERSHELL_DIAGNOSTICS_OPTOUT": "1",  # else a killed one leaves its sockets in the temporary folder
    "POWERSHELL_TELEMETRY_OPTOUT": "1",
    "POWERSHELL_UPDATECHECK": "Off",
}
_FATAL = "BRIDGE-FATAL "
_LOCKED, _BAD_SETTINGS, _NO_LINE = 3, 4, 5  # the bridge's own exit statuses


class Line:
    """The open connection."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(None)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.send, self.lines = connection.sendall, connection.makefile("rb")
        self._connection = connection

    def hang_up(self) -> None:
        """Close it; who reads it reads its end."""
        with suppress(OSError):  # the other end has gone already
            self._connection.shutdown(socket.SHUT_RDWR)
        self.lines.close()
        self._connection.close()


@dataclass(frozen=True)
class Bridge:
    """A bridge that has greeted: its process, the line to it, what it writes past the line, and its greeting."""

    child: Child
    line: Line
    conversation: Conversation
    console: Console
    hello: Message


def start(settings: Settings) -> Bridge:
    """A bridge that runs in the folder of the settings. Raises LanguageError when none can be started."""
    program = find_powershell(settings.program)
    if not settings.folder.is_dir():
        raise failed(f"{TITLE} cannot start in {str(settings.folder)!r}: there is no such folder")
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
        try:
            child = Child(command(program), settings.folder, _VARIABLES)
        except OSError as error:
            raise failed(f"{program!r} cannot be started: {error.strerror or error}") from error
        console = Console(child)
        try:
            return _greeted(child, console, listener)
        except BaseException:
            child.end()
            raise


def _greeted(child: Child, console: Console, listener: socket.socket) -> Bridge:
    """The bridge, once it has connected and has shown the token."""
    deadline, token = time.monotonic() + START_S, secrets.token_hex(32)
    _configure(child, listener.getsockname()[1], token)
    line = _accept(child, console, listener, deadline)
    listener.close()  # nobody else may connect
    try:
        conversation = Conversation(line.send, line.lines)
        hello = _hello(child, console, conversation, deadline)
        _check_hello(hello, token)
    except BaseException:
        line.hang_up()
        raise
    return Bridge(child, line, conversation, console, hello)


def _configure(child: Child, port: int, token: str) -> None:
    settings: dict[str, Any] = {"port": port, "token": token, "limits": LIMITS}
    with suppress(OSError), child.stdin:  # one that has ended already is noticed next
        child.stdin.write(json.dumps(settings).encode() + b"\n")


def _accept(child: Child, console: Console, listener: socket.socket, deadline: float) -> Line:
    listener.settimeout(_STEP_S)
    while time.monotonic() < deadline:
        alive = child.alive
        with suppress(TimeoutError):
            return Line(listener.accept()[0])
        if not alive:
            raise _no_start(child, console)
    raise _too_slow()


def _hello(child: Child, console: Console, conversation: Conversation, deadline: float) -> Message:
    try:
        return conversation.greeting(max(0.0, deadline - time.monotonic()))
    except TooSlow:
        raise _too_slow() from None
    except Ended as ended:
        raise _no_start(child, console, ended.broken) from ended


def _check_hello(hello: Message, token: str) -> None:
    if not hmac.compare_digest(str(hello.get("token")).encode(), token.encode()):
        raise failed("another program connected in place of PowerShell; it was refused")
    if hello.get("protocol") != PROTOCOL:
        raise failed(
            f"bridge.ps1 speaks protocol {hello.get('protocol')!r}, not {PROTOCOL}: reinstall kqlmagic_ext"
        )


def _too_slow() -> LanguageError:
    return failed(f"{TITLE} did not start within {START_S:g} s; its process was ended")


def _no_start(child: Child, console: Console, broken: str | None = None) -> LanguageError:
    """The error for a process that ended before it greeted: what its exit status means, or what it said last."""
    status = child.wait(0 if broken else _END_S)
    child.end()
    said = console.text().strip()
    fatal = next((line.removeprefix(_FATAL) for line in said.splitlines() if line.startswith(_FATAL)), "")
    if status == _LOCKED:
        mode = fatal.split()[-1] if fatal else "not FullLanguage"
        return failed(
            f"{TITLE} is locked down here (language mode {mode}): cells need its full language mode"
        )
    if status == _BAD_SETTINGS:
        return failed(f"{TITLE} could not read what it was started with ({fatal}): reinstall kqlmagic_ext")
    if status == _NO_LINE:
        return failed(f"{TITLE} could not connect to 127.0.0.1: a firewall or security program may forbid it")
    how = broken or f"exit status {status}"
    last = f": {said.splitlines()[-1].strip()}" if said else ""
    sentence = f"{TITLE} ended while it started ({how}){last}"
    return SessionDied(sentence, exit_code=status, lost=(), language=NAME)
