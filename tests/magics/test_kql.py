"""%kql and %%kql in a real shell."""

from __future__ import annotations

import gc
import json
import weakref

import pandas as pd
import pytest
from IPython.core.error import UsageError

from kqlmagic_ext import ConnectError, ParameterError, QueryError, UnsupportedError
from tests.notebook import Notebook

EMPTY = "%kql_connect local://"


# ---------------------------------------------------------------- values and binding


def test_a_line_and_a_cell_give_the_frame(notebook: Notebook) -> None:
    notebook.value(EMPTY)
    assert notebook.value("%kql print x = 1")["x"].tolist() == [1]
    assert notebook.value("%%kql\nprint x = 1\n| extend y = x + 1")["y"].tolist() == [2]
    assert notebook.names["_"]["y"].tolist() == [2]
    notebook.value("frame = %kql print x = 3")
    assert notebook.names["frame"]["x"].tolist() == [3]


@pytest.mark.parametrize(
    "cell",
    [
        "%kql -o a print x = 1",
        "%kql --output a print x = 1",
        "%kql --output=a print x = 1",
        "%kql -o=a print x = 1",
        "%%kql -o a\nprint x = 1",
        "%kql a << print x = 1",
        "%%kql a <<\nprint x = 1",
        "%%kql\na << print x = 1",
        "%%kql a << print x = 1\n| extend y = 2",
        "%%kql -o a print x = 1\n| extend y = 2",
    ],
)
def test_output_binds_the_frame_and_shows_a_receipt(notebook: Notebook, cell: str) -> None:
    notebook.value(EMPTY)
    assert notebook.value(cell) is None
    assert notebook.names["a"]["x"].tolist() == [1]
    assert notebook.receipt.startswith("a: 1 row × ")
    assert " from local, all times, in " in notebook.receipt


def test_two_statements_bind_two_names_in_order(notebook: Notebook) -> None:
    notebook.value(EMPTY)
    notebook.value("%%kql -o a,b\nlet n = 2;\nprint x = 1;\nprint y = n")
    assert notebook.names["a"]["x"].tolist() == [1]
    assert notebook.names["b"]["y"].tolist() == [2]
    notebook.value("%%kql -o a\nprint x = 5; print y = 6")
    assert "gave 2 tables, and -o names 1" in notebook.receipt
    error = notebook.error("%%kql -o a -o b\nprint x = 7")
    assert "-o names 2 variables, and the query gave 1 table" in str(error)
    assert "a" not in notebook.names


@pytest.mark.parametrize(
    ("query", "column", "value"),
    [
        ("print z = -y", "z", -5),
        ("print s = 'a  b'", "s", "a  b"),
        ('print s = "it\'s"', "s", "it's"),
        ("print s = '-i y'", "s", "-i y"),
        ("print s = '{y}'", "s", "{y}"),
        ("print s = '$y'", "s", "$y"),
        ("print s = '?'", "s", "?"),
        ("print s = @'C:\\new'", "s", "C:\\new"),
    ],
)
def test_the_query_is_the_text_behind_the_options_byte_for_byte(
    notebook: Notebook, query: str, column: str, value: object
) -> None:
    notebook.value(EMPTY)
    notebook.names["y"] = 5
    for cell in (f"%kql -i y {query}", f"%%kql -i y\n{query}", f"%%kql -i y {query}\n// end"):
        assert notebook.value(cell)[column].tolist() == [value]


def test_origin_is_strict_json_of_at_most_4_kb(notebook: Notebook) -> None:
    notebook.value("%kql_connect local://demo?end=2026-11-01&rows=2000")
    notebook.names["users"] = [f"user{number}" for number in range(5000)]
    frame = notebook.value(
        "%%kql -t 2d\nSigninLogs | where UserPrincipalName !in ({{users}}) // " + "x" * 20_000
    )
    text = json.dumps(frame.attrs["kql"], allow_nan=False)
    assert len(text) <= 4096
    origin = frame.attrs["kql"]
    assert origin["rows"] == len(frame)
    assert origin["synthetic"] is True
    assert origin["complete"] is True
    assert origin["window"] == ["2026-10-30T00:00:00Z", "2026-11-01T00:00:00Z"]
    assert origin["parameters"]["users"].startswith("5,000 items: ")


