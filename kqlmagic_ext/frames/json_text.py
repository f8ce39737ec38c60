"""KQL values as JSON text and back: what a dynamic column holds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NoReturn

from kqlmagic_ext.errors import ParameterError
from kqlmagic_ext.values import Value, shown

if TYPE_CHECKING:
    import pyarrow as pa


_DIGITS_BEYOND_64_BITS = r"\d{19}"


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
        raise ParameterError(f"{where} cannot become a KQL dynamic: {said}", name=name)

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
        raise ParameterError(f"{where} cannot become a KQL dynamic: {error}", name=name) from error


def json_values(texts: pa.Array | pa.ChunkedArray) -> list[Any]:
    """What each JSON text tells, None for a null; text that is no JSON is itself the value."""
    import orjson
    import pyarrow.compute as pc

    listed = texts.to_pylist()
    # orjson turns integers beyond 64 bits into floats.
    if not pc.any(pc.match_substring_regex(texts, _DIGITS_BEYOND_64_BITS)).as_py():
        try:
            return [None if text is None else orjson.loads(text) for text in listed]
        except orjson.JSONDecodeError:
            pass  # one of them is no JSON: each by itself, below
    return [None if text is None else _exact_json(text) for text in listed]


def _exact_json(text: str) -> Any:
    import json

    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # a text may nest deeper than Python reads
        return text
