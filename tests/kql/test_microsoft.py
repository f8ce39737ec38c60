"""Microsoft's Kusto.Language on a real .NET, in this process."""

from __future__ import annotations

import threading

import pytest

from kqlmagic_ext.connections.local.slips import MORE_VALUES, UNDESCRIBED, most_values
from kqlmagic_ext.kql.language_service import Completions, Diagnostic, Schema
from kqlmagic_ext.kql.language_service.dotnet import load
from kqlmagic_ext.kql.language_service.language import words
from kqlmagic_ext.kql.language_service.microsoft import Microsoft
from tests.kql.microsofts import microsoft_or_skip

SCHEMA = Schema(
    {
        "SigninLogs": {
            "TimeGenerated": "datetime",
            "ResultType": "string",
            "UserPrincipalName": "string",
            "LocationDetails": "dynamic",
            "odd name": "long",
            "it's": "real",
        },
        "AuditLogs": {"TimeGenerated": "datetime", "CorrelationId": "string", "TargetResources": "dynamic"},
        "DeviceEvents": {"DeviceName": "string"},
        "DeviceInfo": {"DeviceName": "string", "OSPlatform": "string"},
        "my table": {"a": "long"},
        "DeviceNumber": {"b": ""},
    },
    {"LocationDetails": ("city", "state"), "LocationDetails.geoCoordinates": ("latitude", "longitude")},
)


@pytest.fixture(scope="module")
def service() -> Microsoft:
    return microsoft_or_skip()


def at(text: str) -> tuple[str, int]:
    """A text without its `|_|`, and where that stood; else its end."""
    cursor = text.find("|_|")
    return (text, len(text)) if cursor < 0 else (text.replace("|_|", ""), cursor)


def offered(service: Microsoft, text: str) -> dict[str, tuple[str, str]]:
    found = service.complete(*at(text), SCHEMA).found
    assert len({one.text for one in found}) == len(found)
    return {one.text: (one.kind, one.type) for one in found}


@pytest.mark.parametrize(
    ("text", "word", "kind", "of_type"),
    [
        ("", "SigninLogs", "class", "table"),
        ("", "['my table']", "class", "table"),
        ("Sign", "SigninLogs", "class", "table"),
        ("sign", "SigninLogs", "class", "table"),
        ("SigninLogs | join (Aud", "AuditLogs", "class", "table"),
        ("union Aud", "AuditLogs", "class", "table"),
        ("SigninLogs | lookup Aud", "AuditLogs", "class", "table"),
        ("let failed = SigninLogs | take 1; fai", "failed", "variable", "table"),
        ("let f = () { Aud", "AuditLogs", "class", "table"),
        ("SigninLogs | ", "where", "operator", ""),
        ("SigninLogs | summ", "summarize", "operator", ""),
        ("SigninLogs | where ResultType con", "contains", "operator", ""),
        ("SigninLogs | where Res", "ResultType", "field", "string"),
        ("SigninLogs | where odd", "['odd name']", "field", "long"),
        ("SigninLogs | where it", "['it\\'s']", "field", "real"),
        ("SigninLogs | where Res|_|ultType == 1", "ResultType", "field", "string"),
        ("SigninLogs | extend Minutes = 5m | where Min", "Minutes", "field", "timespan"),
        ("SigninLogs | summarize Failures = count() by bin(TimeGenerated, 1h) | where F", "Failures", "field", "long"),
        ("SigninLogs | join (AuditLogs) on TimeGenerated | where Corr", "CorrelationId", "field", "string"),
        ("SigninLogs | join (AuditLogs) on $", "$left.", "keyword", ""),
        ("SigninLogs | join (AuditLogs) on $left.Res", "ResultType", "field", "string"),
        ("AuditLogs | mv-expand T = TargetResources | where T", "T", "field", "dynamic"),
        ("SigninLogs | parse ResultType with 'x' Code:long | where Co", "Code", "field", "long"),
        ("union Device* | where OS", "OSPlatform", "field", "string"),
        ("SigninLogs | join kind=left", "leftouter", "value", ""),
        ("SigninLogs | render time", "timechart", "value", ""),
        ("SigninLogs | render timechart with (ti", "title=", "property", ""),
        ("SigninLogs | where TimeGenerated > ag", "ago(", "function", ""),
        ("SigninLogs | where TimeGenerated > now|_|", "now(", "function", ""),
        ("SigninLogs | where TimeGenerated > ag|_|(1d)", "ago", "function", ""),
        ("SigninLogs | summarize dc", "dcount(", "function", ""),
        ("SigninLogs | summarize cou", "count()", "function", ""),
        ("SigninLogs | extend Level = to", "tostring(", "function", ""),  # `to` is a word of KQL
        ("SigninLogs | where TimeGenerated in", "in", "operator", ""),
        ("let limitation = 5; SigninLogs | take limi", "limitation", "variable", ""),
        ("SigninLogs | where LocationDetails.ci", "city", "property", ""),
        ("SigninLogs | where LocationDetails.geoCoordinates[0].la", "latitude", "property", ""),
        ("SigninLogs | where ResultType == {{user}} and User", "UserPrincipalName", "field", "string"),
    ],
)  # fmt: skip
def test_what_may_stand_at_the_cursor_is_offered(
    service: Microsoft, text: str, word: str, kind: str, of_type: str
) -> None:
    assert offered(service, text).get(word) == (kind, of_type)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("SigninLogs | project A = ResultType | where ", "UserPrincipalName"),
        ("SigninLogs | project-away ResultType | where ", "ResultType"),
        ("SigninLogs | summarize count() by ResultType | where ", "TimeGenerated"),
        ("SigninLogs | where Res", "where"),
        ("SigninLogs | ", "SigninLogs"),
        ("SigninLogs | where ", "("),
        ("", "Kqlmagic_ext_any_table"),
    ],
)
def test_what_may_not_stand_there_is_not(service: Microsoft, text: str, word: str) -> None:
    assert word not in offered(service, text)