def test_limit_is_a_preview(notebook: Notebook) -> None:
    notebook.value("%kql_connect local://demo?rows=2000")
    assert len(notebook.value("%kql --limit 3 Heartbeat | project TimeGenerated | render timechart")) == 3
    assert "a preview: at most 3 rows" in notebook.receipt
    assert isinstance(notebook.error("%kql --limit many Heartbeat"), UsageError)


def test_show_prints_what_would_be_sent_and_runs_nothing(notebook: Notebook) -> None:
    notebook.value(EMPTY)
    notebook.names["host"] = 'ws"07'
    assert notebook.value("%%kql --show -o a\nprint x = {{host}}") is None
    assert notebook.stdout.splitlines()[0] == "declare query_parameters(_in_host:string); print x = _in_host"
    assert '// _in_host = "ws\\"07"' in notebook.stdout
    assert "a" not in notebook.names


def test_inputs_are_taken_from_the_notebook_and_from_a_calling_function(notebook: Notebook) -> None:
    notebook.value(EMPTY)
    notebook.names["ioc"] = pd.DataFrame({"ip": ["1.2.3.4"]})
    assert notebook.value("%kql -i t=ioc t | where ip == '1.2.3.4'")["ip"].tolist() == ["1.2.3.4"]
    cell = (
        "def ask(host):\n    return get_ipython().run_line_magic('kql', 'print x = {{host}}')\nask('inner')"
    )
    assert notebook.value(cell)["x"].tolist() == ["inner"]


def test_a_variable_that_is_not_there_is_named_at_its_place(notebook: Notebook) -> None:
    error = notebook.error("%%kql\nprint 1\n| extend x = {{nobody}}")
    assert isinstance(error, ParameterError)
    assert str(error) == "line 3, column 14: there is no variable 'nobody' in this notebook"
    assert isinstance(notebook.error("%kql -i nobody print 1"), ParameterError)


def test_a_value_in_quotes_warns(notebook: Notebook) -> None:
    notebook.value(EMPTY)
    notebook.names["host"] = "x"
    notebook.value("%kql print x = '{{host}}'")
    assert "drop the quotes" in notebook.receipt


def test_a_receipt_escapes_what_it_shows(notebook: Notebook, tmp_path: object) -> None:
    notebook.value(f"%kql_connect local://{tmp_path} --as <b>x</b>")
    notebook.value("%kql -o a print x = 1")
    assert "<b>x</b>" not in notebook.outputs[0].data["text/html"]
    assert "&lt;b&gt;x&lt;/b&gt;" in notebook.outputs[0].data["text/html"]


# ---------------------------------------------------------------- options that are wrong


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%kql", "there is no query"),
        ("%kql -o a", "there is no query"),
        ("%kql --nope print 1", "there is no option --nope"),
        ("%kql -x print 1", "there is no option -x"),
        ("%kql -o", "-o wants a value"),
        ("%kql -o json print 1", "json is a module"),
        ("%kql -o print print 1", "Python's own print"),
        ("%kql -o class print 1", "no name of a Python variable"),
        ("%kql -o a.b print 1", "no name of a Python variable"),
        ("%kql -o a,a print 1", "stands twice"),
        ("%kql -t soon print 1", "'soon' is no timespan"),
        ("%kql -t 2026-11-02/2026-11-01 print 1", "ends before it starts"),
    ],
)
def test_a_wrong_option_is_one_clear_sentence(notebook: Notebook, cell: str, said: str) -> None:
    import json

    notebook.names["json"] = json
    error = notebook.error(cell)
    assert isinstance(error, UsageError)
    assert said in str(error)
    assert notebook.names["json"] is json


