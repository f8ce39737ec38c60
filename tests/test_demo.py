from __future__ import annotations

import base64
import ipaddress
import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from kqlmagic_ext.connections.local.demo import Demo, Story
from kqlmagic_ext.kql.known_tables import known_tables

END = datetime(2026, 3, 6, 12, tzinfo=UTC)
DEMO = Demo(END)
STORY = DEMO.story
NAMES = DEMO.tables
ARROW = {
    "bool": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "real": pa.float64(),
    "decimal": pa.decimal128(38, 9),
    "string": pa.string(),
    "guid": pa.string(),
    "datetime": pa.timestamp("us"),
    "timespan": pa.duration("us"),
    "dynamic": pa.string(),
}
WANTED = [
    "SigninLogs",
    "AADNonInteractiveUserSignInLogs",
    "AuditLogs",
    "SecurityEvent",
    "SecurityAlert",
    "SecurityIncident",
    "DeviceProcessEvents",
    "DeviceNetworkEvents",
    "DeviceLogonEvents",
    "DeviceFileEvents",
    "OfficeActivity",
    "AzureActivity",
    "CommonSecurityLog",
    "EmailEvents",
    "IdentityInfo",
    "ThreatIntelligenceIndicator",
    "Heartbeat",
    "Syslog",
]
every_table = pytest.mark.parametrize("name", NAMES)


@cache
def table(name: str) -> pa.Table:
    return DEMO.table(name)


@cache
def frame(name: str) -> pd.DataFrame:
    made = table(name).to_pandas()
    made["TimeGenerated"] = made["TimeGenerated"].dt.tz_localize("UTC")
    return made


def rows(name: str, **equal: Any) -> pd.DataFrame:
    """The rows of a table in which each column given has the value given."""
    found = frame(name)
    for column, value in equal.items():
        found = found[found[column] == value]
    return found


def texts(name: str) -> dict[str, list[str]]:
    """The distinct texts of each text column."""
    made = table(name)
    return {
        field.name: [text for text in made[field.name].unique().to_pylist() if text is not None]
        for field in made.schema
        if field.type == pa.string()
    }


def near(time: Any, other: datetime, seconds: float = 2) -> bool:
    return abs(time - other) <= timedelta(seconds=seconds)


# --- Shape


def test_the_wanted_tables_are_there() -> None:
    assert set(NAMES) == set(WANTED)
    assert list(NAMES) == sorted(NAMES)


@every_table
def test_every_column_is_known_and_has_the_arrow_type_of_its_kql_type(name: str) -> None:
    known = known_tables()[name]
    for field in table(name).schema:
        assert field.type == ARROW[known[field.name]], field.name


@every_table
def test_a_table_fills_fifteen_columns_or_more(name: str) -> None:
    assert table(name).num_columns >= 15


@every_table
def test_time_type_and_tenant_are_filled(name: str) -> None:
    made = table(name)
    assert made["Type"].unique().to_pylist() == [name]
    assert len(made["TenantId"].unique()) == 1
    assert made["TenantId"][0] == table("SigninLogs")["TenantId"][0]
    if "Timestamp" in known_tables()[name]:
        assert made["Timestamp"].equals(made["TimeGenerated"])


@every_table
def test_rows_stand_in_the_order_of_time_within_the_fourteen_days(name: str) -> None:
    times = table(name)["TimeGenerated"].to_numpy()
    assert (np.diff(times) >= np.timedelta64(0, "us")).all()
    assert times[0] >= np.datetime64((END - timedelta(days=14)).replace(tzinfo=None))
    assert times[-1] < np.datetime64(END.replace(tzinfo=None))


@every_table
def test_no_string_is_null(name: str) -> None:
    known = known_tables()[name]
    nulls = [field.name for field in table(name).schema if known[field.name] in {"string", "guid"}]
    assert [column for column in nulls if table(name)[column].null_count] == []


