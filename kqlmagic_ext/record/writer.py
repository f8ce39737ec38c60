"""Keeps records in the background, in their order: a cell never waits for the disk, and never fails because of it."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from contextlib import suppress
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from kqlmagic_ext.record.canonical import content_hash
from kqlmagic_ext.record.drafts import Lineage
from kqlmagic_ext.record.results import described

if TYPE_CHECKING:
    from collections.abc import Callable

    from kqlmagic_ext.record.drafts import Draft
    from kqlmagic_ext.record.records import Record
    from kqlmagic_ext.record.store import Store

QUEUE_BYTES = 1 << 30
_PACKAGES = ("kqlmagic_ext", "pandas", "pyarrow", "duckdb", "duckdb-kql", "azure-monitor-query")
_FULL = "the queue of answers to keep was full"


class Writer:
    """One thread that keeps drafts in a store. `budget`: the bytes that all results of the case may take."""

    def __init__(self, store: Store, budget: Callable[[], int], queue_bytes: int = QUEUE_BYTES) -> None:
        self._store, self._budget, self._room = store, budget, queue_bytes
        self._lineage = Lineage(store)
        self._drafts: deque[tuple[Draft, int]] = deque()  # with the bytes that each holds
        self._held = 0
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None
        self.lost: list[Record] = []  # what could not be written at all
        self.problem = ""  # why the last record or result was not kept

    def put(self, draft: Draft) -> None:
        """Have the draft kept; beyond the queue's bytes its tables are not."""
        size = draft.bytes
        with self._changed:
            if size and self._drafts and self._held + size > self._room:
                draft, size, self.problem = draft.outlined(_FULL), 0, _FULL
            self._drafts.append((draft, size))
            self._held += size
            self._start()
            self._changed.notify_all()

    def waiting(self) -> list[Record]:
        """The records that are not on the disk yet."""
        with self._changed:
            return [draft.record for draft, _ in self._drafts]

    def flush(self, timeout: float | None = None, number: int | None = None) -> bool:
        """Wait until all (or the record of that number) are on the disk or lost; False when the time (seconds) is over before."""
        end = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while any(number in (None, draft.record.number) for draft, _ in self._drafts):
                self._start()
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

    def _start(self) -> None:
        """Have the thread at work, another one where it has died."""
        if self._thread is None or not self._thread.is_alive():
            # A daemon: at exit, Python waits for other threads before it lets us say that they should end.
            self._thread = threading.Thread(target=self._work, name="kqlmagic_ext record", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        self._guarded(self._store.open)
        while (draft := self._next()) is not None:
            self._keep(draft)
            with self._changed:
                self._held -= self._drafts.popleft()[1]
                self._changed.notify_all()

    def _next(self) -> Draft | None:
        """The oldest draft, once there is one; None when no more will come."""
        with self._changed:
            while not self._drafts:
                if self._closing:
                    return None
                self._changed.wait()
            return self._drafts[0][0]

    def _keep(self, draft: Draft) -> None:
        """Have it on the disk; an answer that cannot be is left out, and a record that cannot be is remembered as lost."""
        record, why = self._told(draft)
        tables = draft.tables if record.wanted == "full" and not why else ()
        if tables:
            why = self._guarded(lambda: self._store.keep(record, tables))
            if not why:
                self._guarded(lambda: self._store.stay_within(self._budget()))
                return
        if why:
            record = record.with_(lost=why)
        if why := self._guarded(lambda: self._store.keep(record)):
            self.lost.append(record.with_(lost=why))

    def _told(self, draft: Draft) -> tuple[Record, str]:
        """The record with the hashes of its tables; or only their shapes, and why."""
        found: list[Record] = []
        why = self._guarded(lambda: found.append(self._hashed(draft)))
        record = found[0] if found else draft.outlined(why).record
        return record.with_(versions=self._versions), why

    def _hashed(self, draft: Draft) -> Record:
        inputs = {name: self._lineage.told(table, origin) for name, (table, origin) in draft.inputs.items()}
        tables = tuple(described(table, content_hash(table)) for table in draft.tables)
        return draft.record.with_(inputs=inputs or draft.record.inputs, tables=tables or draft.record.tables)

    @cached_property
    def _versions(self) -> dict[str, str]:
        """Of what makes the answers."""
        found = {"python": sys.version.partition(" ")[0]}
        for name in _PACKAGES:
            with suppress(PackageNotFoundError):
                found[name] = version(name)
        return found

    def _guarded(self, work: Callable[[], object]) -> str:
        """Do it; why it could not be done, empty when it was."""
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - whatever one answer does, the next ones are kept; the history says why
            self.problem = f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}"
            return self.problem
        return ""
