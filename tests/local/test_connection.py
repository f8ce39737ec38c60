"""Windows, moments, files of DuckDB, and errors of the embedded workspace."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from kqlmagic_ext import (
    ConnectError,
    KqlMagicError,
    ParameterError,
    Query,
    QueryError,
    Timespan,
    UnsupportedError,
)
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]
DEMO = "local://demo?end=2026-11-01&rows=2000"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "case.duckdb"
    with duckdb.connect(str(path)) as made:
        made.execute("CREATE TABLE T AS SELECT 1::UTINYINT a, NULL::VARCHAR s, DATE '2026-01-01' d, [1, 2] l")
        made.execute("CREATE VIEW V AS SELECT a, 'x' b FROM T")
        made.execute(
            "CREATE TABLE Log AS SELECT TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_hours(i::INT) TimeGenerated, i FROM range(48) r(i)"
        )
    return path


def test_a_duckdb_file_is_read_in_kqls_types_and_never_written(opened: Open, file: Path) -> None:
    before = file.read_bytes()
    connection = opened(file)
    assert [table.name for table in connection.tables()] == ["Log", "T", "V"]
    assert dict(connection.table("T").columns) == {"a": "int", "s": "string", "d": "datetime", "l": "dynamic"}
    assert answer(connection, "T | project a, s, l") == [(1, "", [1, 2])]
    assert answer(
        connection, "V | join kind=inner (given) on a | project b", given=pd.DataFrame({"a": [1]})
    ) == [("x",)]
    connection.close()
    assert file.read_bytes() == before


def test_a_file_of_another_kind_is_refused(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n")
    with pytest.raises(ConnectError, match="no DuckDB file; for a file of rows, open its folder"):
        opened(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("span", "count"),
    [
        ("2026-01-01/2026-01-02", 24),
        ("2026-01-01T01:00Z/2026-01-01T02:00Z", 1),
        ("2026-01-01/PT90M", 2),
        ("2026-01-02/2026-01-03", 24),
        ("all", 48),
    ],
)
def test_a_window_holds_its_start_and_not_its_end(opened: Open, file: Path, span: str, count: int) -> None:
    connection = opened(file)
    for text in ("Log", "let x = Log; x", "T | join kind=rightouter (Log | extend a = 5) on a", "union Log"):
        frame = connection.run(Query(f"{text} | count", timespan=Timespan.parse(span))).frame
        assert frame["Count"][0] == count
    own = connection.run(
        Query(
            "Log | where TimeGenerated >= datetime(2026-01-01T12:00) | count", timespan=Timespan.parse(span)
        )
    )
    assert own.frame["Count"][0] <= count


def test_a_let_of_a_tables_name_is_narrowed_and_checked_as_the_table(opened: Open, file: Path) -> None:
    connection = opened(file)
    window = Timespan.parse("2026-01-01/2026-01-02")
    text = "let Log = Log | where i >= 0; Log | count"
    assert connection.run(Query(text, timespan=window)).frame["Count"][0] == 24
    assert connection.run(Query(text)).frame["Count"][0] == 48
    with pytest.raises(QueryError, match="did you mean i"):
        connection.run(Query("let Log = Log | where I == 1; Log"))


def test_a_window_does_not_filter_inputs_or_tables_without_times(opened: Open, file: Path) -> None:
    connection = opened(file)
    window = Timespan.parse("2020-01-01/2020-01-02")
    given = pd.DataFrame({"TimeGenerated": pd.to_datetime(["2026-01-01"]), "n": [1]})
    result = connection.run(Query("given", {"given": given}, window))
    assert len(result.frame) == 1
    assert result.warnings == (
        "the timespan does not narrow the input given",
        "given['TimeGenerated'] has no time zone and is read as UTC",
    )
    assert len(connection.run(Query("T", timespan=window)).frame) == 1
    result = connection.run(Query("Log", {"Log": given}, window))
    assert len(result.frame) == 1
    assert "the input Log hides the table Log of case in this query" in result.warnings


def test_now_is_one_moment_and_a_pinned_demo_pins_it(opened: Open) -> None:
    connection = opened("local://demo?end=2026-11-01")
    assert answer(connection, "print now()") == [(pd.Timestamp("2026-11-01", tz="UTC"),)]
    assert answer(connection, "Heartbeat | where TimeGenerated > ago(1h) | count")[0][0] > 0
    assert answer(opened("local://"), "print same = now() == now()") == [(True,)]
    before = datetime.now(UTC)
    assert answer(opened("local://"), "print now()")[0][0] >= before


def test_an_unpinned_demo_has_rows_of_the_last_hours(opened: Open) -> None:
    connection = opened("local://demo")
    assert answer(connection, "Heartbeat | where TimeGenerated between (ago(2h) .. now()) | count")[0][0] > 0
    assert answer(connection, "Heartbeat | where TimeGenerated > now() | count") == [(0,)]


def test_demo_tables_have_every_column_of_the_real_ones(opened: Open) -> None:
    from kqlmagic_ext.kql.known_tables import known_tables

    connection = opened(DEMO)
    for table in connection.tables():
        frame = connection.run(Query(f"{table.name} | take 5")).frame
        assert list(frame.columns) == list(known_tables()[table.name])
        assert answer(connection, f"{table.name} | count") == [(table.rows,)]


def test_decimals_keep_their_digits(opened: Open) -> None:
    connection = opened("local://")
    assert answer(connection, "print x = decimal(12345678901234567890.123456789)") == [
        (Decimal("12345678901234567890.123456789"),)
    ]
    assert answer(connection, "print x = decimal(0.1) + decimal(0.2) == decimal(0.3)") == [(True,)]
    assert answer(connection, "print x = decimal(null)")[0][0] is None
    assert answer(connection, "datatable(d:decimal)[decimal(1.5)] | extend e = d + decimal(0.25)")[0][
        1
    ] == Decimal("1.75")
    with pytest.raises(UnsupportedError, match="datatable"):
        connection.run(Query("datatable(d:decimal)[decimal(12345678901234567890.5)]"))


def test_nested_answers_are_json_as_kusto_shows_it(opened: Open) -> None:
    connection = opened("local://")
    given = pd.DataFrame({"t": pd.to_datetime(["2026-01-01"]), "d": [{"a": 1}], "n": [2]})
    rows = answer(
        connection, "given | summarize make_list(t), make_list(d), make_set(n), make_list(n)", given=given
    )
    assert rows == [(["2026-01-01T00:00:00.0000000Z"], [{"a": 1}], [2], [2])]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("t | wher a == 1", "line 1, column 5: there is no operator 'wher'; did you mean where?"),
        ("t\n| extend (a", "line 2, column 3: this extend cannot be read; count its ("),
        ("t | take", "line 1, column 5: this take says nothing; it wants a number of rows, as in take 10"),
        ("t | top 5", "line 1, column 5: this top has no by; write it as in top 5 by TimeGenerated"),
        ("t | | count", "line 1, column 5: no operator stands between this | and the one before; take one of them"),
        ("| count", "line 1, column 3: no table stands before the first |; begin with one, such as SigninLogs | count"),
        ("let n = 1\nt | take n", "line 2, column 1: a ; is missing before this; each let ends with one"),
        ("let n = 1\nlet m = 2;\nt | take n", "line 2, column 1: a ; is missing before this"),
        ("let n = t\n| take 1\nand", "the query is only let statements"),
        ("print cout()", "line 1, column 7: there is no function cout(); did you mean count?"),
        ("print strlen('a', 2)", "line 1, column 7: strlen() takes 1 value, not 2: strlen(text: string)"),
        ("print 7x", "line 1, column 7: 7x is neither a number nor a name; a timespan ends in"),
        ("t | where a ==", "line 1, column 15: the query ends too early"),
        ("t | where a = 1", "line 1, column 13: where compares with =="),
        ("t | where A == 1", "line 1, column 11: there is no column 'A'; did you mean a?"),
        ("t | where b == 1", "line 1, column 11: there is no column 'b'"),
        ("t | project b = a | where a == 1", "the column 'a' is not here"),
        ("t | where a in (t)", "name the column too: in (t | project a)"),
        ("union t, (tt | take 1)", "line 1, column 11: there is no table 'tt'; did you mean t?"),
        ("t | evaluate basket(0.1)", "cannot run evaluate basket yet"),
        ("t | extend x = hll(a)", "has no function hll() yet"),
        ("search 'x'", "cannot run search yet"),
        ("let f = (T:(a:long)) { T | take 1 }; f(t)", "cannot"),
        ("print x = 9223372036854775807 + 1", "verflow"),
        ("declare query_parameters(n:long); print n", "declares n without a value"),
        ("print " + "(" * 3000 + "1" + ")" * 3000, "nested too deeply"),
    ],
)  # fmt: skip
def test_an_error_is_one_sentence_with_its_place(opened: Open, query: str, said: str) -> None:
    with pytest.raises(KqlMagicError) as caught:
        opened("local://").run(Query(query, {"t": pd.DataFrame({"a": [1]})} if "t" in query else {}))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("t | join kind=inner (t | project b = a) on a", "the column 'a' is not here"),
        ("t | join kind=innr t on a", "there is no join kind 'innr'; did you mean inner?"),
        (
            "t | where s == 4624",
            "line 1, column 11: Could not convert string 'x' to long, the column s; convert s",
        ),
        ("t | summarize sum(s)", "the types do not fit: sum() takes numbers or timespans; convert one"),
        ("print x = {{t}}", "'t' is a table, and stands where a value is wanted"),
        ("{{n}} | count", "'n' is a value, no table; a DataFrame is a table"),
        ("t | extend x = tolowr(s)", "there is no function tolowr(); did you mean tolower?"),
        ("t where a == 1", "unexpected 'where'; is a | missing before it?"),
        ("print {n}", "a Python value is written {{n}}"),
        ('print "open', "the string is not closed"),
        ("t\n\nt | count", "two queries in one cell are separated by ;"),
        ("t | extend d = x - y | extend e = bin(d, 1h)", "it makes a datetime of a difference of times"),
        ("t | summarize by bin(x - y, 1d)", "it makes a datetime of a difference of times"),
        ("print '\\ud83d'", "cannot read this \\u or \\x in a string"),
    ],
)
def test_a_slip_is_answered_with_what_to_do(opened: Open, query: str, said: str) -> None:
    moments = pd.to_datetime(["2026-01-01"])
    given = {"t": pd.DataFrame({"a": [1], "s": ["x"], "x": moments, "y": moments}), "n": 5}
    with pytest.raises(QueryError, match=re.escape(said)):
        opened("local://").run(Query(query, given))


def test_literals_that_the_translator_misreads_come_right(opened: Open) -> None:
    connection = opened("local://")
    assert answer(connection, "print a = h's', b = H\"s\" == 's', c = h@'a\\b', d = @'\\u0041'") == [
        ("s", True, "a\\b", "\\u0041")
    ]
    assert answer(connection, 'print dynamic({"a":"\\u00e9\\u0027"})') == [({"a": "é'"},)]
    given = pd.DataFrame({"a": [3, 1, 2]})
    assert len(answer(connection, "t | take {{n}}", t=given, n=2)) == 2
    assert answer(connection, "t | top {{ n }} by a desc", t=given, n=1) == [(3,)]
    moments = pd.DataFrame({"x": pd.to_datetime(["2026-01-02T05:00"])})
    assert answer(connection, "t | extend y = bin(x - 1h, 1d), z = bin(x, 1d)", t=moments)[0][1:] == (
        pd.Timestamp("2026-01-02", tz="UTC"),
        pd.Timestamp("2026-01-02", tz="UTC"),
    )


def test_a_fuzzy_union_leaves_missing_tables_out_and_says_so(opened: Open) -> None:
    given = {"t": pd.DataFrame({"a": [1]})}
    result = opened("local://").run(Query("union isfuzzy=true t, Nowhere | count", given))
    assert result.frame["Count"].tolist() == [1]
    assert result.warnings == ("union isfuzzy leaves out Nowhere: there is no such table",)
    with pytest.raises(QueryError, match="there is no table 'Nowhere'"):
        opened("local://").run(Query("union t, Nowhere | count", given))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("t | summarize arg_max(a, a + 1)", "cannot run this form of arg_max() yet"),
        ("t | parse s with w ' x' r; t | fork (take 1)", "cannot run fork yet"),
        ("t | extend A = 1", "columns 'a' and 'A' differ only in case"),
        (
            "t | summarize first = min(a)",
            "unexpected 'first'; first is a word of KQL; as a name, write ['first']",
        ),
        ("t | summarize count() by gone_string", "there is no column 'gone_string'"),
    ],
)
def test_a_refusal_names_what_it_refuses(opened: Open, query: str, said: str) -> None:
    with pytest.raises(QueryError, match=re.escape(said)):
        opened("local://").run(Query(query, {"t": pd.DataFrame({"a": [1], "s": ["x"]})}))


def test_what_the_engine_does_not_heed_is_said(opened: Open, file: Path) -> None:
    result = opened(file).run(Query("T", timespan=Timespan.parse("7d")))
    assert result.warnings == ("T has no TimeGenerated: the timespan does not narrow it",)


def test_a_bound_list_of_words_is_searched_as_one_pattern(opened: Open) -> None:
    words = ["alpha", "be'ta", 'g"|mma', "{{d}}"]
    given = pd.DataFrame({"s": ["x alpha y", "be'ta", "nothing", 'g"|mma', "alphabet"]})
    rows = answer(opened("local://"), "t | where s has_any ({{words}}) | project s", t=given, words=words)
    assert rows == [("x alpha y",), ("be'ta",), ('g"|mma',)]
    assert answer(
        opened("local://"), "t | where s has_all ({{words}}) | count", t=given, words=["x", "y"]
    ) == [(1,)]


def test_an_error_knows_whether_the_query_ran(opened: Open) -> None:
    connection = opened("local://")
    given = {"t": pd.DataFrame({"s": ["x"]})}
    with pytest.raises(QueryError) as before:
        connection.run(Query("t | where nope == 1", given))
    with pytest.raises(QueryError) as after:
        connection.run(Query("t | where s == 5", given))
    assert (before.value.sent, after.value.sent) == (False, True)


def test_a_users_own_parameters_are_heeded(opened: Open) -> None:
    connection = opened("local://")
    assert answer(connection, "declare query_parameters(n:long = 5); print x = n") == [(5,)]
    assert answer(connection, "declare query_parameters(n:long); print x = n", n=7) == [(7,)]


@pytest.mark.parametrize("name", ["log", "LOG"])
def test_an_input_never_answers_for_a_table_of_another_case(opened: Open, file: Path, name: str) -> None:
    given = pd.DataFrame({"i": [1]})
    assert answer(opened(file), "Log | count", **{name: given}) == [(48,)]
    with pytest.raises(ParameterError, match="differ only in case"):
        opened(file).run(Query(f"{name} | count", {name: given}))
    with pytest.raises(ParameterError, match="differ only in case"):
        opened("local://").run(Query("union a, A", {"a": given, "A": given}))


def test_names_of_our_own_are_no_inputs(opened: Open) -> None:
    with pytest.raises(ParameterError, match="use ourselves"):
        opened("local://").run(Query("print x = _in_x", {"_in_x": 7}))
    with pytest.raises(UnsupportedError, match="uses the name _s1 itself"):
        opened("local://").run(Query("_s1 | count", {"_s1": pd.DataFrame({"a": [1]})}))
    named = {"_dec0": 7, "_s1": 8}
    assert answer(opened("local://"), "print x = _dec0, y = decimal(2.5), z = _s1", **named) == [
        (7, Decimal("2.5"), 8)
    ]


def test_numbers_that_are_subtracted_are_binned(opened: Open) -> None:
    given = pd.DataFrame({"a": [17, 5], "b": [2, 1]})
    rows = answer(
        opened("local://"), "t | extend c = a - b | project x = bin(a - b, 10), y = bin(c, 10)", t=given
    )
    assert rows == [(10, 10), (0, 0)]


def test_needles_of_any_letters_are_found(opened: Open) -> None:
    given = pd.DataFrame({"s": ["prénom é", "a\x01b", "none"]})
    assert answer(opened("local://"), "t | where s has_any (pack_array('prénom', 'x')) | count", t=given) == [
        (1,)
    ]
    assert answer(opened("local://"), "t | where s has_any ({{w}}) | count", t=given, w=["é", "zz"]) == [(1,)]


@pytest.mark.parametrize(
    "query",
    [
        "print x = datetime(2020-01-01T00:00:00.1234567)",
        "datatable(t:datetime)[datetime(2020-01-01T00:00:00.1234567Z)]",
        "print x = timespan(00:00:00.0000001)",
    ],
)
def test_a_literal_finer_than_a_microsecond_is_refused(opened: Open, query: str) -> None:
    with pytest.raises(UnsupportedError, match="keeps microseconds"):
        opened("local://").run(Query(query))


def test_a_literal_of_a_parameter_is_refused(opened: Open) -> None:
    with pytest.raises(
        QueryError,
        match=r"line 1, column 11: datetime\(…\) takes a literal, and 'start' is none; write todatetime",
    ):
        opened("local://").run(Query("print x = datetime({{start}})", {"start": "2026-01-01"}))


def test_two_columns_of_one_name_are_refused(opened: Open) -> None:
    with pytest.raises(QueryError, match="two columns named 'a'"):
        opened("local://").run(Query("print a = 1, a = 2"))


def test_lists_keep_what_json_has_no_number_for(opened: Open) -> None:
    given = pd.DataFrame({"r": [1.5, float("inf"), float("-inf")], "n": [2**62, 1, 2]})
    rows = answer(opened("local://"), "t | summarize make_list(r), l = make_list(n)", t=given)
    assert rows == [([1.5, "Infinity", "-Infinity"], [2**62, 1, 2])]
    sums = answer(opened("local://"), "t | summarize s = sum(n) by n | summarize make_list(s)", t=given)
    assert sorted(sums[0][0]) == [1, 2, 2**62]


def test_a_union_that_merges_types_says_so(opened: Open) -> None:
    inputs = {"t": pd.DataFrame({"a": [1]}), "u": pd.DataFrame({"a": ["x"]})}
    result = opened("local://").run(Query("union withsource=place t, u", inputs))
    assert result.warnings == (
        "union: a is long and string in its tables; the values are merged into one type",
    )


def test_a_column_made_in_one_case_is_not_found_in_another(opened: Open) -> None:
    connection = opened("local://")
    for query in ("print Foo = 1 | where foo == 1", "t | where userid != 'userid'"):
        with pytest.raises(QueryError, match=r"did you mean (Foo|UserId)"):
            connection.run(Query(query, {"t": pd.DataFrame({"UserId": ["a"]})}))


def test_a_closed_connection_says_so(opened: Open) -> None:
    connection = opened("local://")
    connection.close()
    with pytest.raises(ConnectError, match="the connection local is closed"):
        connection.run(Query("print 1"))


def test_json_deeper_than_python_reads_stays_text(opened: Open) -> None:
    text = "[" * 3000 + "]" * 3000
    came = answer(opened("local://"), "print x = parse_json(s)", s=text)[0][0]
    assert came == text or came == json.loads(text)  # newer Pythons read deeper


def test_columns_of_time_and_enums_of_a_duckdb_file(opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "kinds.duckdb"
    with duckdb.connect(str(path)) as made:
        made.execute("CREATE TYPE e AS ENUM ('ROADMAP', 'LIST')")
        made.execute(
            "CREATE TABLE K AS SELECT TIME '01:02:03' t, 'LIST'::e e, TIMESTAMP_NS '2026-01-01 00:00:00.123456789' n"
        )
    result = opened(path).run(Query("K"))
    assert result.frame["t"][0] == pd.Timedelta("01:02:03")
    assert result.frame["e"][0] == "LIST"
    assert result.warnings == ("K.n: 1 times cut to microseconds",)


def test_a_demo_that_cannot_be_is_refused(opened: Open) -> None:
    for url in ("local://demo?end=0001-01-01", "local:///tmp/\x00"):
        with pytest.raises(ConnectError):
            opened(url)


def test_a_table_whose_making_was_cut_short_is_made_again(opened: Open) -> None:
    connection = opened(DEMO)
    cursor = connection._database.cursor()
    cursor.execute('CREATE TABLE memory.data."Syslog" AS SELECT 1 AS half')
    cursor.close()
    assert answer(connection, "Syslog | count")[0][0] > 0


def test_queries_run_side_by_side(opened: Open) -> None:
    connection = opened(DEMO)
    counts: list[object] = []

    def ask(number: int) -> None:
        table = ["SigninLogs", "Heartbeat", "Syslog"][number % 3]
        given = pd.DataFrame({"n": [number]})
        counts.append(
            answer(connection, f"{table} | count | extend m = toscalar(t | summarize max(n))", t=given)[0][1]
            == number
        )

    threads = [threading.Thread(target=ask, args=[number]) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [True] * 24
