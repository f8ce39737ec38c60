"""Questions of a SOC to real logs: the tables as they stand in the files."""

from __future__ import annotations

import json
from collections import Counter

import pandas as pd
import pytest

from tests.sample_logs.logs import FOLDER_OF, FOLDERS, Logs, every_table, moment, told


@pytest.mark.parametrize("place", FOLDERS)
def test_a_folder_has_the_tables_of_its_files(logs: Logs, place: str) -> None:
    files = sorted(path.stem for path in (logs.folder / place).glob("*.csv"))
    assert sorted(table.name for table in logs.connections[place].tables()) == files == sorted(FOLDERS[place])


@every_table
def test_a_table_has_as_many_rows_as_its_file(logs: Logs, table: str) -> None:
    rows = len(logs.files[table].records) - 1
    assert told(logs.ask(FOLDER_OF[table], f"['{table}'] | count")) == [(rows,)]


@every_table
def test_headers_have_no_utc_mark_and_none_is_empty(logs: Logs, table: str) -> None:
    columns = list(logs.ask(FOLDER_OF[table], f"['{table}'] | take 0").columns)
    assert columns == logs.files[table].names
    assert not any("[UTC]" in column for column in columns)


@every_table
def test_times_are_those_of_the_file(logs: Logs, table: str) -> None:
    file = logs.files[table]
    expected = {}
    for name in file.names:
        texts = file.column(name)
        times = [moment(text) for text in texts]
        if any(times) and all(time or not text for time, text in zip(times, texts, strict=True)):
            expected[name] = times
    frame = logs.ask(FOLDER_OF[table], f"['{table}']")
    read = frame.select_dtypes("datetimetz").dropna(axis="columns", how="all")
    assert sorted(read.columns) == sorted(expected)
    rows = range(len(file.rows))
    assert Counter(told(read[list(expected)])) == Counter(
        tuple(times[row] for times in expected.values()) for row in rows
    )


@every_table
def test_texts_and_json_are_those_of_the_file(logs: Logs, table: str) -> None:
    file = logs.files[table]
    frame = logs.ask(FOLDER_OF[table], f"['{table}']")
    for name in frame.columns:
        texts = Counter(file.column(name))
        if isinstance(frame[name].dtype, pd.StringDtype):
            assert Counter(frame[name].fillna("")) == texts, name
        elif frame[name].dtype == object:
            kept = Counter(
                "" if value is None else json.dumps(value, sort_keys=True) for value in frame[name]
            )
            assert kept == Counter(
                text and json.dumps(json.loads(text), sort_keys=True) for text in file.column(name)
            ), name
