"""pandas → Arrow: how a frame crosses into KQL, a language or the record, whole or not at all."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import ParameterError
from kqlmagic_ext.frames.json_text import json_text
from kqlmagic_ext.frames.ticks import ticks_array
from kqlmagic_ext.frames.types import UNTOLD, arrow_type, kql_field, kql_type
from kqlmagic_ext.values import EPOCH_TICKS, NAIVE, Value, missing, refuse, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from decimal import Decimal

    import pandas as pd
    import pyarrow as pa

_SAID = b"kqlmagic_ext said"


def arrow_from_frame(frame: pd.DataFrame | pa.Table, name: str) -> tuple[pa.Table, tuple[str, ...]]:
    """The Arrow table of a DataFrame that crosses into KQL or a language, and what the analyst should know of it.

    Named index levels become leading columns; an unnamed index of integers (row numbers) is dropped. An Arrow table whose
    fields tell their KQL types crosses as it is; one that was made here tells what was said then, too.

    Raises
    ------
    ParameterError
        When the frame or a column cannot cross whole: it names the variable `name`, the column and the reason.
    """
    import pyarrow as pa

    fields, arrays = [], []
    warnings = [*_said_before(frame), *_naive(frame, name)]
    for label, kind, array in _typed_columns(frame, name):
        if kind == "string" and array.null_count:
            warnings.append(
                f'{name}[{label!r}]: {array.null_count:,} missing values crossed as "" (KQL has no null string)'
            )
            array = array.fill_null("")  # noqa: PLW2901 - the same column
        fields.append(kql_field(label, kind, array.type))
        arrays.append(array)
    said = {_SAID: json.dumps(warnings)} if warnings else None
    return pa.table(arrays, schema=pa.schema(fields, said)), tuple(warnings)


def _said_before(frame: pd.DataFrame | pa.Table) -> list[str]:
    """The warnings that an Arrow table, made here of a DataFrame, carries along."""
    metadata = getattr(getattr(frame, "schema", None), "metadata", None) or {}
    return [str(warning) for warning in json.loads(metadata.get(_SAID, b"[]"))]


def _naive(frame: pd.DataFrame | pa.Table, name: str) -> list[str]:
    """A warning for each column of times without a zone."""
    dtypes = getattr(frame, "dtypes", None)
    naive = (
        []
        if dtypes is None
        else [label for label, dtype in dtypes.items() if dtype.kind == "M" and not hasattr(dtype, "tz")]
    )
    return [f"{name}[{label!r}] {NAIVE}" for label in naive]


def _typed_columns(frame: pd.DataFrame | pa.Table, name: str) -> Iterator[tuple[str, str, Any]]:
    """Each column's name, KQL type and values in Arrow."""
    import pandas as pd
    import pyarrow as pa

    if isinstance(frame, pa.Table):
        _check_labels(frame, frame.column_names, name)
        if all(field.metadata and b"kql" in field.metadata for field in frame.schema):
            for field, column in zip(frame.schema, frame.columns, strict=True):
                yield field.name, kql_type(field), column
            return
        frame = frame.to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)
    untold = frame.attrs.get(UNTOLD, {})
    for label, series in _with_index_columns(frame, name).items():
        yield str(label), *_arrow_column(series, f"{name}[{label!r}]", untold.get(label))