@every_table
def test_dynamic_text_is_strict_json(name: str) -> None:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    for column, distinct in texts(name).items():
        if known_tables()[name][column] == "dynamic":
            for text in distinct[:3000]:
                json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("SigninLogs", "AuthenticationDetails"),
        ("SigninLogs", "ConditionalAccessPolicies"),
        ("SigninLogs", "RiskEventTypes_V2"),
        ("AADNonInteractiveUserSignInLogs", "DeviceDetail"),
        ("AADNonInteractiveUserSignInLogs", "LocationDetails"),
        ("AADNonInteractiveUserSignInLogs", "Status"),
        ("SecurityAlert", "Entities"),
        ("SecurityAlert", "ExtendedProperties"),
        ("SecurityAlert", "Techniques"),
        ("OfficeActivity", "Parameters"),
        ("AzureActivity", "Properties"),
        ("AzureActivity", "HTTPRequest"),
        ("EmailEvents", "DetectionMethods"),
        ("IdentityInfo", "Tags"),
    ],
)
def test_text_that_queries_parse_is_json_too(name: str, column: str) -> None:
    found = [json.loads(text) for text in texts(name)[column][:3000] if text]
    assert all(isinstance(value, dict | list) for value in found)
    assert found


@every_table
def test_guids_are_lower_case_guids(name: str) -> None:
    guid = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
    for column, distinct in texts(name).items():
        if known_tables()[name][column] == "guid":
            assert all(guid.fullmatch(text) for text in distinct[:100]), column


@every_table
def test_row_count_is_known_without_making_the_table(name: str) -> None:
    assert DEMO.row_count(name) == table(name).num_rows


def test_all_tables_together_have_about_the_rows_wanted() -> None:
    assert sum(map(DEMO.row_count, NAMES)) == pytest.approx(200_000, rel=0.03)


def test_the_small_tables_are_not_trivial() -> None:
    small = ("SecurityAlert", "SecurityIncident", "IdentityInfo", "ThreatIntelligenceIndicator")
    assert all(DEMO.row_count(name) > 30 for name in small)


# --- Determinism


@every_table
def test_equal_demos_make_equal_tables_in_whatever_order(name: str) -> None:
    alone = Demo(END, rows=4_000)
    late = Demo(END, rows=4_000)
    late.table("IdentityInfo")
    assert alone.table(name).equals(late.table(name))


@every_table
def test_another_seed_makes_another_table(name: str) -> None:
    assert not Demo(END, rows=4_000).table(name).equals(Demo(END, rows=4_000, seed=8).table(name))


def test_the_story_is_the_same_whatever_the_size_and_the_zone_of_the_end() -> None:
    zoned = END.astimezone(datetime.fromisoformat("2026-01-01T00:00:00-06:00").tzinfo)
    assert Demo(zoned, rows=2_000).story == STORY
    assert Demo(END, seed=8).story != STORY


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("hour", [0, 13])
def test_every_seed_and_hour_has_its_whole_story(seed: int, hour: int) -> None:
    told = Demo(END.replace(hour=hour), seed=seed).story
    actors = {
        told.account,
        told.phished_account,
        told.mistyping_account,
        told.travelling_account,
        told.scripting_account,
    }
    assert len(actors) == 5
    assert told.account in told.sprayed_accounts
    assert (
        len({*told.spray_addresses, told.success_address, told.beacon_address, told.exfiltration_address})
        == 5
    )
    order = [told.spray_start, told.password_found_time, told.spray_end, told.mfa_start, told.success_time]
    order += [
        told.method_registered_time,
        told.device_registered_time,
        told.inbox_rule_time,
        told.phishing_time,
    ]
    order += [told.powershell_time, told.lateral_time, told.server_beacon_start, told.archive_time]
    assert order == sorted(order)


def test_a_small_demo_holds_the_whole_intrusion() -> None:
    small = Demo(END, rows=2_000)
    beacons = small.table("DeviceNetworkEvents").filter(pc.field("RemoteIP") == STORY.beacon_address)
    assert beacons.num_rows == len(rows("DeviceNetworkEvents", RemoteIP=STORY.beacon_address))
    sent = small.table("CommonSecurityLog").filter(pc.field("DestinationIP") == STORY.exfiltration_address)
    assert pc.sum(sent["SentBytes"]).as_py() == STORY.exfiltration_bytes


