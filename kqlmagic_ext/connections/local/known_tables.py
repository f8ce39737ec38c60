"""The columns of the Log Analytics tables that real queries use most, as facts: names and KQL types."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def known_tables() -> dict[str, dict[str, str]]:
    """Each known table's columns with their KQL types: `{"SigninLogs": {"TimeGenerated": "datetime", …}, …}`.

    Source: `known_tables.txt`, one table a line in the form of a KQL schema, `Name(column:type, …)`.
    """
    text = files(__package__).joinpath("known_tables.txt").read_text("utf-8")
    return dict(_parse(line) for line in text.splitlines())


def _parse(line: str) -> tuple[str, dict[str, str]]:
    name, _, columns = line.removesuffix(")").partition("(")
    return name, {column: kind for column, _, kind in (pair.partition(":") for pair in columns.split(", "))}
