"""A program in a process group of its own, which ends with this Python process however that ends."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import IO

_WINDOWS = sys.platform == "win32"
# Credentials that our own sign-in reads, and the keys of the notebook server: no cell of another language needs them.
_SECRET = frozenset(
    {
        "AZURE_CLIENT_SECRET",
        "AZURE_CLIENT_CERTIFICATE_PASSWORD",
        "AZURE_PASSWORD",
        "IDENTITY_HEADER",
        "JPY_API_TOKEN",
        "JUPYTERHUB_API_TOKEN",
        "JUPYTER_TOKEN",
        "MSI_SECRET",
    }
)
# The kernel sets them for what it runs itself; a child's text goes to no terminal, and both at once are complained of.
_COLOURS = frozenset({"CLICOLOR_FORCE", "FORCE_COLOR"})
# Reads the pipe that this process holds open: its end means that this process has ended, and so must the group.
_WATCH = 'IFS= read -r word; [ "$word" = done ] || kill -s KILL -- "-$1"'  # dash knows no `kill -9 --`
_POLITE_S = 2.0


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables that a child gets: ours, without our secrets, and no colours."""
    ours = {name: value for name, value in os.environ.items() if name not in _SECRET | _COLOURS}
    return {**ours, "NO_COLOR": "1", **(extra or {})}


class Child:
    """The running program: its pipes, its end, and the end of all that it started."""

    def __init__(
        self, command: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None
    ) -> None:
        options: dict[str, Any] = (
            {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}  # type: ignore[attr-defined,unused-ignore]
            if _WINDOWS
            else {"start_new_session": True}  # Jupyter interrupts the kernel's whole group
        )
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(  # noqa: S603 - the runtime that the analyst has
            command, cwd=folder, env=environment(variables), stdin=pipe, stdout=pipe, stderr=pipe, **options
        )
        self._ended, self._maker = False, os.getpid()
        try:
            self._watch = None if _WINDOWS else _watchdog(self.process.pid)
        except BaseException:
            _kill_group(self.process.pid)
            self.process.communicate()  # closes its pipes
            raise

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    @property
    def stdin(self) -> IO[bytes]:
        """Where it reads."""
        assert self.process.stdin is not None  # noqa: S101 - told to mypy
        return self.process.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """What it writes."""
        assert self.process.stdout is not None  # noqa: S101 - told to mypy
        return self.process.stdout

    @property
    def stderr(self) -> IO[bytes]:
        """What it complains of."""
        assert self.process.stderr is not None  # noqa: S101 - told to mypy
        return self.process.stderr

    def signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.alive:
            self.process.send_signal(number)

    def signal_all(self, number: int) -> None:
        """Send its whole group a signal, as a terminal does; on Windows nothing happens."""
        if not _WINDOWS and self.alive:
            _signal_group(self.process.pid, number)

    def wait(self, seconds: float) -> int | None:
        """Its exit status; None when it has not ended by then."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def end(self) -> int | None:
        """End its whole group, at once, and give its exit status; may be called twice."""
        # After the end the group's number may be another's; and a copy of this process that was forked has no child.
        if self._ended or os.getpid() != self._maker:
            return self.process.returncode
        self._ended = True
        try:
            if _WINDOWS:
                self._end_tree()
            else:
                _kill_group(self.process.pid)
            return self.wait(_POLITE_S)
        finally:
            if self._watch is not None:
                _dismiss(self._watch)
            _close(self.process.stdin)  # the others end by themselves, and those who read them close them

    def _end_tree(self) -> None:
        if self.alive:
            command = ["taskkill", "/T", "/F", "/PID", str(self.process.pid)]
            subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - Windows' own


def ready(pipe: IO[bytes], seconds: float | None) -> bool:
    """Whether there is something to read, an end, too; waits for it (None: for ever). Windows cannot ask a pipe: no."""
    if _WINDOWS or pipe.closed:
        return False
    poll = select.poll()
    try:
        poll.register(pipe.fileno(), select.POLLIN)
    except ValueError:  # closed at this moment
        return False
    return bool(poll.poll(None if seconds is None else seconds * 1000))


def _watchdog(group: int) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    watch = subprocess.Popen(  # noqa: S603 - a fixed script, and a number of our own
        ["/bin/sh", "-c", _WATCH, "kqlmagic_ext", str(group)],
        stdin=subprocess.PIPE,
        stdout=quiet,
        stderr=quiet,
        start_new_session=True,
    )
    held = weakref.ref(watch)
    os.register_at_fork(after_in_child=lambda: _let_go(held()))
    return watch


def _let_go(watch: subprocess.Popen[bytes] | None) -> None:
    """In a copy of this process that was forked: else the pipe stays open when this process has ended."""
    if watch is not None:
        _close(watch.stdin)


def _dismiss(watch: subprocess.Popen[bytes]) -> None:
    """The group has ended: its number may be another's soon."""
    try:
        watch.communicate(b"done\n", timeout=_POLITE_S)
    except (OSError, subprocess.TimeoutExpired):
        watch.kill()
        watch.wait()


def _kill_group(group: int) -> None:
    _signal_group(group, signal.SIGKILL)


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return  # nobody is left; macOS says it by the second


def _close(stream: IO[bytes] | None) -> None:
    try:
        if stream is not None:
            stream.close()
    except OSError:
        return  # what was still to be written has no reader any more