@pytest.mark.parametrize("bad", [0, -5, 1_999, 20_000_001])
def test_too_few_or_too_many_rows_raise_one_clear_sentence(bad: int) -> None:
    with pytest.raises(
        ValueError, match=r"^The demo workspace has between 2,000 and 20,000,000 rows, not .*\.$"
    ):
        Demo(END, rows=bad)


def test_an_end_without_time_zone_and_a_negative_seed_raise() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Demo(END.replace(tzinfo=None))
    with pytest.raises(ValueError, match="seed"):
        Demo(END, seed=-1)


def test_nothing_of_the_demo_imports_pandas_itself() -> None:
    code = "import sys, kqlmagic_ext.connections.local.demo; sys.exit('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == 0


# --- Everyday life


@pytest.mark.parametrize(("country", "offset"), [("NL", 1), ("DE", 1), ("US", -6), ("SG", 8)])
def test_people_sign_in_when_their_office_is_open(country: str, offset: int) -> None:
    local = rows("SigninLogs", Location=country)["TimeGenerated"] + pd.Timedelta(hours=offset)
    weekday, hour = local.dt.day_of_week, local.dt.hour
    day = ((weekday < 5) & hour.between(8, 16)).sum() / (5 * 9)
    night = ((weekday < 5) & hour.isin([0, 1, 2, 3, 4])).sum() / (5 * 5)
    weekend = (weekday >= 5).sum() / (2 * 24)
    assert day > 8 * night
    assert day > 8 * weekend


def test_servers_work_at_night_too() -> None:
    beats = frame("Heartbeat")["TimeGenerated"].dt.hour.value_counts()
    assert beats.min() > 0.8 * beats.max()


def test_about_three_of_a_hundred_passwords_are_wrong() -> None:
    assert 0.02 < (frame("SigninLogs")["ResultType"] == "50126").mean() < 0.045
    assert {"50053", "50140", "50074", "53003"} <= set(frame("SigninLogs")["ResultType"])


def test_people_sign_in_mostly_from_their_own_country() -> None:
    ordinary = rows("SigninLogs", ResultType="0")
    homes = ordinary.groupby("UserPrincipalName")["Location"].agg(
        lambda places: places.value_counts(normalize=True).iloc[0]
    )
    assert homes.median() > 0.97
    assert ordinary["Location"].nunique() > 5


def test_the_company_has_executives_and_critical_assets() -> None:
    who = frame("IdentityInfo").drop_duplicates("AccountUPN", keep="last")
    tags = who["Tags"].map(json.loads)
    assert tags.map(lambda tag: "Executive" in tag).sum() == 2
    assert tags.map(lambda tag: "Critical asset" in tag).sum() >= 3
    assert who["AssignedRoles"].map(json.loads).map(lambda role: "Global Administrator" in role).sum() == 1
    assert who["GroupMembership"].map(json.loads).map(lambda groups: "Domain Admins" in groups).sum() >= 2
    assert who["Country"].nunique() == 4
    assert (~who["IsServiceAccount"]).sum() == 240


def test_only_private_benchmark_and_documentation_addresses_appear() -> None:
    allowed = [
        ipaddress.ip_network(block)
        for block in ("10.0.0.0/8", "198.18.0.0/15", "203.0.113.0/24", "198.51.100.0/24")
    ]
    pattern = r"(?:^|[^\d.])(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})(?![\d.])"
    for name in NAMES:
        for column, distinct in texts(name).items():
            if column in {"UserAgent", "Version", "OSName"}:  # they hold versions
                continue
            found = {address for text in distinct for address in re.findall(pattern, text)}
            strangers = {
                ip for ip in found if not any(ipaddress.ip_address(ip) in block for block in allowed)
            }
            assert strangers == set(), (name, column)


def test_only_reserved_domains_appear() -> None:
    ends = re.compile(r"(?:https?://|@)([\w.-]*[a-z])", re.IGNORECASE)
    for name in NAMES:
        for column, distinct in texts(name).items():
            hosts = {host for text in distinct for host in ends.findall(text)}
            strangers = {host for host in hosts if not host.endswith((".example", ".test"))}
            assert strangers == set(), (name, column)


