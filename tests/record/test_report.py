"""A case is handed on as one file: whole, escaped, and without what was to be hidden."""

from __future__ import annotations

import base64
import html
import re
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kqlmagic_ext.record.report.clean import cleaned
from kqlmagic_ext.record.report.compared import compared
from kqlmagic_ext.record.report.defang import defanged
from kqlmagic_ext.record.report.masks import Mask
from tests.notebook import Notebook


def report(case: Notebook, folder: Path, options: str = "") -> str:
    path = folder / "case.html"
    case.value(f"%kql_report {path} --replace {options}")
    return path.read_text("utf-8")


def shown(text: str) -> str:
    """All that a file could show: its text, and that of its pictures."""
    pictures = re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", text)
    return "\n".join(
        [html.unescape(text), *(html.unescape(base64.b64decode(one).decode()) for one in pictures)]
    )


def test_notes_and_queries_stand_in_their_order_with_what_was_asked_and_what_came(
    case: Notebook, tmp_path: Path
) -> None:
    case.run("%kql_note first a note")
    case.run("user = 'nobody at all'")
    case.run(
        "%%kql -t 2d -o signins\nSigninLogs | where UserPrincipalName != {{user}} | take 30 | project AppDisplayName, UserPrincipalName"
    )
    case.run("%%kql -i signins\nsignins | summarize n=count() by AppDisplayName")
    case.error("%kql SigninLogs | nonsense")
    text = shown(report(case, tmp_path, "--title 'The first case'"))
    order = [
        "The first case",
        "first a note",
        "where UserPrincipalName != {{user}}",
        "summarize n=count()",
        "nonsense",
    ]
    places = [text.rindex(part) for part in order]
    assert places == sorted(places)
    assert "first 20 of 30 rows" in text
    assert 'parameter user</dt><dd>"nobody at all"' in text
    assert "2026-10-30T00:00:00Z/2026-11-01T00:00:00Z" in text
    assert "fed by R2, unchanged" in text
    assert "there is no operator 'nonsense'" in text
    assert "synthetic" in text
    desk = case.shell.magics_manager.registry["KqlMagics"].recording.settled()
    assert desk.store.record(2).sha256 in text


def test_a_chart_is_drawn_again_and_without_a_script(case: Notebook, tmp_path: Path) -> None:
    case.run("%kql SigninLogs | summarize n=count() by AppDisplayName | render columnchart")
    text = report(case, tmp_path)
    assert "<svg" in shown(text)
    assert "<script" not in text
    assert "default-src 'none'" in text


HOSTILE = "</script><img src=x onerror=alert(1)><b>\u202eevil"


def test_text_of_logs_is_escaped_wherever_it_stands(case: Notebook, tmp_path: Path) -> None:
    case.run(f"%kql_note {HOSTILE}")
    case.names["bad"] = HOSTILE
    case.run("%kql print ['<i>name']={{bad}}, n=1 | render columnchart with (title='<i>title')")
    text = report(case, tmp_path, f'--title "{HOSTILE}"')
    assert "<img src=x" not in text
    assert "<b>" not in text
    assert "<i>" not in text
    assert "\u202e" not in text


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


def test_a_column_that_no_answer_has_raises(case: Notebook, tmp_path: Path) -> None:
    case.run("%kql print UserPrincipalName = 'x'")
    error = str(case.error(f"%kql_report {tmp_path / 'a.html'} --redact UserPrincipal"))
    assert "did you mean UserPrincipalName" in error


def test_the_text_of_a_record_whose_values_cannot_be_read_is_left_out(case: Notebook, tmp_path: Path) -> None:
    case.run("%kql print User = 'anna-lena'")
    case.run("%kql print User = 'someone'")
    desk = case.shell.magics_manager.registry["KqlMagics"].recording.settled()
    desk.store.results.remove(desk.store.record(1).sha256)
    text = shown(report(case, tmp_path, "--redact User"))
    assert "anna-lena" not in text
    assert "The answers of R1 have such a column and cannot be read" in text


