"""`_GetWatchlist`: files of the opened folder and inputs, as Sentinel gives them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from kqlmagic_ext import ConnectError, Query, QueryError
from kqlmagic_ext.connections.local.connection import LocalConnection
from kqlmagic_ext.query import Timespan
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]
PEOPLE = "print Name='ana' | union (print Name='bo'), (print Name='')"


def with_watchlist(folder: Path, text: str, name: str = "VIPs") -> Path:
    (folder / "watchlists").mkdir(exist_ok=True)
    (folder / "watchlists" / f"{name}.csv").write_text(text, "utf-8")
    return folder


def test_a_watchlist_holds_text_behind_sentinels_columns(opened: Open, tmp_path: Path) -> None:
    connection = opened(with_watchlist(tmp_path, "SearchKey,Level,Since\nana,007,2026-01-02\né,,\n"))
    result = connection.run(Query("_GetWatchlist('VIPs') | sort by SearchKey asc"))
    frame = result.frame
    assert list(frame.columns) == ["_DTItemId", "LastUpdatedTimeUTC", "SearchKey", "Level", "Since"]
    assert frame[["SearchKey", "Level", "Since"]].to_numpy().tolist() == [
        ["ana", "007", "2026-01-02"],
        ["é", "", ""],
    ]
    assert frame["_DTItemId"].is_unique
    assert str(frame["LastUpdatedTimeUTC"].dtype).startswith("datetime64")
    assert not result.warnings


def test_without_a_search_key_the_first_column_is_it_and_that_is_said(opened: Open, tmp_path: Path) -> None:
    connection = opened(with_watchlist(tmp_path, "Account,Level\nana,1\n"))
    result = connection.run(
        Query('_GetWatchlist("VIPs") | project SearchKey, Account', timespan=Timespan.parse("7d"))
    )
    assert result.frame.to_numpy().tolist() == [["ana", "ana"]]
    assert result.warnings == ("_GetWatchlist('VIPs'): its SearchKey is its first column, Account",)


@pytest.mark.parametrize(
    "query",
    [
        f"{PEOPLE} | where Name in ((_GetWatchlist('VIPs') | project SearchKey))",
        f"let vips = _GetWatchlist('VIPs') | project SearchKey; {PEOPLE} | where Name in (vips)",
        f"let name = 'VIPs'; let vips = _GetWatchlist(name); {PEOPLE} | join kind=inner vips on $left.Name == $right.SearchKey | project Name",
        f"let vips = materialize(_GetWatchlist('VIPs') | project SearchKey); {PEOPLE} | where Name in (vips)",
        f"{PEOPLE} | lookup kind=inner (_GetWatchlist('VIPs') | project Name=SearchKey) on Name",
        f"let key = toscalar(_GetWatchlist('VIPs') | summarize make_set(SearchKey)); {PEOPLE} | where Name in (key)",
    ],
)
def test_a_watchlist_stands_wherever_a_table_may(opened: Open, tmp_path: Path, query: str) -> None:
    assert answer(opened(with_watchlist(tmp_path, "SearchKey\nana\n")), query) == [("ana",)]


def test_an_input_is_a_watchlist_of_its_name(opened: Open) -> None:
    vips = pd.DataFrame({"SearchKey": ["ana"], "Level": [7]})
    query = "_GetWatchlist('vips') | project SearchKey, Level"
    assert answer(opened("local://"), query, vips=vips) == [("ana", "7")]


def test_an_input_of_times_is_not_made_text_by_guess(opened: Open) -> None:
    vips = pd.DataFrame({"SearchKey": ["ana"], "Since": pd.to_datetime(["2026-01-02"], utc=True)})
    with pytest.raises(QueryError, match="Since of the input vips is datetime"):
        answer(opened("local://"), "_GetWatchlist('vips')", vips=vips)


def test_an_unknown_watchlist_names_those_there_are(opened: Open, tmp_path: Path) -> None:
    connection = opened(with_watchlist(tmp_path, "a\n1\n"))
    with pytest.raises(QueryError, match=r"there is no watchlist 'vips'; there is VIPs") as caught:
        answer(connection, "print 1 | join _GetWatchlist('vips') on $left.print_0 == $right.a")
    assert (caught.value.line, caught.value.column) == (1, 16)
    with pytest.raises(QueryError, match=r"put x\.csv into watchlists/"):
        answer(opened("local://"), "_GetWatchlist('x')")


def test_a_watchlist_is_read_anew_when_its_file_changes(opened: Open, tmp_path: Path) -> None:
    connection = opened(with_watchlist(tmp_path, "SearchKey\nana\n"))
    query = "_GetWatchlist('VIPs') | project SearchKey"
    assert answer(connection, query) == [("ana",)]
    with_watchlist(tmp_path, "SearchKey,More\nbo,1\nana,2\n")
    assert answer(connection, f"{query}, More") == [("bo", "1"), ("ana", "2")]


def test_every_table_is_not_every_watchlist(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "T.csv").write_text("a\n1\n", "utf-8")
    connection = opened(with_watchlist(tmp_path, "a\nx\n"))
    assert answer(connection, "union * | project a") == [(1,)]


def test_watchlists_that_differ_only_in_case_are_refused(opened: Open, tmp_path: Path) -> None:
    with_watchlist(tmp_path, "a\n1\n", "vips")
    with pytest.raises(ConnectError, match="are one watchlist"):
        opened(with_watchlist(tmp_path, "a\n1\n"))
