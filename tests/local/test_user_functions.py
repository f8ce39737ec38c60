"""Functions of the analyst's own: files of the opened folder, and those that a cell defines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kqlmagic_ext import QueryError
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]
FILES = {
    "Twice": "(n: long = 5) { n * 2 }",
    "FourTimes": "(n: long) {\n  // twice, twice\n  Twice(Twice(n))\n}\n",
    "Rows": "T // all of them\n| where n > 0\n",
    "Above": "(m: long, s: string = 'x') { let least = m; Rows | where n > least or a == s };",
    "Marked": "(T: (n: long), more: long) { T | extend marked = Twice(n) + more }",
    "Said": '() { print s = ```one "1"\ntwo\\n``` }',
    "Price": "() { print p = decimal(0.1) }",
    "Lost": "\n\nNoTable\n| take 1",
    "Odd": "(n: long) {\n  n +\n  nosuch(n)\n}",
    "Broken": "T\n| where n = = 3",
    "Open": "(n: long) {\n n + (1\n}",
    "Injected": "T }; let g = () { T",
    "Round": "(n: long) { Trip(n) }",
    "Trip": "(n: long) { Round(n) }",
    "strlen": "print 1",
    "Empty": "// nothing",
    "NoColumn": "T\n| where nope == 1",
    "n": "(n: long) { Twice(n) + 1 }",
    "Sum": "T | summarize n = sum(n), m = max(n)",
    "Scan": "() { T | scan with (step a: true;) }",
}


@pytest.fixture
def workspace(opened: Open, tmp_path: Path) -> LocalConnection:
    (tmp_path / "T.csv").write_text("a,n\nx,1\ny,2\nz,3\nw,0\n", "utf-8")
    (tmp_path / "functions").mkdir()
    for name, text in FILES.items():
        (tmp_path / "functions" / f"{name}.kql").write_text(text, "utf-8")
    return opened(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("print Twice(3)", [(6,)]),
        ("print Twice()", [(10,)]),
        ("print FourTimes(1) + Twice(1)", [(6,)]),
        ("T | where Twice(n) == 4 | project a", [("y",)]),
        ("Rows | count", [(3,)]),
        ("Rows() | count", [(3,)]),
        ("Above(2) | project a", [("x",), ("z",)]),
        ("Above(2, 'none') | project a", [("z",)]),
        ("T | join kind=inner (Above(2, '')) on a | project a", [("z",)]),
        ("T | join kind=inner Rows on a | count", [(3,)]),
        ("T | where a in ((Above(2) | project a)) | count", [(2,)]),
        ("union Rows, (Above(9)) | count", [(4,)]),
        ("let big = Above(2, ''); big | project n", [(3,)]),
        ("T | where n == 3 | invoke Marked(1) | project marked", [(7,)]),
        ("Said", [('one "1"\ntwo\\n',)]),
        ("let Twice = (n: long) { n * 200 }; print Twice(1)", [(200,)]),
        ("T | extend x = n, Broken = n | where Broken > 1 | summarize sum(Broken), max(Broken)", [(5, 3)]),
        ("T | where n == 3 | project Open = n, Lost = n | project Open, Lost", [(3, 3)]),
        ("print n(1)", [(3,)]),
        ("T | take 1 | union kind=outer Sum, Sum | count", [(3,)]),
        ("print toscalar(Rows | count)", [(3,)]),
        ("T | extend Broken = n | where Broken == 2 | project a", [("y",)]),
        ("Price | extend q = decimal(0.2) | project toreal(p), toreal(q)", [(0.1, 0.2)]),
    ],
)
def test_a_function_of_the_folder_is_called_like_one_of_kql(
    workspace: LocalConnection, text: str, expected: list[tuple[Any, ...]]
) -> None:
    assert sorted(answer(workspace, text), key=str) == sorted(expected, key=str)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Broken | take 1", r"line 1, column 1: the function Broken \(functions/Broken.kql, line 2\)"),
        ("print Open(1)", r"functions/Open.kql, line 3\): its brackets"),
        ("Injected", r"functions/Injected.kql, line 1\): its brackets"),
        ("Lost", r"the function Lost \(functions/Lost.kql, line 3\): there is no table 'NoTable'"),
        (
            "print 1,\nOdd(1)",
            r"line 2, column 1: the function Odd \(functions/Odd.kql, line 3\): .*nosuch\(\)",
        ),
        ("print Round(1)", r"the function Round calls itself \(Round → Trip → Round\)"),
        ("print strlen('a')", r"functions/strlen.kql, line 1\): KQL has a function of that name"),
        ("Empty", r"functions/Empty.kql, line 1\): it is empty"),
        ("NoColumn | count", r"functions/NoColumn.kql, line 2\): there is no column 'nope'"),
        ("T | take 1 | union Scan", r"line 1, column 20: the function Scan \(functions/Scan.kql\): .*scan"),
        ("print Twice(m=2)", r"Twice\(\) cannot be called so"),
        ("Above(m=2)", r"Above\(\) cannot be called so"),
        ("Above('a', 'b', 3)", r"Above\(\) cannot be called so"),
        ("print Twice(1, 2)", r"Twice\(\) cannot be called so"),
        ("let Twice = 1; print FourTimes(Twice)", "which a let of the query hides"),
    ],
)
def test_what_is_wrong_with_a_function_is_said_where_it_is(
    workspace: LocalConnection, text: str, said: str
) -> None:
    with pytest.raises(QueryError, match=said):
        answer(workspace, text)


def test_a_changed_file_is_the_function_from_then_on(workspace: LocalConnection, tmp_path: Path) -> None:
    assert answer(workspace, "print Twice(1)") == [(2,)]
    (tmp_path / "functions" / "Twice.kql").write_text("(n: long) { n * 20 }", "utf-8")
    assert answer(workspace, "print Twice(1)") == [(20,)]


def test_a_function_is_defined_and_dropped_in_any_workspace(opened: Open) -> None:
    connection = opened("local://")
    connection.functions.define("Three", "(n: long) { n * 3 }")
    assert answer(connection, "print Three(2)") == [(6,)]
    connection.functions.drop("Three")
    with pytest.raises(QueryError, match="no function Three"):
        answer(connection, "print Three(2)")
    with pytest.raises(QueryError, match="Bad"):
        connection.functions.define("Bad", "(n: long) { n *")
    assert connection.functions.names() == []