def test_defanged_addresses_open_nothing(case: Notebook, tmp_path: Path) -> None:
    case.run(
        "%kql print Url = 'https://evil.example/x', Ip = '203.0.113.7', At = datetime(2026-11-01T10:04:05Z)"
    )
    text = shown(report(case, tmp_path, "--defang"))
    assert "hxxps://evil[.]example/x" in text
    assert "203[.]0[.]113[.]7" in text
    assert "2026-11-01T10:04:05Z" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail bob@contoso.com now", "mail bob@contoso[.]com now"),
        ("at 10:04:05 on 2026-11-01", "at 10:04:05 on 2026-11-01"),
        ("2001:db8::1 and fe80::1", "2001[:]db8[:][:]1 and fe80[:][:]1"),
        ("powershell.exe -File a.ps1", "powershell.exe -File a.ps1"),
        ("FTP://x.org", "FxP://x[.]org"),
        ("1.2.3.4:443", "1[.]2[.]3[.]4:443"),
    ],
)
def test_what_is_an_address_is_defanged_and_nothing_else(text: str, expected: str) -> None:
    assert defanged(text) == expected


@given(
    st.lists(st.text(min_size=4, max_size=9), min_size=1, max_size=8),
    st.text(max_size=20),
    st.text(max_size=20),
)
def test_no_hidden_value_stands_in_masked_text(values: list[str], before: str, after: str) -> None:
    masked = Mask({"Column": values})(before + after.join(values) + after)
    assert not [value for value in values if value.lower() in masked.lower()]


def test_a_report_is_not_written_over_without_a_word(case: Notebook, tmp_path: Path) -> None:
    path = tmp_path / "case.html"
    assert "has no records" in str(case.error(f"%kql_report {path}"))
    case.run("%kql print 1")
    case.value(f"%kql_report {path}")
    assert "--replace" in str(case.error(f"%kql_report {path}"))
    assert "an HTML file" in str(case.error(f"%kql_report {tmp_path / 'case.pdf'}"))
    assert "cannot be written" in str(case.error(f"%kql_report {tmp_path / 'none' / 'case.html'}"))


def saved_notebook(folder: Path) -> Path:
    """A notebook as JupyterLab saves it: text, a frame, a picture, a browser cell, hostile text."""
    frame = "<style scoped>.x {}</style><h1>Head</h1><p>a <small>note</small></p><table><thead><tr><th>User</th></tr></thead><tbody><tr><td onclick='x()'>anna-lena</td></tr></tbody></table>"
    svg = "<svg xmlns='http://www.w3.org/2000/svg'><text>anna-lena drawn</text></svg>"
    outputs = [
        nbformat.v4.new_output("stream", name="stdout", text="printed <script>alert(1)</script> anna-lena\n"),
        nbformat.v4.new_output("execute_result", {"text/html": frame, "text/plain": "plain anna-lena"}),
        nbformat.v4.new_output("display_data", {"image/svg+xml": svg, "text/plain": "chart"}),
        nbformat.v4.new_output(
            "display_data", {"text/html": "<iframe data-kqlmagic srcdoc='x'></iframe>", "text/plain": "a"}
        ),
    ]
    cells = [
        nbformat.v4.new_markdown_cell("# What anna-lena did"),
        nbformat.v4.new_code_cell("%kql print User = 'anna-lena'", outputs=outputs),
    ]
    path = folder / "case.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_the_notebooks_own_cells_tell_the_report(case: Notebook, tmp_path: Path) -> None:
    case.run("%kql print User = 'anna-lena'")
    text = report(case, tmp_path, f"--notebook --of {saved_notebook(tmp_path)}")
    assert "anna-lena drawn" in shown(text)
    assert "What anna-lena did" in text
    assert "<td>anna-lena</td>" in text
    assert "<h1>Head</h1><p>a <small>note</small></p><table><thead>" in text
    assert "scoped" not in text
    assert "onclick" not in text
    assert "&lt;p&gt;" not in text
    assert "[the drawing of a browser cell is left out]" in text
    assert "<script" not in text
    assert "<iframe" not in text