# --- The intrusion, step by step


def test_step_1_two_addresses_of_one_country_spray_sixty_accounts() -> None:
    failed = frame("SigninLogs")[frame("SigninLogs")["ResultType"].isin(["50126", "50053"])]
    spread = failed.groupby("IPAddress").agg(
        accounts=("UserPrincipalName", "nunique"),
        first=("TimeGenerated", "min"),
        last=("TimeGenerated", "max"),
    )
    suspects = spread[(spread["accounts"] > 20) & (spread["last"] - spread["first"] < timedelta(hours=1))]
    assert set(suspects.index) == set(STORY.spray_addresses)
    spray = failed[failed["IPAddress"].isin(STORY.spray_addresses)]
    assert tuple(sorted(spray["UserPrincipalName"].unique())) == STORY.sprayed_accounts
    assert set(spray["Location"]) == {STORY.spray_country}
    assert spray["TimeGenerated"].min() == STORY.spray_start
    assert spray["TimeGenerated"].max() == STORY.spray_end
    assert spray.groupby("UserPrincipalName").size().max() <= 4
    assert set(spray["ResultType"]) == {"50126", "50053"}
    assert len(set(spray["UserAgent"])) == 1


def test_step_1_one_password_was_right() -> None:
    hits = frame("SigninLogs")[frame("SigninLogs")["IPAddress"].isin(STORY.spray_addresses)]
    right = hits[~hits["ResultType"].isin(["50126", "50053"])]
    assert right["UserPrincipalName"].to_list() == [STORY.account]
    assert right["ResultType"].to_list() == ["50074"]
    assert right["TimeGenerated"].iloc[0] == STORY.password_found_time


def test_step_2_denied_prompts_then_one_approved() -> None:
    told = rows("SigninLogs", IPAddress=STORY.success_address)
    assert set(told["UserPrincipalName"]) == {STORY.account}
    assert set(told["UserDisplayName"]) == {STORY.account_name}
    assert set(told["Location"]) == {STORY.success_country}
    denied = told[told["ResultType"] == "500121"]
    assert len(denied) == STORY.mfa_denials
    assert denied["TimeGenerated"].min() == STORY.mfa_start
    approved = told[told["ResultType"] == "0"].iloc[0]
    assert approved["TimeGenerated"] == STORY.success_time > denied["TimeGenerated"].max()
    steps = json.loads(approved["AuthenticationDetails"])
    assert [step["succeeded"] for step in steps] == [True, True]
    assert json.loads(denied["AuthenticationDetails"].iloc[0])[1]["succeeded"] is False
    assert json.loads(approved["MfaDetail"])["authMethod"] == "Mobile app notification"
    assert "denied" in json.loads(denied["Status"].iloc[0])["additionalDetails"]


def test_step_2_the_country_is_new_for_everybody() -> None:
    for country in (STORY.spray_country, STORY.success_country):
        assert set(rows("SigninLogs", Location=country)["IPAddress"]) <= {
            *STORY.spray_addresses,
            STORY.success_address,
        }


def test_step_2_the_tokens_are_renewed_until_the_end() -> None:
    renewed = rows("AADNonInteractiveUserSignInLogs", IPAddress=STORY.success_address)
    assert set(renewed["UserPrincipalName"]) == {STORY.account}
    assert len(renewed) > 40
    assert near(renewed["TimeGenerated"].min(), STORY.success_time, 120)
    assert near(renewed["TimeGenerated"].max(), END, 7200)
    assert set(renewed["SessionId"]) == {STORY.session_id}
    assert set(rows("SigninLogs", SessionId=STORY.session_id)["IPAddress"]) == {STORY.success_address}


def test_step_3_a_rule_hides_mail_about_invoices() -> None:
    rule = frame("OfficeActivity")
    rule = rule[
        rule["Operation"].isin(["New-InboxRule", "Set-InboxRule"])
        & rule["Parameters"].str.contains("invoice")
    ]
    assert len(rule) == 1
    rule = rule.iloc[0]
    given = {entry["Name"]: entry["Value"] for entry in json.loads(rule["Parameters"])}
    assert given["Name"] == STORY.inbox_rule_name
    assert (rule["UserId"], rule["ClientIP"]) == (STORY.account, STORY.success_address)
    assert rule["TimeGenerated"] == STORY.inbox_rule_time


