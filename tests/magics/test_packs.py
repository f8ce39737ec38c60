"""%kql_save, %kql_run and %kql_queries in a real shell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from IPython.core.error import UsageError

from kqlmagic_ext import ParameterError, QueryError, UnsupportedError
from kqlmagic_ext.packs import Entity, Parameter, Test, read, write
from kqlmagic_ext.values import Value
from tests.notebook import Notebook

DEMO = "%kql_connect local://demo?end=2026-11-01&rows=2000"
RULE = """id: 00000000-0000-0000-0000-000000000001
name: Refused sign-ins
description: |
  'Counts the refused sign-ins of an account.'
severity: Low
queryPeriod: 14d
tactics:
  - CredentialAccess
relevantTechniques:
  - T1110
query: |
  let refused = SigninLogs
  | where ResultType != "0";
  refused
  | summarize Attempts = count() by UserPrincipalName
entityMappings:
  - entityType: Account
    fieldMappings:
      - identifier: FullName
        columnName: UserPrincipalName
version: 1.0.0
kind: Scheduled
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The kernel's working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def save(folder: Path) -> Callable[[str, str], Path]:
    """A file in `queries/`."""
    (folder / "queries").mkdir()

    def saved(name: str, text: str) -> Path:
        (folder / "queries" / name).write_text(text, "utf-8")
        return folder / "queries" / name

    return saved


# ---------------------------------------------------------------- saving


def test_the_last_query_is_saved_with_its_values_as_typed_defaults(notebook: Notebook, folder: Path) -> None:
    notebook.value("%kql_connect local://")
    notebook.names.update(
        host='ws"07', least=3, when=pd.Timestamp("2026-11-21T10:04:00.123456Z"), ips=["a", "b"]
    )
    notebook.names["assets"] = pd.DataFrame({"x": [1]})
    text = 'print a = {{host}}, b = {{least}}, c = {{when}}, d = array_length({{ips}}) // "  "\n'
    notebook.value(f"%%kql -t 7d -i assets\nassets | take 0;\n{text}")
    notebook.value('%kql_save seen --description "What was  seen" --tactics "Discovery, Lateral Movement"')
    assert notebook.receipt == (
        'saved: queries/seen.kql, with assets:table, host:string = "ws\\"07", least:long = long(3), '
        "when:datetime = datetime(2026-11-21T10:04:00.123456Z), ips:dynamic"
    )
    saved = read(folder / "queries" / "seen.kql")
    assert saved.text == f"assets | take 0;\n{text}"
    assert saved.timespan == "7d"
    assert saved.tactics == ("Discovery", "Lateral Movement")
    assert saved.description == "What was  seen"
    assert saved.parameters[1] == Parameter("host", "string", Value("string", 'ws"07'))
    assert saved.parameters[0] == Parameter("assets", "table")
    assert saved.parameters[4] == Parameter("ips", "dynamic")


def test_a_saved_query_gives_the_same_answer(notebook: Notebook, folder: Path) -> None:
    notebook.value(DEMO)
    notebook.names["result"] = "0"
    query = "SigninLogs | where ResultType != {{result}} | summarize n = count() by UserPrincipalName | order by UserPrincipalName asc"
    notebook.value(f"%kql -o first -t 30d {query}")
    notebook.value("%kql_save refused")
    del notebook.names["result"]
    assert notebook.value("%kql_run refused -o second") is None
    pd.testing.assert_frame_equal(notebook.names["first"], notebook.names["second"])
    assert len(notebook.names["second"]) > 0
    assert "last 30 days" in notebook.receipt
    notebook.names["other"] = "50126"
    some = notebook.value("%kql_run -i result=other refused")
    assert some["n"].sum() < notebook.names["first"]["n"].sum() + 1
    assert some.attrs["kql"]["parameters"] == {"result": '"50126"'}
    assert folder.joinpath("queries", "refused.kql").is_file()


@pytest.mark.parametrize(
    "failing", ["%kql nothing_there", "%kql --no-such-option print 1", "%kql print {{gone}}"]
)
def test_nothing_is_saved_after_a_failure(notebook: Notebook, folder: Path, failing: str) -> None:
    notebook.value("%kql_connect local://")
    assert "no query ran" in str(notebook.error("%kql_save early"))
    notebook.value("%kql print 1")
    notebook.error(failing)
    error = notebook.error("%kql_save late")
    assert isinstance(error, UsageError)
    assert str(error) == "nothing is saved: no query ran, or the last one failed; run it, then save it"
    assert not (folder / "queries").exists()


