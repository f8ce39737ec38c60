"""What a record says: frozen values, and their JSON."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

FORM = 1  # of the JSON
ASKED = ("query", "asked")  # the kinds of record that hold a query
UNTOLD = "?…"  # the end of a place of which a part was left out
LONGEST_TEXT = 1 << 18  # characters; of a longer one, head and tail are kept
_SEAL = "record_sha256"
_HASH = re.compile(r"[0-9a-f]{64}|")


@dataclass(frozen=True)
class KeptTable:
    """A result table: its shape, the hash of its content, and of the file that keeps it (empty: it is not kept)."""

    rows: int
    columns: tuple[tuple[str, str], ...]
    sha256: str
    file_sha256: str = ""
    bytes: int = 0


@dataclass(frozen=True)
class FrameInput:
    """A frame that went into a query, by its hash and shape.

    `origin`: the record whose answer it is, as far as pandas remembers (`R12`, or `R3 of CASE`), with `table`, its place in
    that answer; empty: origin unknown. `unchanged`: whether it was still that answer, None when that cannot be told.
    """

    rows: int
    columns: tuple[tuple[str, str], ...]
    sha256: str
    origin: str = ""
    table: int = 0
    unchanged: bool | None = None

    def __str__(self) -> str:
        """`fed by R12, unchanged`."""
        if not self.origin:
            return "origin unknown"
        became = {True: "unchanged", False: "changed since", None: "whether it changed cannot be told"}
        return f"fed by {self.origin}, {became[self.unchanged]}"


@dataclass(frozen=True)
class Record:
    """One query (or note) of a case; see the folder's page for where it lies.

    `kind`: query, note or forgotten; asked, of a query whose answer is not known yet, or never will be. `cell`: what the analyst wrote; `text`: the query in it; `sent`: as it went out.
    `parameters`: envelopes of single values. `connection`: name and url, without secrets; `place` opens the same data
    again. `timespan`: as written; `window`: its absolute ends. `options`: what else changes the answer. `missing`: why rows
    are missing. `error`: why the query failed. `wanted`: full or queries; `lost`: why a result is not kept although it
    was wanted. `again_of`: the record that it ran again. `origin`: what the frames' `attrs` tell. `versions`: of what made the
    answer.
    """

    id: str
    case: str
    kind: str
    time: str
    cell: str = ""
    text: str = ""
    sent: str = ""
    parameters: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    inputs: Mapping[str, FrameInput] = field(default_factory=lambda: MappingProxyType({}))
    connection: str = ""
    place: str = ""
    timespan: str = ""
    window: tuple[str | None, str | None] = (None, None)
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    outputs: tuple[str, ...] = ()
    seconds: float | None = None
    complete: bool = True
    synthetic: bool = False
    missing: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    render: Mapping[str, Any] | None = None
    tables: tuple[KeptTable, ...] = ()
    error: str = ""
    again_of: str = ""
    origin: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    wanted: str = "full"
    lost: str = ""
    versions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def number(self) -> int:
        """The number in its id."""
        return number_of(self.id)

    @property
    def rows(self) -> int | None:
        """The rows of all its tables; None of what has no answer."""
        return sum(table.rows for table in self.tables) if self.tables else None

    @property
    def sha256(self) -> str:
        """The hash of the first, for most queries the only, result table."""
        return self.tables[0].sha256 if self.tables else ""

    def with_(self, **changes: Any) -> Record:
        """The record with other values."""
        return replace(self, **changes)


def id_of(number: int) -> str:
    """`R12`."""
    return f"R{number}"


def number_of(identity: str) -> int:
    """12, of `R12` (or `r12`, or `12`); ValueError when it is no id."""
    digits = identity.strip().removeprefix("R").removeprefix("r")
    if not (digits.isascii() and digits.isdecimal()):
        raise ValueError(f"{identity!r} is no id of a record; ids are R1, R2, …")
    return int(digits)


def to_json(record: Record) -> str:
    """The record as JSON, for people to read, too."""
    told = {name: value for name, value in _plain(record).items() if value not in ("", None, {}, [], ())}
    return sealed({"form": FORM, **told})


def sealed(told: Mapping[str, Any]) -> str:
    """What a record tells as JSON, with the SHA-256 of all of it: what a disk or a hand changed is seen."""
    return json.dumps({**told, _SEAL: _digest(told)}, ensure_ascii=False, indent=1)


def _digest(told: Mapping[str, Any]) -> str:
    canonical = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def from_json(text: str) -> Record:
    """The record of a JSON text; ValueError when it is not one, or of a form that is not known."""
    try:
        told = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is no record") from error
    if not isinstance(told, dict) or told.get("form") != FORM:
        raise ValueError("it is no record of a known form")
    if told.pop(_SEAL, None) != _digest(told):
        raise ValueError("it was changed after it was written")
    told = {name: value for name, value in told.items() if name in _FIELDS}
    for name, value in told.items():
        if not isinstance(value, _JSON.get(_FIELDS[name], (list, dict))):
            raise ValueError(f"it is no whole record: its {name} is {value!r:.40}")  # noqa: TRY004 - it is no argument
    try:
        datetime.fromisoformat(told["time"])
        return _record(told)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"it is no whole record: {error}") from error


_FIELDS = {one.name: str(one.type) for one in fields(Record)}
_JSON: dict[str, Any] = {"str": str, "bool": bool, "float | None": (float, int)}
_TUPLES = ("outputs", "missing", "warnings", "window")


def _plain(record: Record) -> dict[str, Any]:
    mappings = {
        one.name: dict(value)
        for one in fields(record)
        if one.name != "inputs" and isinstance(value := getattr(record, one.name), (dict, MappingProxyType))
    }
    inputs = {name: asdict(given) for name, given in record.inputs.items()}
    shallow = {one.name: getattr(record, one.name) for one in fields(record)}
    tables = [asdict(table) for table in record.tables]
    return {**shallow, **mappings, "inputs": inputs, "tables": tables}


def _record(told: dict[str, Any]) -> Record:
    changed: dict[str, Any] = {name: tuple(told[name]) for name in _TUPLES if name in told}
    changed["tables"] = tuple(KeptTable(**_shaped(table)) for table in told.get("tables", ()))
    changed["inputs"] = {name: FrameInput(**_shaped(given)) for name, given in told.get("inputs", {}).items()}
    return Record(**{**told, **changed})


def _shaped(told: dict[str, Any]) -> dict[str, Any]:
    if not _HASH.fullmatch(told["sha256"]):  # it names a file
        raise ValueError("it holds a hash that is none")
    if not isinstance(told["rows"], int):
        raise TypeError("rows are counted")
    return {**told, "columns": tuple((name, kind) for name, kind in told["columns"])}