def test_what_is_hidden_is_hidden_in_the_notebooks_own_cells(case: Notebook, tmp_path: Path) -> None:
    case.run("%kql print User = 'anna-lena'")
    text = shown(report(case, tmp_path, f"--notebook --of {saved_notebook(tmp_path)} --redact User"))
    assert "anna-lena" not in text
    assert "What ⟦A1⟧ did" in text
    assert "<tbody><tr><td>⟦A1⟧</td></tr></tbody>" in text
    assert "a picture is left out" in text


def test_a_notebook_that_cannot_be_found_raises(
    case: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    case.run("%kql print 1")
    assert "--of NAME.ipynb" in str(case.error(f"%kql_report {tmp_path / 'a.html'} --notebook"))
    missing = tmp_path / "none.ipynb"
    assert "cannot be read" in str(case.error(f"%kql_report {tmp_path / 'a.html'} --notebook --of {missing}"))


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


def test_a_report_names_the_places_and_the_numbers_that_are_missing(case: Notebook, tmp_path: Path) -> None:
    case.run("%kql print 1")
    case.run("%kql print 2")
    case.run("%kql print 3")
    desk = case.shell.magics_manager.registry["KqlMagics"].recording.settled()
    (desk.store.folder / "records" / "R2.json").unlink()
    desk.store.take_id()
    text = shown(report(case, tmp_path))
    assert "local://demo?end=2026-11-01" in text
    assert "Missing here: R4: asked by a kernel that runs it still, or died." in text
    assert "Missing here: R2: the record's file is not there." in text


def test_records_without_answers_say_why_their_text_is_left_out(
    case: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KQLMAGIC_RECORD", "queries")
    case.run("%kql print User = 'anna-lena'")
    text = shown(report(case, tmp_path, "--redact User"))
    assert "anna-lena" not in text
    assert "R1: recorded without answers" in text


def test_a_notebook_is_named_only_where_its_cells_are_told(case: Notebook, tmp_path: Path) -> None:
    case.run("%kql print 1")
    assert "--notebook" in str(
        case.error(f"%kql_report {tmp_path / 'a.html'} --of {saved_notebook(tmp_path)}")
    )


def test_a_hidden_value_over_two_elements_is_not_shown() -> None:
    mask = Mask({"User": ["anna-lena"]})
    assert cleaned("<p>anna-<b>lena</b></p>", mask.within) is None
    assert cleaned("<p>an <b>anna-lena</b></p>", mask.within) == "<p>an <b>⟦A1⟧</b></p>"


def test_a_chart_of_a_hidden_number_says_why_it_is_left_out(case: Notebook, tmp_path: Path) -> None:
    case.run("%kql SigninLogs | summarize n=count() by AppDisplayName | render columnchart")
    text = shown(report(case, tmp_path, "--redact n"))
    assert "the chart is left out: its column is hidden (n)" in text


def test_a_report_says_each_thing_once_and_nulls_by_name(case: Notebook, tmp_path: Path) -> None:
    case.names["who"] = "someone"
    case.run(
        "%kql -t 2026-10-30/2026-11-01 range x from 1 to 21 step 1 | extend y = real(null), z = real(nan)"
    )
    case.run("%kql print Who = {{who}}")
    case.error("%kql SigninLogs | nonsense")
    case.run("%kql_note a note")
    text = report(case, tmp_path)
    assert text.count('<td class="null">null</td><td>NaN</td>') == 21
    assert text.count("2026-10-30T00:00:00Z/2026-11-01T00:00:00Z") == 1
    assert "as sent" not in text
    assert "3 queries (1 failed), 4 records, 1 note" in text
    assert "demo local://demo?end=2026-11-01" in text
