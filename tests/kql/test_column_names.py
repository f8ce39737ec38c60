"""The columns that Tab knows at the end of a query are those that the embedded workspace gives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kqlmagic_ext import Query, connect
from kqlmagic_ext.connections import Connection
from kqlmagic_ext.kql.known_tables import known_tables
from kqlmagic_ext.kql.language_service import Schema
from kqlmagic_ext.kql.language_service.ours import OurService


@pytest.fixture(scope="module")
def demo() -> Iterator[Connection]:
    connection = connect("local://demo")
    yield connection
    connection.close()


@pytest.mark.parametrize(
    "steps",
    [
        "summarize count() by startofday(TimeGenerated)",
        "project startofday(TimeGenerated), format_datetime(TimeGenerated, 'yyyy'), endofweek(TimeGenerated)",
        "project strcat(ResultType), AppDisplayName, strcat(IPAddress)",
        "project strlen(ResultType), tolower(AppDisplayName), iff(true, ResultType, 'b'), tostring(UserId)",
        "project split(UserPrincipalName, '@')[1], split(AppDisplayName, ' ')",
        "project parse_json(ResultType).x.y, DeviceDetail.operatingSystem",
        "summarize avg(strlen(ResultType)), percentile(strlen(ResultType), 95), max(tolower(ResultType))",
        "summarize arg_max(TimeGenerated, ResultType) by bin(TimeGenerated, 1d)",
        "summarize count() by tolower(ResultType), tolower(AppDisplayName)",
        "project IPAddress, UserId | union (SigninLogs | project AppDisplayName, UserId)",
    ],
)
def test_the_names_are_the_engines(demo: Connection, steps: str) -> None:
    query = f"SigninLogs | {steps}"
    given = list(demo.run(Query(f"{query} | take 1")).frame.columns)
    asked = f"{query} | project "
    offered = OurService().complete(asked, len(asked), Schema(known_tables())).found
    known = [one.text for one in offered if one.kind == "field"]
    assert set(known) == set(given)
    if "union" not in steps and "arg_max" not in steps:
        assert [name for name in known if name in given] == given
