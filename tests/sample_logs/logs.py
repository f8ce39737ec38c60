"""Real sample logs, asked by the engine and read by Python: each answer is computed anew from the CSV file, without the engine."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter, defaultdict
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd
import pytest

from kqlmagic_ext import Query, Timespan, connect

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kqlmagic_ext.connections import Connection

    Row = dict[str, str]

FOLDERS = {
    "training_lab": (
        "AuditLogs_Hunting",
        "azureActivity_adele",
        "azure_activity",
        "disable_accounts",
        "office_activity",
        "office_activity_inbox_rule",
        "sign-in_adelete",
        "solarigate_CEFevent",
    ),
    "msticpy": ("alertlist", "processes_on_host", "syslog_data"),
    "cef": ("wirex_sample_data_all",),
}
FOLDER_OF = {table: folder for folder, tables in FOLDERS.items() for table in tables}
TIME_FORMATS = ("%m/%d/%Y, %I:%M:%S.%f %p", "%m/%d/%Y %H:%M")
ADELE = "adelev@m365x816222.onmicrosoft.com"

every_table = pytest.mark.parametrize("table", FOLDER_OF)


class File:
    """A CSV file as Python reads it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def records(self) -> list[list[str]]:
        with self.path.open(encoding="utf-8-sig", newline="") as text:
            return list(csv.reader(text))

    @cached_property
    def names(self) -> list[str]:
        return [
            name.removesuffix(" [UTC]") or f"Column{number}" for number, name in enumerate(self.records[0], 1)
        ]

    @cached_property
    def rows(self) -> list[Row]:
        return [dict(zip(self.names, record, strict=True)) for record in self.records[1:]]

    def column(self, name: str) -> list[str]:
        return [row[name] for row in self.rows]


class Logs:
    """The sample folders, opened, and their files."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.connections: dict[str, Connection] = {
            name: stack.enter_context(closing(connect(f"local://{quote((folder / name).as_posix())}")))
            for name in FOLDERS
        }
        self.files = {table: File(folder / place / f"{table}.csv") for table, place in FOLDER_OF.items()}

    def rows(self, table: str) -> list[Row]:
        return self.files[table].rows

    def ask(
        self, place: str, text: str, inputs: Mapping[str, Any] | None = None, timespan: str | None = None
    ) -> pd.DataFrame:
        window = None if timespan is None else Timespan.parse(timespan)
        return self.connections[place].run(Query(text, inputs or {}, window)).frame

    def ask_lab(self, text: str, inputs: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        return told(self.ask("training_lab", text, inputs))

    def ask_host(self, text: str, inputs: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        return told(self.ask("msticpy", text, inputs))

    def ask_cef(self, text: str, inputs: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        return told(self.ask("cef", text, inputs))


def told(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """The rows of an answer as plain tuples, None where a value is missing."""
    objects = frame.astype(object)
    return list(objects.where(objects.notna(), None).itertuples(index=False, name=None))


def counts(keys: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Sorted (*key, number) rows, as `summarize count() by key` answers."""
    tally = Counter(key if isinstance(key, tuple) else (key,) for key in keys)
    return sorted((*key, number) for key, number in tally.items())


def moment(text: str) -> datetime | None:
    """The time that the text tells, the month first when it is no ISO time; None when it tells none."""
    if re.match(r"\d{4}-\d{2}-\d{2}", text):
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    for form in TIME_FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def when(row: Row, column: str = "TimeGenerated") -> datetime:
    found = moment(row[column])
    assert found is not None
    return found


def floor(time: datetime, step: timedelta) -> datetime:
    return time - (time - datetime(1970, 1, 1, tzinfo=UTC)) % step


def day(row: Row) -> datetime:
    return floor(when(row), timedelta(days=1))


def found_in(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1] if match else ""


def image(path: str) -> str:
    return path.rsplit("\\", 1)[-1]


def sets(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, set[Any]]:
    """The distinct second values of each first one."""
    grouped: dict[Any, set[Any]] = defaultdict(set)
    for key, value in pairs:
        grouped[key].add(value)
    return grouped


def entities(row: Row) -> list[dict[str, Any]]:
    return json.loads(row["Entities"]) if row["Entities"] else []
