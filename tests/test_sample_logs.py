"""Questions of a SOC to real logs; each answer is computed anew from the CSV file, without the engine."""

from __future__ import annotations

import csv
import json
import os
import re
from collections import Counter, defaultdict
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd
import pytest

from kqlmagic_ext import Query, Timespan, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from kqlmagic_ext.connections import Connection

    Row = dict[str, str]

FOLDERS = {
    "training_lab": (
        "AuditLogs_Hunting",
        "azureActivity_adele",
        "azure_activity",
        "disable_accounts",
        "office_activity",
        "office_activity_inbox_rule",
        "sign-in_adelete",
        "solarigate_CEFevent",
    ),
    "msticpy": ("alertlist", "processes_on_host", "syslog_data"),
    "cef": ("wirex_sample_data_all",),
}
FOLDER_OF = {table: folder for folder, tables in FOLDERS.items() for table in tables}
TIME_FORMATS = ("%m/%d/%Y, %I:%M:%S.%f %p", "%m/%d/%Y %H:%M")
ADELE = "adelev@m365x816222.onmicrosoft.com"

every_table = pytest.mark.parametrize("table", FOLDER_OF)


class File:
    """A CSV file as Python reads it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def records(self) -> list[list[str]]:
        with self.path.open(encoding="utf-8-sig", newline="") as text:
            return list(csv.reader(text))

    @cached_property
    def names(self) -> list[str]:
        return [
            name.removesuffix(" [UTC]") or f"Column{number}" for number, name in enumerate(self.records[0], 1)
        ]

    @cached_property
    def rows(self) -> list[Row]:
        return [dict(zip(self.names, record, strict=True)) for record in self.records[1:]]

    def column(self, name: str) -> list[str]:
        return [row[name] for row in self.rows]


class Logs:
    """The sample folders, opened, and their files."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.connections: dict[str, Connection] = {
            name: stack.enter_context(closing(connect(f"local://{quote((folder / name).as_posix())}")))
            for name in FOLDERS
        }
        self.files = {table: File(folder / place / f"{table}.csv") for table, place in FOLDER_OF.items()}

    def rows(self, table: str) -> list[Row]:
        return self.files[table].rows

    def ask(
        self, place: str, text: str, inputs: Mapping[str, Any] | None = None, timespan: str | None = None
    ) -> pd.DataFrame:
        window = None if timespan is None else Timespan.parse(timespan)
        return self.connections[place].run(Query(text, inputs or {}, window)).frame

    def ask_lab(self, text: str, inputs: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        return told(self.ask("training_lab", text, inputs))

    def ask_host(self, text: str, inputs: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        return told(self.ask("msticpy", text, inputs))

    def ask_cef(self, text: str, inputs: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        return told(self.ask("cef", text, inputs))


@pytest.fixture(scope="module")
def logs() -> Iterator[Logs]:
    folder = Path(__file__).parents[2] / "shared" / "sample_data"
    if not folder.is_dir():
        reason = (
            f"the sample logs are not beside the repository: no folder {folder.name} in {folder.parent.name}"
        )
        if os.environ.get("KQLMAGIC_CI"):
            pytest.fail(reason)
        pytest.skip(reason)  # the logs are not this project's to carry; CI fails in the line above
    with ExitStack() as stack:
        yield Logs(folder, stack)


def told(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """The rows of an answer as plain tuples, None where a value is missing."""
    objects = frame.astype(object)
    return list(objects.where(objects.notna(), None).itertuples(index=False, name=None))


def counts(keys: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Sorted (*key, number) rows, as `summarize count() by key` answers."""
    tally = Counter(key if isinstance(key, tuple) else (key,) for key in keys)
    return sorted((*key, number) for key, number in tally.items())


def moment(text: str) -> datetime | None:
    """The time that the text tells, the month first when it is no ISO time; None when it tells none."""
    if re.match(r"\d{4}-\d{2}-\d{2}", text):
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    for form in TIME_FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def when(row: Row, column: str = "TimeGenerated") -> datetime:
    found = moment(row[column])
    assert found is not None
    return found


def floor(time: datetime, step: timedelta) -> datetime:
    return time - (time - datetime(1970, 1, 1, tzinfo=UTC)) % step


def day(row: Row) -> datetime:
    return floor(when(row), timedelta(days=1))


def found_in(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1] if match else ""


def image(path: str) -> str:
    return path.rsplit("\\", 1)[-1]


def sets(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, set[Any]]:
    """The distinct second values of each first one."""
    grouped: dict[Any, set[Any]] = defaultdict(set)
    for key, value in pairs:
        grouped[key].add(value)
    return grouped


def entities(row: Row) -> list[dict[str, Any]]:
    return json.loads(row["Entities"]) if row["Entities"] else []


# ---------------------------------------------------------------- the tables as they stand in the files


@pytest.mark.parametrize("place", FOLDERS)
def test_a_folder_has_the_tables_of_its_files(logs: Logs, place: str) -> None:
    files = sorted(path.stem for path in (logs.folder / place).glob("*.csv"))
    assert sorted(table.name for table in logs.connections[place].tables()) == files == sorted(FOLDERS[place])


@every_table
def test_a_table_has_as_many_rows_as_its_file(logs: Logs, table: str) -> None:
    rows = len(logs.files[table].records) - 1
    assert told(logs.ask(FOLDER_OF[table], f"['{table}'] | count")) == [(rows,)]


@every_table
def test_headers_have_no_utc_mark_and_none_is_empty(logs: Logs, table: str) -> None:
    columns = list(logs.ask(FOLDER_OF[table], f"['{table}'] | take 0").columns)
    assert columns == logs.files[table].names
    assert not any("[UTC]" in column for column in columns)


@every_table
def test_times_are_those_of_the_file(logs: Logs, table: str) -> None:
    file = logs.files[table]
    expected = {}
    for name in file.names:
        texts = file.column(name)
        times = [moment(text) for text in texts]
        if any(times) and all(time or not text for time, text in zip(times, texts, strict=True)):
            expected[name] = times
    frame = logs.ask(FOLDER_OF[table], f"['{table}']")
    read = frame.select_dtypes("datetimetz").dropna(axis="columns", how="all")
    assert sorted(read.columns) == sorted(expected)
    rows = range(len(file.rows))
    assert Counter(told(read[list(expected)])) == Counter(
        tuple(times[row] for times in expected.values()) for row in rows
    )


@every_table
def test_texts_and_json_are_those_of_the_file(logs: Logs, table: str) -> None:
    file = logs.files[table]
    frame = logs.ask(FOLDER_OF[table], f"['{table}']")
    for name in frame.columns:
        texts = Counter(file.column(name))
        if isinstance(frame[name].dtype, pd.StringDtype):
            assert Counter(frame[name].fillna("")) == texts, name
        elif frame[name].dtype == object:
            kept = Counter(
                "" if value is None else json.dumps(value, sort_keys=True) for value in frame[name]
            )
            assert kept == Counter(
                text and json.dumps(json.loads(text), sort_keys=True) for text in file.column(name)
            ), name


# ---------------------------------------------------------------- which rows a condition leaves

CONDITIONS: dict[str, tuple[str, str, Callable[[Row], bool]]] = {
    "sign-ins that failed": ("sign-in_adelete", 'ResultType != "0"', lambda row: row["ResultType"] != "0"),
    "sign-ins to a disabled account": (
        "disable_accounts",
        'ResultType in ("50057", "50053")',
        lambda row: row["ResultType"] in ("50057", "50053"),
    ),
    "sign-ins to Office, by the term": (
        "sign-in_adelete",
        "AppDisplayName has 'office'",
        lambda row: "office" in re.findall(r"[a-z0-9]+", row["AppDisplayName"].lower()),
    ),
    "sign-ins to Office or Office365, by the prefix": (
        "sign-in_adelete",
        "AppDisplayName hasprefix 'office'",
        lambda row: re.search(r"(?i)\boffice", row["AppDisplayName"]) is not None,
    ),
    "mail and files deleted": (
        "office_activity",
        "Operation in~ ('movetodeleteditems', 'SoftDelete', 'HardDelete', 'FileDeleted')",
        lambda row: row["Operation"] in ("MoveToDeletedItems", "SoftDelete", "HardDelete", "FileDeleted"),
    ),
    "operations that name a deletion": (
        "office_activity",
        "Operation contains 'delet'",
        lambda row: "delet" in row["Operation"].lower(),
    ),
    "actions by clients that are no browser": (
        "office_activity",
        "isnotempty(UserAgent) and UserAgent !startswith 'mozilla'",
        lambda row: row["UserAgent"] != "" and not row["UserAgent"].lower().startswith("mozilla"),
    ),
    "Word files, whatever the case": (
        "office_activity",
        "SourceFileName endswith '.DOCX'",
        lambda row: row["SourceFileName"].lower().endswith(".docx"),
    ),
    "events that came more than ten minutes late": (
        "office_activity",
        "Start_Time - TimeGenerated > 10m",
        lambda row: when(row, "Start_Time") - when(row) > timedelta(minutes=10),
    ),
    "members added to a team, a JSON array": (
        "office_activity",
        "array_length(Members) > 0",
        lambda row: row["Members"] != "" and len(json.loads(row["Members"])) > 0,
    ),
    "privileged operations in Azure": (
        "azure_activity",
        "tostring(parse_json(Authorization).action) matches regex @'(?i)/(delete|listKeys/action)$'",
        lambda row: (
            re.search(r"(?i)/(delete|listKeys/action)$", json.loads(row["Authorization"])["action"])
            is not None
        ),
    ),
    "incidents touched between two moments, both ends in": (
        "azure_activity",
        "TimeGenerated between (datetime(2021-04-26 18:00) .. 1h)",
        lambda row: (
            datetime(2021, 4, 26, 18, tzinfo=UTC) <= when(row) <= datetime(2021, 4, 26, 19, tzinfo=UTC)
        ),
    ),
    "rows of one correlation, a guid in capitals": (
        "azureActivity_adele",
        "CorrelationId =~ 'A2BBA39A-D17F-404D-9919-E59039E73AD4'",
        lambda row: row["CorrelationId"] == "a2bba39a-d17f-404d-9919-e59039e73ad4",
    ),
    "deletions that succeeded": (
        "azureActivity_adele",
        "OperationNameValue endswith '/delete' and ActivityStatusValue == 'Success'",
        lambda row: row["OperationNameValue"].endswith("/DELETE") and row["ActivityStatusValue"] == "Success",
    ),
    "a dash outside ASCII": (
        "AuditLogs_Hunting",
        "OperationName contains '– certificates'",
        lambda row: "– certificates" in row["OperationName"].lower(),
    ),
    "alerts of a day or longer": (
        "alertlist",
        "EndTimeUtc - StartTimeUtc >= 1d",
        lambda row: when(row, "EndTimeUtc") - when(row, "StartTimeUtc") >= timedelta(days=1),
    ),
    "alerts without entities": ("alertlist", "isempty(Entities)", lambda row: row["Entities"] == ""),
    "alerts neither high nor low": (
        "alertlist",
        "Severity !in~ ('HIGH', 'low')",
        lambda row: row["Severity"] not in ("High", "Low"),
    ),
    "encoded commands": (
        "processes_on_host",
        r"CommandLine matches regex @'(?i)\s-e(nc|ncodedcommand)?\s+[a-z0-9+/=]{20,}'",
        lambda row: (
            re.search(r"(?i)\s-e(nc|ncodedcommand)?\s+[a-z0-9+/=]{20,}", row["CommandLine"]) is not None
        ),
    ),
    "accounts handled by net": (
        "processes_on_host",
        "CommandLine has_all ('net', 'user')",
        lambda row: {"net", "user"} <= set(re.findall(r"[a-z0-9]+", row["CommandLine"].lower())),
    ),
    "programs outside the folders of Windows": (
        "processes_on_host",
        r"NewProcessName !startswith @'C:\Windows' and not(NewProcessName startswith 'c:\\program files')",
        lambda row: not row["NewProcessName"].lower().startswith(("c:\\windows", "c:\\program files")),
    ),
    "long commands with many quotes": (
        "processes_on_host",
        "strlen(CommandLine) > 200 and countof(CommandLine, '\"') >= 2",
        lambda row: len(row["CommandLine"]) > 200 and row["CommandLine"].count('"') >= 2,
    ),
    "high process ids, written in hexadecimal": (
        "processes_on_host",
        "tolong(NewProcessId) > 4000",
        lambda row: int(row["NewProcessId"], 16) > 4000,
    ),
    "sudo sessions of root opened": (
        "syslog_data",
        "SyslogMessage has_cs 'opened' and SyslogMessage has 'ROOT'",
        lambda row: "session opened for user root" in row["SyslogMessage"],
    ),
    "names that do not exist": (
        "wirex_sample_data_all",
        "Message =~ 'non-existent DOMAIN'",
        lambda row: row["Message"] == "Non-existent domain",
    ),
    "databases dropped": (
        "wirex_sample_data_all",
        "Message has_cs 'DROP'",
        lambda row: re.search(r"\bDROP\b", row["Message"]) is not None,
    ),
    "requests below one domain": (
        "wirex_sample_data_all",
        "DestinationHostName endswith '.google.com' and RequestMethod != 'POST'",
        lambda row: row["DestinationHostName"].endswith(".google.com") and row["RequestMethod"] != "POST",
    ),
    "severities that are numbers": (
        "wirex_sample_data_all",
        "isnotnull(toint(ThreatSeverity)) and todouble(MaliciousIPLatitude) > 48.5",
        lambda row: row["ThreatSeverity"].isdigit() and float(row["MaliciousIPLatitude"]) > 48.5,
    ),
    "the backdoor's domain": (
        "solarigate_CEFevent",
        "DestinationHostName has 'avsvmcloud'",
        lambda row: "avsvmcloud" in row["DestinationHostName"].split("."),
    ),
}


@pytest.mark.parametrize("claim", CONDITIONS)
def test_a_condition_leaves_the_rows_that_python_leaves(logs: Logs, claim: str) -> None:
    table, condition, holds = CONDITIONS[claim]
    expected = sum(map(holds, logs.rows(table)))
    assert expected > 0
    assert told(logs.ask(FOLDER_OF[table], f"['{table}'] | where {condition} | count")) == [(expected,)]


# ---------------------------------------------------------------- sign-ins


def test_who_signed_in_from_where(logs: Logs) -> None:
    answer = logs.ask_lab("""
        union ['sign-in_adelete'], disable_accounts
        | summarize count() by UserPrincipalName, IPAddress, Location""")
    rows = logs.rows("sign-in_adelete") + logs.rows("disable_accounts")
    expected = counts((row["UserPrincipalName"], row["IPAddress"], row["Location"]) for row in rows)
    assert sorted(answer) == expected


def test_one_address_signs_in_from_two_countries(logs: Logs) -> None:
    answer = logs.ask_lab("""
        union ['sign-in_adelete'], disable_accounts
        | summarize Countries = make_set(Location), Users = dcount(UserPrincipalName) by IPAddress
        | where array_length(Countries) > 1""")
    rows = logs.rows("sign-in_adelete") + logs.rows("disable_accounts")
    countries = sets((row["IPAddress"], row["Location"]) for row in rows)
    users = sets((row["IPAddress"], row["UserPrincipalName"]) for row in rows)
    assert [(address, set(found), number) for address, found, number in answer] == [
        (address, found, len(users[address])) for address, found in countries.items() if len(found) > 1
    ]


def test_why_a_sign_in_failed_stands_in_json(logs: Logs) -> None:
    answer = logs.ask_lab("""
        ['sign-in_adelete']
        | where toint(Status_dynamic.errorCode) != 0
        | project CreatedDateTime, AppDisplayName, Reason = tostring(Status_dynamic.failureReason)
        | sort by CreatedDateTime asc""")
    statuses = [(row, json.loads(row["Status_dynamic"])) for row in logs.rows("sign-in_adelete")]
    assert answer == sorted(
        (when(row, "CreatedDateTime"), row["AppDisplayName"], status["failureReason"])
        for row, status in statuses
        if status["errorCode"] != 0
    )


def test_first_and_last_application_of_a_user(logs: Logs) -> None:
    [answer] = logs.ask_lab("""
        ['sign-in_adelete']
        | summarize arg_min(CreatedDateTime, AppDisplayName), arg_max(CreatedDateTime, AppDisplayName)
          by UserPrincipalName""")
    used = [(when(row, "CreatedDateTime"), row["AppDisplayName"]) for row in logs.rows("sign-in_adelete")]
    assert answer == (ADELE, *min(used), *max(used))


def test_hints_of_a_sign_in_expand_from_json(logs: Logs) -> None:
    answer = logs.ask_lab("""
        ['sign-in_adelete']
        | mv-expand Detail = AuthenticationProcessingDetails
        | summarize count() by Key = tostring(Detail.key), Value = tostring(Detail.value)""")
    assert sorted(answer) == counts(
        (detail["key"], detail["value"])
        for row in logs.rows("sign-in_adelete")
        for detail in json.loads(row["AuthenticationProcessingDetails"])
    )


def test_an_empty_json_array_expands_to_no_row(logs: Logs) -> None:
    answer = logs.ask_lab("""
        ['sign-in_adelete']
        | mv-expand Policy = ConditionalAccessPolicies_dynamic
        | summarize count() by tostring(Policy.displayName), tostring(Policy.result)""")
    assert answer == counts(
        (policy["displayName"], policy["result"])
        for row in logs.rows("sign-in_adelete")
        for policy in json.loads(row["ConditionalAccessPolicies_dynamic"])
    )


def test_times_in_json_become_datetimes(logs: Logs) -> None:
    answer = logs.ask_lab("""
        disable_accounts
        | mv-expand Step = AuthenticationDetails
        | project At = todatetime(Step.authenticationStepDateTime), Done = tobool(Step.succeeded)
        | order by At asc""")
    steps = [
        step for row in logs.rows("disable_accounts") for step in json.loads(row["AuthenticationDetails"])
    ]
    assert answer == sorted((moment(step["authenticationStepDateTime"]), step["succeeded"]) for step in steps)


def test_sign_ins_every_five_minutes(logs: Logs) -> None:
    answer = logs.ask_lab("""
        ['sign-in_adelete']
        | summarize SignIns = count(), Applications = dcount(AppDisplayName) by bin(CreatedDateTime, 5m)
        | order by CreatedDateTime asc""")
    bins = [
        (floor(when(row, "CreatedDateTime"), timedelta(minutes=5)), row["AppDisplayName"])
        for row in logs.rows("sign-in_adelete")
    ]
    tally, applications = Counter(start for start, _ in bins), sets(bins)
    assert answer == [(start, tally[start], len(applications[start])) for start in sorted(tally)]


def test_how_long_an_application_takes_to_sign_in(logs: Logs) -> None:
    answer = logs.ask_lab("""
        ['sign-in_adelete']
        | summarize Slowest = max(tolong(ProcessingTimeInMilliseconds)),
          Total = sum(tolong(ProcessingTimeInMilliseconds)),
          Mean = round(avg(tolong(ProcessingTimeInMilliseconds)), 3) by AppDisplayName
        | order by AppDisplayName asc""")
    taken = defaultdict(list)
    for row in logs.rows("sign-in_adelete"):
        taken[row["AppDisplayName"]].append(int(row["ProcessingTimeInMilliseconds"]))
    assert answer == [
        (name, max(times), sum(times), pytest.approx(sum(times) / len(times), abs=0.001))
        for name, times in sorted(taken.items())
    ]


# ---------------------------------------------------------------- mail and files


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


# ---------------------------------------------------------------- Azure and its directory


def test_resource_groups_in_which_something_was_deleted(logs: Logs) -> None:
    answer = logs.ask_lab("""
        azureActivity_adele
        | where OperationNameValue endswith '/delete' and ActivityStatusValue == 'Success'
        | summarize Last = max(TimeGenerated), Resources = dcount(_ResourceId) by ResourceGroup
        | order by ResourceGroup asc""")
    deleted = [
        row
        for row in logs.rows("azureActivity_adele")
        if row["OperationNameValue"].endswith("/DELETE") and row["ActivityStatusValue"] == "Success"
    ]
    times = sets((row["ResourceGroup"], when(row)) for row in deleted)
    resources = sets((row["ResourceGroup"], row["_ResourceId"]) for row in deleted)
    assert answer == [(name, max(times[name]), len(resources[name])) for name in sorted(times)]


def test_how_long_an_operation_took_and_how_it_ended(logs: Logs) -> None:
    answer = logs.ask_lab("""
        azureActivity_adele
        | summarize Start = min(TimeGenerated), arg_max(TimeGenerated, ActivityStatusValue) by CorrelationId
        | extend Took = TimeGenerated - Start
        | project CorrelationId, Took, ActivityStatusValue
        | order by Took desc""")
    steps = defaultdict(list)
    for row in logs.rows("azureActivity_adele"):
        steps[row["CorrelationId"]].append((when(row), row["ActivityStatusValue"]))
    expected = [(key, max(found)[0] - min(found)[0], max(found)[1]) for key, found in steps.items()]
    assert answer == sorted(expected, key=lambda row: row[1], reverse=True)


def test_a_role_stands_deep_in_json(logs: Logs) -> None:
    answer = logs.ask_lab("""
        azureActivity_adele
        | where tostring(HTTPRequest.clientIpAddress) == CallerIpAddress
        | summarize count() by tostring(Authorization.evidence.role), tostring(Claims['name'])""")
    assert answer == counts(
        (json.loads(row["Authorization"])["evidence"]["role"], json.loads(row["Claims"]).get("name", ""))
        for row in logs.rows("azureActivity_adele")
        if json.loads(row["HTTPRequest"])["clientIpAddress"] == row["CallerIpAddress"]
    )


def test_callers_of_each_privileged_action(logs: Logs) -> None:
    answer = logs.ask_lab("""
        azure_activity
        | extend Action = tostring(parse_json(Authorization).action)
        | where Action endswith '/delete' or Action has 'listKeys'
        | summarize Callers = make_set(Caller), Events = count() by Action""")
    actions = [
        (json.loads(row["Authorization"])["action"], row["Caller"]) for row in logs.rows("azure_activity")
    ]
    privileged = [
        (action, caller) for action, caller in actions if re.search("(?i)/delete$|/listKeys/", action)
    ]
    callers, events = sets(privileged), Counter(action for action, _ in privileged)
    assert {action: (set(found), number) for action, found, number in answer} == {
        action: (callers[action], events[action]) for action in callers
    }


def test_status_codes_of_failures(logs: Logs) -> None:
    answer = logs.ask_lab(r"""
        azure_activity
        | extend Code = toint(extract(@'Status Code: (\d+)', 1, ActivitySubstatus))
        | where Code >= 400
        | summarize count() by Code, ActivityStatus""")
    codes = [
        (int(found_in(r"Status Code: (\d+)", row["ActivitySubstatus"]) or 0), row["ActivityStatus"])
        for row in logs.rows("azure_activity")
    ]
    assert sorted(answer) == counts(key for key in codes if key[0] >= 400)


def test_share_of_failures_of_each_caller(logs: Logs) -> None:
    answer = logs.ask_lab("""
        azure_activity
        | summarize Failed = countif(ActivityStatus == 'Failed'), All = count() by Caller
        | where Failed > 0
        | project Caller, Percent = round(100.0 * Failed / All, 2)""")
    every = Counter(row["Caller"] for row in logs.rows("azure_activity"))
    failed = Counter(
        row["Caller"] for row in logs.rows("azure_activity") if row["ActivityStatus"] == "Failed"
    )
    assert dict(answer) == {name: round(100 * number / every[name], 2) for name, number in failed.items()}


def test_operations_that_only_one_caller_used(logs: Logs) -> None:
    answer = logs.ask_lab("""
        let lonely = azure_activity
            | summarize Callers = dcount(Caller) by OperationName
            | where Callers == 1
            | project OperationName;
        azure_activity
        | where OperationName in (lonely)
        | summarize Operations = dcount(OperationName), Events = count() by Caller""")
    rows = logs.rows("azure_activity")
    callers = sets((row["OperationName"], row["Caller"]) for row in rows)
    lonely = [row for row in rows if len(callers[row["OperationName"]]) == 1]
    operations = sets((row["Caller"], row["OperationName"]) for row in lonely)
    events = Counter(row["Caller"] for row in lonely)
    assert sorted(answer) == sorted((name, len(found), events[name]) for name, found in operations.items())


def test_azure_operations_within_five_minutes_of_a_sign_in(logs: Logs) -> None:
    answer = logs.ask_lab("""
        ['sign-in_adelete']
        | project User = tolower(UserPrincipalName), SignIn = CreatedDateTime, AppDisplayName
        | join kind=inner (azureActivity_adele | extend User = tolower(Caller)) on User
        | where TimeGenerated >= SignIn and TimeGenerated < SignIn + 5m
        | summarize count() by OperationNameValue, AppDisplayName""")
    assert sorted(answer) == counts(
        (done["OperationNameValue"], signed["AppDisplayName"])
        for signed in logs.rows("sign-in_adelete")
        for done in logs.rows("azureActivity_adele")
        if signed["UserPrincipalName"].lower() == done["Caller"].lower()
        and timedelta(0) <= when(done) - when(signed, "CreatedDateTime") < timedelta(minutes=5)
    )


def test_callers_outside_a_set_of_known_ones(logs: Logs) -> None:
    known = sorted({row["Caller"] for row in logs.rows("azure_activity")})[:6]
    answer = logs.ask_lab(
        "azure_activity | where Caller !in (known) | summarize count() by Caller", {"known": known}
    )
    assert sorted(answer) == counts(
        row["Caller"] for row in logs.rows("azure_activity") if row["Caller"] not in known
    )


def test_who_gave_an_application_a_key_and_from_where(logs: Logs) -> None:
    answer = logs.ask_lab("""
        AuditLogs_Hunting
        | project User = tolower(InitiatedBy.user.userPrincipalName),
          Ip = tostring(InitiatedBy.user.ipAddress), targetDisplayName""")
    users = [(json.loads(row["InitiatedBy"])["user"], row) for row in logs.rows("AuditLogs_Hunting")]
    assert sorted(answer) == sorted(
        (user["userPrincipalName"].lower(), user["ipAddress"], row["targetDisplayName"])
        for user, row in users
    )


def test_every_key_identifier_is_extracted(logs: Logs) -> None:
    answer = logs.ask_lab("""
        AuditLogs_Hunting
        | extend Keys = extract_all('KeyIdentifier=([0-9a-f-]+)', tostring(keyEvents.newValue))
        | mv-expand Key = Keys to typeof(string)
        | project targetDisplayName, Key""")
    assert sorted(answer) == sorted(
        (row["targetDisplayName"], key)
        for row in logs.rows("AuditLogs_Hunting")
        for key in re.findall("KeyIdentifier=([0-9a-f-]+)", json.loads(row["keyEvents"])["newValue"])
    )


def test_properties_that_were_modified(logs: Logs) -> None:
    answer = logs.ask_lab("""
        AuditLogs_Hunting
        | mv-expand App = TargetResources
        | mv-expand Property = App.modifiedProperties
        | project App = tostring(App.displayName), Name = tostring(Property.displayName),
          Length = strlen(tostring(Property.newValue))""")
    assert sorted(answer) == sorted(
        (target["displayName"], changed["displayName"], len(changed["newValue"]))
        for row in logs.rows("AuditLogs_Hunting")
        for target in json.loads(row["TargetResources"])
        for changed in target["modifiedProperties"]
    )


# ---------------------------------------------------------------- alerts


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


# ---------------------------------------------------------------- timespans


@pytest.mark.parametrize(
    ("table", "timespan", "start", "end"),
    [
        ("alertlist", "2019-01-15/P1D", "2019-01-15", "2019-01-16"),
        (
            "alertlist",
            "2019-01-12T00:02:51/2019-01-15T05:15:20",
            "2019-01-12T00:02:51",
            "2019-01-15T05:15:20",
        ),
        ("azure_activity", "2021-04-26T18:00Z/1h", "2021-04-26T18:00", "2021-04-26T19:00"),
        ("office_activity", "PT1H/2021-04-28T17:00+02:00", "2021-04-28T14:00", "2021-04-28T15:00"),
        (
            "processes_on_host",
            "2019-01-15T05:15:12.167/10s",
            "2019-01-15T05:15:12.167",
            "2019-01-15T05:15:22.167",
        ),
        ("syslog_data", "2019-07-08T15:00/2019-07-08T16:08", "2019-07-08T15:00", "2019-07-08T16:08"),
        (
            "wirex_sample_data_all",
            "2020-08-31T20:24:59.395Z/2020-08-31T20:24:59.397Z",
            "2020-08-31T20:24:59.395",
            "2020-08-31T20:24:59.397",
        ),
    ],
)
def test_a_timespan_has_its_start_and_not_its_end(
    logs: Logs, table: str, timespan: str, start: str, end: str
) -> None:
    first, last = moment(start), moment(end)
    assert first is not None
    assert last is not None
    expected = [when(row) for row in logs.rows(table) if first <= when(row) < last]
    frame = logs.ask(FOLDER_OF[table], f"['{table}'] | project TimeGenerated", timespan=timespan)
    assert expected
    assert sorted(frame["TimeGenerated"]) == sorted(expected)


# ---------------------------------------------------------------- processes and sudo


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


# ---------------------------------------------------------------- network


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
