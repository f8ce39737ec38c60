"""Whether what is kept is what the record says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqlmagic_ext.record.canonical import content_hash
from kqlmagic_ext.record.results import ResultGone

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from kqlmagic_ext.record.records import Record
    from kqlmagic_ext.record.store import Store


def checked(store: Store, record: Record) -> tuple[str, str]:
    """`whole`, or why the answer is not; and whether its files have the very bytes that were written."""
    if not record.tables:
        return f"no answer: {store.state(record)}", ""
    try:
        for table in record.tables:
            store.table(table)
    except ResultGone as why:
        return str(why), _bytes(store, record)
    return "whole", _bytes(store, record)


def _bytes(store: Store, record: Record) -> str:
    try:
        written = all(store.results.is_as_written(table) for table in record.tables)
    except OSError:
        return ""
    return "as written" if written else "other bytes"


def same_hashes(record: Record, tables: Sequence[pa.Table]) -> bool:
    """Whether an answer is the very one of the record, in the very order of its rows."""
    return [content_hash(table) for table in tables] == [table.sha256 for table in record.tables]
