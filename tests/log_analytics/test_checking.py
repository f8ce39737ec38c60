"""A refused query, beside what could be known of it here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kqlmagic_ext.errors import QueryError, UnsupportedError
from kqlmagic_ext.kql.language_service import Completions, Diagnostic, Hover, Schema
from kqlmagic_ext.kql.language_service.chosen import Chosen
from tests.kql.microsofts import microsoft_or_skip
from tests.notebook import Notebook


@pytest.fixture(params=["ours", "microsoft"])
def checked(request: pytest.FixtureRequest, asking: Notebook) -> Iterator[Notebook]:
    """A notebook whose cells ask the emulator, with either language service."""
    magics = asking.shell.magics_manager.registry["KqlMagics"]
    magics.language_service = request.param
    if request.param == "microsoft":
        service = microsoft_or_skip()
        magics.__dict__["_service"] = Chosen(load=lambda: service)
        magics._service.complete("", 0, Schema({}))
        magics._service._thread.join(0.2)  # it stays alive: it waits for questions
        assert magics._service.is_ready
    yield asking
    magics.language_service = "auto"


def refused(notebook: Notebook, cell: str) -> QueryError:
    error = notebook.error(cell)
    assert type(error) is QueryError
    return error


def test_a_word_that_is_no_operator_gets_the_nearest_one(checked: Notebook) -> None:
    error = refused(checked, "%%kql -o x\nSigninLogs\n| summarise count()")
    assert (error.line, error.column) == (3, 3)
    assert error.hint == "did you mean summarize?"
    assert error.lines()[1:3] == ["    | summarise count()", "      ^"]


def test_an_unknown_name_gets_the_nearest_one_that_stands_at_that_step(checked: Notebook) -> None:
    checked.names["user"] = "x"
    cell = "%%kql\nSigninLogs | where UserPrincipalName == {{user}}\n| extend Level9 = 1 | where Levl9 == 2"
    error = refused(checked, cell)
    assert (error.line, error.column, error.unknown) == (3, 29, "Levl9")
    assert error.hint == "did you mean Level9?"
    assert error.lines()[2] == "    " + " " * 28 + "^"


def test_a_string_without_its_end_is_told(checked: Notebook) -> None:
    error = refused(checked, "%kql SigninLogs | where ResultType == 'x")
    assert error.column == 39
    assert error.hint == "close it with '"


def test_what_the_service_does_not_tell_stands_below_its_error(checked: Notebook) -> None:
    error = refused(checked, "%%kql\nSigninLogs\n| where (ResultType == '1'")
    assert error.hint is None
    [note] = [line for line in error.lines() if line.startswith("read here, not by the service: ")]
    assert ": line 3, column " in note


def test_a_place_that_the_service_does_not_tell_is_found(checked: Notebook) -> None:
    if checked.shell.magics_manager.registry["KqlMagics"].language_service == "ours":
        return  # ours knows no kinds of join: the test below is Microsoft's alone
    error = refused(checked, "%%kql\nSigninLogs\n| join kind=leftoutre (AuditLogs) on TimeGenerated")
    assert (error.line, error.column) == (3, 13)
    assert error.lines()[1:3] == [
        "    | join kind=leftoutre (AuditLogs) on TimeGenerated",
        "                ^",
    ]


def test_what_is_right_and_cannot_run_is_not_blamed_on_the_text(checked: Notebook) -> None:
    error = checked.error("%kql SigninLogs | extend x = series_fft(dynamic([1])) | where Nope == 1")
    assert isinstance(error, UnsupportedError)
    assert not any(line.startswith("read here") for line in error.lines())


class Grumbler:
    """A language service that finds every query wrong."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def complete(self, text: str, cursor: int, schema: Schema) -> Completions:  # noqa: ARG002 - a LanguageService
        return Completions(cursor, cursor)

    def hover(self, text: str, cursor: int, schema: Schema) -> Hover | None:  # noqa: ARG002 - a LanguageService
        return None

    def diagnose(self, text: str, schema: Schema) -> tuple[Diagnostic, ...]:  # noqa: ARG002 - a LanguageService
        self.asked.append(text)
        return (Diagnostic(0, 6, "unknown_name", "there is no table Signin", "did you mean Nothing?"),)


@pytest.fixture
def grumbler(asking: Notebook) -> Grumbler:
    grumbler = Grumbler()
    magics = asking.shell.magics_manager.registry["KqlMagics"]
    magics.__dict__["_service"] = Chosen(grumbler, wanted=lambda: False)
    return grumbler


def test_a_query_that_the_service_takes_is_never_stopped(asking: Notebook, grumbler: Grumbler) -> None:
    assert len(asking.value("%kql SigninLogs | take 3")) == 3
    asking.value("%kql -o rows SigninLogs | take 3")
    assert "Nothing" not in asking.receipt
    assert grumbler.asked == []


def test_an_embedded_workspace_says_itself_what_is_wrong(notebook: Notebook) -> None:
    magics = notebook.shell.magics_manager.registry["KqlMagics"]
    grumbler = Grumbler()
    magics.__dict__["_service"] = Chosen(grumbler, wanted=lambda: False)
    assert "Nothing" not in str(notebook.error("%kql Signin | take 3"))
    assert grumbler.asked == []


def test_what_failed_while_it_ran_is_no_matter_of_the_text(
    asking: Notebook, grumbler: Grumbler, running: object
) -> None:
    running.faults.set("500")  # type: ignore[attr-defined]
    assert "Nothing" not in "\n".join(asking.error("%kql SigninLogs | take 3").lines())  # type: ignore[attr-defined]
    assert grumbler.asked == []
