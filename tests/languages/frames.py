"""Frames of every type for property tests: what each type can hold, at its edges, too."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pandas as pd
from hypothesis import strategies as st

_TICKS_NS = 2**63 // 100 - 1
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "key", "Ω"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def _times(ticks: int) -> int:
    return ticks * 100


# A decimal column is of one width: its numbers together have at most .NET's 28 digits.
CELLS: dict[str, tuple[st.SearchStrategy[Any], str]] = {
    "bool": (st.booleans(), "boolean"),
    "int": (st.integers(-(2**31), 2**31 - 1), "Int32"),
    "long": (st.integers(-(2**63), 2**63 - 1), "Int64"),
    "real": (st.floats(allow_nan=False), "float64"),
    "decimal": (st.decimals(-(10**14), 10**14, places=10), "object"),
    "string": (_TEXT, "str"),
    "datetime": (st.integers(-_TICKS_NS, _TICKS_NS).map(_times), "datetime"),
    "timespan": (st.integers(-_TICKS_NS, _TICKS_NS).map(_times), "timespan"),
    "guid": (st.uuids(), "object"),
    "dynamic": (_JSON, "object"),
}


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """A frame of some columns and rows; each column of one type, with nulls among its values."""
    rows = draw(st.integers(0, 4))
    kinds = draw(st.lists(st.sampled_from(list(CELLS)), min_size=1, max_size=4))
    columns = {f"{kind} {at}": draw(column(kind, rows)) for at, kind in enumerate(kinds)}
    return pd.DataFrame(columns)


@st.composite
def column(draw: st.DrawFn, kind: str, rows: int) -> pd.Series[Any]:
    cells, dtype = CELLS[kind]
    nullable = cells if kind in ("string", "dynamic") else st.none() | cells
    values = draw(st.lists(nullable, min_size=rows, max_size=rows))
    if kind == "datetime":
        return pd.Series(pd.to_datetime(pd.array(values, "Int64"), utc=True))
    if kind == "timespan":
        return pd.Series(pd.to_timedelta(pd.array(values, "Int64")))
    if kind == "guid" and not any(isinstance(value, UUID) for value in values):
        return pd.Series(values, dtype="boolean")  # without one, nothing tells that it is of guids
    if kind == "decimal" and not any(isinstance(value, Decimal) for value in values):
        return pd.Series(values, dtype="float64")
    return pd.Series(values, dtype=dtype)
