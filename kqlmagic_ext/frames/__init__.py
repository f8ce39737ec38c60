"""The only place where KQL types, pandas, Arrow and the JSON envelope meet.

| KQL | pandas | Arrow | JSON on the wire |
|---|---|---|---|
| bool | boolean | bool | true/false |
| int | Int32 | int32 | integer |
| long | Int64 | int64 | integer |
| real | float64, a null is NaN | double | number, or "NaN" "Infinity" "-Infinity" |
| decimal | object of Decimal | decimal128, decimal256 | text |
| string | str; a null is "" | string | text |
| datetime | datetime64[ns, UTC]; [us, UTC] outside 1677–2262 | timestamp[ns or us, UTC] | ISO 8601 Z, up to 7 digits |
| timespan | timedelta64[ns]; [us] outside 292 years | duration[ns or us] | [-][d.]hh:mm:ss[.fffffff] |
| guid | str | string | text |
| dynamic | object: dict, list, scalars, None | string (JSON) | JSON |

An Arrow table that travels tells the KQL type of each column in the field's metadata, under `kql`.
"""

from __future__ import annotations

from kqlmagic_ext.frames.arrival import read_arrow, read_envelope
from kqlmagic_ext.frames.collector import paused_collector
from kqlmagic_ext.frames.dates import lost_in_dates
from kqlmagic_ext.frames.envelope import envelope_from_arrow, from_envelope, to_envelope, value_from_envelope
from kqlmagic_ext.frames.from_wire import Digits, WireColumn, kql_kind, wire_array
from kqlmagic_ext.frames.json_text import json_text
from kqlmagic_ext.frames.to_arrow import arrow_from_columns, arrow_from_frame
from kqlmagic_ext.frames.to_pandas import frame_from_arrow
from kqlmagic_ext.frames.to_values import column_values
from kqlmagic_ext.frames.to_wire import wire_rows
from kqlmagic_ext.frames.types import arrow_type, kql_field, kql_type, refuse_twins

__all__ = [
    "Digits",
    "WireColumn",
    "arrow_from_columns",
    "arrow_from_frame",
    "arrow_type",
    "column_values",
    "envelope_from_arrow",
    "frame_from_arrow",
    "from_envelope",
    "json_text",
    "kql_field",
    "kql_kind",
    "kql_type",
    "lost_in_dates",
    "paused_collector",
    "read_arrow",
    "read_envelope",
    "refuse_twins",
    "to_envelope",
    "value_from_envelope",
    "wire_array",
    "wire_rows",
]
