"""A value on its way to PowerShell: whole, or refused with the reason."""

from __future__ import annotations

import json
import math
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import ParameterError
from kqlmagic_ext.frames import arrow_from_frame, envelope_from_arrow, to_envelope
from kqlmagic_ext.languages.powershell.find import TITLE
from kqlmagic_ext.languages.powershell.given import Given, digest
from kqlmagic_ext.values import (
    EPOCH_TICKS,
    LONG_MAX,
    LONG_MIN,
    NAIVE,
    TICKS_A_DAY,
    is_naive,
    significant_digits,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    Envelope = dict[str, Any]

_MOST_MANTISSA, _MOST_SCALE = 2**96 - 1, 28  # of a .NET Decimal
_LAST_TICK = datetime.max.toordinal() * TICKS_A_DAY - 1  # noqa: DTZ901 - its day alone
# PowerShell sets these by itself: a cell would read something else than what it was given.
AUTOMATIC = frozenset(
    """_ args consolefilename enabledexperimentalfeatures error executioncontext false foreach home host input iscoreclr
    islinux ismacos iswindows lastexitcode matches myinvocation nestedpromptlevel null pid profile psboundparameters
    pscmdlet pscommandpath psculture psdebugcontext psedition pshome psitem psscriptroot pssenderinfo psuiculture
    psversiontable pwd shellid stacktrace switch this true""".split()  # noqa: SIM905 - read at a glance
)


def written(value: Any, name: str) -> tuple[bytes, Given, tuple[str, ...]]:
    """The data file of a value, what to remember of it, and what the analyst should know.

    Raises ParameterError, naming the variable and its column, for what PowerShell cannot hold exactly.
    """
    import pandas as pd
    import pyarrow as pa

    if name.casefold() in AUTOMATIC:
        raise ParameterError(
            f"{TITLE} sets ${name} by itself; give it another name: -i other={name}", name=name
        )
    if isinstance(value, (pd.DataFrame, pa.Table)):
        table, warnings = arrow_from_frame(value, name)
        for field_, column in zip(table.schema, table.columns, strict=True):
            _check_column(column, f"{name}[{field_.name!r}]")
        envelope = envelope_from_arrow(table, name)
        kinds = {column["name"]: column["type"] for column in envelope["columns"]}
        for position, (label, kind) in enumerate(kinds.items()):
            _check_wires(kind, (row[position] for row in envelope["rows"]), f"{name}[{label!r}]")
        return _json(envelope, name), Given(columns=kinds, rows=len(envelope["rows"])), warnings
    envelope = to_envelope(value, name)
    _check_wires(envelope["type"], [envelope["value"]], name)
    is_list = isinstance(envelope["value"], list)
    given = Given(type=envelope["type"], digest=digest(envelope["value"]) if is_list else None)
    return _json(envelope, name), given, (f"{name} {NAIVE}",) if is_naive(value) else ()


def _json(envelope: Envelope, name: str) -> bytes:
    try:
        return json.dumps(envelope, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as error:
        raise ParameterError(f"{name} holds half of a surrogate pair, which is no text", name=name) from error


def _refuse(where: str, why: str) -> ParameterError:
    return ParameterError(f"{where} cannot become a value of {TITLE}: {why}", name=where.partition("[")[0])


def _check_column(column: pa.ChunkedArray, where: str) -> None:
    """Raise for times that .NET does not count; Arrow's microseconds reach further."""
    import pyarrow as pa
    import pyarrow.compute as pc

    is_datetime = pa.types.is_timestamp(column.type)
    if not (is_datetime or pa.types.is_duration(column.type)) or column.type.unit != "us":
        return
    ends = pc.min_max(column.cast(pa.int64())).as_py()
    if ends["min"] is None:
        return
    first, last = (-EPOCH_TICKS, _LAST_TICK - EPOCH_TICKS) if is_datetime else (LONG_MIN, LONG_MAX)
    if ends["min"] * 10 < first or ends["max"] * 10 > last:
        raise _refuse(
            where,
            "a time is outside the years 1 to 9999" if is_datetime else "a span exceeds 64 bits of 100 ns",
        )


def _check_wires(kind: str, wires: Iterable[Any], where: str) -> None:
    """Raise for a decimal or a number inside a dynamic value that .NET would round."""
    if kind == "decimal":
        for wire in wires:
            if wire is not None and not _is_net_decimal(Decimal(wire)):
                raise _refuse(
                    where, f"the decimal {wire} has more digits than the 28 of .NET; turn it into text first"
                )
    elif kind == "dynamic":
        for wire in wires:
            _check_json(wire, where)


def _is_net_decimal(number: Decimal) -> bool:
    """Whether .NET's Decimal holds the number exactly."""
    whole, fraction = significant_digits(number)
    if whole + fraction > _MOST_SCALE + 1 or fraction > _MOST_SCALE:
        return False
    _, digits, exponent = number.as_tuple()
    mantissa = int("".join(map(str, digits)))
    shift = int(exponent) + fraction
    scaled: int = mantissa * 10**shift if shift >= 0 else mantissa // 10**-shift
    return scaled <= _MOST_MANTISSA


def _check_json(value: Any, where: str) -> None:
    if isinstance(value, dict):
        for item in value.values():
            _check_json(item, where)
    elif isinstance(value, list):
        for item in value:
            _check_json(item, where)
    elif type(value) is int and not LONG_MIN <= value <= LONG_MAX:
        raise _refuse(where, f"the integer {value} in it exceeds 64 bits; turn it into text first")
    elif isinstance(value, float) and not math.isfinite(value):
        raise _refuse(where, f"JSON has no form for the {value} in it; turn it into text first")
