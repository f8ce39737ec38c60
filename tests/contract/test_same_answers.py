"""One query, every place: the same frames, the same errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pandas as pd
import pytest

from kqlmagic_ext import KqlMagicError, Query, QueryError, Timespan
from kqlmagic_ext.connections import Catalog, Connection
from tests.contract.connections import CONNECTIONS

DEMO = "local://demo?end=2026-11-01&rows=20000"
QUERIES = [
    "print 1",
    "print b = true, i = int(5), l = 9223372036854775807, r = 1.5, s = 'x', d = datetime(2026-01-02T03:04:05.678901Z)",
    "print ts = 1d, neg = -90s, small = 5ms, g = guid(74be27de-1e4e-49d9-b579-fe0b331d3642)",
    "print dec = decimal(1.5), dyn = dynamic({'a': [1, 'x', null, true, 1.5]})",
    "print nb = bool(null), ni = int(null), nl = long(null), nr = real(null), nd = datetime(null), nt = timespan(null)",
    "print nan = real(nan), inf = real(+inf), ninf = real(-inf)",
    "print far = datetime(9999-12-31T23:59:59.999999Z), early = datetime(0001-01-01)",
    "print s = 'é 😀 \"quoted\" back\\\\slash'",
    "print a = dynamic([1, 2, 3]) | mv-expand a",
    "print s = '],[ \"rows\":[ }}'",
    "print x = 1; print y = 'two'",
    "let n = 5; print x = n * 2",
    "let f = (x: long) { x + 1 }; print x = f(4)",
    "range x from 1 to 5 step 1",
    "range x from 1 to 5 step 1 | where x > 10",
    "datatable(a: string, b: long) ['x', 1, 'y', long(null)]",
    "datatable(a: string) [] | extend n = 1",
    "SigninLogs | count",
    "SigninLogs | take 0",
    "SigninLogs | order by TimeGenerated asc, CorrelationId asc | take 50",
    "SigninLogs | where ResultType != '0' | summarize Attempts = count() by UserPrincipalName | order by Attempts desc, UserPrincipalName asc",
    "SigninLogs | summarize dcount(UserPrincipalName), min(TimeGenerated), max(TimeGenerated)",
    "SigninLogs | summarize Attempts = count() by bin(TimeGenerated, 1d) | order by TimeGenerated asc",
    "SigninLogs | where TimeGenerated between (datetime(2026-10-30) .. datetime(2026-10-31)) | count",
    "SigninLogs | where TimeGenerated > ago(2d) | count",
    "SigninLogs | extend Hour = hourofday(TimeGenerated) | summarize count() by Hour | order by Hour asc",
    "SigninLogs | where UserPrincipalName has 'wei' | distinct UserPrincipalName | order by UserPrincipalName asc",
    "SigninLogs | where UserPrincipalName startswith 'a' | summarize by UserPrincipalName | order by UserPrincipalName asc",
    "SigninLogs | project Status | take 20 | extend Code = tostring(Status.errorCode) | summarize count() by Code | order by Code asc",
    "SigninLogs | summarize avg(DurationMs), percentile(DurationMs, 95)",
    "SigninLogs | summarize countif(ResultType == '0'), sumif(DurationMs, ResultType != '0')",
    "SigninLogs | summarize arg_max(TimeGenerated, IPAddress) by UserPrincipalName | order by UserPrincipalName asc | take 20",
    "SigninLogs | top 5 by TimeGenerated desc | project TimeGenerated",
    "SigninLogs | project-away TenantId | take 1 | getschema | order by ColumnName asc | project ColumnName",
    "SigninLogs | extend Day = startofday(TimeGenerated), Age = now() - TimeGenerated | summarize max(Age) by Day | order by Day asc",
    "SigninLogs | project Gap = TimeGenerated - datetime(2026-10-01) | order by Gap asc | take 5",
    "SigninLogs | extend Domain = tostring(split(UserPrincipalName, '@')[1]) | summarize count() by Domain",
    "SigninLogs | extend Kind = case(ResultType == '0', 'ok', ResultType == '50126', 'wrong', 'other') | summarize count() by Kind | order by Kind asc",
    "SigninLogs | extend Ok = iff(ResultType == '0', true, false) | summarize count() by Ok | order by Ok asc",
    "SigninLogs | project R = toint(ResultType), L = tolong(ResultType), D = todouble(ResultType) | order by L asc | take 5",
    "SigninLogs | where IPAddress matches regex @'^198\\.51\\.' | count",
    "SigninLogs | extend Net = extract(@'^(\\d+\\.\\d+)', 1, IPAddress) | summarize count() by Net | order by Net asc | take 10",
    "SigninLogs | summarize make_set(ResultType) by AppDisplayName | extend N = array_length(set_ResultType) | project AppDisplayName, N | order by AppDisplayName asc",
    "SigninLogs | join kind=inner (IdentityInfo | distinct AccountUPN) on $left.UserPrincipalName == $right.AccountUPN | count",
    "SigninLogs | join kind=leftanti (IdentityInfo) on $left.UserPrincipalName == $right.AccountUPN | count",
    "SigninLogs | lookup kind=leftouter (IdentityInfo | summarize take_any(Department) by UserPrincipalName = AccountUPN) on UserPrincipalName | summarize count() by Department | order by Department asc",
    "union SigninLogs, AADNonInteractiveUserSignInLogs | summarize count() by Type | order by Type asc",
    "union withsource=Source Heartbeat, SigninLogs | summarize count() by Source | order by Source asc",
    "SecurityAlert | project AlertName, AlertSeverity, Entities | order by AlertName asc, Entities asc | take 10",
    "SecurityAlert | where AlertName has 'spray' | extend E = parse_json(Entities) | mv-expand E | project tostring(E.Type) | order by E_Type asc",
    "DeviceNetworkEvents | summarize Connections = count(), Bytes = sum(toint(RemotePort)) by DeviceName | order by DeviceName asc",
    "DeviceProcessEvents | where ProcessCommandLine contains 'powershell' | project TimeGenerated, DeviceName, ProcessCommandLine | order by TimeGenerated asc, ProcessCommandLine asc | take 20",
    "DeviceProcessEvents | parse ProcessCommandLine with * '.exe' Rest | summarize count() by Rest | order by Rest asc | take 20",
    "OfficeActivity | where Operation == 'New-InboxRule' | project TimeGenerated, UserId, Parameters | order by TimeGenerated asc",
    "Heartbeat | summarize Last = max(TimeGenerated) by Computer | order by Computer asc",
    "Heartbeat | project-rename Host = Computer | summarize count() by Host | order by Host asc | take 5",
    "SecurityEvent | summarize count() by EventID | order by EventID asc",
    "SecurityEvent | where EventID in (4624, 4625) | summarize count() by EventID, bin(TimeGenerated, 7d) | order by EventID asc, TimeGenerated asc",
    "AuditLogs | project TimeGenerated, OperationName, TargetResources | order by TimeGenerated asc, OperationName asc | take 5",
    "let bad = SigninLogs | where ResultType == '50126' | distinct IPAddress; SigninLogs | where IPAddress in (bad) | count",
    "let t = 2d; SigninLogs | where TimeGenerated > ago(t) | summarize count() by bin(TimeGenerated, 12h) | order by TimeGenerated asc | render timechart",
    "SigninLogs | summarize n = count() by ResultType | order by n desc, ResultType asc | render columnchart with (kind=stacked, title='By result', ytitle=\"n\")",
    "SigninLogs | take 3 | project s = strcat(UserPrincipalName, '|', ResultType) | extend l = strlen(s) | project l > 0",
    "print y = strlen('é'), z = base64_encode_tostring('e')",
    "print format_datetime(datetime(2026-01-02 03:04:05), 'yyyy-MM-dd HH:mm'), datetime_diff('hour', datetime(2026-01-02), datetime(2026-01-01))",
    "print replace_string('a.b', '.', '-'), tolower('ÀB'), trim(' ', ' x '), indexof('abc', 'c')",
    "print isempty(''), isnull(long(null)), coalesce(long(null), 5)",
]
WRONG = [
    "SigninLog | take 1",
    "SigninLogs | where UserPrincipleName == 'x'",
    "SigninLogs\n| wher ResultType == '0'",
    "SigninLogs | where (ResultType == '0'",
    "SigninLogs | summarize nosuch(ResultType)",
    "SigninLogs | scan",
    "// nothing",
    "let x = 1;",
    ".show tables",
    "SigninLogs | where ResultType = '0'",
    "print x = datetime(y)",
    "print a = 1, a = 2",
]


@pytest.fixture(scope="module")
def places() -> Iterator[list[Connection]]:
    with ExitStack() as stack:
        yield [make(stack, DEMO) for make in CONNECTIONS.values()]


def comparable(connection: Connection, query: Query) -> tuple[list[pd.DataFrame], object]:
    result = connection.run(query)
    return list(result.frames), result.render


def assert_same(places: list[Connection], query: Query) -> None:
    (first, drawn), *others = [comparable(place, query) for place in places]
    assert others
    for frames, render in others:
        assert len(frames) == len(first)
        for one, other in zip(first, frames, strict=True):
            pd.testing.assert_frame_equal(one, other)
        assert render == drawn


def test_there_are_sixty_queries_and_more() -> None:
    assert len(set(QUERIES)) == len(QUERIES) >= 60


@pytest.mark.parametrize("text", QUERIES)
def test_a_query_gives_the_same_frames_everywhere(places: list[Connection], text: str) -> None:
    assert_same(places, Query(text))


@pytest.mark.parametrize("span", ["1d", "2026-10-30/2026-10-31", "2026-10-30T06:00:00Z/PT6H", "all"])
def test_a_timespan_narrows_alike_everywhere(places: list[Connection], span: str) -> None:
    start = Timespan.parse(span)
    if start is not None and start.duration is not None:
        start = Timespan.parse("2026-10-31/2026-11-01")  # the demo's own now is pinned, the service's is not
    assert_same(
        places,
        Query("SigninLogs | summarize count(), min(TimeGenerated), max(TimeGenerated)", timespan=start),
    )


def test_inputs_and_a_preview_are_alike_everywhere(places: list[Connection]) -> None:
    users = pd.DataFrame({"User": ["wei.costa@meridianfreight.example"], "Why": ['é "watched"\\']})
    text = "watched | join kind=inner (SigninLogs) on $left.User == $right.UserPrincipalName | where ResultType in ({{codes}}) | project User, Why, ResultType, TimeGenerated | order by TimeGenerated asc"
    assert_same(places, Query(text, {"watched": users, "codes": ["0", "50126"]}, limit=3))


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_query_is_the_same_error_everywhere(places: list[Connection], text: str) -> None:
    errors = []
    for place in places:
        with pytest.raises(QueryError) as caught:
            place.run(Query(text))
        errors.append(caught.value)
    first, *others = errors
    for error in others:
        assert type(error) is type(first)
        assert (error.line, error.column, error.unknown) == (first.line, first.column, first.unknown)


def test_the_same_tables_are_listed_everywhere(places: list[Connection]) -> None:
    listed = []
    for place in places:
        assert isinstance(place, Catalog)
        listed.append({table.name: dict(place.table(table.name).columns) for table in place.tables()})
    assert all(tables == listed[0] for tables in listed)
    assert len(listed[0]) == 18


def test_an_error_is_one_of_ours_everywhere(places: list[Connection]) -> None:
    for place in places:
        with pytest.raises(KqlMagicError, match="bytes"):
            place.run(Query("print x = {{v}}", {"v": b"x"}))
