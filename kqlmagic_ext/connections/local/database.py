"""The embedded DuckDB: in memory, cut off from files and network, in UTC, one cursor a query."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import weakref
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from kqlmagic_ext.connections.local.sql import quote_text
from kqlmagic_ext.errors import ConnectError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from duckdb import DuckDBPyConnection

    from kqlmagic_ext.connections.local.functions.in_python import PythonFunction
    from kqlmagic_ext.connections.worker import Cancellation

DEFAULT_MEMORY = "70%"
_PREFIX = "kqlmagic_ext-"
_ORPHAN_S = 86_400
_CLOSING_S = 2
_CONFIG = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",  # a name in a query never finds a Python variable
    "allow_community_extensions": "false",
}


class Database:
    """The DuckDB behind one workspace.

    `attached`: a DuckDB file, read-only, as the database `ws`. `folders`, `files`: what views may read;
    nothing else is reachable. `memory_limit`: DuckDB's, such as `8GB` or `70%`; beyond it, queries spill to `scratch`.
    """

    def __init__(
        self,
        *,
        attached: Path | None = None,
        folders: Iterable[Path] = (),
        files: Iterable[Path] = (),
        memory_limit: str | None = None,
    ) -> None:
        import duckdb

        # The folder removes itself when the last user lets go, at the latest at exit.
        self._scratch = tempfile.TemporaryDirectory(
            prefix=f"{_PREFIX}{os.getpid()}-", ignore_cleanup_errors=True
        )
        self.scratch = self._scratch.name
        _remove_orphans()
        self._root = duckdb.connect(config=dict(_CONFIG))
        self._working: set[DuckDBPyConnection] = set()
        self._finalizer = weakref.finalize(self, _close, self._root, self._working, self._scratch)
        try:
            self._set_up(
                attached, [*map(str, folders), self.scratch], [str(file) for file in files], memory_limit
            )
        except duckdb.Error as error:
            self.close()
            raise ConnectError(f"the embedded engine cannot start: {str(error).splitlines()[0]}") from error

    def _set_up(
        self, attached: Path | None, folders: list[str], files: list[str], memory_limit: str | None
    ) -> None:
        run = self._root.execute
        run("SET GLOBAL TimeZone='UTC'")  # a cursor would have the system's zone
        run(f"SET GLOBAL memory_limit={quote_text(memory_limit or DEFAULT_MEMORY)}")
        run("CREATE SCHEMA data")
        if attached is not None:
            run(f"ATTACH {quote_text(str(attached))} AS ws (READ_ONLY)")
        # The order matters: once external access is off, neither the folders nor temp_directory can be set.
        run(f"SET allowed_directories=[{', '.join(map(quote_text, folders))}]")
        if files:
            run(f"SET allowed_paths=[{', '.join(map(quote_text, files))}]")
        run(f"SET temp_directory={quote_text(self.scratch)}")
        run("SET enable_external_access=false")

    def add_functions(self, functions: Iterable[PythonFunction], macros: Iterable[str] = ()) -> None:
        """Make functions of Python and macros of SQL known to every query."""
        for function in functions:
            function.register(self._root)
        for macro in macros:
            self._root.execute(macro)

    def cursor(self) -> DuckDBPyConnection:
        """A cursor of its own: its temporary views are seen by no other, and end with it."""
        return self._root.cursor()

    @contextmanager
    def working(self, cancellation: Cancellation) -> Iterator[DuckDBPyConnection]:
        """A cursor for one piece of work, which a cancellation interrupts; it closes with the work."""
        with closing(self.cursor()) as cursor, cancellation.stopping(lambda: interrupt(cursor)):
            self._working.add(cursor)
            try:
                yield cursor
            finally:
                self._working.discard(cursor)

    @property
    def closed(self) -> bool:
        """Whether the database has ended."""
        return not self._finalizer.alive

    def close(self) -> None:
        """End the database and remove its scratch folder; may be called twice."""
        self._finalizer()


def _close(
    root: DuckDBPyConnection, working: set[DuckDBPyConnection], scratch: tempfile.TemporaryDirectory[str]
) -> None:
    """Stop what still runs, such as the straggler of an interrupted query, then close."""
    deadline = time.monotonic() + _CLOSING_S
    while not _closed(root, working) and time.monotonic() < deadline:
        scratch.cleanup()  # at once: a kernel that shuts down is killed before a straggler has heard
        time.sleep(0.05)
    scratch.cleanup()


def _closed(root: DuckDBPyConnection, working: set[DuckDBPyConnection]) -> bool:
    """Whether the database could be closed; it refuses while a query runs."""
    import duckdb

    for cursor in tuple(working):
        interrupt(cursor)
    try:
        root.close()
    except duckdb.Error:
        return False
    return True


def interrupt(cursor: DuckDBPyConnection) -> None:
    """Stop what runs on the cursor, if it is still open."""
    import duckdb

    with suppress(duckdb.ConnectionException):
        cursor.interrupt()


def _remove_orphans() -> None:
    """Remove the scratch folders that processes left when they were killed: they may hold rows of logs.

    Only those a day old: a container that shares the folder has process ids of its own.
    """
    if os.name != "posix":  # elsewhere os.kill would end the process that it asks for
        return
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        with suppress(OSError):  # another process may remove it first
            state = folder.lstat()
            ours = owner.isdecimal() and state.st_uid == os.getuid()
            if ours and time.time() - state.st_mtime > _ORPHAN_S and not _runs(int(owner)):
                shutil.rmtree(folder, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
