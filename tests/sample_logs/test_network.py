"""Questions of a SOC to real logs: network."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import timedelta

import pandas as pd

from tests.sample_logs.logs import Logs, counts, floor, found_in, sets, when


def test_top_talkers(logs: Logs) -> None:
    answer = logs.ask_cef("""
        wirex_sample_data_all
        | summarize Events = count(), Peers = dcount(DestinationIP) by SourceIP
        | top 4 by Events""")
    rows = logs.rows("wirex_sample_data_all")
    peers = sets((row["SourceIP"], row["DestinationIP"]) for row in rows)
    talkers = Counter(row["SourceIP"] for row in rows).most_common(4)
    assert answer == [(address, number, len(peers[address])) for address, number in talkers]


def test_what_the_top_talkers_ask_for(logs: Logs) -> None:
    answer = logs.ask_cef("""
        let talkers = wirex_sample_data_all | summarize Events = count() by SourceIP | top 3 by Events;
        wirex_sample_data_all
        | join kind=leftsemi talkers on SourceIP
        | summarize count() by SourceIP, DestinationPort, ApplicationProtocol""")
    rows = logs.rows("wirex_sample_data_all")
    talkers = dict(Counter(row["SourceIP"] for row in rows).most_common(3))
    assert sorted(answer) == counts(
        (row["SourceIP"], int(row["DestinationPort"]), row["ApplicationProtocol"])
        for row in rows
        if row["SourceIP"] in talkers
    )


def test_protocols_by_the_minute(logs: Logs) -> None:
    answer = logs.ask_cef("""
        wirex_sample_data_all
        | summarize Events = count() by bin(TimeGenerated, 1m), ApplicationProtocol
        | order by TimeGenerated asc, ApplicationProtocol asc""")
    assert answer == counts(
        (floor(when(row), timedelta(minutes=1)), row["ApplicationProtocol"])
        for row in logs.rows("wirex_sample_data_all")
    )


def test_bands_of_severity(logs: Logs) -> None:
    answer = logs.ask_cef("""
        wirex_sample_data_all
        | extend Band = case(toint(LogSeverity) >= 7, 'high', toint(LogSeverity) >= 4, 'medium', 'low')
        | summarize count() by Band, Activity""")
    severities = [(int(row["LogSeverity"]), row["Activity"]) for row in logs.rows("wirex_sample_data_all")]
    assert sorted(answer) == counts(
        ("high" if level >= 7 else "medium" if level >= 4 else "low", activity)
        for level, activity in severities
    )


def test_addresses_on_a_watch_list(logs: Logs) -> None:
    watched = pd.DataFrame(
        {"Address": ["212.150.49.10", "213.186.33.19", "192.0.2.9"], "Since": [2019, 2020, 2021]}
    )
    answer = logs.ask_cef(
        """
        wirex_sample_data_all
        | extend Address = iff(isempty(MaliciousIP), DestinationIP, MaliciousIP)
        | join kind=inner watched on Address
        | summarize Events = count(), Sources = make_set(SourceIP) by Address, Since""",
        {"watched": watched},
    )
    since = dict(zip(watched["Address"], watched["Since"], strict=True))
    hits = [
        (row["MaliciousIP"] or row["DestinationIP"], row["SourceIP"])
        for row in logs.rows("wirex_sample_data_all")
        if (row["MaliciousIP"] or row["DestinationIP"]) in since
    ]
    sources, events = sets(hits), Counter(address for address, _ in hits)
    assert {address: (year, number, set(found)) for address, year, number, found in answer} == {
        address: (since[address], events[address], found) for address, found in sources.items()
    }


def test_names_asked_of_dns(logs: Logs) -> None:
    answer = logs.ask_cef("""
        wirex_sample_data_all
        | where ApplicationProtocol == 'DNS'
        | extend Name = extract('reqHost=([^;]+)', 1, AdditionalExtensions)
        | summarize Asked = count(), Unknown = countif(Message == 'Non-existent domain') by Name""")
    asked = [
        (found_in("reqHost=([^;]+)", row["AdditionalExtensions"]), row["Message"] == "Non-existent domain")
        for row in logs.rows("wirex_sample_data_all")
        if row["ApplicationProtocol"] == "DNS"
    ]
    every, unknown = Counter(name for name, _ in asked), Counter(name for name, missing in asked if missing)
    assert sorted(answer) == sorted((name, number, unknown[name]) for name, number in every.items())


def test_databases_and_what_was_done_in_them(logs: Logs) -> None:
    answer = logs.ask_cef("""
        wirex_sample_data_all
        | parse AdditionalExtensions with * 'method=' Method ';' * 'dbname=' Database
        | where isnotempty(Database)
        | summarize count() by Method, Database""")
    pattern = re.compile("method=(.*?);.*?dbname=(.*)", re.DOTALL)
    found = [pattern.search(row["AdditionalExtensions"]) for row in logs.rows("wirex_sample_data_all")]
    assert sorted(answer) == counts((match[1], match[2]) for match in found if match and match[2])


def test_sources_that_use_several_ports(logs: Logs) -> None:
    answer = logs.ask_cef("""
        wirex_sample_data_all
        | distinct SourceIP, DestinationPort
        | summarize Ports = make_set(DestinationPort), Number = count() by SourceIP
        | where Number > 1""")
    ports = sets((row["SourceIP"], int(row["DestinationPort"])) for row in logs.rows("wirex_sample_data_all"))
    assert {source: (set(found), number) for source, found, number in answer} == {
        source: (found, len(found)) for source, found in ports.items() if len(found) > 1
    }


def test_hosts_of_requests(logs: Logs) -> None:
    answer = logs.ask_cef("""
        wirex_sample_data_all
        | where isnotempty(RequestURL)
        | summarize Hits = count(), Longest = max(strlen(RequestURL))
          by Host = tolower(extract('^https?://([^/:]+)', 1, RequestURL)), RequestMethod""")
    lengths = defaultdict(list)
    for row in logs.rows("wirex_sample_data_all"):
        if row["RequestURL"]:
            host = found_in("^https?://([^/:]+)", row["RequestURL"]).lower()
            lengths[host, row["RequestMethod"]].append(len(row["RequestURL"]))
    assert sorted(answer) == sorted((*key, len(found), max(found)) for key, found in lengths.items())


def test_the_tunnel_of_the_backdoor(logs: Logs) -> None:
    answer = logs.ask_lab("""
        solarigate_CEFevent
        | parse AdditionalExtensions with 'cat=' Category ';start=' Start:long ';end=' End:long
        | project Category, Seconds = (End - Start) / 1000, Ratio = round(1.0 * ReceivedBytes / SentBytes, 3),
          Level = todouble(LogSeverity), DestinationPort""")
    [row] = logs.rows("solarigate_CEFevent")
    extensions = dict(part.split("=", 1) for part in row["AdditionalExtensions"].split(";"))
    assert answer == [
        (
            extensions["cat"],
            (int(extensions["end"]) - int(extensions["start"])) // 1000,
            round(int(row["ReceivedBytes"]) / int(row["SentBytes"]), 3),
            float(row["LogSeverity"]),
            int(row["DestinationPort"]),
        )
    ]