def test_step_3_a_phone_and_a_device_are_registered_from_there() -> None:
    audit = frame("AuditLogs")
    user = audit["InitiatedBy"].map(lambda text: json.loads(text)["user"])
    audit = audit[user.map(lambda who: who["ipAddress"]) == STORY.success_address]
    assert set(user[audit.index].map(lambda who: who["userPrincipalName"])) == {STORY.account}
    registered = audit.set_index("OperationName")["TimeGenerated"]
    assert registered["User registered security info"] == STORY.method_registered_time
    assert registered["Register device"] == STORY.device_registered_time
    target = json.loads(audit[audit["OperationName"] == "Register device"]["TargetResources"].iloc[0])[0]
    assert (target["type"], target["displayName"]) == ("Device", STORY.device_name)


def test_step_4_the_mailbox_sends_a_colleague_a_document() -> None:
    mail = rows("EmailEvents", NetworkMessageId=STORY.phishing_message_id)
    assert len(mail) == 1
    mail = mail.iloc[0]
    assert (mail["SenderFromAddress"], mail["RecipientEmailAddress"]) == (
        STORY.account,
        STORY.phished_account,
    )
    assert (mail["Subject"], mail["EmailDirection"], mail["AttachmentCount"]) == (
        STORY.phishing_subject,
        "Intra-org",
        1,
    )
    assert mail["TimeGenerated"] == STORY.phishing_time


def test_step_4_word_starts_encoded_powershell() -> None:
    started = rows("DeviceProcessEvents", InitiatingProcessFileName="WINWORD.EXE", FileName="powershell.exe")
    assert len(started) == 1
    started = started.iloc[0]
    assert started["DeviceName"].partition(".")[0] == STORY.workstation.lower()
    assert started["AccountUpn"] == STORY.phished_account
    assert started["TimeGenerated"] == STORY.powershell_time
    assert started["ProcessId"] == STORY.powershell_process_id
    encoded = re.search(r"-enc (\S+)", started["ProcessCommandLine"])[1]
    assert encoded == STORY.encoded_command
    assert base64.b64decode(encoded).decode("utf-16-le") == STORY.script
    assert STORY.beacon_address in STORY.script


def test_step_4_the_windows_log_tells_the_same_process() -> None:
    event = frame("SecurityEvent")
    event = event[(event["EventID"] == 4688) & event["ParentProcessName"].str.endswith("WINWORD.EXE")]
    event = event[event["NewProcessName"].str.endswith("powershell.exe")].iloc[0]
    assert event["TimeGenerated"] == STORY.powershell_time
    assert event["Computer"].startswith(STORY.workstation)
    assert STORY.encoded_command in event["CommandLine"]
    assert int(event["NewProcessId"], 16) == STORY.powershell_process_id
    assert event["SubjectUserName"] == STORY.phished_account.partition("@")[0]


def test_step_5_the_service_account_goes_from_the_workstation_to_the_server() -> None:
    hop = rows("DeviceLogonEvents", AccountName=STORY.lateral_account, RemoteIP=STORY.workstation_address)
    hop = hop[hop["ActionType"] == "LogonSuccess"]
    assert set(hop["DeviceName"].str.partition(".")[0]) == {STORY.server.lower()}
    assert {"Network", "RemoteInteractive"} <= set(hop["LogonType"])
    assert hop["TimeGenerated"].min() == STORY.lateral_time
    logon = rows("SecurityEvent", EventID=4624, LogonType=3, TargetUserName=STORY.lateral_account)
    logon = logon[logon["IpAddress"] == STORY.workstation_address]
    assert logon["TimeGenerated"].min() == STORY.lateral_time
    assert set(logon["Computer"].str.partition(".")[0]) == {STORY.server}
    explicit = rows("SecurityEvent", EventID=4648, TargetUserName=STORY.lateral_account)
    assert set(explicit["Computer"].str.partition(".")[0]) == {STORY.workstation}
    special = rows("SecurityEvent", EventID=4672, SubjectUserName=STORY.lateral_account)
    assert special["Computer"].str.startswith(STORY.server).any()


