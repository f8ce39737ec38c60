"""What a variable of PowerShell was given, since PowerShell forgets a part of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Envelope = dict[str, Any]

_JSON_KINDS = ("bool", "int", "long", "real", "string")


@dataclass(frozen=True)
class Given:
    """What a variable was given, as far as PowerShell forgets it: an empty array has no columns, and a null no type.

    `columns`: the KQL types of a table by column, and `rows` their number. `type`: the KQL type of a value. `digest`: of a list, its fingerprint.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    rows: int = 0
    type: str | None = None
    digest: str | None = None


def digest(value: Any) -> str:
    """A fingerprint of a JSON value: equal for equal values of equal types."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def completed(envelope: Envelope, given: Given | None) -> Envelope:
    """The envelope with what PowerShell forgot of what it was given: types of nulls, columns of an empty array."""
    if given is None:
        return envelope
    if envelope["kind"] == "value":
        is_null = envelope["type"] == "dynamic" and envelope["value"] is None
        return {**envelope, "type": given.type} if is_null and given.type else envelope
    columns, rows = envelope["columns"], envelope["rows"]
    if not columns and not rows:
        return {**envelope, "columns": [{"name": name, "type": kind} for name, kind in given.columns.items()]}
    kinds = [_kind(column, [row[at] for row in rows], given) for at, column in enumerate(columns)]
    return {
        **envelope,
        "columns": [{**column, "type": kind} for column, kind in zip(columns, kinds, strict=True)],
    }


def assumed(envelope: Envelope, given: Given | None, name: str) -> tuple[str, ...]:
    """A warning for an array that is empty now: the columns that it was given may not be those that it would have."""
    if given is None or not given.rows or envelope["kind"] == "value" or envelope["rows"]:
        return ()
    return (
        f"${name} is empty, and an empty array of PowerShell has no columns: they are those that it was given",
    )


def _kind(column: Mapping[str, str], wires: Sequence[Any], given: Given) -> str:
    """The type of a column: that which it was given, where PowerShell cannot tell it."""
    found, before = column["type"], given.columns.get(column["name"])
    if before is None or "encoding" in column:
        return found
    if all(wire is None for wire in wires):
        return before
    is_json = found in _JSON_KINDS and not (found == "real" and any(isinstance(wire, str) for wire in wires))
    return before if before == "dynamic" and is_json else found