def test_an_empty_cell_says_what_ipython_says(notebook: Notebook) -> None:
    notebook.run("%%kql")
    assert "cell body is empty" in notebook.stdout + notebook.stderr
    assert isinstance(notebook.error("# a comment\n%%kql\nprint 1"), SyntaxError)


def test_a_cell_of_comments_and_one_of_lets_say_so(notebook: Notebook) -> None:
    assert "only comments" in str(notebook.error("%%kql\n// nothing here"))
    assert "only let statements" in str(notebook.error("%%kql\nlet a = 1;"))


# ---------------------------------------------------------------- errors


def test_an_error_is_one_line_with_a_caret_and_fails_the_cell(notebook: Notebook) -> None:
    notebook.names["host"] = "x"
    error = notebook.error("%%kql\nSigninLogs\n| where Userprincipalname == {{ host }}\n| where 1 == 1")
    assert isinstance(error, QueryError)
    assert (error.line, error.column) == (3, 9)
    assert error.lines() == [
        "QueryError: line 3, column 9: there is no column 'Userprincipalname'; did you mean UserPrincipalName?",
        "    | where Userprincipalname == {{ host }}",
        "            ^",
    ]
    shown = (notebook.stdout + notebook.stderr).strip().splitlines()
    assert shown == error.lines()


def test_a_place_on_the_first_line_counts_without_what_we_declare(notebook: Notebook) -> None:
    notebook.value(EMPTY)
    notebook.names["host"] = "x"
    error = notebook.error("%kql print a = {{host}} | wher a == 1")
    assert error.lines()[1:] == [
        "         print a = {{host}} | wher a == 1",
        "                              ^",
    ]
    assert (error.line, error.column) == (1, 27)
    error = notebook.error("%%kql\nout << print a = 1 | wher a == 1")
    assert (error.line, error.column) == (2, 22)


def test_a_wrong_table_is_answered_with_the_nearest(notebook: Notebook) -> None:
    error = notebook.error("%kql SignInLog | take 1")
    assert "there is no table 'SignInLog'; did you mean SigninLogs?" in str(error)


def test_a_frame_of_the_notebook_is_offered_as_input(notebook: Notebook) -> None:
    notebook.names["ioc"] = pd.DataFrame({"ip": ["1.2.3.4"]})
    assert "ioc is a DataFrame of this notebook: add -i ioc" in str(notebook.error("%kql ioc | take 1"))


def test_what_the_engine_lacks_is_named(notebook: Notebook) -> None:
    error = notebook.error("%kql SigninLogs | evaluate basket(0.1)")
    assert isinstance(error, UnsupportedError)
    assert error.construct == "evaluate basket"


def test_verbose_mode_shows_the_cause(notebook: Notebook) -> None:
    notebook.run("%xmode Verbose")
    try:
        notebook.run("%kql SigninLogs | where Nope == 1")
        assert "BinderException" in notebook.stdout + notebook.stderr
    finally:
        notebook.run("%xmode Context")


def test_hostile_text_in_an_error_is_made_visible(notebook: Notebook) -> None:
    notebook.value(EMPTY)
    notebook.names["t"] = pd.DataFrame({"s": ["\x1b[2Jgone\u202e"]})
    error = notebook.error("%kql -i t t | where s == 5")
    text = "\n".join(error.lines())
    assert "\\x1b[2Jgone\\u202e" in text
    assert "\x1b" not in text


def test_columns_count_in_the_cell_and_lines_stay_under_a_limit(notebook: Notebook) -> None:
    notebook.value(EMPTY)
    error = notebook.error("%%kql -o xyz print a = 1 | wher a == 1")
    error = notebook.error("%%kql --limit 5\nprint a = 1;\n// two\nprint b = 2\n| wher b == 1")
    assert (error.line, error.column) == (5, 3)
    assert error.lines()[1] == "    | wher b == 1"
    error = notebook.error("%%kql\nprint a = 1 | where a == 1 | project b = a\n| where a == 1")
    assert (error.line, error.column) == (3, 9)


