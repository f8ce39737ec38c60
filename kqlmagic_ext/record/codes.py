"""The values of two results as numbers: equal numbers for equal values, so that rows are compared as a whole.

Equal means: null and null; NaN and NaN, but not NaN and null; 0.0 and -0.0 (the hash tells them apart); times and decimals by
value; a dynamic by what its JSON says, whatever the order of keys and the spaces (1 and 1.0 differ; text that is no JSON, or a
number that no double can tell, is compared as text).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NoReturn

from kqlmagic_ext.record.canonical import exact_digits, one_nan, time_counts
from kqlmagic_ext.record.chunks import numpy_values, plain_chunks, valid

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pyarrow as pa

    Numbers = np.ndarray[Any, np.dtype[Any]]

_SECOND = 10**9  # in ns
_STRIDE = 4000  # texts that are read at once
_LONG_NUMBER = "[0-9]{19}"  # may be beyond 64 bits, where orjson makes a float of it


def column_codes(name: str, tables: Sequence[pa.Table]) -> Numbers:
    """A number for each value of a column, in all tables one after the other; 0 for a null."""
    import numpy as np

    told = [plain_chunks(table.schema.field(name), table.column(name)) for table in tables]
    kind, chunks = told[0][0], [chunk for _, found in told for chunk in found]
    if not chunks:
        return np.zeros(0, np.int32)
    codes = _plain_codes(kind, chunks) + 1
    codes[~np.concatenate([valid(chunk) for chunk in chunks])] = 0
    return codes.astype(np.int32)


def row_codes(columns: Sequence[Numbers], rows: int) -> Numbers:
    """A number for each row: the same for rows that have the same numbers in all columns."""
    import numpy as np

    codes = np.zeros(rows, np.int64)
    for column in columns:
        codes = factorized(codes * (int(column.max(initial=0)) + 1) + column)
        if int(codes.max(initial=0)) + 1 == rows:
            break  # no two rows are alike, whatever else they hold
    return codes


def factorized(values: Numbers) -> Numbers:
    """0 for the first value and all equal to it, 1 for the next new one, and so on."""
    import pandas as pd

    codes: Numbers = pd.factorize(values)[0]
    return codes


def real_values(name: str, table: pa.Table) -> Numbers:
    """The values of a real column, NaN for a null."""
    import numpy as np

    _, chunks = plain_chunks(table.schema.field(name), table.column(name))
    return np.concatenate([np.zeros(0), *(numpy_values(chunk, np.nan) for chunk in chunks)])


def _plain_codes(kind: str, chunks: Sequence[pa.Array]) -> Numbers:
    """Codes from 0 on; any under a null."""
    import numpy as np

    if kind in ("string", "guid"):
        return _text_codes(chunks)[0]
    if kind == "dynamic":
        codes, texts = _text_codes(chunks)
        return _canonical_codes(texts)[codes] if len(texts) else codes
    if kind == "decimal":
        return _text_codes(_digits(chunks))[0]
    if kind in ("datetime", "timespan"):
        return _time_codes(chunks)
    zero = False if kind == "bool" else 0
    values = np.concatenate([numpy_values(chunk, zero) for chunk in chunks])
    if kind == "real":
        values = (one_nan(values) + 0.0).view(np.int64)  # -0.0 + 0.0 is 0.0
    return factorized(values)


def _time_codes(chunks: Sequence[pa.Array]) -> Numbers:
    """By seconds and the rest in ns: no unit need hold the times of both results."""
    import numpy as np

    parts = [
        (counts // (_SECOND // unit), counts % (_SECOND // unit) * unit)
        for counts, unit in map(time_counts, chunks)
    ]
    seconds, rest = (factorized(np.concatenate(part)) for part in zip(*parts, strict=True))
    return row_codes([seconds, rest], len(seconds))


def _digits(chunks: Sequence[pa.Array]) -> list[pa.Array]:
    """The digits of all decimals at one scale, by zeros in text: no decimal type need hold those of both results."""
    scaled = [exact_digits([chunk]) for chunk in chunks]
    most = max(scale for scale, _ in scaled)
    return [_padded(digits, most - scale) for scale, (digits,) in scaled]


def _padded(digits: pa.Array, zeros: int) -> pa.Array:
    import pyarrow.compute as pc

    longer = pc.binary_join_element_wise(digits, "0" * zeros, "")
    return pc.if_else(pc.equal(digits, "0"), digits, longer)


def _text_codes(chunks: Sequence[pa.Array]) -> tuple[Numbers, pa.Array]:
    """The code of each text (0 for a null), and the texts by their codes."""
    import numpy as np
    import pyarrow as pa

    wide = pa.chunked_array([chunk.cast(pa.large_string()) for chunk in chunks])
    coded = wide.dictionary_encode()  # one dictionary for all chunks
    codes = np.concatenate([numpy_values(chunk.indices, 0) for chunk in coded.chunks])
    return codes.astype(np.int64), coded.chunk(0).dictionary


def _canonical_codes(texts: pa.Array) -> Numbers:
    """The code of what each JSON text says; few Python objects at a time."""
    pieces = [texts.slice(start, _STRIDE) for start in range(0, len(texts), _STRIDE)]
    return _text_codes([_canonical(piece) for piece in pieces])[0]


def _canonical(texts: pa.Array) -> pa.Array:
    """The one spelling, keys sorted, of what each JSON text says."""
    import pyarrow as pa
    import pyarrow.compute as pc

    exact = pc.any(pc.match_substring_regex(texts, _LONG_NUMBER)).as_py()
    spelled = map(_exactly_spelled if exact else _spelled, texts.to_numpy(zero_copy_only=False))
    return pa.array(list(spelled), pa.large_binary()).cast(pa.large_string())


def _spelled(text: str) -> bytes:
    import orjson

    try:
        return orjson.dumps(orjson.loads(text), option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return _exactly_spelled(text)


def _exactly_spelled(text: str) -> bytes:
    import json

    import orjson

    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        try:
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError:  # an integer beyond 64 bits, half of a surrogate pair, or very deep
            return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return orjson.dumps(text)


def _finite(digits: str) -> float:
    return float(digits) if math.isfinite(float(digits)) else _refuse(digits)


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON that a double can tell")
