"""The frames that the libraries are given: all ten types of KQL, as the embedded engine answers them."""

from __future__ import annotations

from kqlmagic_ext import Query, connect

_ROWS = """
range Bytes from 1 to {rows} step 1
| extend Flag = Bytes % 2 == 0, Count = toint(Bytes % 7), Score = Bytes / 3.0, Cost = decimal(0.25) * Bytes,
    User = strcat("user", Bytes % 5), TimeGenerated = datetime(2026-01-01) + Bytes * 1m, Took = Bytes * 1s,
    Id = toguid("74be27de-1e4e-49d9-b579-fe0b331d3642"), Extra = iff(Bytes % 2 == 0, dynamic({{"ip": "10.0.0.1", "ports": [22, "https"]}}), dynamic("text"))
"""
_NULLS = """
| extend Gone = Bytes % 3 == 0, Lost = Bytes % 4 == 0
| extend Flag = iff(Gone, bool(null), Flag), Count = iff(Gone, int(null), Count), Score = iff(Lost, real(null), Score),
    Cost = iff(Gone, decimal(null), Cost), User = iff(Gone, "", User),
    TimeGenerated = iff(Lost, datetime(null), TimeGenerated), Took = iff(Gone, timespan(null), Took),
    Id = iff(Gone, guid(null), Id), Extra = iff(Lost, dynamic(null), Extra), Bytes = iff(Gone, long(null), Bytes)
| project-away Gone, Lost
"""
_ASKED = {
    "full": _ROWS.format(rows=60),
    "nulls": _ROWS.format(rows=60) + _NULLS,
    "empty": _ROWS.format(rows=60) + "| where Bytes < 0",
    "large": _ROWS.format(rows=100_000),
}
KINDS = tuple(_ASKED)


def answered_frames() -> dict[str, object]:
    """One frame a kind, each the answer to a query."""
    connection = connect("local://")
    try:
        return {kind: connection.run(Query(text)).frame for kind, text in _ASKED.items()}
    finally:
        connection.close()