def test_show_is_no_run(notebook: Notebook, folder: Path) -> None:
    notebook.value("%kql_connect local://")
    notebook.value("%kql print 1")
    notebook.value("%kql --show print 2")
    notebook.value("%kql_save shown")
    assert read(folder / "queries" / "shown.kql").text == "print 1"


def test_another_query_is_never_overwritten_unasked(notebook: Notebook, folder: Path) -> None:
    notebook.value("%kql_connect local://")
    notebook.value("%kql print 1")
    notebook.value("%kql_save one --description first")
    notebook.value("%kql_save one")  # the same query
    path = folder / "queries" / "one.kql"
    kept = read(path)
    write(path, replace(kept, tests=(Test("a test"),), tactics=("Impact",)))
    notebook.value("%kql print 2")
    before = path.read_bytes()
    assert (
        str(notebook.error("%kql_save one"))
        == "queries/one.kql holds another query; --replace takes its place"
    )
    assert path.read_bytes() == before
    notebook.value("%kql_save one --replace")
    now = read(path)
    assert (now.text, now.description, now.tactics, now.tests) == (
        "print 2",
        "first",
        ("Impact",),
        (Test("a test"),),
    )


def test_a_file_that_cannot_be_read_is_not_overwritten_unasked(
    notebook: Notebook, save: Callable[[str, str], Path]
) -> None:
    path = save("one.kql", "// ---\nprint 1")
    notebook.value("%kql_connect local://")
    notebook.value("%kql print 2")
    assert "queries/one.kql, line 1: the front matter is not closed" in str(notebook.error("%kql_save one"))
    assert path.read_text() == "// ---\nprint 1"
    notebook.value("%kql_save one --replace")
    assert read(path).text == "print 2"


def test_a_rule_that_was_run_is_saved_with_all_it_tells(notebook: Notebook, folder: Path) -> None:
    notebook.value(DEMO)
    (folder / "rule.yaml").write_text(RULE)
    notebook.value("%kql_run rule.yaml -o a")
    notebook.value("%kql_save refused --tactics Impact")
    rule, saved = read("rule.yaml"), read("queries/refused.kql")
    assert saved == replace(rule, name="refused", tactics=("Impact",))
    assert saved.entities == (Entity("Account", "FullName", "UserPrincipalName"),)
    notebook.value("%kql_window 3d")
    notebook.value("%kql_run rule.yaml -o a")
    notebook.value("%kql_save windowed")
    assert read("queries/windowed.kql").timespan == "14d"
    notebook.value("%kql print 1")
    notebook.value("%kql_save other")
    assert read("queries/other.kql").description == ""


def test_a_folder_that_cannot_be_made_is_told(notebook: Notebook, folder: Path) -> None:
    (folder / "queries").write_text("a file")
    notebook.value("%kql_connect local://")
    notebook.value("%kql print 1")
    assert "queries/one.kql cannot be written: " in str(notebook.error("%kql_save one"))


@pytest.mark.parametrize("name", ["../one", "a/b", ".hidden", "one.kql", "a\\b", "x" * 101, "~", "..", "-"])
def test_a_name_leads_nowhere_else(notebook: Notebook, folder: Path, name: str) -> None:
    notebook.value("%kql_connect local://")
    notebook.value("%kql print 1")
    assert isinstance(notebook.error(f"%kql_save {name}"), UsageError)
    assert list(folder.rglob("*")) == []


def test_a_link_is_replaced_and_not_followed(notebook: Notebook, save: Callable[[str, str], Path]) -> None:
    path = save("one.kql", "print 0")
    elsewhere = path.rename(path.with_name("elsewhere.txt"))
    path.symlink_to(elsewhere)
    notebook.value("%kql_connect local://")
    notebook.value("%kql print 1")
    notebook.value("%kql_save one --replace")
    assert not path.is_symlink()
    assert elsewhere.read_text() == "print 0"


def test_saving_keeps_no_frame_alive(notebook: Notebook) -> None:
    import gc
    import weakref

    notebook.value("%kql_connect local://")
    notebook.names["assets"] = pd.DataFrame({"x": [1]})
    held = weakref.ref(notebook.names["assets"])
    notebook.value("%kql -i assets -o y assets | take 1")
    del notebook.names["assets"]
    gc.collect()
    assert held() is None


# ---------------------------------------------------------------- running


def test_a_parameter_without_a_value_is_named(notebook: Notebook, save: Callable[[str, str], Path]) -> None:
    notebook.value("%kql_connect local://")
    save(
        "two.kql",
        "// ---\n// parameters:\n//   user: string\n//   most: {type: long, default: 5}\n// ---\n"
        "print a = {{user}}, b = {{most}}, c = {{other}}",
    )
    notebook.names["user"] = "never taken unasked"
    error = notebook.error("%kql_run two -o a")
    assert isinstance(error, ParameterError)
    assert str(error) == "line 6, column 11: two wants a value for user (string), other: -i user,other"
    notebook.names.update(u="ana", o=True)
    row = notebook.value("%kql_run two -i user=u,other=o").iloc[0]
    assert (row["a"], row["b"], row["c"]) == ("ana", 5, True)


