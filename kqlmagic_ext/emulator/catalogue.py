"""What the service tells of its tables: the schema of a workspace, and who may read what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kqlmagic_ext.kql.tokens import code

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kqlmagic_ext.emulator.answers import Workspace

WORKSPACE = "6b716c6d-6167-4963-8f65-787465787431"
RESOURCE = f"/subscriptions/{WORKSPACE}/resourceGroups/emulator/providers/Microsoft.OperationalInsights/workspaces/emulator"
_TIME_COLUMN = "TimeGenerated"


def metadata(workspace: Workspace, asked: str | None) -> dict[str, Any]:
    """The tables of the workspace with their columns, in the service's shape; what an embedded workspace lacks is empty."""
    tables = [_table(workspace, table.name) for table in workspace.tables()]
    here = {
        "id": asked or WORKSPACE,
        "name": workspace.name,
        "region": "local",
        "resourceId": RESOURCE,
        "related": {"tables": [table["id"] for table in tables]},
    }
    return {
        "tables": tables,
        "solutions": [],
        "functions": [],
        "resourceTypes": [],
        "workspaces": [here],
        "categories": [],
    }


def _table(workspace: Workspace, name: str) -> dict[str, Any]:
    columns = workspace.table(name).columns
    return {
        "id": f"t/{name}",
        "name": name,
        "description": "",
        "timespanColumn": _TIME_COLUMN if columns.get(_TIME_COLUMN) == "datetime" else None,
        "columns": [
            {"name": column, "type": kind, "isPreferredFacet": False} for column, kind in columns.items()
        ],
        "related": {},
    }


def permissions(resource: str | None, denied: Iterable[str]) -> dict[str, Any]:
    """Which tables were left out without a word, as the documentation of resource queries shows it.

    Whether the service tells it of a workspace's query, too, is not established; here it does.
    """
    listed = sorted(denied)
    asked: dict[str, Any] = {"resourceId": resource or RESOURCE, "dataSources": [RESOURCE]}
    return {
        "resources": [{**asked, "denyTables": listed} if listed else asked],
        "dataSources": [{"resourceId": RESOURCE}],
    }


def data_sources(workspace: Workspace, text: str) -> list[dict[str, Any]]:
    """The workspace and the tables that the query names; the live shape is not documented."""
    words = {word.text for word in code(text) if word.kind == "name"}
    named = [table.name for table in workspace.tables() if table.name in words]
    return [{"resourceId": RESOURCE, "region": "local", "tables": named}]
