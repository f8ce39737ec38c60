"""What is kept, verified; and queries that run again over the times of then, compared with what came then."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from kqlmagic_ext.connections.worker import interruptible
from kqlmagic_ext.errors import KqlMagicError, PartialResultError
from kqlmagic_ext.magics.again import connection_of, is_embedded, query_of
from kqlmagic_ext.magics.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

    from kqlmagic_ext.magics.places import Places
    from kqlmagic_ext.record.records import Record
    from kqlmagic_ext.record.store import Store


class Verification:
    """The verification of a case's records; `named` is the connection that is asked in place of the records' own."""

    def __init__(self, shell: InteractiveShell, places: Places, store: Store, named: str | None) -> None:
        self._shell, self._places, self._store, self._named = shell, places, store, named

    def frame(self, records: Sequence[Record], *, again: bool, everything: bool) -> pd.DataFrame:
        """One row a record; `everything`: also a row for each record that cannot be read."""
        from kqlmagic_ext.record.records import number_of
        from kqlmagic_ext.record.verifying import verification

        known = frozenset(
            (table.sha256, table.file_sha256) for record in self._store.history() for table in record.tables
        )
        damaged = self._store.unreadable() if everything else []
        rows = [self._row(record, known, again=again) for record in records if record.id not in damaged]
        rows += [(identity, "damaged", "its record cannot be read", "") for identity in damaged]
        return verification(
            sorted(rows, key=lambda row: number_of(row[0])) if everything else rows, again=again
        )

    def _row(self, record: Record, known: frozenset[tuple[str, str]], *, again: bool) -> tuple[str, ...]:
        from kqlmagic_ext.record.verifying import state_of

        state = interruptible(lambda _: state_of(self._store, record, known))
        return (record.id, *state, self._again(record) if again else "")

    def lines(self, frame: pd.DataFrame, *, again: bool) -> list[str]:
        """`12 records: 10 whole, 2 not kept`."""
        counts = frame["state"].value_counts()
        said = ", ".join(f"{count:,} {state}" for state, count in counts.items()) or "none"
        lines = [f"{len(frame):,} record{'s' * (len(frame) != 1)}: {said}"]
        return [*lines, *["the queries that ran again left no record"] * again]

    def _again(self, record: Record) -> str:
        """What the record's query gives today, against what it gave; empty for what has no query."""
        from kqlmagic_ext.record.replaying import NoReplay

        if record.kind != "query":
            return ""
        if not record.tables:
            return "not run: it failed then"
        if not record.complete:
            return "not run: rows were missing then"
        try:
            return self._compared(record)
        except (NoReplay, UsageError) as error:
            return f"not run: {error}"
        except PartialResultError as error:
            return f"cannot be compared: rows are missing today: {error}"
        except KqlMagicError as error:
            return f"failed: {error}"

    def _compared(self, record: Record) -> str:
        from kqlmagic_ext.record.replaying import is_moving, window_of
        from kqlmagic_ext.record.verifying import compared

        connection = self._places.choose(self._named) if self._named else connection_of(self._places, record)
        if is_moving(record.text) and not is_embedded(connection):
            return "moving window: its text asks for now() or ago(), which this place cannot be told"
        query = query_of(self._store, record, {}, self._shell.user_ns)
        then = (
            datetime.fromisoformat(record.origin.get("start", record.time))
            if is_embedded(connection)
            else None
        )
        query = replace(query, timespan=window_of(record), now=then)
        with Progress(self._shell) as progress:
            result = connection.run(query, progress)
        return interruptible(lambda work: compared(self._store, record, result.tables, work.check))