@pytest.mark.parametrize(
    "text", ["// SigninLogs | whe", "print 'Sig", 'print "SigninLogs | where ', "print h@'S"]
)
def test_comments_and_strings_are_left_alone(service: Microsoft, text: str) -> None:
    assert offered(service, text) == {}


def test_offsets_are_characters_behind_letters_of_two_units(service: Microsoft) -> None:
    text = "SigninLogs | where ResultType == '😀🦊' and Res"
    found = service.complete(text, len(text), SCHEMA)
    assert (found.start, found.end) == (len(text) - 3, len(text))
    [one] = [one for one in found.found if one.kind == "field"]
    assert one.text == "ResultType"
    [fault] = service.diagnose("SigninLogs | where '😀🦊' == ResultTyp", SCHEMA)
    assert (fault.start, fault.end) == (27, 36)
    told = service.hover("SigninLogs | where '😀🦊' == ResultType", 30, SCHEMA)
    assert told is not None
    assert told.signature == "ResultType: string"


@pytest.mark.parametrize(
    ("text", "name", "kind", "signature"),
    [
        ("SigninLogs | where Result|_|Type == 1", "ResultType", "field", "ResultType: string"),
        ("SigninLogs | where ResultType|_| == 1", "ResultType", "field", "ResultType: string"),
        ("print ago(1|_|d)", "ago", "function", "ago(timespan): datetime"),
        ("print strcat(tostring(1), |_|", "strcat", "function", "strcat(arg, ...): string"),
        ("let x = 5; print x|_|", "x", "variable", "x: long = 5"),
    ],
)
def test_a_word_tells_what_it_is(service: Microsoft, text: str, name: str, kind: str, signature: str) -> None:
    told = service.hover(*at(text), SCHEMA)
    assert told is not None
    assert (told.name, told.kind, told.signature) == (name, kind, signature)


@pytest.mark.parametrize("text", ["", "// x|_|y", "SigninLogs |_| | take 1", "print 'x|_|y'", "Nope|_|"])
def test_where_nothing_stands_nothing_is_said(service: Microsoft, text: str) -> None:
    assert service.hover(*at(text), SCHEMA) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("SigninLogs | where ResultTyp == 1", Diagnostic(19, 28, "unknown_name", "there is no column ResultTyp", "did you mean ResultType?")),
        ("Siginlogs | take 1", Diagnostic(0, 9, "unknown_name", "there is no table Siginlogs", "did you mean SigninLogs?")),
        ("print dcuont(1)", Diagnostic(6, 12, "unknown_name", "there is no function dcuont", "did you mean dcount?")),
        ("SigninLogs | wher x", Diagnostic(13, 17, "syntax", "query operator expected", "did you mean where?")),
        ("SigninLogs where x", Diagnostic(11, 16, "syntax", "expected: ;", "is a | missing before it?")),
        ("SigninLogs | where", Diagnostic(18, 18, "syntax", "missing expression")),
        ("print 'abc", Diagnostic(6, 10, "syntax", "the string is not closed", "close it with '")),
        ("SigninLogs\n\nAuditLogs", Diagnostic(10, 10, "syntax", "expected: ;")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(service: Microsoft, text: str, fault: Diagnostic) -> None:
    assert service.diagnose(text, SCHEMA) == (fault,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "// nothing",
        "SigninLogs | where ResultType == {{user}}",
        "search 'x' | where Anything == 1",
        "union * | where Anything == 1",
        "AuditLogs | evaluate bag_unpack(TargetResources) | where Anything == 1",
        "Nope | where Anything == 1 and ResultTyp == 2",
        "SigninLogs | where Nope == 1",  # the workspace may have it
        "SigninLogs | where ResultType = 1",
    ],
)
def test_what_is_not_sure_is_not_told(service: Microsoft, text: str) -> None:
    assert service.diagnose(text, SCHEMA) == ()


