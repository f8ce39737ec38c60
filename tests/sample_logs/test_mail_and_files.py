"""Questions of a SOC to real logs: mail and files."""

from __future__ import annotations

import json
from datetime import timedelta

import pandas as pd

from tests.sample_logs.logs import ADELE, Logs, counts, floor, found_in, sets, when


def test_what_the_inbox_rules_do(logs: Logs) -> None:
    answer = logs.ask_lab("""
        office_activity_inbox_rule
        | mv-expand Parameter = Parameters
        | extend Name = tostring(Parameter.Name), Value = tostring(Parameter.Value)
        | where Name in ('MoveToFolder', 'DeleteMessage') or Name endswith 'ContainsWords'
        | project Start_Time, UserId, Name, Value""")
    expected = [
        (when(row, "Start_Time"), row["UserId"], parameter["Name"], parameter["Value"])
        for row in logs.rows("office_activity_inbox_rule")
        for parameter in json.loads(row["Parameters"])
        if parameter["Name"] in ("MoveToFolder", "DeleteMessage")
        or parameter["Name"].endswith("ContainsWords")
    ]
    assert expected
    assert sorted(answer) == sorted(expected)


def test_an_address_and_its_port_are_parsed(logs: Logs) -> None:
    answer = logs.ask_lab(
        "office_activity_inbox_rule | parse ClientIP with '[' Address ']:' Port:int | project Address, Port"
    )
    clients = [
        row["ClientIP"].removeprefix("[").split("]:") for row in logs.rows("office_activity_inbox_rule")
    ]
    assert sorted(answer) == sorted((address, int(port)) for address, port in clients)


def test_mail_that_was_read_lies_two_arrays_deep(logs: Logs) -> None:
    answer = logs.ask_lab("""
        office_activity
        | where isnotempty(Folders)
        | mv-expand Folder = parse_json(Folders)
        | mv-expand Item = Folder.FolderItems
        | summarize count()
          by Operation, Path = tostring(Folder.Path), Id = tostring(Item.InternetMessageId)""")
    assert sorted(answer) == counts(
        (row["Operation"], folder["Path"], item["InternetMessageId"])
        for row in logs.rows("office_activity")
        if row["Folders"]
        for folder in json.loads(row["Folders"])
        for item in folder["FolderItems"]
    )


def test_work_by_the_hour(logs: Logs) -> None:
    answer = logs.ask_lab("""
        office_activity
        | summarize Actions = count() by bin(TimeGenerated, 1h), OfficeWorkload
        | order by TimeGenerated asc, OfficeWorkload asc""")
    assert answer == counts(
        (floor(when(row), timedelta(hours=1)), row["OfficeWorkload"]) for row in logs.rows("office_activity")
    )


def test_documents_that_each_user_touched(logs: Logs) -> None:
    answer = logs.ask_lab("""
        office_activity
        | where SourceFileExtension in ('docx', 'xlsx') and Operation startswith 'File'
        | summarize Files = make_set(SourceFileName), Number = dcount(SourceFileName)
          by User = tolower(UserId)""")
    expected = sets(
        (row["UserId"].lower(), row["SourceFileName"])
        for row in logs.rows("office_activity")
        if row["SourceFileExtension"] in ("docx", "xlsx") and row["Operation"].startswith("File")
    )
    assert {user: set(files) for user, files, _ in answer} == expected
    assert all(len(files) == number for _, files, number in answer)


def test_last_action_of_each_user(logs: Logs) -> None:
    answer = logs.ask_lab("""
        office_activity
        | summarize arg_max(TimeGenerated, *) by UserId
        | project UserId, TimeGenerated, OfficeId""")
    rows = logs.rows("office_activity")
    last = {user: max(times) for user, times in sets((row["UserId"], when(row)) for row in rows).items()}
    assert {user: time for user, time, _ in answer} == last
    assert set(answer) <= {(row["UserId"], when(row), row["OfficeId"]) for row in rows}


def test_a_group_is_extracted_from_xml(logs: Logs) -> None:
    answer = logs.ask_lab("""
        office_activity
        | extend Group = extract('<Group>(.*)</Group>', 1, Event_Data)
        | where isnotempty(Group)
        | summarize count() by Group""")
    groups = [found_in("<Group>(.*)</Group>", row["Event_Data"]) for row in logs.rows("office_activity")]
    assert sorted(answer) == counts(filter(None, groups))


def test_actions_of_accounts_that_never_signed_in(logs: Logs) -> None:
    answer = logs.ask_lab("""
        office_activity
        | extend User = tolower(UserId)
        | join kind=leftanti (['sign-in_adelete'] | distinct User = tolower(UserPrincipalName)) on User
        | summarize Actions = count() by User
        | order by Actions desc, User asc""")
    known = {row["UserPrincipalName"].lower() for row in logs.rows("sign-in_adelete")}
    tally = counts(row["UserId"].lower() for row in logs.rows("office_activity"))
    assert answer == sorted((row for row in tally if row[0] not in known), key=lambda row: (-row[1], row[0]))


def test_days_and_minutes_of_a_time(logs: Logs) -> None:
    answer = logs.ask_lab("""
        office_activity
        | summarize count() by Minute = format_datetime(TimeGenerated, 'yyyy-MM-dd HH:mm'),
          Weekday = toint(dayofweek(TimeGenerated) / 1d), Hour = hourofday(TimeGenerated)""")
    assert sorted(answer) == counts(
        (f"{time:%Y-%m-%d %H:%M}", time.isoweekday() % 7, time.hour)
        for time in map(when, logs.rows("office_activity"))
    )


def test_users_are_looked_up_among_critical_ones(logs: Logs) -> None:
    critical = pd.DataFrame({"Account": [ADELE, "nobody@example.com"], "Tier": [0, 1]})
    answer = logs.ask_lab(
        """
        office_activity
        | extend Account = tolower(UserId)
        | lookup critical on Account
        | summarize count() by Tier""",
        {"critical": critical},
    )
    adele = sum(row["UserId"].lower() == ADELE for row in logs.rows("office_activity"))
    assert set(answer) == {(0, adele), (None, len(logs.rows("office_activity")) - adele)}


def test_actions_by_a_list_of_names_in_braces(logs: Logs) -> None:
    names = ["FileDownloaded", "AnonymousLinkCreated", "FileDeleted", "MoveToDeletedItems"]
    answer = logs.ask_lab(
        "office_activity | where Operation in ({{Operation}}) | summarize count() by Name = Operation",
        {"Operation": names},
    )
    assert sorted(answer) == counts(
        row["Operation"] for row in logs.rows("office_activity") if row["Operation"] in names
    )