@pytest.mark.parametrize(
    ("kind", "value", "column"),
    [
        ("long", 5, 5),
        ("real", 5, 5.0),
        ("datetime", "2026-11-21T10:04:00Z", pd.Timestamp("2026-11-21T10:04:00Z")),
        ("timespan", pd.Timedelta("1h"), pd.Timedelta("1h")),
        ("guid", "74BE27DE-1E4E-49D9-B579-FE0B331D3642", "74be27de-1e4e-49d9-b579-fe0b331d3642"),
        ("dynamic", ["a"], ["a"]),
    ],
)
def test_a_value_takes_the_declared_type(
    notebook: Notebook, save: Callable[[str, str], Path], kind: str, value: object, column: object
) -> None:
    notebook.value("%kql_connect local://")
    save(
        "typed.kql",
        f"// ---\n// parameters: {{x: {kind}}}\n// ---\nprint x = {{{{x}}}}",
    )
    notebook.names["x"] = value
    assert notebook.value("%kql_run typed -i x")["x"][0] == column


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("long", "5", "x wants a long, and is a string"),
        ("int", 2**31, "x wants a int, and is a long"),
        ("bool", 1, "x wants a bool, and is a long"),
        ("datetime", "yesterday", "x wants a datetime, and is a string"),
        ("string", pd.DataFrame({"a": [1]}), "x wants a string, and is a frame"),
        ("table", 5, "x wants a frame, and is a long"),
        ("real", 2**53 + 1, "x wants a real, and is a long"),
    ],
)
def test_a_value_of_another_type_is_refused(
    notebook: Notebook, save: Callable[[str, str], Path], kind: str, value: object, said: str
) -> None:
    notebook.value("%kql_connect local://")
    save("typed.kql", f"// ---\n// parameters: {{x: {kind}}}\n// ---\nprint x = {{{{x}}}}")
    notebook.names["x"] = value
    error = notebook.error("%kql_run typed -i x")
    assert isinstance(error, ParameterError)
    assert str(error) == said


def test_an_error_has_the_line_and_column_of_the_file(
    notebook: Notebook, save: Callable[[str, str], Path]
) -> None:
    notebook.value(DEMO)
    save("wrong.kql", "// ---\n// description: wrong\n// ---\nSigninLogs\n| where  Nothing == 1\n")
    error = notebook.error("%kql_run wrong")
    assert isinstance(error, QueryError)
    assert (error.line, error.column) == (5, 10)
    lines = error.lines()
    assert lines[1:3] == ["    | where  Nothing == 1", "             ^"]
    assert "in queries/wrong.kql" in lines


def test_a_frame_that_was_not_given_is_proposed(notebook: Notebook, save: Callable[[str, str], Path]) -> None:
    notebook.value("%kql_connect local://")
    notebook.names["assets"] = pd.DataFrame({"x": [1]})
    save("joined.kql", "assets | count")
    assert "assets is a DataFrame of this notebook: add -i assets" in str(notebook.error("%kql_run joined"))
    assert notebook.value("%kql_run joined -i assets")["Count"].tolist() == [1]


def test_a_query_runs_with_the_values_of_a_function(
    notebook: Notebook, save: Callable[[str, str], Path]
) -> None:
    notebook.value("%kql_connect local://")
    save("one.kql", "// ---\n// parameters: {x: long}\n// ---\nprint x = {{x}}")
    notebook.value("def run(inner):\n    return get_ipython().run_line_magic('kql_run', 'one -i x=inner')")
    assert notebook.value("run(7)")["x"].tolist() == [7]


def test_an_error_in_a_rule_has_the_line_and_column_of_the_file(notebook: Notebook, folder: Path) -> None:
    notebook.value(DEMO)
    wrong = RULE.replace("| where ResultType", "| where  Nothing")
    (folder / "rule.yaml").write_text(wrong)
    error = notebook.error("%kql_run rule.yaml")
    assert isinstance(error, QueryError)
    [line] = [number for number, text in enumerate(wrong.split("\n"), 1) if "Nothing" in text]
    assert (error.line, error.column) == (line, wrong.split("\n")[line - 1].index("Nothing") + 1)
    assert "in rule.yaml" in error.lines()
    quoted = 'name: a\nquery: "SigninLogs\\n| where Nothing == 1"\n'
    (folder / "rule.yaml").write_text(quoted)
    error = notebook.error("%kql_run rule.yaml")
    assert "in the query of rule.yaml, counted from its first line" in error.lines()


