"""Connections that have a name in the user's file, which never holds a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from kqlmagic_ext import ConnectError
from kqlmagic_ext.connections.named import FILE
from tests.notebook import Notebook


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    path = tmp_path / FILE
    path.parent.mkdir(parents=True)
    return path


def test_a_name_opens_its_url_and_answers_from_then_on(notebook: Notebook, file: Path) -> None:
    file.write_text('[small]\nurl = "local://demo?rows=2000"\n', "utf-8")
    listed = notebook.value("%kql_connections")
    assert listed.to_dict("records") == [
        {"name": "small", "url": "local://demo?rows=2000", "open": False, "default": False}
    ]
    notebook.value("%kql_connect small")
    assert notebook.receipt.startswith("small answers now: local://demo?rows=2000, 18 tables, synthetic data")
    assert notebook.value("%kql Heartbeat | count").attrs["kql"]["connection"] == "small"
    assert notebook.value("%kql_connections")["open"].tolist() == [True]


def test_a_cell_may_name_one_that_is_not_open_yet(notebook: Notebook, file: Path) -> None:
    file.write_text('[small]\nurl = "local://demo?rows=2000"\n', "utf-8")
    assert notebook.value("%kql -c small print 1").attrs["kql"]["connection"] == "small"


def test_a_variable_in_braces_names_the_url(notebook: Notebook) -> None:
    notebook.names["place"] = "local://demo?rows=2000"
    notebook.value("%kql_connect {{place}} --as mine")
    assert notebook.receipt.startswith("mine answers now: local://demo?rows=2000")
    assert "no variable 'nowhere'" in str(notebook.error("%kql_connect {{nowhere}}"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[a]\nurl = "loganalytics://x"\nclient_secret = "hunter2hunter2"\n',
            "holds client_secret beside its url",
        ),
        (
            '[a]\nurl = "loganalytics://x?client_secret=hunter2hunter2"\n',
            "is no place for a secret (client_secret)",
        ),
        ('[a]\nplace = "hunter2hunter2"\n', "wants one line"),
        ('a = "hunter2hunter2"\n', "wants one line"),
        ("[a\n", "cannot be read"),
    ],
)
def test_a_file_that_holds_more_than_urls_is_refused_without_repeating_it(
    notebook: Notebook, file: Path, text: str, said: str
) -> None:
    file.write_text(text, "utf-8")
    error = notebook.error("%kql_connect a")
    assert isinstance(error, ConnectError)
    assert said in str(error)
    assert "hunter2" not in str(error)


def test_a_file_of_windows_notepad_is_read(notebook: Notebook, file: Path) -> None:
    file.write_text('[small]\nurl = "local://demo?rows=2000"\n', "utf-8-sig")
    assert notebook.value("%kql_connections")["name"].tolist() == ["small"]


def test_a_name_takes_no_other_name(notebook: Notebook) -> None:
    assert "is a name already" in str(notebook.error("%kql_connect demo --as other"))


def test_a_secret_in_a_url_stands_in_no_later_message(notebook: Notebook) -> None:
    url = "loganalytics://me:hunter2hunter2@x?client_secret=hunter2hunter2"
    for cell in (f"%kql_connect {url}", "%kql print 1", f"%kql -c {url} print 1"):
        error = notebook.error(cell)
        assert isinstance(error, ConnectError)
        assert "hunter2" not in str(error)
    assert "hunter2" not in notebook.value("%kql_connections").to_string()


def test_a_name_opens_what_the_file_says_now(notebook: Notebook, file: Path) -> None:
    file.write_text('[small]\nurl = "local://demo?rows=2000"\n', "utf-8")
    notebook.value("%kql_connect small")
    file.write_text('[small]\nurl = "local://demo?rows=3000"\n', "utf-8")
    notebook.value("%kql_connect small")
    assert notebook.receipt.startswith("small answers now: local://demo?rows=3000")


def test_one_refused_entry_takes_no_other_name_away(notebook: Notebook, file: Path) -> None:
    text = '[bad]\nurl = "local://demo?password=hunter2hunter2"\n[small]\nurl = "local://demo?rows=2000"\n'
    file.write_text(text, "utf-8")
    listed = notebook.value("%kql_connections").set_index("name")["url"]
    assert listed["small"] == "local://demo?rows=2000"
    assert listed["bad"].startswith("refused: ")
    assert "hunter2" not in listed["bad"]
    notebook.value("%kql_connect small")
    assert "no place for a secret" in str(notebook.error("%kql_connect bad"))
