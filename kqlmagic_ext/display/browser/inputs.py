"""What a browser cell is given: Python values as data in the page, up to a size."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import ParameterError
from kqlmagic_ext.frames import arrow_from_frame, envelope_from_arrow, lost_in_dates, to_envelope
from kqlmagic_ext.values import NAIVE, is_naive

if TYPE_CHECKING:
    import pyarrow as pa

_BYTES_A_CELL = 2  # the least that a cell of a table takes: a digit and a comma


@dataclass(frozen=True)
class Input:
    """A value that crosses: JSON text of an envelope, or bytes of an Arrow IPC stream; its size as it will stand in the page."""

    data: str | bytes
    size: int
    warnings: tuple[str, ...] = ()


def crossed(value: Any, name: str, most: int, *, as_arrow: bool) -> Input:
    """The value of the variable `name` as data of the page, a DataFrame `as_arrow` or as JSON.

    Raises
    ------
    ParameterError
        When it cannot cross whole, or takes more than `most` bytes.
    """
    if not (hasattr(value, "columns") and hasattr(value, "shape")):
        envelope = to_envelope(value, name)
        naive = (f"{name} {NAIVE}",) if is_naive(value) else ()
        return _checked(Input(_json(envelope), 0, (*naive, *lost_in_dates(envelope, name))), name, most)
    rows, columns = value.shape
    if rows * columns * _BYTES_A_CELL > most:
        raise _too_large(name, rows * columns * _BYTES_A_CELL, most, "at least ")
    table, warnings = arrow_from_frame(value, name)
    data: str | bytes = _stream(table) if as_arrow else _json(envelope_from_arrow(table, name))
    return _checked(Input(data, 0, (*warnings, *lost_in_dates(table, name))), name, most)


def _checked(given: Input, name: str, most: int) -> Input:
    is_text = isinstance(given.data, str)
    size = len(given.data.encode()) if isinstance(given.data, str) else (len(given.data) + 2) // 3 * 4
    if size > most:
        raise _too_large(name, size, most, "" if is_text else "base64: ")
    return Input(given.data, size, given.warnings)


def _too_large(name: str, size: int, most: int, about: str) -> ParameterError:
    return ParameterError(
        f"{name} would put {about}{size:,} bytes of data into the notebook, and {most:,} are left for this cell: give it an "
        "aggregate (in KQL `| summarize count() by …`, in pandas `.groupby(…).size()`), or raise BrowserMagics.browser_bytes",
        name=name,
    )


def _json(envelope: dict[str, Any]) -> str:
    return json.dumps(envelope, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _stream(table: pa.Table) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    written: bytes = sink.getvalue().to_pybytes()
    return written