def test_a_rule_proposes_its_window(notebook: Notebook, folder: Path) -> None:
    notebook.value(DEMO)
    (folder / "rules").mkdir()
    (folder / "rules" / "refused.yaml").write_text(RULE)
    assert len(notebook.value("%kql_run rules/refused.yaml -o a") or notebook.names["a"]) > 0
    assert "from demo, last 14 days (2026-10-18T00:00:00Z/2026-11-01T00:00:00Z)" in notebook.receipt
    notebook.value("%kql_run rules/refused.yaml -o a -t 2d")
    assert "last 2 days" in notebook.receipt
    notebook.value("%kql_window 3d")
    notebook.value("%kql_run 'rules/refused.yaml' -o a")
    assert "last 3 days" in notebook.receipt
    notebook.value("%kql_run rules/refused.yaml -t all -o a")
    assert "all times" in notebook.receipt


def test_a_run_is_a_cell_like_any_other(notebook: Notebook, save: Callable[[str, str], Path]) -> None:
    notebook.value("%kql_connect local://")
    save("drawn.kql", "range x from 1 to 5 step 1 | extend y = x | render columnchart")
    save("unknown.kql", "print x = 1 | no-such-operator")
    notebook.value("%kql_run drawn -o a")
    assert any("application/vnd.vegalite.v5+json" in output.data for output in notebook.outputs)
    assert notebook.value("%kql_run drawn --limit 2 -c local")["x"].tolist() == [1, 2]
    notebook.value("%kql_run drawn --show")
    assert notebook.stdout.startswith("range x from 1 to 5")
    error = notebook.error("%kql_run unknown -o a")
    assert isinstance(error, QueryError | UnsupportedError)
    assert any("a still holds 5 rows" in line or "a (5 rows" in line for line in error.lines())
    assert isinstance(notebook.error("%kql_run drawn -o print"), UsageError)
    assert isinstance(notebook.error("%kql_run drawn more"), UsageError)
    assert isinstance(notebook.error("%kql_run"), UsageError)
    notebook.value("%kql_run drawn")
    notebook.value("%kql_save again")
    assert read("queries/again.kql").text == "range x from 1 to 5 step 1 | extend y = x | render columnchart"


def test_what_is_not_there_is_told_with_what_is(notebook: Notebook, save: Callable[[str, str], Path]) -> None:
    save("one.kql", "print 1")
    assert str(notebook.error("%kql_run two")) == "there is no saved query 'two'; there is one"
    assert str(notebook.error("%kql_run two.yaml")) == "there is no file two.yaml"
    save("bad.kql", "// ---\n// tactic: x\n// ---\nprint 1")
    assert "queries/bad.kql, line 2: there is no key 'tactic'; there is name, " in str(
        notebook.error("%kql_run bad")
    )


# ---------------------------------------------------------------- listing and Tab


def test_queries_are_listed_also_those_that_cannot_be_read(
    notebook: Notebook, save: Callable[[str, str], Path]
) -> None:
    save("a.kql", "// ---\n// description: first\n// parameters: {x: long}\n// ---\nprint {{x}}")
    save("b.yaml", RULE)
    save("c.kql", "// ---\nprint 1")
    save("notes.txt", "no query")
    frame = notebook.value("%kql_queries")
    assert frame["name"].tolist() == ["a", "b", "c"]
    assert frame["parameters"].tolist() == ["x:long", "", ""]
    assert frame["timespan"].tolist() == ["", "14d", ""]
    assert frame["remarks"][2].startswith("queries/c.kql, line 1: ")


def test_no_queries_are_an_empty_frame(notebook: Notebook, folder: Path) -> None:
    assert len(notebook.value("%kql_queries")) == 0
    assert list(folder.iterdir()) == []


def test_tab_offers_saved_queries(notebook: Notebook, save: Callable[[str, str], Path]) -> None:
    save("refused.kql", "print 1")
    save("other.kql", "print 1")

    def offered(text: str) -> list[str]:
        from IPython.core.completer import provisionalcompleter

        with provisionalcompleter():
            return [one.text for one in notebook.shell.Completer.completions(text, len(text))]

    assert "refused" in offered("%kql_run re")
    assert set(offered("%kql_run ")) >= {"refused", "other"}
    assert "refused" not in offered("x = re")
    notebook.shell.run_line_magic("unload_ext", "kqlmagic_ext")
    assert "refused" not in offered("%kql_run re")
    notebook.shell.run_line_magic("load_ext", "kqlmagic_ext")
