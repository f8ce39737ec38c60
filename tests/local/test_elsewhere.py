"""Names of other places in a query."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kqlmagic_ext import QueryError, UnsupportedError
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]


@pytest.fixture
def soc(opened: Open, tmp_path: Path) -> LocalConnection:
    (tmp_path / "T.csv").write_text("a,n\nx,1\ny,2\n", "utf-8")
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "Home.kql").write_text("workspace('soc').T | where n > 1", "utf-8")
    (tmp_path / "functions" / "Away.kql").write_text("T\n| union workspace('east').T", "utf-8")
    (tmp_path / "functions" / "DeviceFromIP.kql").write_text("(ip: string) { print ip = ip }", "utf-8")
    return opened(tmp_path, name="soc")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('workspace("soc").T', 2),
        ("union T, workspace('SOC').T", 4),
        ("T | join kind=inner (workspace( 'soc' ) . T | where n == 1) on a", 1),
        ("let t = workspace('soc').T; t | where a in ((workspace('soc').T | project a))", 2),
        ("Home", 1),
        ("T | extend workspace = n, arg = a | where workspace == 1 and arg == 'x'", 1),
        ("print s = 'workspace(1).T arg(1)' // cluster('x')", 1),
        ("let arg = (x: long) { x + 1 }; T | where n == arg(1)", 1),
        ("DeviceFromIP('192.0.2.1') | where ip == '192.0.2.1'", 1),
    ],
)
def test_the_workspace_itself_may_be_named(soc: LocalConnection, text: str, count: int) -> None:
    assert answer(soc, f"{text}\n| count") == [(count,)]


@pytest.mark.parametrize(
    ("text", "said", "construct"),
    [
        ("workspace('east').T", "line 1, column 1: workspace\\('east'\\) is another workspace.* which is soc", "workspace()"),
        ("T\n| union workspace('east').T", "line 2, column 9: workspace\\('east'\\)", "workspace()"),
        ("let w = 'soc'; workspace(w).T", "workspace\\(\\) is another", "workspace()"),
        ("print FileProfile('a')", "FileProfile\\(\\) is a function of Microsoft Defender", "FileProfile()"),
        ("T | invoke FileProfile(a, 1000)", "line 1, column 12: FileProfile\\(\\)", "FileProfile()"),
        ("arg('').Resources", "Azure Resource Graph", "arg()"),
        ("adx('https://x/y').T", "Azure Data Explorer", "adx()"),
        ("T | join (cluster('x').database('y').T) on a", "column 11: cluster\\(\\) is a cluster", "cluster()"),
        ("app('x').requests", "Application Insights", "app()"),
    ],
)  # fmt: skip
def test_other_places_are_refused_by_name(soc: LocalConnection, text: str, said: str, construct: str) -> None:
    with pytest.raises(UnsupportedError, match=said) as raised:
        answer(soc, text)
    assert raised.value.construct == construct
    assert raised.value.hint


def test_another_place_in_a_function_is_told_with_its_line(soc: LocalConnection) -> None:
    with pytest.raises(QueryError, match=r"functions/Away.kql, line 2\): workspace\('east'\) is another"):
        answer(soc, "Away")
