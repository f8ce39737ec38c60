"""What a report hides: values of chosen columns, wherever and however they are written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kqlmagic_ext.record.report.clean import cleaned
from kqlmagic_ext.record.report.compared import compared
from kqlmagic_ext.record.report.masks import Mask
from tests.notebook import Notebook
from tests.record.test_report import report, shown


def test_a_redacted_value_is_nowhere_in_the_file(case: Notebook, tmp_path: Path) -> None:
    case.run(
        "%%kql -o failed\nSigninLogs | where ResultType != '0' | summarize n=count() by UserPrincipalName | top 9 by n"
    )
    who = case.names["failed"]["UserPrincipalName"][0]
    case.names["who"], case.names["all"] = who, list(case.names["failed"]["UserPrincipalName"])
    case.run(f"%kql_note it was {who.upper()}")
    case.run(
        "%kql SigninLogs | where UserPrincipalName in ({{all}}) | summarize n=count() by UserPrincipalName | render piechart"
    )
    case.run(f"%kql print Other = 'see {who}', Bag = dynamic({{'user': '{who}'}})")
    case.error(f"%kql SigninLogs | where UserPrincipalName == '{who}' | nonsense")
    text = shown(report(case, tmp_path, f'--redact UserPrincipalName --title "About {who}"'))
    for value in case.names["all"]:
        assert value.casefold() not in text.casefold()
    assert "⟦A" in text
    assert "stands for values of UserPrincipalName" in text


def test_a_hidden_value_is_found_however_a_query_writes_it(case: Notebook, tmp_path: Path) -> None:
    case.names["path"] = 'C:\\Users\\"bob"\\o\'file'
    case.run("%kql print Path = {{path}}")
    case.run(
        "%kql print Bag = dynamic({'p': 'C:\\\\Users\\\\\"bob\"\\\\o\\'file'}) | extend x = strcat(Bag.p, '!')"
    )
    text = shown(report(case, tmp_path, "--redact Path"))
    assert "bob" not in text


def test_numbers_and_leaves_of_dynamic_columns_are_hidden_too(case: Notebook, tmp_path: Path) -> None:
    case.run(
        "%kql print Port = 33890, Detail = dynamic({'host': 'WS-0042', 'ports': [44311]}), Same = 'on WS-0042:44311 and 33890'"
    )
    text = shown(report(case, tmp_path, "--redact Port,Detail"))
    assert not re.search("33890|WS-0042|44311", text)


def test_the_text_of_a_record_whose_values_cannot_be_read_is_left_out(case: Notebook, tmp_path: Path) -> None:
    case.run("%kql print User = 'anna-lena'")
    case.run("%kql print User = 'someone'")
    desk = case.shell.magics_manager.registry["KqlMagics"].recording.settled()
    desk.store.results.remove(desk.store.record(1).sha256)
    text = shown(report(case, tmp_path, "--redact User"))
    assert "anna-lena" not in text
    assert "The answers of R1 have such a column and cannot be read" in text


@given(
    st.lists(st.text(min_size=4, max_size=9), min_size=1, max_size=8),
    st.text(max_size=20),
    st.text(max_size=20),
)
def test_no_hidden_value_stands_in_masked_text(values: list[str], before: str, after: str) -> None:
    masked = Mask({"Column": values})(before + after.join(values) + after)
    assert not [value for value in values if value.lower() in masked.lower()]


@pytest.mark.parametrize(
    ("value", "text"),
    [("Δέλτα Σ", "δέλτα ς"), ("José P", "jose\u0301 p"), ("jose\u0301 p", "JOSÉ P"), ("STRASSE", "straße")],
)
def test_a_hidden_value_is_found_in_every_unicode_spelling(value: str, text: str) -> None:
    assert Mask({"Column": [value]})(f"by {text}!") == "by ⟦A1⟧!"


def test_numbers_of_hidden_values_tell_no_order() -> None:
    mask = Mask({"Column": ["anna", "bert", "carl"]})
    assert mask("carl anna bert carl") == "⟦A1⟧ ⟦A2⟧ ⟦A3⟧ ⟦A1⟧"


def test_a_short_value_is_hidden_wherever_it_stands_alone(case: Notebook, tmp_path: Path) -> None:
    case.run("%kql print User = 'bo'")
    case.names["who"], case.names["all"] = "bo", ["BO", "x1"]
    case.run(
        "%kql print Actor = 'bo', n = 2, Text = 'a bo b' | where Actor == {{who}} or Actor in ({{all}}) or Actor == @'bo'"
    )
    case.run("%kql print x = 'bo', n = 2 | render columnchart with (title='bo')")
    text = shown(report(case, tmp_path, "--redact User"))
    assert "a bo b" in text
    assert not re.search(r"""["'>]bo["'<]""", text, re.IGNORECASE)
    assert "shorter than four characters" in text


def test_with_hidden_columns_no_hash_stands_from_which_a_value_could_be_guessed(
    case: Notebook, tmp_path: Path
) -> None:
    case.run("%kql print User = 'anna-lena'")
    case.run("%kql print Other = 'anna'")
    assert len(re.findall("[0-9a-f]{64}", report(case, tmp_path))) == 4
    text = report(case, tmp_path, "--redact User")
    assert not re.findall("[0-9a-f]{64}", text)
    assert "could be guessed" in text


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("T | where User == 'anna' and ResultType == '50126'", {"anna"}),
        ("T | where User in ('a', \"b\") or tolower(User) =~ @'c'", {"a", "b", "c"}),
        ("T | where User in ({{all}}) | where Other == 'no'", {"{{all}}"}),
        ("let w = dynamic(['x', 'y']); T | where User in (w)", {"x", "y"}),
        ("T | where ['User'] has 'part' and 3389 == User", {"part", "3389"}),
        ("T | summarize n=countif(ResultType == '5') by User | top 30 by User", set()),
    ],
)
def test_what_a_query_compares_with_a_column_is_found(text: str, values: set[str]) -> None:
    assert compared(text, ["User"]) == values


def test_values_that_only_a_forgotten_answer_held_are_hidden_where_a_query_compares_them(
    case: Notebook, tmp_path: Path
) -> None:
    case.run("%kql print User = 'anna-lena'")
    case.names["who"] = ["anna-lena"]
    case.run("%kql SigninLogs | extend User = 'x' | where User in ({{who}}) or User == 'bernd' | count")
    case.run("%kql_note anna-lena and bernd")
    case.run("%kql print User = 'someone'")
    case.run("%kql_forget R1")
    text = shown(report(case, tmp_path, "--redact User"))
    assert not re.search("anna-lena|bernd", text)
    assert "forgotten records (R1) are not known" in text


def test_records_without_answers_say_why_their_text_is_left_out(
    case: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KQLMAGIC_RECORD", "queries")
    case.run("%kql print User = 'anna-lena'")
    text = shown(report(case, tmp_path, "--redact User"))
    assert "anna-lena" not in text
    assert "R1: recorded without answers" in text


def test_a_hidden_value_over_two_elements_is_not_shown() -> None:
    mask = Mask({"User": ["anna-lena"]})
    assert cleaned("<p>anna-<b>lena</b></p>", mask.within) is None
    assert cleaned("<p>an <b>anna-lena</b></p>", mask.within) == "<p>an <b>⟦A1⟧</b></p>"


def test_a_chart_of_a_hidden_number_says_why_it_is_left_out(case: Notebook, tmp_path: Path) -> None:
    case.run("%kql SigninLogs | summarize n=count() by AppDisplayName | render columnchart")
    text = shown(report(case, tmp_path, "--redact n"))
    assert "the chart is left out: its column is hidden (n)" in text
