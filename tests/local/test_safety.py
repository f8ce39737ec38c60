"""KQL text reaches no file, no network, and writes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from kqlmagic_ext import ConnectError, KqlMagicError, Query
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "case"
    inside.mkdir()
    (inside / "t.csv").write_text("a,b\n1,x\n")
    (inside / "notes.txt").write_text("secret")
    (tmp_path / "outside.csv").write_text("a\nsecret\n")
    return inside


@pytest.mark.parametrize(
    "query",
    [
        "['{outside}'] | take 1",
        "['{inside}/t.csv'] | take 1",
        "['{inside}/notes.txt'] | take 1",
        "['{inside}/*.csv'] | take 1",
        "union ['{outside}'], t",
        "t | join (['{outside}']) on a",
        "t | where a in (['{outside}'])",
        "let x = ['{outside}']; x | take 1",
        "let ['{inside}/notes.txt'] = ['{inside}/notes.txt']; ['{inside}/notes.txt']",
        "let sqlite_master = sqlite_master; sqlite_master | take 5",
        "let duckdb_tables = duckdb_tables; duckdb_tables",
        "externaldata(a:string)['{outside}']",
        "externaldata(a:string)['https://127.0.0.1/x.csv'] with (format='csv')",
        "['http://127.0.0.1/x.csv'] | take 1",
        ".set made <| t",
        ".set-or-replace t <| print a = 1",
        ".create database D persist (@'{inside}/d')",
        ".attach database D from '{outside}'",
        "// comment\n.set made <| t",
        ".show tables",
        "read_csv('{outside}')",
        "print x = read_text('{outside}')",
        "print x = getenv('HOME')",
        "duckdb_settings | take 1",
        "['pg_class'] | take 1",
        "['information_schema.tables'] | take 1",
        "table('{outside}')",
        "database('memory').t",
        "cluster('x').database('y').t",
    ],
)
def test_a_query_reaches_nothing_but_the_catalogue(opened: Open, folder: Path, query: str) -> None:
    connection = opened(folder)
    before = sorted(path.name for path in folder.parent.rglob("*"))
    text = query.format(outside=folder.parent / "outside.csv", inside=folder)
    with pytest.raises(KqlMagicError):
        connection.run(Query(text))
    assert sorted(path.name for path in folder.parent.rglob("*")) == before
    assert [table.name for table in connection.tables()] == ["t"]


def test_the_engine_itself_is_cut_off(opened: Open, folder: Path) -> None:
    cursor = opened(folder)._database.cursor()
    outside = folder.parent / "outside.csv"
    for sql in (
        f"SELECT * FROM '{outside}'",
        f"SELECT * FROM read_csv('{outside}')",
        f"COPY (SELECT 1) TO '{folder.parent / 'made.csv'}'",
        f"ATTACH '{folder.parent / 'made.duckdb'}'",
        "INSTALL httpfs",
        "SET enable_external_access=true",
        "SET allowed_directories=['/']",
    ):
        with pytest.raises(duckdb.Error):
            cursor.sql(sql).fetchall()
    cursor.close()
    assert not list(folder.parent.glob("made*"))


def test_a_python_variable_is_no_table(opened: Open) -> None:
    secret = pd.DataFrame({"a": [1]})
    assert len(secret) == 1
    with pytest.raises(KqlMagicError, match="there is no table 'secret'"):
        opened("local://").run(Query("secret | take 1"))


def test_inputs_are_gone_after_their_query(opened: Open) -> None:
    connection = opened("local://")
    assert answer(connection, "t | count", t=pd.DataFrame({"a": [1]})) == [(1,)]
    with pytest.raises(KqlMagicError, match="there is no table 't'"):
        connection.run(Query("t | count"))


def test_a_link_inside_the_folder_is_followed_and_a_broken_one_named(opened: Open, folder: Path) -> None:
    (folder / "linked.csv").symlink_to(folder.parent / "outside.csv")
    connection = opened(folder)
    assert answer(connection, "linked") == [("secret",)]
    with pytest.raises(KqlMagicError):
        connection.run(Query(f"['{folder.parent / 'outside.csv'}'] | take 1"))
    (folder / "broken.csv").symlink_to(folder / "nowhere.csv")
    with pytest.raises(ConnectError, match=r"broken.csv is a link to"):
        opened(folder)


def test_a_linked_folder_is_resolved(opened: Open, folder: Path) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder)
    assert answer(opened(link), "t") == [(1, "x")]


def test_a_memory_limit_is_kept_and_a_wrong_one_refused(opened: Open) -> None:
    cursor = opened("local://", memory_limit="1GB")._database.cursor()
    limit = cursor.sql("SELECT current_setting('memory_limit')").fetchall()[0][0]
    cursor.close()
    assert limit in ("953.6 MiB", "1.0 GB")
    with pytest.raises(ConnectError, match="cannot start"):
        opened("local://", memory_limit="lots")


def test_closing_removes_the_scratch_folder_and_may_be_done_twice(opened: Open) -> None:
    connection = opened("local://")
    scratch = Path(connection._database.scratch)
    assert scratch.is_dir()
    connection.close()
    connection.close()
    assert not scratch.exists()


def test_what_a_killed_process_left_is_removed_after_a_day(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    day_ago = time.time() - 90_000
    folders = {"old": dead.pid, "fresh": dead.pid, "alive": os.getpid()}
    for name, owner in folders.items():
        (tmp_path / f"kqlmagic_ext-{owner}-{name}").mkdir()
        if name != "fresh":
            os.utime(tmp_path / f"kqlmagic_ext-{owner}-{name}", (day_ago, day_ago))
    connection = opened("local://")
    left = {
        path.name.rpartition("-")[2]
        for path in tmp_path.iterdir()
        if str(path) != connection._database.scratch
    }
    assert left == {"fresh", "alive"}