def test_step_5_a_service_and_an_administrator_are_left_behind() -> None:
    for number in (4697, 7045):
        service = rows("SecurityEvent", EventID=number, ServiceName="PSEXESVC")
        assert service["Computer"].str.startswith(STORY.server).all()
        assert near(service["TimeGenerated"].iloc[0], STORY.lateral_time)
    created = rows("SecurityEvent", EventID=4720, TargetUserName=STORY.created_account)
    assert len(created) == 1
    assert created["Computer"].iloc[0].startswith(STORY.server)
    processes = rows("DeviceProcessEvents", FileName="PSEXESVC.exe")
    assert processes["DeviceName"].str.startswith(STORY.server.lower()).all()


@pytest.mark.parametrize("seen_in", ["DeviceNetworkEvents", "CommonSecurityLog"])
@pytest.mark.parametrize("machine", ["workstation", "server"])
def test_step_6_the_beacon_calls_every_five_minutes_until_the_end(seen_in: str, machine: str) -> None:
    ip, start = (
        (STORY.workstation_address, STORY.beacon_start)
        if machine == "workstation"
        else (STORY.server_address, STORY.server_beacon_start)
    )
    source, to = (
        ("LocalIP", "RemoteIP") if seen_in == "DeviceNetworkEvents" else ("SourceIP", "DestinationIP")
    )
    calls = rows(seen_in, **{source: ip, to: STORY.beacon_address})["TimeGenerated"]
    waits = calls.diff().dropna().dt.total_seconds()
    assert near(calls.iloc[0], start)
    assert near(calls.iloc[-1], END, 331)
    assert waits.between(0.9 * STORY.beacon_period_s - 0.01, 1.1 * STORY.beacon_period_s + 0.01).all()
    assert waits.mean() == pytest.approx(STORY.beacon_period_s, rel=0.03)
    assert 24 <= (END - start) / timedelta(hours=1) <= 31


def test_step_6_only_the_two_machines_call_it_and_an_active_indicator_names_it() -> None:
    calls = rows("DeviceNetworkEvents", RemoteIP=STORY.beacon_address)
    assert set(calls["DeviceName"].str.partition(".")[0].str.upper()) == {STORY.workstation, STORY.server}
    assert STORY.powershell_process_id in set(calls["InitiatingProcessId"])
    indicator = rows("ThreatIntelligenceIndicator", NetworkIP=STORY.beacon_address)
    assert indicator["Active"].to_list() == [True]
    assert indicator["ConfidenceScore"].iloc[0] > 80
    assert indicator["ExpirationDateTime"].iloc[0].tz_localize("UTC") > END


def test_step_7_an_archive_is_made_and_sent_away() -> None:
    parts = frame("DeviceFileEvents")
    parts = parts[parts["FileName"].str.startswith(STORY.archive_name)]
    assert set(parts["DeviceName"].str.partition(".")[0].str.upper()) == {STORY.server}
    assert near(parts["TimeGenerated"].min(), STORY.archive_time, 15)
    assert parts["FileSize"].sum() == pytest.approx(STORY.exfiltration_bytes, rel=0.05)
    sent = rows("CommonSecurityLog", DestinationIP=STORY.exfiltration_address)
    assert set(sent["SourceIP"]) == {STORY.server_address}
    assert sent["SentBytes"].sum() == STORY.exfiltration_bytes == sum(STORY.exfiltration_sizes)
    assert 4.0e9 < STORY.exfiltration_bytes < 4.4e9
    assert 24 <= len(sent) <= 48
    assert near(sent["TimeGenerated"].min(), STORY.exfiltration_start)
    assert parts["TimeGenerated"].max() < sent["TimeGenerated"].min()


def test_step_8_the_first_alert_names_the_addresses_and_not_the_account() -> None:
    alert = rows("SecurityAlert", SystemAlertId=STORY.first_alert_id).iloc[0]
    assert alert["AlertName"].startswith("Password spray")
    entities = json.loads(alert["Entities"])
    assert {entity["Address"] for entity in entities} == set(STORY.spray_addresses)
    assert STORY.account.partition("@")[0] not in " ".join(map(str, alert.to_list()))


