"""Arrow → pandas: each KQL type in its own dtype, in memory that the analyst may write into."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.frames.collector import paused_collector
from kqlmagic_ext.frames.json_text import json_strides
from kqlmagic_ext.frames.types import UNTOLD, kql_type, refuse_twins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd
    import pyarrow as pa


_DYNAMIC_STRIDE = 50_000
_OBJECTS = frozenset({"decimal", "dynamic"})
_MASKED = {"bool": "BooleanDtype", "int": "Int32Dtype", "long": "Int64Dtype"}


def frame_from_arrow(table: pa.Table, checkpoint: Callable[[], None] = lambda: None) -> pd.DataFrame:
    """The DataFrame of an Arrow table, with the pandas dtypes of the type table above.

    `checkpoint` is called between columns and every 50,000 dynamic values: what it raises ends the work. Its `attrs` tell the
    types of columns of objects: without a value in them nothing else does. Raises QueryError for two columns of one name.
    """
    import pandas as pd

    refuse_twins(table.column_names)
    arrays = {}
    with paused_collector():
        for field, column in zip(table.schema, table.columns, strict=True):
            checkpoint()
            arrays[field.name] = _pandas_column(kql_type(field), column, checkpoint)
    frame = pd.DataFrame(arrays, index=pd.RangeIndex(table.num_rows), copy=False)
    untold = {field.name: kql_type(field) for field in table.schema if kql_type(field) in _OBJECTS}
    if untold:
        frame.attrs[UNTOLD] = untold
    return frame


def _pandas_column(kind: str, column: pa.ChunkedArray, checkpoint: Callable[[], None]) -> Any:
    import pandas as pd

    if kind in _MASKED:
        return getattr(pd, _MASKED[kind])().__from_arrow__(column)  # pandas copies Arrow's read-only memory
    if kind in ("string", "guid"):
        return _strings(column.fill_null("") if kind == "string" and column.null_count else column)
    if kind == "datetime":
        column = _in_nanoseconds(column)
        array = pd.DatetimeTZDtype(column.type.unit, "UTC").__from_arrow__(column)
        return array.copy() if column.num_chunks == 1 else array  # several chunks are copied already
    if kind == "timespan":
        return _in_nanoseconds(column).to_pandas().copy()
    if kind == "dynamic":
        return _objects(column, checkpoint)
    return column.to_pandas().copy()


def _strings(column: pa.ChunkedArray) -> Any:
    """Text as pandas keeps it, with wide offsets; in the system's memory pool, where less is wasted."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wide = pc.cast(column, pa.large_string(), memory_pool=pa.system_memory_pool())
    return _string_dtype().__from_arrow__(wide)


def _string_dtype() -> Any:
    """The string dtype of pandas 3 (`str`), its preview on pandas 2."""
    import numpy as np
    import pandas as pd

    try:
        return pd.StringDtype("pyarrow", na_value=np.nan)
    except TypeError:  # pandas 2.2
        return pd.StringDtype("pyarrow_numpy")  # type: ignore[call-overload, unused-ignore]  # 2.2 alone knows the name


def _in_nanoseconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column in nanoseconds, or as it was where a value lies beyond what nanoseconds can count."""
    import pyarrow as pa

    target = pa.timestamp("ns", "UTC") if pa.types.is_timestamp(column.type) else pa.duration("ns")
    try:
        return column.cast(target)
    except pa.ArrowInvalid:
        return column


def _objects(column: pa.ChunkedArray, checkpoint: Callable[[], None]) -> pd.Series[Any]:
    """Each JSON text as the Python object it tells."""
    import numpy as np
    import pandas as pd

    def strides() -> Iterator[list[Any]]:
        for start in range(0, len(column), _DYNAMIC_STRIDE):
            checkpoint()
            yield from json_strides(column.slice(start, _DYNAMIC_STRIDE))

    # Not made of a list: numpy would take a list of equal lists for a table.
    objects = np.fromiter(chain.from_iterable(strides()), object, len(column))
    return pd.Series(objects, dtype=object)
