"""%kql_function in a real shell."""

from __future__ import annotations

from pathlib import Path

import pytest
from IPython.core.error import UsageError

from kqlmagic_ext import QueryError
from tests.notebook import Notebook

DEMO = "%kql_connect local://demo?end=2026-11-22&rows=2000"


@pytest.mark.parametrize("url", ["local://", "local://demo?end=2026-11-22&rows=2000"])
def test_a_cell_defines_a_function_for_its_connection(notebook: Notebook, url: str) -> None:
    notebook.value(f"%kql_connect {url}")
    notebook.value("%%kql_function Scaled (n: long, by_: long = 10)\n// a remark\nn * by_\n")
    assert notebook.receipt == "Scaled is a function of this connection"
    assert notebook.value("%kql print x = Scaled(2)")["x"][0] == 20
    notebook.value("%%kql_function Numbers\nrange n from 1 to 3 step 1\n| extend s = Scaled(n);")
    assert list(notebook.value("%%kql\nNumbers | where n > 1")["s"]) == [20, 30]
    notebook.value("%%kql_function More\n(by_: long) { Numbers | where s > by_ }")
    assert len(notebook.value("%kql More(15)")) == 2
    notebook.value("%kql_function")
    assert notebook.receipt.split("\n") == [f"{n}: defined by a cell" for n in ("More", "Numbers", "Scaled")]
    notebook.value("%kql_function Scaled")
    assert "// a remark" in notebook.receipt
    notebook.value("%kql_function --drop Scaled")
    assert "no function Scaled" in str(notebook.error("%kql print x = Scaled(2)"))


def test_a_function_belongs_to_one_connection(notebook: Notebook) -> None:
    notebook.value("%kql_connect local:// --as first")
    notebook.value(DEMO)
    notebook.value("%%kql_function -c first One\nprint x = 1")
    assert notebook.value("%kql -c first One")["x"][0] == 1
    assert isinstance(notebook.error("%kql One"), QueryError)


def test_files_are_listed_and_shown_and_not_dropped(notebook: Notebook, tmp_path: Path) -> None:
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "Two.kql").write_text("print x = 2", "utf-8")
    notebook.value(f"%kql_connect local://{tmp_path}")
    notebook.value("%kql_function")
    assert notebook.receipt == "Two: functions/Two.kql"
    notebook.value("%kql_function Two")
    assert "print x = 2" in notebook.receipt
    assert "remove the file" in str(notebook.error("%kql_function --drop Two"))
    notebook.value("%%kql_function Two\nprint x = 22")
    assert notebook.value("%kql Two")["x"][0] == 22
    notebook.value("%kql_function --drop Two")
    assert notebook.value("%kql Two")["x"][0] == 2


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%kql_function Nothing", "there is no function Nothing"),
        ("%kql_function --drop Nothing", "there is no function Nothing"),
        ("%kql_function --drop", "cannot be read"),
        ("%kql_function two words", "cannot be read"),
        ("%kql_function F (a: string)", "cannot be read"),
        ("%%kql_function\nprint 1", "wants a name"),
        ("%%kql_function F\nprint {{n}}", "make it a parameter"),
    ],
)
def test_what_cannot_be_meant_is_refused(notebook: Notebook, cell: str, said: str) -> None:
    notebook.value("%kql_connect local://")
    error = notebook.error(cell)
    assert isinstance(error, UsageError)
    assert said in str(error)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%%kql_function F\nprint 1,\n| | count", "(defined by a cell, line 3)"),
        ("%%kql_function F (n: long)\nn + (1", "brackets"),
        ("%%kql_function strlen (n: string)\n1", "KQL has a function of that name"),
        ("%%kql_function F\n// nothing", "it is empty"),
    ],
)
def test_a_function_that_cannot_be_read_is_not_defined(notebook: Notebook, cell: str, said: str) -> None:
    notebook.value("%kql_connect local://")
    assert said in str(notebook.error(cell))
    notebook.value("%kql_function")
    assert notebook.receipt.startswith("there are no functions")
