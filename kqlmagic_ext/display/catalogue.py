"""The tables of a connection, and the columns of one, as DataFrames for the notebook."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from kqlmagic_ext.query import Table


def matching(tables: Iterable[Table], pattern: str) -> list[Table]:
    """Those whose names match the pattern, or hold it when it has no wildcards; case does not matter."""
    wild = pattern if set("*?[") & set(pattern) else f"*{pattern}*"
    return [table for table in tables if fnmatch.fnmatchcase(table.name.casefold(), wild.casefold())]


def table_list(tables: Iterable[Table]) -> pd.DataFrame:
    """One row a table: `table` (str), `rows` (Int64, missing where not counted), `remarks` (str)."""
    import pandas as pd

    rows = [(table.name, table.rows, "; ".join([*table.remarks, *table.losses])) for table in tables]
    return pd.DataFrame(rows, columns=["table", "rows", "remarks"]).astype({"rows": "Int64"})


def column_list(table: Table) -> pd.DataFrame:
    """One row a column of the table: `column` and `type` (its KQL type), both str."""
    import pandas as pd

    return pd.DataFrame(list(table.columns.items()), columns=["column", "type"])
