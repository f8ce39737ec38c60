"""Questions of a SOC to real logs: sign-ins."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import timedelta

import pytest

from tests.sample_logs.logs import ADELE, Logs, counts, floor, moment, sets, when


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