# ---------------------------------------------------------------- after a failure


def test_an_error_before_anything_was_sent_keeps_the_variable_and_says_so(notebook: Notebook) -> None:
    notebook.value(EMPTY)
    notebook.value("%kql -o a print x = 1")
    for cell in ("%kql -o a print {{nobody}}", "%kql -o a wat |", "%kql -o a Nothing"):
        error = notebook.error(cell)
        assert any(note.startswith("a still holds 1 row × 1 of ") for note in error.__notes__)
        assert notebook.names["a"]["x"].tolist() == [1]


def test_a_failure_after_sending_takes_the_old_answer_away_and_restore_brings_it_back(
    notebook: Notebook,
) -> None:
    notebook.value(EMPTY)
    notebook.names["t"] = pd.DataFrame({"s": ["x"]})
    notebook.value("%kql -o a print x = 1")
    error = notebook.error("%kql -i t -o a t | where s == 5")
    assert any("%kql_restore a brings it back" in note for note in error.__notes__)
    assert "a" not in notebook.names
    notebook.value("%kql_restore a")
    assert notebook.names["a"]["x"].tolist() == [1]
    assert isinstance(notebook.error("%kql_restore a"), UsageError)


def test_any_failure_takes_the_old_answer_away(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook.value(EMPTY)
    notebook.value("%kql -o a print x = 1")

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug of ours")

    monkeypatch.setattr("kqlmagic_ext.connections.local.connection.frame_from_arrow", fail)
    assert isinstance(notebook.error("%kql -o a print x = 2"), ZeroDivisionError)
    assert "a" not in notebook.names


def test_a_wrong_option_says_what_the_variable_holds(notebook: Notebook) -> None:
    notebook.value(EMPTY)
    notebook.value("%kql -o a print x = 1")
    for cell in ("%kql -o a --limt 4 print 1", "%kql -o a -t soon print 1", "%kql -o a"):
        error = notebook.error(cell)
        assert isinstance(error, UsageError)
        assert "a still holds 1 row × 1" in str(error)


def test_a_frame_that_the_analyst_dropped_is_kept_by_nobody(notebook: Notebook) -> None:
    notebook.value(EMPTY)
    notebook.value("%kql -o a print x = 1")
    frame = weakref.ref(notebook.names["a"])
    assert frame() is not None
    del notebook.names["a"]
    gc.collect()
    assert frame() is None


def test_a_variable_of_the_analyst_is_never_taken_away(notebook: Notebook) -> None:
    notebook.value(EMPTY)
    notebook.names["t"] = pd.DataFrame({"s": ["x"]})
    notebook.names["a"] = "my own"
    notebook.error("%kql -i t -o a t | where s == 5")
    assert notebook.names["a"] == "my own"


# ---------------------------------------------------------------- connections


def test_the_unchosen_demo_says_once_that_it_is_synthetic(notebook: Notebook) -> None:
    frame = notebook.value("%kql Heartbeat | take 1")
    assert "no connection chosen: synthetic demo data" in notebook.receipt
    assert frame.attrs["kql"]["synthetic"] is True
    notebook.value("%kql Heartbeat | take 1")
    assert notebook.outputs == []
    assert notebook.value("%kql_connections")["default"].tolist() == [True]
    notebook.value("%kql_connect local://demo?rows=2000")
    assert "synthetic data" in notebook.receipt


def test_after_a_failed_connect_no_other_place_answers(notebook: Notebook) -> None:
    notebook.value(EMPTY)
    assert isinstance(notebook.error("%kql_connect local:///no/such/folder"), ConnectError)
    error = notebook.error("%kql print 1")
    assert isinstance(error, ConnectError)
    assert "%kql_connect local:///no/such/folder failed" in str(error)
    assert notebook.value("%kql -c local print x = 1")["x"].tolist() == [1]
    notebook.value("%kql_connect local")
    assert notebook.value("%kql print x = 2")["x"].tolist() == [2]


def test_connections_are_listed_and_chosen_by_name(notebook: Notebook) -> None:
    notebook.value("%kql_connect local://demo?rows=2000 --as lab")
    notebook.value("%kql_connect local:// --as scratch")
    listed = notebook.value("%kql_connections")
    assert listed["name"].tolist() == ["lab", "scratch"]
    assert listed["default"].tolist() == [False, True]
    assert notebook.value("%kql -c lab -o n Heartbeat | count") is None
    assert " from lab, " in notebook.receipt
    error = notebook.error("%kql -c nowhere print 1")
    assert "there is no connection 'nowhere'; there is lab, scratch" in str(error)


@pytest.mark.parametrize(
    "url",
    ["ftp://x", "x", "local://folder/without/third/slash", "local://demo?size=3", "local://demo?rows=5"],
)
def test_a_url_that_names_no_place_says_what_to_do(notebook: Notebook, url: str) -> None:
    assert isinstance(notebook.error(f"%kql_connect {url}"), ConnectError)


def test_settings_name_the_default_place_and_times(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook.value("%config KqlMagics.timespan = '1d'")
    notebook.value("%config KqlMagics.default_connection = 'local://demo?rows=2000&end=2026-11-01'")
    frame = notebook.value("%kql Heartbeat")
    assert frame["TimeGenerated"].min() >= pd.Timestamp("2026-10-31", tz="UTC")
    assert notebook.outputs == []
    assert len(notebook.value("%kql -t all Heartbeat")) > len(frame)
    notebook.value("%config KqlMagics.timespan = 'soon'")
    assert "KqlMagics.timespan: 'soon' is no timespan" in str(notebook.error("%kql Heartbeat"))
    notebook.value("%config KqlMagics.default_connection = ''")
    notebook.value("%config KqlMagics.timespan = 'all'")
    monkeypatch.setenv("KQLMAGIC_CONNECTION", "local://")
    assert isinstance(notebook.error("%kql Heartbeat"), QueryError)


def test_tables_are_listed_and_one_is_described(notebook: Notebook) -> None:
    notebook.value("%kql_connect local://demo?rows=2000")
    listed = notebook.value("%kql_tables")
    assert len(listed) == 18
    assert notebook.value("%kql_tables sign")["table"].tolist() == [
        "AADNonInteractiveUserSignInLogs",
        "SigninLogs",
    ]
    assert notebook.value("%kql_tables Device*")["table"].str.startswith("Device").all()
    columns = notebook.value("%kql_tables SigninLogs")
    assert dict(columns.values)["TimeGenerated"] == "datetime"
    rows = listed.set_index("table")["rows"]["SigninLogs"]
    assert f"SigninLogs: {rows:,} rows" in notebook.receipt
    assert notebook.value("%kql SigninLogs | count")["Count"][0] == rows
    assert isinstance(notebook.error("%kql_tables Devce"), UsageError)


# ---------------------------------------------------------------- loading and unloading


def test_unloading_leaves_nothing(notebook: Notebook) -> None:
    notebook.value("%kql print 1")
    magics = notebook.shell.magics_manager.registry["KqlMagics"]
    connection = next(iter(magics.places))[2]
    notebook.run("%unload_ext kqlmagic_ext")
    assert not [
        name
        for kind in notebook.shell.magics_manager.magics.values()
        for name in kind
        if name.startswith("kql")
    ]
    assert magics not in notebook.shell.configurables
    import duckdb

    with pytest.raises(duckdb.Error):
        connection._database.cursor().execute("SELECT 1")
    notebook.run("%load_ext kqlmagic_ext")
    assert notebook.value("%kql print x = 1")["x"].tolist() == [1]


@pytest.mark.parametrize("magic", ["kql", "kql_connect", "kql_connections", "kql_tables", "kql_restore"])
def test_each_magic_has_help_that_reads_well(notebook: Notebook, magic: str) -> None:
    doc = notebook.shell.find_line_magic(magic).__doc__
    assert doc
    sentences = [line for line in doc.splitlines() if line.strip() and not line.startswith((":", " "))]
    assert sentences[0].rstrip().endswith((".", ":", "`"))
    assert "%%(" not in doc
    assert "%%%" not in doc
    for option in (
        getattr(notebook.shell.find_line_magic(magic).__func__, "parser", None)._actions
        if doc.startswith("::")
        else ()
    ):
        assert option.help


# ---------------------------------------------------------------- slips


def test_a_short_option_may_touch_its_value(notebook: Notebook) -> None:
    notebook.value("%kql_connect local://demo?end=2026-11-01&rows=2000")
    notebook.value("%kql -t1d -oa Heartbeat | count")
    assert notebook.names["a"].attrs["kql"]["timespan"] == "last day"


@pytest.mark.parametrize("name", ["In", "Out", "exit", "get_ipython"])
def test_ipythons_own_names_are_not_bound(notebook: Notebook, name: str) -> None:
    error = notebook.error(f"%kql -o {name} print 1")
    assert isinstance(error, UsageError)
    assert f"-o {name}" in str(error)


@pytest.mark.parametrize(("given", "said"), [("1a=x", "no name"), ("x=x,x", "stands twice")])
def test_an_input_has_one_name(notebook: Notebook, given: str, said: str) -> None:
    notebook.names["x"] = 1
    assert said in str(notebook.error(f"%kql -i {given} print 1"))


def test_an_answer_with_fewer_tables_than_names_can_be_accepted(notebook: Notebook) -> None:
    notebook.value(EMPTY)
    error = notebook.error("%kql -o a,b print x = 1")
    assert "%kql_accept -o a binds what came" in str(error)
    assert "-o names 2 variables, and 1 tables came" in str(notebook.error("%kql_accept -o a,b"))
    notebook.value("%kql_accept -o a")
    assert notebook.names["a"]["x"].tolist() == [1]
    assert notebook.names["a"].attrs["kql"]["complete"] is True


def test_what_was_removed_comes_back_under_its_own_name_alone(notebook: Notebook) -> None:
    notebook.value(EMPTY)
    notebook.value("%kql -o a print x = 1")
    notebook.error("%kql -o a,b print x = 2")
    notebook.names["a"] = 99
    assert "a holds another value since" in str(notebook.error("%kql_restore a"))
    del notebook.names["a"]
    notebook.value("%kql_restore a")
    assert notebook.receipt.startswith("the old answer is back: a: 1 row × 1 from local")


def test_a_connection_may_be_named_by_a_variable(notebook: Notebook) -> None:
    notebook.names["place"] = "local://demo?rows=2000"
    assert notebook.value("%kql -c {{place}} Heartbeat | count").attrs["kql"]["connection"] == "demo"
    assert "no variable 'nobody'" in str(notebook.error("%kql -c {{nobody}} print 1"))


@pytest.mark.parametrize("name", ["local://demo", "'two words'"])
def test_a_connection_has_a_plain_name(notebook: Notebook, name: str) -> None:
    assert "a name has no spaces and no ://" in str(notebook.error(f"%kql_connect local:// --as {name}"))


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("%%kql\nSigninLogs | where UserId in ({{wached}})", "watched"),
        ("%%kql -i wached\nSigninLogs", "watched"),
        ("%%kql --limt 5\nSigninLogs", "--limit"),
        ("%%kql -c lba\nSigninLogs", "lab"),
        ("%kql_tables Sginlogs", "SigninLogs"),
        ("%%kql -c local://dmo\nSigninLogs", "local://demo"),
    ],
)
def test_a_slip_in_a_name_is_told_with_the_name_that_was_meant(
    notebook: Notebook, cell: str, meant: str
) -> None:
    notebook.run("%kql_connect local://demo --as lab")
    notebook.names["watched"] = ["a"]
    assert f"did you mean {meant}?" in str(notebook.error(cell))
