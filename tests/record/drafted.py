"""What the tests of the store write and ask."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from kqlmagic_ext.frames import kql_field
from kqlmagic_ext.record.drafts import Draft
from kqlmagic_ext.record.records import Record, sealed
from kqlmagic_ext.record.store import Store
from kqlmagic_ext.record.writer import Writer
from tests.notebook import Notebook

ROOT = Path(__file__).parents[2]
TIME = "2026-11-01T00:00:00Z"


def history(case: Notebook) -> pd.DataFrame:
    frame: pd.DataFrame = case.value("%kql_history")
    return frame


def numbers(first: int, rows: int = 10) -> pa.Table:
    return pa.table([pa.array(range(first, first + rows))], schema=pa.schema([kql_field("n", "long")]))


def noise(rows: int) -> pd.DataFrame:
    """Eight bytes a row that no compression makes less."""
    return pd.DataFrame({"n": np.frombuffer(os.urandom(8 * rows), np.int64)})


def draft(store: Store, table: pa.Table) -> Draft:
    return Draft(store.begin(Record("", "", "query", TIME, text="T")), (table,))


def written(writer: Writer, store: Store, *tables: pa.Table) -> list[str]:
    """What the history says of drafts of these tables."""
    for table in tables:
        writer.put(draft(store, table))
    assert writer.flush(60)
    return [store.state(record) for record in store.history()]


@contextmanager
def slow_disk(store: Store) -> Iterator[None]:
    """Inside, nothing comes to the disk."""
    keep, gate = store.keep, threading.Event()

    def keep_late(*arguments: Any) -> Record:
        gate.wait()
        return keep(*arguments)

    store.keep = keep_late  # type: ignore[method-assign]
    try:
        yield
    finally:
        gate.set()


def edit(path: Path, **changes: Any) -> None:
    """Have a record's file tell something else, sealed anew: as somebody would who knows how."""
    told = json.loads(path.read_text("utf-8"))
    del told["record_sha256"]
    path.write_text(sealed(told | changes), "utf-8")