def test_without_tables_no_name_is_unknown(service: Microsoft) -> None:
    assert service.diagnose("SigninLog | where ResultTyp == 1", Schema({})) == ()


def test_an_unknown_table_makes_no_column_unknown(service: Microsoft) -> None:
    [fault] = service.diagnose("SigninLog | where ResultTyp == 1", SCHEMA)
    assert (fault.start, fault.end) == (0, 9)


@pytest.mark.parametrize(
    "text",
    [
        "\0",
        "\ud800 | where \udfff",
        "print '\ud83d",
        "(" * 200_000,
        "print " + "f(" * 5_000,
        "print " + "[" * 100_000,
        "T | where " + "a and " * 5_000,
        "print 1" + "+1" * 20_000,
        "T" + " | take 1" * 10_000,
        "\r\n\t\v\f",
        "{{}} {{x}} {{",
        "let x = ; ; ;; | |",
        "T | join (T | join (T | union (",
        "{" * 300,
        "a" * 100_000,
        "union " * 16_000,
    ],
    ids=range(16),
)
def test_no_text_raises_or_freezes(service: Microsoft, text: str) -> None:
    found = service.complete(text, len(text), SCHEMA)
    assert 0 <= found.start <= found.end == len(text)
    service.complete(text, len(text) // 2, SCHEMA)
    service.hover(text, len(text) // 2, SCHEMA)
    assert all(0 <= one.start <= one.end <= len(text) for one in service.diagnose(text, SCHEMA))


def test_only_the_tables_that_a_text_names_are_built(service: Microsoft) -> None:
    read: list[str] = []

    class Watched(dict[str, dict[str, str]]):
        def __getitem__(self, name: str) -> dict[str, str]:
            read.append(name)
            return super().__getitem__(name)

    many = Watched({f"Table{number}": {f"Column{number}": "long"} for number in range(2_000)})
    text = "Table7 | where Col"
    found = service.complete(text, len(text), Schema(many)).found
    assert [one.text for one in found if one.kind == "field"] == ["Column7"]
    assert set(read) == {"Table7"}
    offers = service.complete("Table", 5, Schema(many)).found
    assert {one.text for one in offers if one.kind == "class"} == set(many)
    assert set(read) <= {"Table7"}


def test_a_table_whose_columns_change_is_read_anew(service: Microsoft) -> None:
    for column in ("First", "Second"):
        schema = Schema({"T": {column: "long"}})
        text = "T | project "
        assert column in [one.text for one in service.complete(text, len(text), schema).found]


def test_many_threads_may_ask_at_once(service: Microsoft) -> None:
    text = "SigninLogs | where Res"
    alone = service.complete(text, len(text), SCHEMA)
    answers: list[Completions] = []

    def ask() -> None:
        for _ in range(20):
            service.diagnose("SigninLogs | where ResultTyp == 1", SCHEMA)
            answers.append(service.complete(text, len(text), SCHEMA))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == [alone] * 80


def test_every_function_of_microsofts_is_known_here_with_as_many_values(service: Microsoft) -> None:
    del service  # the library is there
    default = load().GlobalState.Default
    known = words("function", "aggregate", "window", "tabular", "plugin", "keyword")
    named = [one for one in (*default.Functions, *default.Aggregates) if not str(one.Name).startswith("__")]
    assert len(named) > 400
    for one in named:
        name = str(one.Name)
        if name in UNDESCRIBED:
            continue
        assert name in known
        most = most_values(known[name].signature)
        wanted = max(int(signature.MaxArgumentCount) for signature in one.Signatures)
        assert most is None or most >= wanted or name in MORE_VALUES, name
