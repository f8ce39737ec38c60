"""Questions of a SOC to real logs: Azure and its directory."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from datetime import timedelta

from tests.sample_logs.logs import Logs, counts, found_in, sets, when


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
