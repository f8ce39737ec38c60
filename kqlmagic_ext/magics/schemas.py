"""What is known for typing without asking anybody: a connection's tables, the frames of a cell, keys of dynamic columns."""

from __future__ import annotations

import threading
import weakref
from collections import ChainMap, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections import Catalog
from kqlmagic_ext.errors import KqlMagicError
from kqlmagic_ext.kql.known_tables import known_tables
from kqlmagic_ext.kql.language_service import Schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from kqlmagic_ext.connections import Connection
    from kqlmagic_ext.query import Result

    Tables = Mapping[str, Mapping[str, str]]

_FRAME_ROWS = 20  # of a frame, to tell types that its dtypes do not
_RESULTS = 16  # whose keys are looked for
_KEY_ROWS, _KEY_DEPTH, _KEYS, _PATHS = 50, 3, 200, 500


@dataclass(eq=False)
class _Listing:
    """What a connection has told of its tables, and whether it was asked; one that has answered asks nobody to sign in."""

    tables: Tables = field(default_factory=dict)
    has_answered: bool = False
    is_asked: bool = False


class Schemas:
    """Schemas by connection. Nothing here waits for a network or reads a table."""

    def __init__(self) -> None:
        self._listings: dict[int, _Listing] = {}
        self._frames: dict[str, tuple[object, Mapping[str, str]]] = {}
        self._recent: deque[weakref.ref[pd.DataFrame]] = deque(maxlen=_RESULTS)
        self._keys: dict[str, tuple[str, ...]] = {}
        self._last: tuple[Tables, Mapping[str, object], Schema] | None = None
        self._lock = threading.Lock()

    def learn(self, connection: Connection, result: Result) -> None:
        """Take note of an answer: what it and its connection tell is looked at when Tab is pressed."""
        with self._lock:
            self._recent.extend(weakref.ref(frame) for frame in result.frames)
        listing = self._listing(connection)
        listing.has_answered = True
        if _is_local(connection):
            listing.is_asked = False  # a table may have been read, so that its columns are known now

    def schema(self, connection: Connection | None, frames: Mapping[str, Any]) -> Schema:
        """What is known for a query to a connection with some frames; the same object while nothing has changed."""
        tables = self._tables(connection)
        given = {name: self._frame(name, frame) for name, frame in frames.items()}
        keys = self._learnt_keys()
        with self._lock:
            last = self._last
            if last is not None and last[0] is tables and last[1] == {**given, "": keys}:
                return last[2]
            every: Tables = ChainMap(given, tables) if given else tables  # type: ignore[arg-type]  # it is only read
            schema = Schema(every, keys)
            self._last = (tables, {**given, "": keys}, schema)
        return schema

    # ------------------------------------------------------------ connections

    def _listing(self, connection: Connection) -> _Listing:
        """What a connection has told, as long as it lives; by identity, since a user's own need not be hashable."""
        key = id(connection)
        with self._lock:
            if key not in self._listings:
                try:
                    weakref.finalize(connection, self._listings.pop, key, None).atexit = False
                except (
                    TypeError
                ):  # one with slots alone, whose end nobody hears: another may have its number then
                    return _Listing()
                self._listings[key] = _Listing()
            return self._listings[key]

    def _tables(self, connection: Connection | None) -> Tables:
        """The tables of a connection as far as they are known, else those of Log Analytics."""
        if connection is None or not isinstance(connection, Catalog):
            return known_tables(hunting=True)
        listing = self._listing(connection)
        if _is_local(connection):
            if not listing.is_asked:
                _ask(connection, listing)  # names, and what was read already: no file is read for it
                listing.is_asked = True
            return listing.tables
        if listing.has_answered and not listing.is_asked:
            listing.is_asked = True
            threading.Thread(
                target=_ask, args=[connection, listing], name="kqlmagic_ext catalogue", daemon=True
            ).start()
        return listing.tables or known_tables(hunting=True)

    # ------------------------------------------------------------ frames

    def _frame(self, name: str, frame: Any) -> Mapping[str, str]:
        """The columns of a frame that a cell is given, with the KQL types in which they would cross."""
        stamp = (id(frame), _stamp(frame))
        kept = self._frames.get(name)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        columns = _columns(frame, name)
        self._frames[name] = (stamp, columns)
        return columns

    # ------------------------------------------------------------ keys

    def _learnt_keys(self) -> Mapping[str, tuple[str, ...]]:
        """The keys of dynamic columns of the last answers that are still alive, by path."""
        with self._lock:
            waiting, self._recent = list(self._recent), deque(maxlen=_RESULTS)
        if not waiting:
            return self._keys
        found: dict[str, dict[str, None]] = {path: dict.fromkeys(keys) for path, keys in self._keys.items()}
        for frame in (reference() for reference in waiting):
            if frame is not None:
                _find_keys(frame, found)
        kept = list(found.items())[-_PATHS:]
        self._keys = {path: tuple(keys)[:_KEYS] for path, keys in kept}
        return self._keys


def _is_local(connection: Connection) -> bool:
    return str(getattr(connection, "url", "")).startswith("local://")


def _ask(connection: Catalog, listing: _Listing) -> None:
    """Ask a connection for its tables; where it cannot tell, what it told before stays, and it is asked after its next answer."""
    try:
        tables = connection.tables()
    except KqlMagicError:
        listing.has_answered = listing.is_asked = False
        return
    known = known_tables(hunting=True)
    found = {table.name: table.columns or known.get(table.name, {}) for table in tables}
    if listing.tables != found:  # else the same object stays, by which answers are kept
        listing.tables = found


def _stamp(frame: Any) -> str:
    """What changes when a frame's columns do."""
    dtypes = getattr(frame, "dtypes", None)
    if dtypes is None:
        return str(getattr(frame, "schema", ""))
    return f"{[*map(str, frame.index.names)]} {[(str(name), str(dtype)) for name, dtype in dtypes.items()]}"


def _columns(frame: Any, name: str) -> Mapping[str, str]:
    from kqlmagic_ext.frames import arrow_from_frame, kql_type

    some = frame.head(_FRAME_ROWS) if hasattr(frame, "head") else frame.slice(0, _FRAME_ROWS)
    try:
        table, _ = arrow_from_frame(some, name)
    except (
        KqlMagicError
    ):  # it cannot cross, and running the cell says why; its names can be typed all the same
        return {str(label): "" for label in getattr(frame, "columns", ())}
    return {field.name: kql_type(field) for field in table.schema}


def _find_keys(frame: pd.DataFrame, found: dict[str, dict[str, None]]) -> None:
    for label, dtype in frame.dtypes.items():
        if dtype.kind == "O":
            for value in frame[label].head(_KEY_ROWS):
                for path, key in _paths(str(label), value, _KEY_DEPTH):
                    found.setdefault(path, {})[key] = None


def _paths(path: str, value: object, depth: int) -> Iterator[tuple[str, str]]:
    """Each path of a dynamic value with a key below it; the places of arrays are left out."""
    if depth == 0:
        return
    if isinstance(value, list):
        for item in value[:_KEY_ROWS]:
            yield from _paths(path, item, depth)
    elif isinstance(value, dict):
        for key, below in list(value.items())[:_KEYS]:
            if isinstance(key, str) and key.isidentifier():
                yield path, key
                yield from _paths(f"{path}.{key}", below, depth - 1)
