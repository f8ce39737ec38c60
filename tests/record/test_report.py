"""A case is handed on as one file: whole, escaped, and without what was to be hidden."""

from __future__ import annotations

import base64
import html
import re
from pathlib import Path

import nbformat
import pytest

from kqlmagic_ext.record.records import Record
from kqlmagic_ext.record.report.defang import defanged
from kqlmagic_ext.record.store import Store
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


def test_a_column_that_no_answer_has_raises(case: Notebook, tmp_path: Path) -> None:
    case.run("%kql print UserPrincipalName = 'x'")
    error = str(case.error(f"%kql_report {tmp_path / 'a.html'} --redact UserPrincipal"))
    assert "did you mean UserPrincipalName" in error


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


def test_a_report_names_the_places_and_the_numbers_that_are_missing(case: Notebook, tmp_path: Path) -> None:
    case.run("%kql print 1")
    case.run("%kql print 2")
    case.run("%kql print 3")
    desk = case.shell.magics_manager.registry["KqlMagics"].recording.settled()
    (desk.store.folder / "records" / "R2.json").unlink()
    (desk.store.folder / "records" / "R4.json").touch()
    text = shown(report(case, tmp_path))
    assert "local://demo?end=2026-11-01" in text
    assert "Missing here: R4: asked by a kernel that runs it still, or died." in text
    assert "Missing here: R2: the record's file is not there." in text


def test_a_notebook_is_named_only_where_its_cells_are_told(case: Notebook, tmp_path: Path) -> None:
    case.run("%kql print 1")
    assert "--notebook" in str(
        case.error(f"%kql_report {tmp_path / 'a.html'} --of {saved_notebook(tmp_path)}")
    )


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
    assert "4: 3 queries (1 failed), 1 note" in text
    assert "demo local://demo?end=2026-11-01" in text


def test_a_question_without_an_answer_is_told_and_masked(case: Notebook, cases: Path, tmp_path: Path) -> None:
    case.run("%kql print User = 'someone'")
    asked = Record("", "", "asked", "2026-11-01T00:00:00Z", text="T | where User == 'anna-lena'")
    Store(cases / "contoso").begin(asked)  # by a kernel that died
    text = shown(report(case, tmp_path, "--redact User"))
    assert "no answer is known" in text
    assert "T | where User ==" in text
    assert "anna-lena" not in text