def test_step_8_two_more_alerts_are_true_among_the_noise() -> None:
    rule = rows("SecurityAlert", SystemAlertId=STORY.rule_alert_id).iloc[0]
    assert (rule["AlertName"], rule["CompromisedEntity"]) == (
        "Suspicious inbox manipulation rule",
        STORY.account,
    )
    shell = rows("SecurityAlert", SystemAlertId=STORY.powershell_alert_id).iloc[0]
    assert shell["AlertName"] == "Suspicious PowerShell command line"
    assert STORY.encoded_command in shell["Entities"]
    assert shell["TimeGenerated"] > STORY.powershell_time
    assert len(frame("SecurityAlert")) > 15


def test_step_8_incidents_group_alerts_that_exist() -> None:
    incidents = frame("SecurityIncident")
    alerts = set(frame("SecurityAlert")["SystemAlertId"])
    grouped = incidents["AlertIds"].map(json.loads)
    assert all(set(ids) <= alerts for ids in grouped)
    assert grouped.map(len).max() == 2
    first = incidents[incidents["IncidentNumber"] == STORY.first_incident]
    assert first["Status"].to_list() == ["New"]
    assert json.loads(first["AlertIds"].iloc[0]) == [STORY.first_alert_id]
    assert json.loads(first["Owner"].iloc[0])["userPrincipalName"] is None
    assert set(incidents["Status"]) == {"New", "Active", "Closed"}
    assert (incidents["ClosedTime"].notna() == (incidents["Status"] == "Closed")).all()


# --- What only looks like it


def test_a_colleague_mistypes_often() -> None:
    failed = rows("SigninLogs", ResultType="50126").groupby("UserPrincipalName").size()
    assert failed.idxmax() == STORY.mistyping_account
    assert STORY.mistyping_account not in STORY.sprayed_accounts


def test_a_colleague_travels_to_a_country_where_nobody_else_is() -> None:
    there = rows("SigninLogs", Location=STORY.travel_country)
    assert set(there["UserPrincipalName"]) == {STORY.travelling_account}
    assert (there["ResultType"] == "0").all()
    assert there["DeviceDetail"].map(lambda text: json.loads(text)["isCompliant"]).all()


def test_an_administrator_runs_encoded_powershell_rightly() -> None:
    encoded = frame("DeviceProcessEvents")
    encoded = encoded[encoded["ProcessCommandLine"].str.contains("-EncodedCommand ")]
    scripted = encoded[encoded["AccountUpn"] == STORY.scripting_account]
    assert len(scripted) > 10
    text = base64.b64decode(scripted["ProcessCommandLine"].iloc[0].split()[-1]).decode("utf-16-le")
    assert text.startswith("Get-Service")


def test_a_backup_sends_more_than_the_intruder() -> None:
    sent = (
        rows("CommonSecurityLog", SourceHostName=STORY.backup_host)
        .groupby("DestinationHostName")["SentBytes"]
        .sum()
    )
    assert sent["backup.coldvault.example"] > STORY.exfiltration_bytes


def test_an_expired_indicator_matches_ordinary_traffic() -> None:
    stale = rows("ThreatIntelligenceIndicator", NetworkIP=STORY.stale_indicator_address).iloc[0]
    assert not stale["Active"]
    assert stale["ExpirationDateTime"].tz_localize("UTC") < END
    traffic = rows("CommonSecurityLog", DestinationIP=STORY.stale_indicator_address)
    assert traffic["SourceIP"].nunique() > 50
    named = set(frame("ThreatIntelligenceIndicator")["NetworkIP"]) - {""}
    met = named & set(frame("CommonSecurityLog")["DestinationIP"])
    assert met == {STORY.beacon_address, STORY.stale_indicator_address}


def test_the_story_is_frozen() -> None:
    assert isinstance(STORY, Story)
    with pytest.raises(AttributeError):
        STORY.account = "x"  # type: ignore[misc]
