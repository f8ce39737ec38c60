"""Values on their way to a worker and back: a frame as an Arrow file, anything else as the JSON envelope."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import KqlMagicError, LanguageError
from kqlmagic_ext.languages import Crossing
from kqlmagic_ext.values import NAIVE, is_naive

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from kqlmagic_ext.languages.conversation import Message

_MOST_INLINE = 65_536


def packed(value: Any, name: str, path: Path, *, with_arrow: bool) -> tuple[dict[str, str], tuple[str, ...]]:
    """The fields of the request that sets a value (large ones stand in the file), and what the analyst should know.

    Raises ParameterError for what cannot cross whole.
    """
    import pandas as pd

    from kqlmagic_ext.frames import arrow_from_frame, envelope_from_arrow, lost_in_dates, to_envelope

    if not isinstance(value, pd.DataFrame):
        envelope = to_envelope(value, name)
        naive = (f"{name} {NAIVE}",) if is_naive(value) else ()
        return _written(envelope, path), (*naive, *lost_in_dates(envelope, name))
    table, warnings = arrow_from_frame(value, name)
    warnings = (*warnings, *lost_in_dates(table, name))
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

    from kqlmagic_ext.frames import read_arrow

    opened = pa.OSFile if sys.platform == "win32" else pa.memory_map  # Windows deletes no mapped file
    with opened(str(path)) as file:
        return Crossing(*read_arrow(pa.ipc.open_file(file).read_all(), name))
