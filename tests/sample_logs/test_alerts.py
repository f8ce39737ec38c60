"""Questions of a SOC to real logs: alerts."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pandas as pd

from tests.sample_logs.logs import Logs, counts, day, entities, found_in, sets, when


def test_alerts_by_severity_over_days(logs: Logs) -> None:
    answer = logs.ask_host("""
        alertlist
        | summarize Alerts = count() by bin(TimeGenerated, 1d), Severity
        | order by TimeGenerated asc, Severity asc""")
    assert answer == counts((day(row), row["Severity"]) for row in logs.rows("alertlist"))


def test_days_without_gaps_and_severities_as_columns(logs: Logs) -> None:
    answer = logs.ask_host("""
        range Day from datetime(2019-01-08) to datetime(2019-01-16) step 1d
        | join kind=leftouter (
            alertlist
            | summarize High = countif(Severity == 'High'), Low = countif(Severity == 'Low')
              by Day = startofday(TimeGenerated)
          ) on Day
        | project Day, High = coalesce(High, 0), Low = coalesce(Low, 0)
        | order by Day asc""")
    tally = Counter((day(row), row["Severity"]) for row in logs.rows("alertlist"))
    days = [datetime(2019, 1, 8, tzinfo=UTC) + timedelta(days=number) for number in range(9)]
    assert answer == [(at, tally[at, "High"], tally[at, "Low"]) for at in days]


def test_entities_by_type_with_one_row_where_there_are_none(logs: Logs) -> None:
    answer = logs.ask_host(
        "alertlist | mv-expand Entity = Entities | summarize count() by tostring(Entity.Type)"
    )
    assert sorted(answer) == counts(
        entity.get("Type", "") for row in logs.rows("alertlist") for entity in entities(row) or [{}]
    )


def test_alerts_with_addresses_among_indicators(logs: Logs) -> None:
    indicators = pd.DataFrame(
        {"Ip": ["75.10.91.22", "23.54.94.45", "192.0.2.1"], "Threat": ["C2", "Scan", "Tor"]}
    )
    answer = logs.ask_host(
        """
        alertlist
        | mv-expand Entity = Entities
        | where Entity.Type == 'ip'
        | extend Ip = tostring(Entity.Address)
        | join kind=inner indicators on Ip
        | summarize Alerts = dcount(SystemAlertId), Hits = sum(tolong(Entity.Count)) by Ip, Threat""",
        {"indicators": indicators},
    )
    threats = dict(zip(indicators["Ip"], indicators["Threat"], strict=True))
    hits = [
        ((entity["Address"], threats[entity["Address"]]), row["SystemAlertId"], entity["Count"])
        for row in logs.rows("alertlist")
        for entity in entities(row)
        if entity.get("Type") == "ip" and entity["Address"] in threats
    ]
    alerts = sets((key, alert) for key, alert, _ in hits)
    assert sorted(answer) == sorted(
        (*key, len(found), sum(number for other, _, number in hits if other == key))
        for key, found in alerts.items()
    )


def test_alerts_are_joined_to_the_processes_they_name(logs: Logs) -> None:
    answer = logs.ask_host("""
        alertlist
        | extend ProcessId = tostring(ExtendedProperties['Suspicious Process Id'])
        | where isnotempty(ProcessId)
        | join kind=inner (
            processes_on_host | project ProcessId = NewProcessId, Started = TimeGenerated, CommandLine
          ) on ProcessId
        | where abs(datetime_diff('second', TimeGenerated, Started)) <= 60
        | summarize count() by AlertName, CommandLine""")
    expected = counts(
        (alert["AlertName"], process["CommandLine"])
        for alert in logs.rows("alertlist")
        for process in logs.rows("processes_on_host")
        if json.loads(alert["ExtendedProperties"]).get("Suspicious Process Id") == process["NewProcessId"]
        and abs(when(alert).replace(microsecond=0) - when(process).replace(microsecond=0))
        <= timedelta(seconds=60)
    )
    assert expected
    assert sorted(answer) == expected


def test_alerts_are_weighted_by_severity(logs: Logs) -> None:
    answer = logs.ask_host("""
        let weights = datatable(Severity:string, Weight:long) ['High', 10, 'Medium', 3, 'Low', 1];
        alertlist
        | lookup weights on Severity
        | extend Band = case(Weight >= 10, 'act', Weight >= 3, 'look', 'log')
        | summarize Score = sum(Weight), Alerts = count() by CompromisedEntity, Band""")
    weights = {"High": 10, "Medium": 3, "Low": 1}
    bands = {"High": "act", "Medium": "look"}
    rows = [
        (row["CompromisedEntity"], bands.get(row["Severity"], "log"), weights.get(row["Severity"], 0))
        for row in logs.rows("alertlist")
    ]
    scores: Counter[tuple[str, str]] = Counter()
    for host, band, weight in rows:
        scores[host, band] += weight
    tally = Counter(row[:2] for row in rows)
    assert sorted(answer) == sorted((*key, scores[key], tally[key]) for key in tally)


def test_share_of_each_alert_among_all(logs: Logs) -> None:
    answer = logs.ask_host("""
        let total = toscalar(alertlist | count);
        alertlist
        | summarize Alerts = count() by AlertName
        | extend Percent = round(100.0 * Alerts / total, 2)
        | order by Alerts desc, AlertName asc
        | take 5""")
    tally = counts(row["AlertName"] for row in logs.rows("alertlist"))
    most = sorted(tally, key=lambda row: (-row[1], row[0]))[:5]
    total = len(logs.rows("alertlist"))
    assert answer == [(name, number, round(100 * number / total, 2)) for name, number in most]


def test_the_query_behind_an_alert_is_json_in_json(logs: Logs) -> None:
    answer = logs.ask_host("""
        alertlist
        | extend Search = parse_json(tostring(ExtendedProperties['Search Query']))
        | where isnotnull(Search)
        | extend Table = extract('^([A-Za-z]+)', 1, tostring(Search.detailBladeInputs.parameters.q))
        | summarize count() by Table""")
    properties = [json.loads(row["ExtendedProperties"]) for row in logs.rows("alertlist")]
    searches = [json.loads(found["Search Query"]) for found in properties if "Search Query" in found]
    assert sorted(answer) == counts(
        found_in("^([A-Za-z]+)", search["detailBladeInputs"]["parameters"]["q"]) for search in searches
    )


def test_alerts_on_hosts_looked_up_among_assets(logs: Logs) -> None:
    assets = pd.DataFrame(
        {"Host": ["MsticAlertsWin1", "vm1"], "Owner": ["dba", None], "Critical": [True, False]}
    )
    answer = logs.ask_host(
        """
        alertlist
        | extend Name = tolower(CompromisedEntity)
        | join kind=leftouter (assets | extend Name = tolower(Host)) on Name
        | summarize count() by CompromisedEntity, Owner, Critical""",
        {"assets": assets},
    )
    owners = {"MSTICALERTSWIN1": ("dba", True), "vm1": ("", False)}
    expected = Counter(row["CompromisedEntity"] for row in logs.rows("alertlist"))
    assert set(answer) == {(host, *owners.get(host, ("", None)), number) for host, number in expected.items()}


def test_alerts_with_any_word_of_a_list(logs: Logs) -> None:
    words = ["powershell", "ssh", "mimikatz"]
    answer = logs.ask_host(
        "alertlist | where AlertName has_any ({{words}}) | summarize count() by AlertName", {"words": words}
    )
    assert sorted(answer) == counts(
        row["AlertName"]
        for row in logs.rows("alertlist")
        if set(words) & set(re.findall("[a-z0-9]+", row["AlertName"].lower()))
    )


def test_alerts_of_a_severity_that_is_named_like_its_column(logs: Logs) -> None:
    answer = logs.ask_host("alertlist | where Severity == {{Severity}} | count", {"Severity": "Medium"})
    assert answer == [(sum(row["Severity"] == "Medium" for row in logs.rows("alertlist")),)]


def test_alerts_since_a_datetime_in_braces(logs: Logs) -> None:
    since, width = datetime(2019, 1, 15, 5, 15, 14, tzinfo=UTC), timedelta(minutes=30)
    times = [when(row) for row in logs.rows("alertlist")]
    assert since in times
    answer = logs.ask_host(
        "alertlist | where TimeGenerated > {{since}} | summarize count(), min(TimeGenerated)",
        {"since": since},
    )
    assert answer == [(sum(time > since for time in times), min(time for time in times if time > since))]
    answer = logs.ask_host(
        "alertlist | where TimeGenerated between ({{since}} .. {{width}}) | count",
        {"since": since, "width": width},
    )
    assert answer == [(sum(since <= time <= since + width for time in times),)]
