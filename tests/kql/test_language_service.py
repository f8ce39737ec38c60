"""What an editor may expect of a language service: the same claims for every one there is."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from kqlmagic_ext.kql.language_service import Completion, Completions, Hover, LanguageService, Schema
from kqlmagic_ext.kql.language_service.ours import OurService
from tests.kql.microsofts import microsoft_before_ours

SERVICES: dict[str, Callable[[], LanguageService]] = {"ours": OurService, "microsoft": microsoft_before_ours}
SCHEMA = Schema(
    {
        "SigninLogs": {
            "TimeGenerated": "datetime",
            "UserPrincipalName": "string",
            "UserId": "string",
            "IPAddress": "string",
            "ResultType": "string",
            "DeviceDetail": "dynamic",
            "AutonomousSystemNumber": "int",
        },
        "SecurityEvent": {
            "TimeGenerated": "datetime",
            "Account": "string",
            "Computer": "string",
            "EventID": "int",
        },
        "DeviceEvents": {"TimeGenerated": "datetime", "DeviceName": "string", "AdditionalFields": "dynamic"},
        "DeviceInfo": {"TimeGenerated": "datetime", "DeviceName": "string", "OSPlatform": "string"},
    },
    keys={"DeviceDetail": ("browser", "operatingSystem"), "DeviceDetail.browser": ("version",)},
)


@pytest.fixture(scope="module", params=SERVICES)
def service(request: pytest.FixtureRequest) -> LanguageService:
    return SERVICES[request.param]()


def complete(service: LanguageService, marked: str, schema: Schema = SCHEMA) -> Completions:
    """What is offered where the text has its ‸."""
    cursor = marked.index("‸")
    return service.complete(marked.replace("‸", ""), cursor, schema)


def plain(found: Completions) -> dict[str, Completion]:
    """The words that are offered, without parentheses, `=` and the like."""
    return {one.text.rstrip("().= "): one for one in found.found}


def hover(service: LanguageService, marked: str) -> Hover:
    cursor = marked.index("‸")
    found = service.hover(marked.replace("‸", ""), cursor, SCHEMA)
    assert found is not None
    return found


# ------------------------------------------------------------ where something is offered

PLACES = {
    "tables at the start": ("‸", ["SigninLogs", "SecurityEvent", "let", "print", "union"], ["where"]),
    "a part of a table": ("Sec‸", ["SecurityEvent"], ["SigninLogs"]),
    "tables in another case": ("sec‸", ["SecurityEvent"], []),
    "tables behind join": ("SigninLogs | join kind=inner (‸", ["SecurityEvent"], ["UserId"]),
    "tables behind join without parentheses": ("SigninLogs | join kind=inner Sec‸", ["SecurityEvent"], []),
    "tables behind union": ("union SigninLogs, Sec‸", ["SecurityEvent"], []),
    "tables in the parentheses of a union": (
        "union (SigninLogs | take 1), (Sec‸",
        ["SecurityEvent"],
        ["SigninLogs"],
    ),
    "tables behind lookup": ("SigninLogs | lookup kind=leftouter (Dev‸", ["DeviceEvents"], []),
    "tables in the body of a let": ("let logons = Sig‸", ["SigninLogs"], []),
    "tables in the body of a function": ("let f = (n: int) { Sec‸", ["SecurityEvent"], []),
    "tables within in": (
        "SigninLogs | where UserId in ((Sec‸",
        ["SecurityEvent"],
        [],
    ),
    "a table that let names": ("let logons = SigninLogs;\nlog‸", ["logons"], []),
    "operators behind a pipe": ("SigninLogs\n| ‸", ["where", "summarize", "mv-expand", "join"], ["UserId"]),
    "an operator with a hyphen": ("SigninLogs | mv-e‸", ["mv-expand"], ["where"]),
    "operators within a join": ("SigninLogs | join (SecurityEvent | su‸", ["summarize"], []),
    "columns": ("SigninLogs | where ‸", ["UserId", "IPAddress", "ago"], ["Account"]),
    "columns behind a comparison": (
        "SigninLogs | where ResultType != '0' and Us‸",
        ["UserId", "UserPrincipalName"],
        ["IPAddress"],
    ),
    "columns in a call": ("SigninLogs | extend x = tolower(Us‸", ["UserPrincipalName"], []),
    "a column that extend made": ("SigninLogs | extend Weekday = 1 | where We‸", ["Weekday"], []),
    "no column that project left out": ("SigninLogs | project UserId | where ‸", ["UserId"], ["IPAddress"]),
    "no column that project-away took": (
        "SigninLogs | project-away UserId | where ‸",
        ["IPAddress"],
        ["UserId"],
    ),
    "project-away by a pattern": ("SigninLogs | project-away User* | where ‸", ["IPAddress"], ["UserId"]),
    "project-keep": ("SigninLogs | project-keep UserId | where ‸", ["UserId"], ["IPAddress"]),
    "project-rename": ("SigninLogs | project-rename Who = UserId | where ‸", ["Who"], ["UserId"]),
    "project-reorder keeps all": (
        "SigninLogs | project-reorder UserId | where ‸",
        ["UserId", "IPAddress"],
        [],
    ),
    "summarize": (
        "SigninLogs | summarize count(), dcount(UserId), Last = max(TimeGenerated) by IPAddress | where ‸",
        ["count_", "dcount_UserId", "Last", "IPAddress"],
        ["UserId", "ResultType"],
    ),
    "arg_max of all": (
        "SigninLogs | summarize arg_max(TimeGenerated, *) by UserId | where ‸",
        ["TimeGenerated", "IPAddress", "UserId"],
        [],
    ),
    "a named arg_max": (
        "SigninLogs | summarize Last = arg_max(TimeGenerated, IPAddress) by UserId | where ‸",
        ["Last", "IPAddress", "UserId"],
        ["ResultType"],
    ),
    "make_set and percentiles": (
        "SecurityEvent | summarize make_set(Account), percentiles(EventID, 5, 95) by Computer | where ‸",
        ["set_Account", "percentile_EventID_5", "percentile_EventID_95"],
        ["Account"],
    ),
    "bin keeps the name": (
        "SecurityEvent | summarize count() by bin(TimeGenerated, 1h) | where ‸",
        ["TimeGenerated", "count_"],
        ["Computer"],
    ),
    "plugins behind evaluate": ("SigninLogs | evaluate ‸", ["bag_unpack", "pivot"], ["UserId"]),
    "operators that begin with an exclamation mark": (
        "SigninLogs | where UserId !‸",
        ["!has", "!contains"],
        ["UserId"],
    ),
    "distinct": ("SecurityEvent | distinct Computer | where ‸", ["Computer"], ["Account"]),
    "count": ("SecurityEvent | count | where ‸", ["Count"], ["Account"]),
    "join puts a 1 behind what both have": (
        "SigninLogs | join kind=inner (SecurityEvent) on TimeGenerated | where ‸",
        ["UserId", "Account", "TimeGenerated", "TimeGenerated1"],
        [],
    ),
    "leftanti keeps the left": (
        "SigninLogs | join kind=leftanti (SecurityEvent) on TimeGenerated | where ‸",
        ["UserId"],
        ["Account", "TimeGenerated1"],
    ),
    "lookup": (
        "DeviceEvents | lookup (DeviceInfo) on DeviceName | where ‸",
        ["OSPlatform", "AdditionalFields", "DeviceName"],
        ["DeviceName1"],
    ),
    "union": ("union SigninLogs, SecurityEvent | where ‸", ["UserId", "Account"], []),
    "union by a pattern": ("union Device* | where ‸", ["OSPlatform", "AdditionalFields"], ["Account"]),
    "mv-expand": ("SigninLogs | mv-expand Detail = DeviceDetail | where ‸", ["Detail", "UserId"], []),
    "mv-apply": (
        "SigninLogs | mv-apply Detail = DeviceDetail on (where De‸",
        ["Detail", "DeviceDetail"],
        [],
    ),
    "parse": (
        "SecurityEvent | parse Account with Domain '\\\\' Name: string | where ‸",
        ["Domain", "Name", "Account"],
        [],
    ),
    "make-series": (
        "SigninLogs | make-series Tries = count() on TimeGenerated step 1h by UserId | where ‸",
        ["Tries", "TimeGenerated", "UserId"],
        ["IPAddress"],
    ),
    "getschema": ("SigninLogs | getschema | where ‸", ["ColumnName", "ColumnType"], ["UserId"]),
    "datatable": ("datatable(Host: string, Port: int) ['a', 1] | where ‸", ["Host", "Port"], ["UserId"]),
    "print": ("print Answer = 42 | where ‸", ["Answer"], []),
    "range": ("range Day from 1 to 7 step 1 | where ‸", ["Day"], []),
    "a table of let": (
        "let t = SigninLogs | project Who = UserId;\nt | where ‸",
        ["Who"],
        ["UserId", "IPAddress"],
    ),
    "a materialized table": (
        "let t = materialize(SigninLogs | distinct UserId);\nt | where ‸",
        ["UserId"],
        ["IPAddress"],
    ),
    "what a function gives": (
        "let f = (n: int) { SigninLogs | project Who = UserId, n };\nf(1) | where ‸",
        ["Who", "n"],
        ["UserId"],
    ),
    "a function's parameter": (
        "let f = (least: int) { SigninLogs | where le‸",
        ["least"],
        [],
    ),
    "the parameters of a function that takes a table": (
        "let f = (T: (Host: string)) { T | where ‸",
        ["Host"],
        ["UserId"],
    ),
    "a value of let": ("let start = ago(1d);\nSigninLogs | where TimeGenerated > st‸", ["start"], []),
    "a source in parentheses": ("(SigninLogs | project UserId) | where ‸", ["UserId"], ["IPAddress"]),
    "kinds of join": (
        "SigninLogs | join kind=‸",
        ["inner", "leftouter", "leftanti", "innerunique"],
        ["SecurityEvent"],
    ),
    "the left side": ("SigninLogs | join (SecurityEvent) on $left.‸", ["UserId"], ["Account"]),
    "the right side": (
        "SigninLogs | join (SecurityEvent) on $left.UserId == $right.‸",
        ["Account"],
        ["UserId"],
    ),
    "sides": ("SigninLogs | join (SecurityEvent) on ‸", ["$left", "$right", "TimeGenerated"], []),
    "by": ("SigninLogs | summarize count() ‸", ["by"], ["UserId"]),
    "aggregates": ("SigninLogs | summarize co‸", ["count", "countif"], []),
    "on": ("SigninLogs | join (SecurityEvent) o‸", ["on"], []),
    "desc": ("SigninLogs | sort by TimeGenerated de‸", ["desc"], []),
    "of": ("SigninLogs | sample-distinct 5 o‸", ["of"], []),
    "operators behind a column": (
        "SigninLogs | where UserId ‸",
        ["has", "contains", "startswith", "in~"],
        ["IPAddress"],
    ),
    "operators of no": ("SigninLogs | where UserId !h‸", ["!has"], []),
    "kinds of render": ("SigninLogs | render ‸", ["timechart", "piechart", "columnchart"], ["UserId"]),
    "properties of render": (
        "SigninLogs | render timechart with (‸",
        ["title", "xcolumn", "ycolumns"],
        ["UserId"],
    ),
    "types": ("datatable(Host: st‸", ["string"], []),
}


@pytest.mark.parametrize("case", PLACES)
def test_what_fits_is_offered_and_what_does_not_is_not(service: LanguageService, case: str) -> None:
    marked, fitting, others = PLACES[case]
    found = plain(complete(service, marked))
    assert [word for word in fitting if word not in found] == []
    assert [word for word in others if word in found] == []


@pytest.mark.parametrize(
    "marked",
    ["SigninLogs | where UserId == 'Sec‸", "SigninLogs // Sec‸", "SigninLogs | take 1‸", "let Sec‸"],
    ids=["a string", "a comment", "a number", "a new name"],
)
def test_nothing_is_offered_where_no_word_of_the_query_fits(service: LanguageService, marked: str) -> None:
    assert complete(service, marked).found == ()


def test_the_word_at_the_cursor_is_what_is_replaced(service: LanguageService) -> None:
    found = complete(service, "SigninLogs\n| mv-exp‸ DeviceDetail")
    assert (
        "SigninLogs\n| mv-exp"[: found.start],
        "SigninLogs\n| mv-exp"[found.start : found.end],
    ) == ("SigninLogs\n| ", "mv-exp")


def test_kinds_are_those_that_editors_have_a_picture_for(service: LanguageService) -> None:
    kinds = {
        "Sec‸": ("SecurityEvent", "class"),
        "SigninLogs | where Us‸": ("UserId", "field"),
        "SigninLogs | su‸": ("summarize", "operator"),
        "SigninLogs | where TimeGenerated > ag‸": ("ago", "function"),
        "let start = ago(1d); SigninLogs | where TimeGenerated > st‸": ("start", "variable"),
    }
    for marked, (word, kind) in kinds.items():
        assert plain(complete(service, marked))[word].kind == kind


def test_a_column_tells_its_type(service: LanguageService) -> None:
    assert plain(complete(service, "SigninLogs | where Time‸"))["TimeGenerated"].type == "datetime"


def test_functions_come_with_their_parentheses_once(service: LanguageService) -> None:
    assert plain(complete(service, "SigninLogs | summarize coun‸"))["count"].text == "count()"
    assert plain(complete(service, "SigninLogs | where TimeGenerated > ag‸"))["ago"].text == "ago("
    assert plain(complete(service, "SigninLogs | where TimeGenerated > ag‸(1d)"))["ago"].text == "ago"


def test_keys_seen_in_answers_are_offered_behind_a_dynamic_column(service: LanguageService) -> None:
    assert {"browser", "operatingSystem"} <= set(
        plain(complete(service, "SigninLogs | extend x = DeviceDetail.‸"))
    )
    assert "version" in plain(complete(service, "SigninLogs | extend x = DeviceDetail[0].browser.‸"))


@pytest.mark.parametrize(
    ("marked", "fitting", "other"),
    [
        ("SigninLogs | evaluate bag_unpack(DeviceDetail): (Os: string, Id: long) | where ‸", "Os", "UserId"),
        ("SigninLogs | evaluate pivot(ResultType, count(), UserId) | where ‸", "UserId", "IPAddress"),
        (
            "SigninLogs | scan declare (Tries: long = 0) with (step a: true => Tries = 1;) | where ‸",
            "Tries",
            "Nope",
        ),
    ],
)
def test_columns_are_followed_past_plugins_and_scan(marked: str, fitting: str, other: str) -> None:
    found = plain(complete(OurService(), marked))
    assert fitting in found
    assert other not in found


def test_a_key_is_not_offered_below_itself() -> None:
    found = plain(complete(OurService(), "SigninLogs | extend x = DeviceDetail.browserless.‸"))
    assert "browserless" not in found


def test_where_the_source_is_unknown_the_names_of_the_query_are_offered(service: LanguageService) -> None:
    assert "Speed" in plain(complete(service, "Unknown | where Speed > 1 | project Sp‸"))


def test_a_name_that_is_no_plain_name_is_offered_in_brackets(service: LanguageService) -> None:
    schema = Schema({"T": {"a b": "string", "it's": "string"}})
    assert {"['a b']", "['it\\'s']"} <= set(plain(complete(service, "T | where ‸", schema)))


# ------------------------------------------------------------ hover

HOVERS = {
    "a table": ("Signin‸Logs", "SigninLogs", "class", "UserId", "signinlogs"),
    "a column": ("SigninLogs | where User‸Id == ''", "UserId", "field", "string", ""),
    "a function": ("SigninLogs | where TimeGenerated > a‸go(1d)", "ago", "function", "ago", "ago-function"),
    "a function from within its call": ("print ago(‸1d)", "ago", "function", "ago", "ago-function"),
    "a function before its parenthesis": ("print ag‸o", "ago", "function", "ago", "ago-function"),
    "an aggregate": (
        "SigninLogs | summarize dcou‸nt(UserId)",
        "dcount",
        "function",
        "dcount",
        "dcount-aggregation-function",
    ),
    "an operator": (
        "SigninLogs | mv-ex‸pand DeviceDetail",
        "mv-expand",
        "operator",
        "",
        "mv-expand-operator",
    ),
    "a value of let": ("let span = 5d; print sp‸an", "span", "variable", "timespan", ""),
    "a parameter": ("let f = (least: int) { print lea‸st }; f(1)", "least", "variable", "int", ""),
    "a column that extend made": (
        "SigninLogs | extend n = strlen(UserId) | where n‸ > 1",
        "n",
        "field",
        "long",
        "",
    ),
}


@pytest.mark.parametrize("case", HOVERS)
def test_hover_tells_name_kind_and_signature_with_a_page(service: LanguageService, case: str) -> None:
    marked, name, kind, part, page = HOVERS[case]
    found = hover(service, marked)
    assert (found.name, found.kind) == (name, kind)
    assert part in found.signature
    assert not page or found.address.endswith(page)
    assert not page or found.address.startswith("https://learn.microsoft.com/")


@pytest.mark.parametrize(
    ("marked", "signature"),
    [
        ("SigninLogs | join kind=lefto‸uter (SecurityEvent) on TimeGenerated", "join kind=leftouter"),
        ("SigninLogs | join ki‸nd=leftouter (SecurityEvent) on TimeGenerated", "kind=…"),
        ("SigninLogs | render time‸chart", "render timechart"),
        ("SigninLogs | render timechart with (yti‸tle='a')", "ytitle=…"),
    ],
)
def test_hover_tells_what_a_choice_means(marked: str, signature: str) -> None:
    found = hover(OurService(), marked)
    assert found.signature == signature
    assert found.sentence.endswith(".")
    assert found.address.endswith("-operator")


def test_hover_says_one_sentence_of_functions_and_operators(service: LanguageService) -> None:
    for marked in ("print a‸go(1d)", "SigninLogs | su‸mmarize count()"):
        sentence = hover(service, marked).sentence
        assert sentence.endswith(".")
        assert "\n" not in sentence


def test_hover_says_nothing_of_a_string(service: LanguageService) -> None:
    assert service.hover("SigninLogs | where UserId == 'ago'", 31, SCHEMA) is None


# ------------------------------------------------------------ diagnostics

FAULTS = {
    "a column": ("SigninLogs | where UserPrincipleName == 'x'", "UserPrincipleName", "unknown_name"),
    "a column that project left out": (
        "SecurityEvent | project Computers = Computer | where Computer == ''",
        "Computer",
        "unknown_name",
    ),
    "a table": ("SigninLog | take 1", "SigninLog", "unknown_name"),
    "a function": ("SigninLogs | where isnotempy(UserId)", "isnotempy", "unknown_name"),
    "an open string": ("SigninLogs | where UserId == 'x", "'x", "syntax"),
    "an operator": ("SigninLogs | summarise count()", "summarise", "syntax"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_told_at_its_place(service: LanguageService, case: str) -> None:
    text, word, code = FAULTS[case]
    [fault] = service.diagnose(text, SCHEMA)
    assert (text[fault.start : fault.end], fault.code) == (word, code)
    assert fault.message


def test_a_bracket_without_its_other_half_is_told(service: LanguageService) -> None:
    assert [fault.code for fault in service.diagnose("SigninLogs | where (UserId == 'x'", SCHEMA)] == [
        "syntax"
    ]
    assert [fault.code for fault in service.diagnose("SigninLogs | where UserId == 'x')", SCHEMA)] == [
        "syntax"
    ]


def test_an_unknown_name_comes_with_the_nearest_known_one(service: LanguageService) -> None:
    [fault] = service.diagnose("SigninLogs | where UserPrincipleName == 'x'", SCHEMA)
    assert "UserPrincipalName" in fault.hint


@pytest.mark.parametrize("case", PLACES)
def test_a_half_typed_query_is_answered_without_an_error(service: LanguageService, case: str) -> None:
    text = PLACES[case][0].replace("‸", "")
    for cut in range(len(text) + 1):
        service.complete(text[:cut], cut, SCHEMA)
        service.complete(text, cut, SCHEMA)
        service.hover(text[:cut], cut, SCHEMA)
        service.diagnose(text[:cut], SCHEMA)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5_000,
        "let f = (a) {" * 500,
        "T|join(" * 500,
        "\x00",
        "🦊 | where 🦊",
        "'" * 99,
        "-" * 20_000,
        "[']",
        "$left.",
        "a" * 100_000,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_no_text_is_an_error(service: LanguageService, text: str) -> None:
    service.complete(text, len(text), SCHEMA)
    service.hover(text, len(text) // 2, SCHEMA)
    service.diagnose(text, SCHEMA)


def test_an_offset_counts_characters_of_python(service: LanguageService) -> None:
    marked = "print '🦊🦊';\nSigninLogs | where Us‸"
    found = complete(service, marked)
    assert (found.start, found.end) == (marked.index("Us"), marked.index("‸"))
    assert "UserId" in plain(found)


def test_many_threads_get_the_answers_of_one(service: LanguageService) -> None:
    texts = [
        f"let t{number} = SigninLogs | extend A{number} = 1; t{number} | where A" for number in range(40)
    ]
    alone = [service.complete(text, len(text), SCHEMA) for text in texts]
    together: dict[int, Completions] = {}

    def ask(number: int) -> None:
        text = texts[number % len(texts)]
        together[number] = service.complete(text, len(text), SCHEMA)

    threads = [threading.Thread(target=ask, args=[number]) for number in range(160)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(together[number] == alone[number % len(texts)] for number in range(160))
