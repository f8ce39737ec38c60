"""Questions of a SOC to real logs: which rows a condition leaves."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Row = dict[str, str]

from tests.sample_logs.logs import FOLDER_OF, Logs, told, when

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
