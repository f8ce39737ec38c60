"""KQL values as JSON text and back: what a dynamic column holds."""

from __future__ import annotations

import math
import re
import secrets
import string
from itertools import chain
from typing import TYPE_CHECKING, Any, NoReturn

from kqlmagic_ext.errors import ParameterError
from kqlmagic_ext.values import Value, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa


_LONG_NUMBER = r"[0-9]{19}"  # may be beyond 64 bits
_STRIDE = 4000  # texts that are read at once: what they become stays in the processor's cache
_SEPARATOR_LETTERS = 16


def json_text(value: Value, where: str) -> str:
    """The JSON text of a value as KQL's dynamic.

    Raises
    ------
    ParameterError
        When it holds what JSON cannot tell: a datetime, a timespan, a decimal, a guid, NaN or an infinity.
    """
    import orjson

    name = where.partition("[")[0]

    def refuse_leaf(leaf: Value) -> NoReturn:
        said = f"it holds {shown(leaf)}, for which JSON has no form; turn it into text first"
        raise ParameterError(f"{where} cannot cross: {said}", name=name)

    plain: Any = value
    if value.type in ("dynamic", "bool", "int", "long", "string") or (
        value.type == "real" and math.isfinite(value.plain)
    ):
        plain = value.plain
    if isinstance(plain, Value):
        refuse_leaf(plain)
    try:
        return orjson.dumps(plain, default=refuse_leaf, option=orjson.OPT_PASSTHROUGH_DATACLASS).decode()
    except orjson.JSONEncodeError as error:
        if isinstance(error.__cause__, ParameterError):
            raise error.__cause__ from None
        raise ParameterError(f"{where} cannot cross: {error}", name=name) from error


def json_values(texts: pa.Array | pa.ChunkedArray) -> list[Any]:
    """What each JSON text tells, None for a null; text that is no JSON is itself the value."""
    return list(chain.from_iterable(json_strides(texts)))


def json_strides(texts: pa.Array | pa.ChunkedArray) -> Iterator[list[Any]]:
    """The same a few thousand at a time, each list made when it is asked for."""
    separator = "".join(secrets.choice(string.ascii_letters) for _ in range(_SEPARATOR_LETTERS))
    for chunk in getattr(texts, "chunks", [texts]):
        for start in range(0, len(chunk), _STRIDE):
            yield _stride_values(chunk.slice(start, _STRIDE), separator)


def _stride_values(texts: pa.Array, separator: str) -> list[Any]:
    """The values of a few texts, read as one JSON array where that cannot change what they mean.

    `separator`: a word that nobody can guess.
    """
    import orjson
    import pyarrow.compute as pc

    array = _one_array(texts, f',"{separator}",')
    # orjson turns integers beyond 64 bits into floats.
    if not (_may_have_long_numbers(array) and pc.any(pc.match_substring_regex(texts, _LONG_NUMBER)).as_py()):
        try:
            values = orjson.loads(array)
        except orjson.JSONDecodeError:
            pass  # one of them is no JSON: each by itself, below
        else:
            # A text like `1,2` or `[1` moves the separators, which it cannot know and bring itself.
            if len(values) == 2 * len(texts) - 1 and values[1::2] == [separator] * (len(texts) - 1):
                return values[::2]  # type: ignore[no-any-return]  # a list's slice
    return [None if text is None else _json_value(text) for text in texts.to_pylist()]


def _one_array(texts: pa.Array, between: str) -> bytes:
    """The texts as one JSON array, `between` between each two."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ends = pa.array([0, len(texts)], pa.int32())
    joined = pc.binary_join(pa.ListArray.from_arrays(ends, texts.fill_null("null")), between)
    return b"".join((b"[", joined.buffers()[2] or b"", b"]"))


def _may_have_long_numbers(text: bytes) -> bool:
    """False when no 19 digits stand in a row: they would cover two neighbours of each ninth byte."""
    import numpy as np

    ninths = np.frombuffer(text, np.uint8)[::9]
    digits = (ninths - ord("0")) < 10  # noqa: PLR2004 - ten digits; what is less than "0" wraps to above
    return bool((digits[1:] & digits[:-1]).any())


def _json_value(text: str) -> Any:
    import orjson

    if not re.search(_LONG_NUMBER, text):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass  # the exact way knows what to do with it
    return _exact_json(text)


def _exact_json(text: str) -> Any:
    import json

    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # a text may nest deeper than Python reads
        return text
