"""The folder `queries/` beside the notebook: its files by name, what they hold, and Tab for their names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.completer import SimpleCompletion, context_matcher
from IPython.core.error import UsageError

from kqlmagic_ext.errors import QueryError
from kqlmagic_ext.magics.cells import cursor_of
from kqlmagic_ext.packs import SUFFIXES, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.completer import CompletionContext, SimpleMatcherResult

FOLDER = Path("queries")  # in the kernel's working folder
COLUMNS = ("name", "description", "parameters", "tactics", "timespan", "tests", "file", "remarks")
_NAME = re.compile(r"\w[\w-]{0,99}")
_BEING_NAMED = re.compile(r"%kql_run[ \t]+([^\s\"']*)\Z")


def path_of(name: str) -> Path:
    """The file of a name; UsageError for one that would lead elsewhere."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for a query: letters, digits, _ and -, at most 100")
    return FOLDER / f"{name}.kql"


def files() -> list[Path]:
    """The saved queries and rules of the folder, by name; of one name the `.kql` file first."""
    return sorted(path for path in FOLDER.glob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def find(target: str) -> Path:
    """The file of a saved query or a rule; UsageError when there is none."""
    path = Path(target).expanduser()
    if path.suffix.lower() in SUFFIXES:
        found = next((one for one in (path, FOLDER / path) if one.is_file()), None)
        if found is None:
            raise UsageError(f"there is no file {target}")
        return found
    for file in files():
        if file.stem == target:
            return file
    there = ", ".join(file.stem for file in files())
    raise UsageError(f"there is no saved query {target!r}; there is {there or 'none in queries/ yet'}")


def row_of(path: Path) -> tuple[Any, ...]:
    """What `%kql_queries` tells of a file, in the order of `COLUMNS`."""
    try:
        saved = read(path)
    except QueryError as error:
        return path.stem, "", "", "", "", None, str(path), str(error)
    parameters = ", ".join(f"{one.name}:{one.type}" for one in saved.parameters)
    tactics, tests = ", ".join(saved.tactics), len(saved.tests)
    return path.stem, saved.description, parameters, tactics, saved.timespan or "", tests, str(path), ""


def matcher() -> Callable[[CompletionContext], SimpleMatcherResult]:
    """What answers Tab behind `%kql_run`, for IPython's completer."""

    @context_matcher(identifier="kqlmagic_ext.packs")  # type: ignore[untyped-decorator,unused-ignore]
    def complete(context: CompletionContext) -> SimpleMatcherResult:
        match = _BEING_NAMED.search(context.full_text[: cursor_of(context)])
        if match is None:
            return {"completions": []}
        offered = [
            SimpleCompletion(file.stem, type="query") for file in files() if file.stem.startswith(match[1])
        ]
        return {"completions": offered, "matched_fragment": match[1], "suppress": bool(offered)}

    typed: Callable[[CompletionContext], SimpleMatcherResult] = complete
    return typed
