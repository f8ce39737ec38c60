"""The columns of 1,960 Log Analytics tables, as facts: names and KQL types.

`known_tables.txt.gz` holds one table a line in the form of a KQL schema, `Name(column:type, …)`, tables and columns in
order of their names; `packed` writes it from `{table: {column: type}}`. It is unpacked at the first question (some 20 ms),
and a table's line is read when that table is asked for.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

_ADVANCED_HUNTING = ("Alert", "CloudAppEvents", "Device", "Email", "Identity", "Url")


class KnownTables(Mapping[str, Mapping[str, str]]):
    """Each table's columns with their KQL types: `{"SigninLogs": {"TimeGenerated": "datetime", …}, …}`.

    `hunting`: tables of Defender carry `Timestamp`, as Advanced Hunting has it and some tables of Log Analytics do not.
    """

    def __init__(self, lines: Mapping[str, str], *, hunting: bool = False) -> None:
        self._lines, self._hunting = lines, hunting
        self._read: dict[str, Mapping[str, str]] = {}

    def __getitem__(self, name: str) -> Mapping[str, str]:
        found = self._read.get(name)
        if found is None:
            found = self._read[name] = MappingProxyType(self._columns(name))
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._lines

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def _columns(self, name: str) -> dict[str, str]:
        pairs = (pair.partition(":") for pair in self._lines[name].removesuffix(")").split(", "))
        columns = {column: kind for column, _, kind in pairs}
        if self._hunting and name.startswith(_ADVANCED_HUNTING):
            columns.setdefault("Timestamp", "datetime")
        return columns


@cache
def known_tables(*, hunting: bool = False) -> KnownTables:
    """The known tables of Log Analytics; with `hunting` as a query for Defender's Advanced Hunting sees them, too."""
    return KnownTables(unpacked(), hunting=hunting)


def packed(tables: Mapping[str, Mapping[str, str]]) -> bytes:
    """The file that holds these tables; the same tables give the same bytes."""
    lines = (
        f"{name}({', '.join(f'{column}:{kind}' for column, kind in sorted(tables[name].items()))})\n"
        for name in sorted(tables)
    )
    return gzip.compress("".join(lines).encode(), 9, mtime=0)


@cache
def unpacked() -> Mapping[str, str]:
    """The columns of each table as the file has them, not yet read."""
    text = gzip.decompress(files(__package__).joinpath("known_tables.txt.gz").read_bytes()).decode()
    pairs = (line.partition("(") for line in text.splitlines())
    return {name: columns for name, _, columns in pairs}