def _with_index_columns(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    import pandas as pd

    if isinstance(frame.columns, pd.MultiIndex):
        raise refuse(name, frame, "its columns are a MultiIndex; flatten them first")
    if any(level is not None for level in frame.index.names):
        if None in frame.index.names:
            raise refuse(name, frame, "a level of its index has no name; name it or reset_index()")
        frame = _reset_index(frame, name)
    elif isinstance(frame.index, pd.MultiIndex) or not pd.api.types.is_integer_dtype(frame.index.dtype):
        raise refuse(
            name, frame, "its index has no name; name it (rename_axis) or drop it (reset_index(drop=True))"
        )
    _check_labels(frame, list(frame.columns), name)
    return frame


def _reset_index(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    try:
        return frame.reset_index()
    except ValueError as error:
        raise refuse(name, frame, f"an index level has the name of a column ({error})") from error


def _check_labels(frame: pd.DataFrame | pa.Table, labels: Sequence[Any], name: str) -> None:
    if not labels:
        raise refuse(name, frame, "it has no columns")
    twice = [label for label, count in Counter(labels).items() if count > 1]
    if twice:
        raise refuse(name, frame, f"it has two columns named {twice[0]!r}")
    seen: dict[str, str] = {}
    for label in labels:
        if not isinstance(label, str) or not label or "\x00" in label:
            raise refuse(name, frame, f"the column name {label!r} is not text that can name a column")
        twin = seen.setdefault(label.casefold(), label)
        if twin != label:
            raise refuse(name, frame, f"its columns {twin!r} and {label!r} differ only in case; rename one")


def _arrow_column(series: pd.Series[Any], where: str, told: str | None) -> tuple[str, pa.Array]:
    """The KQL type of a column, and its values in Arrow; `told` is the type of objects without a value."""
    import pandas as pd
    import pyarrow as pa

    dtype = series.dtype
    try:
        if pd.api.types.is_object_dtype(dtype):
            return _from_objects(series, where, told)
        if isinstance(dtype, pd.CategoricalDtype) and _has_decimals(dtype.categories):
            return _from_objects(series.astype(object), where)
        dense = series.to_numpy() if isinstance(dtype, pd.SparseDtype) else series
        array = _plain_array(pa.array(dense, from_pandas=True))
        if pa.types.is_nested(array.type) and isinstance(dtype, pd.ArrowDtype):
            return "dynamic", _from_objects(series.astype(object), where)[1]
        kind, kept = _kql_array_type(array.type)
        return kind, array.cast(kept)
    except (KeyError, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise _column_error(where, dtype, "there is no type for it; astype(str) may do") from error
    except (pa.ArrowInvalid, UnicodeEncodeError) as error:
        raise _column_error(where, dtype, str(error)) from error


def _has_decimals(categories: pd.Index[Any]) -> bool:
    from decimal import Decimal

    return categories.dtype == object and any(isinstance(value, Decimal) for value in categories)


def _plain_array(array: Any) -> pa.Array:
    """The array in one piece, a categorical one by its values."""
    import pyarrow as pa

    whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if isinstance(whole, pa.ChunkedArray):  # an empty one stays in pieces
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], whole.type)
    return whole.dictionary_decode() if pa.types.is_dictionary(whole.type) else whole


def _kql_array_type(found: pa.DataType) -> tuple[str, pa.DataType]:
    """The KQL type of an Arrow type, and the Arrow type in which it is kept; KeyError when KQL has none."""
    import pyarrow as pa

    types = pa.types
    if types.is_timestamp(found) or types.is_date(found):
        unit = "ns" if types.is_timestamp(found) and found.unit == "ns" else "us"
        return "datetime", pa.timestamp(unit, "UTC")
    if types.is_duration(found):
        return "timespan", pa.duration("ns" if found.unit == "ns" else "us")
    if types.is_decimal(found):
        return "decimal", found
    if types.is_floating(found):
        return "real", pa.float64()
    if types.is_integer(found):
        wide = found in (pa.int64(), pa.uint32(), pa.uint64())
        return ("long", pa.int64()) if wide else ("int", pa.int32())
    return {
        "bool": ("bool", pa.bool_()),
        "string": ("string", pa.string()),
        "large_string": ("string", pa.string()),
    }[str(found)]


def _column_error(where: str, dtype: object, why: str) -> ParameterError:
    return ParameterError(f"{where} ({dtype}) cannot cross: {why}", name=where.partition("[")[0])


def _from_objects(series: pd.Series[Any], where: str, told: str | None = None) -> tuple[str, pa.Array]:
    """Objects by what they are: all of one scalar type, or dynamic."""
    import pyarrow as pa

    absent = missing(series)
    if told and all(absent):
        return arrow_from_values([Value(told, None)] * len(series), where, told)
    if all(isinstance(value, str) for value, gone in zip(series, absent, strict=True) if not gone):
        kind = "dynamic" if all(absent) and len(series) else "string"
        texts = [None if gone else str(value) for value, gone in zip(series, absent, strict=True)]
        return kind, pa.array(texts, pa.string())
    values = [
        Value("dynamic", None) if gone else value_of(value, where)
        for value, gone in zip(series, absent, strict=True)
    ]
    return arrow_from_values(values, where)


def arrow_from_columns(
    types: Mapping[str, str], columns: Mapping[str, Sequence[Value]], name: str
) -> pa.Table:
    """The Arrow table of columns of values, each of the KQL type that `types` tells for it, null or not, empty or not.

    Raises ParameterError, naming the table `name`, for a column that Arrow cannot hold exactly.
    """
    import pyarrow as pa

    fields, arrays = [], []
    for label, kind in types.items():
        where = f"{name}[{label!r}]"
        try:
            _, array = arrow_from_values([*columns[label], Value(kind, None)], where)
        except ValueError as error:  # Arrow's own, too
            raise _column_error(where, kind, str(error)) from error
        arrays.append(array.slice(0, len(columns[label])))
        fields.append(kql_field(label, kind, array.type))
    return pa.table(arrays, schema=pa.schema(fields))


def arrow_from_values(values: Sequence[Value], where: str, empty: str = "dynamic") -> tuple[str, pa.Array]:
    """Values as one Arrow column of their common type, dynamic where they have none; `empty`: the type of no values."""
    import pyarrow as pa

    kinds = {value.type for value in values if value.plain is not None} or {value.type for value in values}
    if kinds == {"int", "long"}:
        kinds = {"long"}
    kind = kinds.pop() if len(kinds) == 1 else "dynamic" if kinds else empty
    plain = [_arrow_scalar(kind, value, where) for value in values]
    if kind == "decimal":
        return kind, _decimals(plain)
    if kind in ("datetime", "timespan"):
        return kind, _times(kind, plain)
    return kind, pa.array(plain, arrow_type(kind))


def _arrow_scalar(kind: str, value: Value, where: str) -> Any:
    """What stands in Arrow for a value: JSON text for dynamic, ticks since 1970 for datetimes."""
    if value.plain is None:
        return None
    if kind == "dynamic":
        return json_text(value, where)
    return value.plain - EPOCH_TICKS if kind == "datetime" else value.plain


def _times(kind: str, ticks: list[int | None]) -> pa.Array:
    """Ticks of 100 ns as nanoseconds, as microseconds where that is too narrow; what neither holds raises."""
    import pyarrow as pa

    array, lost = ticks_array(ticks, kind)
    if lost:
        raise pa.ArrowInvalid(
            "with times beyond the years 1677 to 2262 the column counts microseconds, and some are finer"
        )
    return array


def _decimals(values: list[Decimal | None]) -> pa.Array:
    import pyarrow as pa

    array = pa.array(values)
    return array.cast(pa.decimal128(1, 0)) if pa.types.is_null(array.type) else array
