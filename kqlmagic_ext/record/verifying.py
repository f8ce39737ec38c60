"""Whether what a case keeps is what its records say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqlmagic_ext.errors import KqlMagicError
from kqlmagic_ext.record.canonical import content_hash
from kqlmagic_ext.record.compare import verdict
from kqlmagic_ext.record.results import ResultGone

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    import pandas as pd
    import pyarrow as pa

    from kqlmagic_ext.record.records import KeptTable, Record
    from kqlmagic_ext.record.store import Store

_REWRITTEN = "its content is right, but the bytes of its file are not those that were written"
_ORDER = ("damaged", "gone", "evicted", "not kept", "whole")


def state_of(store: Store, record: Record, written: Collection[tuple[str, str]]) -> tuple[str, str]:
    """`whole`, `damaged`, `gone`, `evicted` or `not kept`, and why.

    `written`: the hashes of content and file that any record of the case tells, since equal answers share a file, which is
    written again when it was taken away. Raises OSError when the folder cannot be read.
    """
    if record.kind != "query" or record.lost or not record.tables or record.wanted == "queries":
        return "not kept", store.state(record).removeprefix("not kept: ")
    states = [_table_state(store, table, written) for table in record.tables]
    return min(states, key=lambda state: _ORDER.index(state[0]))


def _table_state(store: Store, table: KeptTable, written: Collection[tuple[str, str]]) -> tuple[str, str]:
    if not table.file_sha256:
        return "not kept", store.results.problem(table)
    if problem := store.results.problem(table):
        return ("evicted" if store.results.is_evicted(table) else "gone"), problem
    try:
        store.table(table)
    except ResultGone as error:
        return "damaged", str(error)
    if (table.sha256, store.results.file_hash(table)) not in written:
        return "damaged", _REWRITTEN
    return "whole", ""


def verification(rows: Sequence[tuple[str, ...]], *, again: bool) -> pd.DataFrame:
    """One row a record: `id`, `state`, `why`, and with `again` what became of the query that ran again (all str)."""
    import pandas as pd

    columns = ["id", "state", "why", *["again"] * again]
    return pd.DataFrame(
        {name: [row[place] for row in rows] for place, name in enumerate(columns)}, dtype="str"
    )


def compared(store: Store, record: Record, tables: Sequence[pa.Table], checkpoint: Callable[[], None]) -> str:
    """What the answer of today is to the one that the record tells: `same`, or how it differs."""
    if len(tables) != len(record.tables):
        return f"changed, {len(tables)} tables, there were {len(record.tables)}"
    said = [_told(store, kept, table, checkpoint) for kept, table in zip(record.tables, tables, strict=True)]
    if len(said) == 1:
        return said[0]
    return (
        "same" if set(said) == {"same"} else "; ".join(f"table {n}: {one}" for n, one in enumerate(said, 1))
    )


def _told(store: Store, kept: KeptTable, table: pa.Table, checkpoint: Callable[[], None]) -> str:
    if kept.sha256 and content_hash(table, checkpoint) == kept.sha256:
        return "same"
    try:
        return str(verdict(store.table(kept), table))
    except ResultGone as error:
        return f"not the same bytes, and its rows cannot be compared: {error}"
    except KqlMagicError as error:
        return f"cannot be compared: {error}"
