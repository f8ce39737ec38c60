"""Values on their way to a worker and back: a frame as an Arrow file, anything else as the JSON envelope."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import KqlMagicError, LanguageError
from kqlmagic_ext.languages import Crossing

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from kqlmagic_ext.languages.conversation import Message

_MOST_INLINE = 65_536
_PLAIN = frozenset({"bool", "dynamic", "guid", "int", "long", "real", "string"})  # with one Arrow type each
_FINER = "digits below a millisecond: the Dates of its rows lack them, .arrow has them"


def packed(value: Any, name: str, path: Path, *, with_arrow: bool) -> tuple[dict[str, str], tuple[str, ...]]:
    """The fields of the request that sets a value (large ones stand in the file), and what the analyst should know.

    Raises ParameterError for what cannot cross whole.
    """
    import pandas as pd

    from kqlmagic_ext.frames import (
        arrow_from_frame,
        envelope_from_arrow,
        finer_than_milliseconds,
        to_envelope,
    )

    if not isinstance(value, pd.DataFrame):
        envelope = to_envelope(value, name)
        return _written(envelope, path), _finer_value(envelope, name)
    table, warnings = arrow_from_frame(value, name)
    finer = finer_than_milliseconds(table)
    if finer:
        warnings = (*warnings, f"{name}[{', '.join(map(repr, finer))}] has {_FINER}")
    if not with_arrow:
        return _written(envelope_from_arrow(table, name), path), warnings
    _write_arrow(table, path)
    return {"arrow": str(path)}, warnings


def _written(envelope: dict[str, Any], path: Path) -> dict[str, str]:
    text = json.dumps(envelope)
    if len(text) <= _MOST_INLINE:
        return {"json": text}
    path.write_text(text, "utf-8")
    return {"path": str(path)}


def _write_arrow(table: pa.Table, path: Path) -> None:
    import pyarrow as pa

    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def _finer_value(envelope: dict[str, Any], name: str) -> tuple[str, ...]:
    if envelope["type"] != "datetime" or envelope["value"] is None:
        return ()
    fraction = envelope["value"].rstrip("Z").partition(".")[2]
    return (
        (f"{name} lost its digits below a millisecond: a Date has none",) if fraction[3:].strip("0") else ()
    )


def unpacked(answer: Message, path: Path, name: str, language: str) -> Crossing:
    """The value of an answer. Raises LanguageError for what KQL has no type for."""
    from kqlmagic_ext.frames import read_envelope

    try:
        if answer.get("arrow"):
            return _frame(path, name)
        text = answer.get("json") or path.read_text("utf-8")
        return Crossing(*read_envelope(json.loads(text), name))
    except (KqlMagicError, ValueError) as error:
        raise LanguageError(f"{name} cannot leave JavaScript: {error}", language=language) from error


def _frame(path: Path, name: str) -> Crossing:
    """The DataFrame of an Arrow file."""
    import pyarrow as pa

    from kqlmagic_ext.frames import arrow_from_frame, frame_from_arrow

    with pa.OSFile(str(path), "rb") as file:
        table = pa.ipc.open_file(file).read_all()
    if not all(_tells_its_type(field) for field in table.schema):
        table = pa.table(table.columns, schema=pa.schema([field.remove_metadata() for field in table.schema]))
    whole, warnings = arrow_from_frame(table, name)
    return Crossing(frame_from_arrow(whole), warnings)


def _tells_its_type(field: pa.Field) -> bool:
    """Whether a field's metadata names a KQL type that its Arrow type can be: a cell may have written anything."""
    import pyarrow as pa

    from kqlmagic_ext.frames import arrow_type

    kind = (field.metadata or {}).get(b"kql", b"").decode(errors="replace")
    if kind == "decimal":
        return bool(pa.types.is_decimal(field.type))
    if kind == "datetime":
        return field.type in [pa.timestamp(unit, "UTC") for unit in ("us", "ns")]
    if kind == "timespan":
        return field.type in [pa.duration(unit) for unit in ("us", "ns")]
    return kind in _PLAIN and bool(field.type == arrow_type(kind))
