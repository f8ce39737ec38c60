"""`where * has "x"`, `search` and `find`, from the reference's text and against a slow model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqlmagic_ext import KqlMagicError
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]
ROWS = (
    "datatable (s: string, d: dynamic, n: long, ['a \"b']: string)["
    "'the error came', dynamic({'k': 'red fox'}), 4625, '', "
    "'errors', dynamic(null), long(null), 'Red', "
    "'', dynamic(['ünï']), -1, 'labPC 100%']"
)


def kept(opened: Open, text: str) -> list[Any]:
    return [row[0] for row in answer(opened("local://"), f"{text} | project n")]


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("* has 'error'", 1),
        ("* contains 'error'", 2),
        ("* has 'RED'", 2),
        ("* has_cs 'red'", 1),
        ("* == 'Red'", 1),
        ("* =~ 'red'", 1),
        ("* has '4625'", 1),
        ("* startswith 'err'", 1),
        ("* matches regex 'P.\\\\s1'", 1),
        ("* contains 'ÜNÏ'", 1),
        ("* contains '0%'", 1),
        ("not(* has 'red')", 1),
        ("* has 'red' and n > 0", 1),
        ("* has 'nothing'", 0),
    ],
)
def test_a_star_is_any_column(opened: Open, condition: str, count: int) -> None:
    assert len(kept(opened, f"{ROWS} | where {condition}")) == count
    assert len(kept(opened, f"let X = {ROWS} | where {condition}; X | union (X | take 0)")) == count


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("'error'", 1),
        ("'error*'", 2),
        ("'*rror'", 1),
        ("'*rror*'", 2),
        ("'lab*100'", 1),
        ("'la*00'", 1),
        ("'b*100'", 0),
        ("'red'", 2),
        ("kind=case_sensitive 'red'", 1),
        ("kind=case_sensitive 'LAB*100'", 0),
        ("kind=case_insensitive 'LAB*100'", 1),
        ("'red' and 'fox'", 1),
        ("'red' or 'labPC'", 3),
        ("('red' or 'labPC') and n == -1", 1),
        ("not('red')", 1),
        ("s:'error'", 1),
        ("s:'red'", 0),
        ("d:'fox'", 1),
        ("n:'4625'", 1),
        ("s == 'errors'", 1),
        ("* has 'red' and n > 0", 1),
        ("*", 3),
    ],
)  # fmt: skip
def test_a_search_finds_terms_in_any_column(opened: Open, condition: str, count: int) -> None:
    assert len(kept(opened, f"{ROWS} | search {condition}")) == count


@pytest.mark.parametrize(
    "text", ["search ''", "search '*'", "where * has ''", "where * !has 'a'", "where * == 3", "search kind=odd 'a'"]
)  # fmt: skip
def test_what_is_not_sure_is_refused(opened: Open, text: str) -> None:
    with pytest.raises(KqlMagicError, match="cannot run"):
        answer(opened("local://"), f"print a = 'a' | {text}")


def test_a_star_inside_mv_apply_is_each_of_its_columns(opened: Open) -> None:
    text = "print s = 'red', d = dynamic(['a', 'b']) | mv-apply d on (where * has 'red')"
    assert len(answer(opened("local://"), text)) == 2


words = st.lists(st.sampled_from(["red", "Red", "fox", "redfox"]), max_size=3).map(" ".join)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(words, words), min_size=1, max_size=4), st.sampled_from(["red", "fox", "redfox"]))
def test_terms_as_a_slow_model_finds_them(
    shared: LocalConnection, rows: list[tuple[str, str]], term: str
) -> None:
    table = ", ".join(f"'{a}', '{b}'" for a, b in rows)
    found = answer(shared, f"datatable (a: string, b: string) [{table}] | search '{term}' | project a, b")
    assert found == [row for row in rows if term in f"{row[0]} {row[1]}".lower().split()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three tables."""
    (tmp_path / "DeviceA.csv").write_text("a,s\n1,red\n2,blue\n", "utf-8")
    (tmp_path / "DeviceB.csv").write_text("b,s\n3,red\n", "utf-8")
    (tmp_path / "Other.csv").write_text("a,t\n1,red fox\n", "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("search in (DeviceA, DeviceB) 'red' | project ['$table'], s", [("DeviceA", "red"), ("DeviceB", "red")]),
        ("search in (Device*) s:'red' | distinct $table", [("DeviceA",), ("DeviceB",)]),
        ("search in (DeviceA) a == 2 | project $table, a", [("DeviceA", 2)]),
        ("search 'red' | distinct $table", [("DeviceA",), ("DeviceB",), ("Other",)]),
        ("let X = print s = 'red'; search 'red' | union (X | take 0) | distinct $table", [("DeviceA",), ("DeviceB",), ("Other",)]),
        ("search a == 1 and 'fox' | project $table, t", [("Other", "red fox")]),
        ("search 'Other' | count", [(0,)]),
        ("search * | count", [(4,)]),
        ("DeviceA | search 'red' | project $table, a", [("DeviceA", 1)]),
        ("union DeviceA, Other | search 'red' | distinct $table", [("DeviceA",), ("Other",)]),
        ("search 'red' | search 'fox' | project $table", [("Other",)]),
        ("find in (DeviceA, Other) where a == 1 project a", [("DeviceA", 1), ("Other", 1)]),
        ("find withsource=N in (Device*) where s == 'red' project s | distinct N", [("DeviceA",), ("DeviceB",)]),
        ("find where a == 1 project a", [("DeviceA", 1), ("Other", 1)]),
        ("find in (DeviceA) where 'blue' project a", [("DeviceA", 2)]),
        ("let n = toscalar(search 'red' | count); print n", [(3,)]),
    ],
)  # fmt: skip
def test_tables_are_searched(opened: Open, folder: Path, text: str, expected: list[Any]) -> None:
    assert sorted(answer(opened(folder), text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "DeviceA | search in (DeviceB) 'red'",
        "find in (DeviceA) where a == 1",
        "find in (DeviceA) where a == 1 project a, pack(*)",
        "let V = view () { DeviceA }; search 'red'",
    ],
)
def test_a_form_of_search_that_is_not_there_is_refused(opened: Open, folder: Path, text: str) -> None:
    with pytest.raises(KqlMagicError, match="cannot run"):
        answer(opened(folder), text)


def test_a_table_that_a_let_hides_is_not_left_out_of_a_search(opened: Open, folder: Path) -> None:
    for text in ("search 'red'", "union Oth*"):
        with pytest.raises(KqlMagicError, match="cannot search the table Other beside a let of its name"):
            answer(opened(folder), f"let Other = DeviceA; {text} | union Other")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("search 'a'", "search: there is no table to search"),
        ("print ['$table'] = 'a' | search 'a'", "has a column of this name"),
        ("union withsource=a (print b = 1), (print a = 1)", "has a column of this name"),
    ],
)
def test_what_cannot_be_searched_is_said(opened: Open, text: str, said: str) -> None:
    with pytest.raises(KqlMagicError, match=said):
        answer(opened("local://"), text)
