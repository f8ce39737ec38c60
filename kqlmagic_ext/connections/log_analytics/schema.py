"""The tables of a workspace, as its metadata tells them; asked for once a connection."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.frames import kql_kind
from kqlmagic_ext.query import Table

if TYPE_CHECKING:
    from collections.abc import Mapping


def tables_of(text: bytes) -> Mapping[str, Table]:
    """The tables in a metadata document, by name; ValueError when it is none."""
    try:
        document = json.loads(text)
        tables = [_table(one) for one in document["tables"]]
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("the metadata lists no tables") from error
    return MappingProxyType({table.name: table for table in sorted(tables, key=lambda table: table.name)})


def _table(told: Mapping[str, Any]) -> Table:
    columns = {str(column["name"]): kql_kind(str(column["type"])) for column in told.get("columns") or ()}
    description = " ".join(str(told.get("description") or "").split())
    return Table(str(told["name"]), MappingProxyType(columns), remarks=(description,) if description else ())
