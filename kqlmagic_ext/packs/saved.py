"""A saved query, its parameters and its tests: the frozen values that a file holds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from kqlmagic_ext.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kqlmagic_ext.values import Value

TABLE = "table"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")  # of a parameter or a table
TYPES = (
    "bool", "int", "long", "real", "decimal", "string", "datetime", "timespan", "guid", "dynamic",
)  # fmt: skip


@dataclass(frozen=True)
class Parameter:
    """A value that a query takes: its KQL type, or `table`; `default` is None where a value must be given."""

    name: str
    type: str
    default: Value | None = None
    description: str = ""


@dataclass(frozen=True)
class Entity:
    """Which column tells an entity of a finding: `Account`, `FullName`, `UserPrincipalName`."""

    type: str
    identifier: str
    column: str


@dataclass(frozen=True)
class Rows:
    """Sample or expected rows: columns with their KQL types, and a value a column. No columns: nothing is said of them."""

    columns: tuple[tuple[str, str], ...] = ()
    rows: tuple[tuple[Value, ...], ...] = ()


@dataclass(frozen=True)
class Test:
    """What a query must find in sample tables.

    `now`: the moment that now() gives, in ticks; None for the real one. `ordered`: whether the order of the rows counts.
    """

    __test__ = False  # pytest takes it for no test of its own

    name: str
    tables: Mapping[str, Rows] = field(default_factory=lambda: MappingProxyType({}))
    expect: Rows = field(default_factory=Rows)
    parameters: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))
    now: int | None = None
    ordered: bool = False


@dataclass(frozen=True)
class Origin:
    """Where a query came from: the file, the line in which its text begins, how far that text is indented there.

    `line` is None where YAML folds or escapes the text, so that its lines are not those of the file.
    """

    file: str
    line: int | None = 1
    indent: int = 0


@dataclass(frozen=True)
class SavedQuery:
    """A query with what one needs to know to run it.

    `timespan`: the window that it proposes, such as `7d`. `tactics`, `techniques`: of MITRE ATT&CK.
    """

    name: str
    text: str
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    tactics: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    timespan: str | None = None
    entities: tuple[Entity, ...] = ()
    tests: tuple[Test, ...] = ()
    origin: Origin | None = field(default=None, compare=False)


def wrong(file: str, line: int | None, said: str) -> QueryError:
    """The error for a file that cannot be read as a query: the file, the line, one sentence."""
    at = file if line is None else f"{file}, line {line}"
    return QueryError(f"{at}: {said}")
