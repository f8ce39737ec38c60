"""Questions of a SOC to real logs: processes and sudo."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import timedelta

from tests.sample_logs.logs import Logs, counts, floor, found_in, image, sets, when


def test_programs_that_ran_once(logs: Logs) -> None:
    answer = logs.ask_host(r"""
        processes_on_host
        | extend Image = tostring(split(NewProcessName, @'\')[-1])
        | summarize Runs = count() by Image
        | where Runs == 1
        | order by Image asc""")
    tally = counts(image(row["NewProcessName"]) for row in logs.rows("processes_on_host"))
    assert answer == [row for row in tally if row[1] == 1]


def test_accounts_that_ran_rare_programs(logs: Logs) -> None:
    answer = logs.ask_host(
        """
        let rare = processes_on_host
            | summarize Runs = count() by NewProcessName
            | where Runs <= most
            | project NewProcessName;
        processes_on_host
        | where NewProcessName in (rare)
        | summarize Runs = count(), Programs = dcount(NewProcessName) by Account""",
        {"most": 2},
    )
    rows = logs.rows("processes_on_host")
    tally = Counter(row["NewProcessName"] for row in rows)
    rare = [row for row in rows if tally[row["NewProcessName"]] <= 2]
    programs = sets((row["Account"], row["NewProcessName"]) for row in rare)
    runs = Counter(row["Account"] for row in rare)
    assert sorted(answer) == sorted((name, runs[name], len(found)) for name, found in programs.items())


def test_parents_with_their_children(logs: Logs) -> None:
    answer = logs.ask_host(r"""
        processes_on_host
        | extend Parent = extract(@'([^\\]+)$', 1, ParentProcessName)
        | extend Child = extract(@'([^\\]+)$', 1, NewProcessName)
        | summarize Runs = count(), First = min(TimeGenerated), Last = max(TimeGenerated) by Parent, Child""")
    times = defaultdict(list)
    for row in logs.rows("processes_on_host"):
        times[image(row["ParentProcessName"]), image(row["NewProcessName"])].append(when(row))
    assert sorted(answer) == sorted(
        (*pair, len(found), min(found), max(found)) for pair, found in times.items()
    )


def test_what_is_encoded_in_a_command(logs: Logs) -> None:
    answer = logs.ask_host(r"""
        processes_on_host
        | where CommandLine has_any ('-enc', '-EncodedCommand')
        | extend Encoded = extract(@'(?i)-enc\w*\s+([A-Za-z0-9+/=]+)', 1, CommandLine)
        | project TimeGenerated, Account, Encoded""")
    pattern = r"(?i)-enc\w*\s+([A-Za-z0-9+/=]+)"
    expected = [
        (when(row), row["Account"], found_in(pattern, row["CommandLine"]))
        for row in logs.rows("processes_on_host")
        if re.search(r"(?i)-(enc|encodedcommand)\b", row["CommandLine"])
    ]
    assert expected
    assert sorted(answer) == sorted(expected)


def test_the_busiest_quarters_of_an_hour(logs: Logs) -> None:
    answer = logs.ask_host("""
        processes_on_host
        | summarize Runs = count() by bin(TimeGenerated, 15m), Account
        | top 3 by Runs desc
        | project Runs, Account, TimeGenerated""")
    tally = Counter(
        (row["Account"], floor(when(row), timedelta(minutes=15))) for row in logs.rows("processes_on_host")
    )
    assert answer == [(number, *key) for key, number in tally.most_common(3)]


def test_addresses_in_commands_are_cut_out(logs: Logs) -> None:
    answer = logs.ask_host(r"""
        processes_on_host
        | extend Url = extract(@"(https?://[^\s'""\)]+)", 1, CommandLine)
        | where isnotempty(Url)
        | extend Host = tostring(split(Url, '/')[2])
        | summarize count() by Host, Account""")
    urls = [
        (found_in(r"(https?://[^\s'\"\)]+)", row["CommandLine"]), row["Account"])
        for row in logs.rows("processes_on_host")
    ]
    assert sorted(answer) == counts((url.split("/")[2], account) for url, account in urls if url)


def test_commands_run_by_sudo(logs: Logs) -> None:
    answer = logs.ask_host("""
        syslog_data
        | where ProcessName == 'sudo'
        | parse SyslogMessage with * 'TTY=' Terminal 'PWD=' Folder 'USER=' Target 'COMMAND=' Command
        | where isnotempty(Command)
        | summarize count() by trim(' +', Terminal), trim(' +', Folder), trim(' +', Target), Command""")
    pattern = re.compile(r"TTY=(.*?)PWD=(.*?)USER=(.*?)COMMAND=(.*)")
    commands = [pattern.search(row["SyslogMessage"]) for row in logs.rows("syslog_data")]
    assert sorted(answer) == counts(
        (found[1].strip(), found[2].strip(), found[3].strip(), found[4]) for found in commands if found
    )


def test_no_sudo_failed(logs: Logs) -> None:
    signs = ["authentication failure", "incorrect password attempt", "NOT in sudoers"]
    answer = logs.ask_host(
        "syslog_data | where ProcessName == 'sudo' and SyslogMessage has_any (signs) | count",
        {"signs": signs},
    )
    assert answer == [
        (sum(any(sign in row["SyslogMessage"] for sign in signs) for row in logs.rows("syslog_data")),)
    ]


def test_sessions_opened_and_closed_every_ten_minutes(logs: Logs) -> None:
    answer = logs.ask_host("""
        syslog_data
        | summarize Opened = countif(SyslogMessage contains 'session opened'),
          Closed = countif(SyslogMessage contains 'session closed') by bin(TimeGenerated, 10m)
        | order by TimeGenerated asc""")
    starts = [
        (floor(when(row), timedelta(minutes=10)), found_in("session (opened|closed)", row["SyslogMessage"]))
        for row in logs.rows("syslog_data")
    ]
    tally = Counter(starts)
    assert answer == [
        (at, tally[at, "opened"], tally[at, "closed"]) for at in sorted({at for at, _ in starts})
    ]


def test_the_parts_of_a_resource_id(logs: Logs) -> None:
    answer = logs.ask_host("""
        syslog_data
        | extend Parts = split(_ResourceId, '/')
        | summarize count() by tostring(Parts[2]), tostring(Parts[4]), tostring(Parts[-1])""")
    parts = [row["_ResourceId"].split("/") for row in logs.rows("syslog_data")]
    assert answer == counts((found[2], found[4], found[-1]) for found in parts)
