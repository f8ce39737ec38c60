"""Keeps records in the background, in their order: a cell never waits for the disk, and never fails because of it."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from kqlmagic_ext.record.canonical import content_hash
from kqlmagic_ext.record.drafts import Draft, Lineage
from kqlmagic_ext.record.results import described

if TYPE_CHECKING:
    from collections.abc import Callable

    from kqlmagic_ext.record.records import FrameInput, Record
    from kqlmagic_ext.record.store import Store

QUEUE_BYTES = 1 << 30
_PACKAGES = ("kqlmagic_ext", "pandas", "pyarrow", "duckdb", "duckdb-kql", "azure-monitor-query")
_FULL = "the queue of answers to keep was full"


class Writer:
    """One thread that keeps drafts in a store. `budget`: the bytes that all results of the case may take."""

    def __init__(self, store: Store, budget: Callable[[], int], queue_bytes: int = QUEUE_BYTES) -> None:
        self._store, self._budget, self._room = store, budget, queue_bytes
        self._lineage = Lineage(store)
        self._drafts: deque[Draft] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None
        self.lost: list[Record] = []  # what could not be written at all
        self.problem = ""  # why the last record or result was not kept

    def put(self, draft: Draft) -> None:
        """Have the draft kept; beyond the queue's bytes its answer is not."""
        with self._changed:
            waiting = sum(one.bytes for one in self._drafts)
            if draft.tables and self._drafts and waiting + draft.bytes > self._room:
                draft = _without_tables(draft, _FULL)
                self.problem = _FULL
            self._drafts.append(draft)
            if self._thread is None:
                # A daemon: at exit, Python waits for other threads before it lets us say that they should end.
                self._thread = threading.Thread(target=self._work, name="kqlmagic_ext record", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def waiting(self) -> list[Record]:
        """The records that are not on the disk yet."""
        with self._changed:
            return [draft.record for draft in self._drafts]

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all are on the disk or lost; False when the time (seconds) is over before."""
        end = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while self._drafts:
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    return False
                self._changed.wait(min(0.1, left) if left is not None else 0.1)  # an interrupt is heard
        return True

    def close(self, timeout: float | None = None) -> bool:
        """Keep what waits, then end; False when the time is over before all is kept."""
        done = self.flush(timeout)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        return done

    def _work(self) -> None:
        self._guarded(self._store.open)
        while True:
            with self._changed:
                while not self._drafts:
                    if self._closing:
                        return
                    self._changed.wait()
                draft = self._drafts[0]
            self._keep(draft)
            with self._changed:
                self._drafts.popleft()
                self._changed.notify_all()

    def _keep(self, draft: Draft) -> None:
        """Have it on the disk; an answer that cannot be is left out, and a record that cannot be is remembered as lost."""
        why = self._guarded(lambda: self._write(draft))
        if why and draft.tables:
            why = self._guarded(lambda: self._write(_without_tables(draft, why)))
        if why:
            self.lost.append(draft.record.with_(lost=why))

    def _write(self, draft: Draft) -> None:
        record = draft.record.with_(versions=_versions(), inputs=self._inputs(draft))
        if draft.tables:
            tables = tuple(described(table, content_hash(table)) for table in draft.tables)
            record = record.with_(tables=tables)
        self._store.keep(record, draft.tables if record.wanted == "full" else ())
        if record.wanted == "full" and draft.tables:
            self._store.stay_within(self._budget())

    def _inputs(self, draft: Draft) -> dict[str, FrameInput]:
        return {name: self._lineage.told(table, origin) for name, (table, origin) in draft.inputs.items()}

    def _guarded(self, work: Callable[[], object]) -> str:
        """Do it; why it could not be done, empty when it was."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever one answer does, the next ones are kept; the history says why
            self.problem = f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}"
            return self.problem
        return ""


def _without_tables(draft: Draft, why: str) -> Draft:
    """The draft without its answer, whose shape the record still tells."""
    shapes = tuple(described(table, "") for table in draft.tables)
    return Draft(draft.record.with_(tables=shapes, lost=why), (), draft.inputs)


def _versions() -> dict[str, str]:
    found = {"python": sys.version.partition(" ")[0]}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
