"""The way back from browser cells: what their code sends by `output(name, value)` becomes Python variables, live.

A widget that is never displayed listens in the notebook's page (`relay.js`): the saved output needs it for nothing, and
nothing of it stays in the notebook. Messages may come in any thread, and while a cell runs: they are bound when it has ended.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import KqlMagicError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from IPython.core.interactiveshell import InteractiveShell

_KEPT_RUNS = 100
_BROKEN = (KqlMagicError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError)


@dataclass
class _Run:
    """One run of a cell: the Python variables by the names that its code uses, and the frame that drew it first."""

    outputs: dict[str, str]
    most: int
    first: str | None = None


class Relay:
    """Binds what browser cells send. `bind`: called with a variable's name and its value, never while a cell runs."""

    def __init__(self, shell: InteractiveShell, bind: Callable[[str, Any], None]) -> None:
        self._shell, self._bind = shell, bind
        self._lock = threading.RLock()
        self._runs: dict[str, _Run] = {}
        self._waiting: dict[str, Any] = {}
        self._running = 0  # cells, within each other
        self._widget: Any = None
        shell.events.register("pre_run_cell", self._begin)
        shell.events.register("post_run_cell", self._end)

    def follow(self, token: str, outputs: Mapping[str, str], most: int) -> None:
        """Let the run of that token bind variables (by the names that its code uses), each value of at most so many bytes.

        A variable follows one cell: the last that names it.
        """
        with self._lock:
            for run in self._runs.values():
                run.outputs = {
                    name: variable
                    for name, variable in run.outputs.items()
                    if variable not in outputs.values()
                }
            for variable in outputs.values():
                self._waiting.pop(variable, None)
            self._runs[token] = _Run(dict(outputs), most)
            for old in list(self._runs)[:-_KEPT_RUNS]:
                del self._runs[old]
            if self._widget is None:
                self._widget = _widget()
                self._widget.on_msg(self.receive)
            self._widget.runs = {known: list(run.outputs) for known, run in self._runs.items()}

    def receive(self, _: object, content: Any, buffers: Sequence[memoryview]) -> None:
        """Take a message of a frame; one that is none of ours is dropped, one that cannot be read is answered."""
        with self._lock:
            run = self._runs.get(str(content.get("token"))) if isinstance(content, dict) else None
            if run is None:
                return
            instance, name = content.get("instance"), content.get("name")
            run.first = run.first or instance
            # A frame that is drawn again sends again what it sent at first: that is no choice of the analyst.
            is_redrawn = instance != run.first
            if (
                not isinstance(name, str)
                or name not in run.outputs
                or (is_redrawn and not content.get("acted"))
            ):
                return
            self._widget.send({"token": content["token"], "told": self._taken(run, content, buffers)})

    def _taken(self, run: _Run, content: Mapping[str, Any], buffers: Sequence[memoryview]) -> list[str]:
        """Take a value; what its frame shows: that it cannot be read, or what happened on its way."""
        name = content["name"]
        try:
            value, warnings = _read(content, buffers, run.most)
        except _BROKEN as error:
            return [f"{name} was not taken: {error}"]
        self._take(run.outputs[name], value)
        return list(warnings)

    def close(self) -> None:
        """Listen no longer; may be called twice."""
        for event, heard in (("pre_run_cell", self._begin), ("post_run_cell", self._end)):
            if heard in self._shell.events.callbacks[event]:
                self._shell.events.unregister(event, heard)
        with self._lock:
            self._runs.clear()
            self._waiting.clear()
            if self._widget is not None:
                self._widget.close()
                self._widget = None

    def _take(self, variable: str, value: Any) -> None:
        if self._running:
            self._waiting[variable] = value
        else:
            self._bind(variable, value)

    def _begin(self, _: object) -> None:
        with self._lock:
            self._running += 1

    def _end(self, _: object) -> None:
        with self._lock:
            self._running = max(0, self._running - 1)
            if self._running:
                return
            for variable, value in self._waiting.items():
                self._bind(variable, value)
            self._waiting.clear()


def _read(
    content: Mapping[str, Any], buffers: Sequence[memoryview], most: int
) -> tuple[Any, tuple[str, ...]]:
    """The DataFrame or the value that a message carries, and warnings."""
    import pyarrow as pa

    from kqlmagic_ext.frames import read_arrow, read_envelope

    text, name = content.get("json"), content["name"]
    size = sum(buffer.nbytes for buffer in buffers) if text is None else len(text.encode())
    if size > most:
        raise ValueError(f"it has {size:,} bytes, and at most {most:,} come back")
    if text is not None:
        return read_envelope(json.loads(text), name)
    table = pa.ipc.open_file(pa.BufferReader(bytes(buffers[0]))).read_all()
    table.validate(full=True)
    return read_arrow(table, name)


def _widget() -> Any:
    """The widget; its library is imported when a cell first needs it."""
    import anywidget
    import traitlets

    class BrowserRelay(anywidget.AnyWidget):
        _esm = (Path(__file__).parent / "relay.js").read_text("utf-8")
        runs = traitlets.Dict().tag(sync=True)

    return BrowserRelay()
