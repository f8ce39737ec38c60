"""JSON on the wire → Arrow: the values of a column as they stand in an answer or an envelope, exact or not at all.

Arrow's arrays are made in the system's memory pool: many small arrays leave holes of half their size in Arrow's own.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.frames.ticks import in_microseconds
from kqlmagic_ext.frames.types import kql_field
from kqlmagic_ext.frames.wire_times import datetimes, no_value, texts_of, timespans
from kqlmagic_ext.values import NOT_FINITE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

_SYNONYMS = {
    "boolean": "bool",
    "date": "datetime",
    "double": "real",
    "int32": "int",
    "int64": "long",
    "time": "timespan",
    "uniqueid": "guid",
    "uuid": "guid",
    "object": "dynamic",
}
_KINDS = {"bool", "datetime", "decimal", "dynamic", "guid", "int", "long", "real", "string", "timespan"}
_REALS = {word: float(word) for word in NOT_FINITE.values()}
_MOST_DIGITS_128, _MOST_DIGITS_256 = 38, 76


def kql_kind(wire_type: str) -> str:
    """Which of the ten KQL types a type name of the wire means; an unknown one is kept as string."""
    name = wire_type.lower().removeprefix("system.")
    name = _SYNONYMS.get(name, name)
    return name if name in _KINDS else "string"


class Digits(str):
    """A JSON number as it is written, where a float or an int could change it."""

    __slots__ = ()


class WireColumn:
    """A column that grows piece by piece: `add` takes values as JSON tells them, `joined` gives them all in Arrow.

    `lost`: how many times lost a tick of 100 ns because the column must count microseconds.
    """

    def __init__(self, name: str, wire_type: str) -> None:
        self.name, self.kind, self.lost = name, kql_kind(wire_type), 0
        known = wire_type.lower().removeprefix("system.") in {*_KINDS, *_SYNONYMS}
        self._build_as = self.kind if known else "any"
        self._pieces: list[pa.Array] = []

    def add(self, values: Sequence[Any], exact: Callable[[], Sequence[Any]] | None = None) -> None:
        """Take the next values. `exact` gives them again, each number as its `Digits`.

        Raises
        ------
        ValueError
            When the column's type cannot hold a value.
        """
        array, lost = _build(self._build_as, values, exact)
        self._pieces.append(array)
        self.lost += lost

    def drop(self, pieces: int) -> None:
        """Keep the first pieces alone."""
        del self._pieces[pieces:]

    def joined(self) -> tuple[pa.Field, pa.ChunkedArray]:
        """The field and all the values; ValueError when the pieces have no exact common type."""
        import pyarrow as pa

        pieces = self._pieces or [_build(self._build_as, [], None)[0]]
        if len({piece.type for piece in pieces}) > 1:
            pieces = self._alike(pieces)
        return kql_field(self.name, self.kind, pieces[0].type), pa.chunked_array(pieces)

    def _alike(self, pieces: list[pa.Array]) -> list[pa.Array]:
        if self.kind == "decimal":
            return _common_decimals(pieces)
        coarse = [in_microseconds(piece) for piece in pieces]
        self.lost += sum(lost for _, lost in coarse)
        return [piece for piece, _ in coarse]


def wire_array(kind: str, values: Sequence[Any]) -> pa.Array:
    """The values of one KQL type, as JSON tells them, in Arrow; a null string becomes "".

    Times are in nanoseconds, in microseconds when nanoseconds cannot count one of them.

    Raises
    ------
    ValueError
        When the type cannot hold a value, or a time is finer than the microseconds it would become.
    """
    array, lost = _build(kql_kind(kind), values, None)
    if lost:
        raise ValueError(
            f"with times beyond the range of nanoseconds the {kind} column counts microseconds, and some are finer"
        )
    return array


def _build(
    kind: str, values: Sequence[Any], exact: Callable[[], Sequence[Any]] | None
) -> tuple[pa.Array, int]:
    """The Arrow array of a piece, and how many of its times lost a tick."""
    if kind == "datetime":
        return datetimes(values)
    if kind == "timespan":
        return timespans(values)
    if kind == "decimal":
        return _decimals(values, exact), 0
    if kind in ("dynamic", "any"):
        texts = _json_texts(values, exact)
        return (texts if kind == "dynamic" else _no_nulls(texts)), 0
    if kind in ("string", "guid"):
        texts = texts_of(kind, values)
        return (_no_nulls(texts) if kind == "string" else texts), 0
    return _plain(kind, values), 0


def _plain(kind: str, values: Sequence[Any]) -> pa.Array:
    """Booleans and numbers."""
    import pyarrow as pa

    pool = pa.system_memory_pool()
    type_ = {"bool": pa.bool_(), "int": pa.int32(), "long": pa.int64(), "real": pa.float64()}[kind]
    try:
        # Arrow is not told the type: it would cut 1.5 to a long, and take true for the real 1.0.
        array = pa.array(values, memory_pool=pool)
        if array.type == type_:
            return array
        whole = kind in ("int", "real") and pa.types.is_int64(array.type)
        if whole or pa.types.is_null(array.type):
            return array.cast(type_)  # raises where it would not be exact
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        pass  # a value of another type: taken or named below
    found = {"bool": bool, "int": int, "long": int, "real": float}[kind]
    values = [_plain_value(kind, found, value) for value in values]
    try:
        return pa.array(values, type_, memory_pool=pool)
    except (pa.ArrowInvalid, OverflowError) as error:
        raise ValueError(f"a value does not fit in {kind}: {error}") from error


def _plain_value(kind: str, found: type, value: Any) -> Any:
    if value is None or type(value) is found:
        return value
    if kind == "real" and type(value) is int:
        return float(value)
    if kind == "real" and isinstance(value, str) and value in _REALS:
        return _REALS[value]
    raise no_value(kind, value)


def _no_nulls(texts: pa.Array) -> pa.Array:
    return texts.fill_null("") if texts.null_count else texts


def _json_texts(values: Sequence[Any], exact: Callable[[], Sequence[Any]] | None) -> pa.Array:
    """Dynamic values: text is JSON text already, anything else becomes JSON text."""
    import orjson
    import pyarrow as pa

    try:
        return pa.array(values, pa.string(), memory_pool=pa.system_memory_pool())
    except UnicodeEncodeError as error:
        raise ValueError("a text holds half of a surrogate pair") from error
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        values = exact() if exact else values
    try:
        texts = [value if value is None or isinstance(value, str) else _json(value) for value in values]
    except orjson.JSONEncodeError as error:
        raise ValueError(f"a dynamic value cannot become JSON text: {error}") from error
    return texts_of("dynamic", texts)


def _json(value: Any) -> str:
    import orjson

    return orjson.dumps(value, default=_fragment, option=orjson.OPT_PASSTHROUGH_SUBCLASS).decode()


def _fragment(digits: Digits) -> Any:
    import orjson

    return orjson.Fragment(digits.encode())


def _decimals(values: Sequence[Any], exact: Callable[[], Sequence[Any]] | None) -> pa.Array:
    import pyarrow as pa

    if exact and not set(map(type, values)) <= {str, type(None)}:
        values = exact()
    numbers = [None if value is None else _decimal(value) for value in values]
    try:
        array = pa.array(numbers)
    except pa.ArrowInvalid as error:
        raise ValueError(f"decimals of more than {_MOST_DIGITS_256} digits: {error}") from error
    return array.cast(pa.decimal128(1, 0)) if pa.types.is_null(array.type) else array


def _decimal(value: Any) -> Decimal:
    """The number of a text, or of a JSON number that is exact."""
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise no_value("decimal", value) from None
        if number.is_finite():
            return number
    raise no_value("decimal", value)


def _common_decimals(pieces: list[pa.Array]) -> list[pa.Array]:
    """Decimals of several precisions and scales in the narrowest type that holds all."""
    import pyarrow as pa

    scale = max(piece.type.scale for piece in pieces)
    digits = max(piece.type.precision - piece.type.scale for piece in pieces) + scale
    if digits > _MOST_DIGITS_256:
        raise ValueError(f"its decimals need {digits} digits, and Arrow holds {_MOST_DIGITS_256}")
    wide = digits > _MOST_DIGITS_128 or any(pa.types.is_decimal256(piece.type) for piece in pieces)
    target = (pa.decimal256 if wide else pa.decimal128)(digits, scale)
    return [piece.cast(target) for piece in pieces]
