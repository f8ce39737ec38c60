"""What the base of the embedded engine answered otherwise than KQL does, or did not read: each a trap."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from kqlmagic_ext import Query, QueryError, UnsupportedError
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("let a = 5; let f = (a: long) { a + 1 }; print f(1), a", (2, 5)),
        ("let a = 5; let f = (b: long) { a + b }; print f(1)", (6,)),
        ("let f = (a: long, b: long) { a - b }; print f(b=1, a=10)", (9,)),
        ("let f = (a: long, b: long = 3) { a - b }; print f(a=10), f(10, b=1)", (7, 9)),
    ],
)
def test_a_function_of_the_query_takes_its_own_arguments(
    opened: Open, text: str, expected: tuple[int, ...]
) -> None:
    assert answer(opened("local://"), text) == [expected]


@pytest.mark.parametrize("call", ["f(b=1)", "f(b=1, 2)", "f(1, 2, c=3)"])
def test_an_argument_that_has_no_place_is_refused(opened: Open, call: str) -> None:
    with pytest.raises(UnsupportedError):
        answer(opened("local://"), f"let f = (a: long, b: long) {{ a - b }}; print {call}")


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("asc", "null nan -inf -5 0 5 inf"),
        ("desc", "inf 5 0 -5 -inf nan null"),
        ("asc nulls last", "-inf -5 0 5 inf nan null"),
        ("desc nulls first", "null nan inf 5 0 -5 -inf"),
    ],
)
def test_nan_stands_beside_null(opened: Open, order: str, expected: str) -> None:
    text = (
        "datatable(x: real)[5.0, real(nan), real(null), real(-inf), -5.0, real(inf), 0.0]"
        f"| sort by x {order} | project s = iff(isnull(x), 'null', iff(isnan(x), 'nan', tostring(x)))"
    )
    plain = [row[0].removesuffix(".0").replace("Infinity", "inf") for row in answer(opened("local://"), text)]
    assert plain == expected.split()


def test_texts_that_say_nan_are_sorted_as_texts(opened: Open) -> None:
    text = "datatable(s: string)['nan', 'b', 'z', ''] | sort by s asc"
    assert answer(opened("local://"), text) == [("",), ("b",), ("nan",), ("z",)]


def test_a_whole_number_is_found_in_a_list_of_reals(opened: Open) -> None:
    table = "datatable(x: long)[1, 2, long(null), -3, 9007199254740993]"
    connection = opened("local://")
    assert answer(connection, f"{table} | where x in (dynamic([1.0, 2.5, 'a', -3.00]))") == [(1,), (-3,)]
    assert answer(connection, f"{table} | where x !in (dynamic([1.0, 9007199254740992.0])) | count") == [(4,)]
    assert answer(connection, "datatable(s: string)['1', 'a'] | where s in (dynamic(['1', 'b']))") == [("1",)]


def test_between_a_column_and_a_length_of_time(opened: Open) -> None:
    text = (
        "datatable(t: datetime, s: datetime)[datetime(2020-01-02), datetime(2020-01-01), datetime(2020-01-02T00:00:01),"
        "datetime(2020-01-01), datetime(2019-12-31), datetime(2020-01-01), datetime(null), datetime(2020-01-01)]"
        "| project a = t between (s .. 1d), b = t !between (s .. 1d)"
    )
    found = [tuple(map(str, row)) for row in answer(opened("local://"), text)]
    assert found == [("True", "False"), ("False", "True"), ("False", "True"), ("<NA>", "<NA>")]
    spans = "datatable(t: timespan, s: timespan)[1h, 30m, 5h, 1h] | project t between (s .. 2h)"
    assert answer(opened("local://"), spans) == [(True,), (False,)]


def test_a_source_may_stand_in_parentheses(opened: Open) -> None:
    connection = opened("local://")
    assert answer(connection, "(range i from 1 to 3 step 1 | where i > 1) | count") == [(2,)]
    assert answer(connection, "let T = ((print a = 1) | extend b = 2); (T) | project b") == [(2,)]


@pytest.mark.parametrize(
    "text", ["print a = 1 | serialize", "print a = 1 | serialize | extend b = 2 | project a"]
)
def test_a_bare_serialize_changes_nothing(opened: Open, text: str) -> None:
    assert answer(opened("local://"), text) == [(1,)]


def test_the_place_of_an_error_behind_serialize_is_exact(opened: Open) -> None:
    with pytest.raises(QueryError) as caught:
        answer(opened("local://"), "print a = 1\n| serialize | where bcd == 1")
    assert (caught.value.line, caught.value.column) == (2, 21)


@pytest.mark.parametrize(
    ("target", "name"),
    [("d.b", "d_b"), ("d.c[0].e", "d_c_0_e"), ("todynamic(s)", "s"), ("parse_json(s)", "s")],
)
def test_mv_expand_of_an_unnamed_path_or_call_has_kqls_name(opened: Open, target: str, name: str) -> None:
    table = """datatable(d: dynamic, s: string)[dynamic({"b": [1, 2], "c": [{"e": [1, 2]}]}), "[1, 2]"]"""
    frame = opened("local://").run(Query(f"{table} | mv-expand {target}")).frame
    assert list(frame[name]) == [1, 2]


def test_the_limits_of_sets_and_lists_are_kept(opened: Open) -> None:
    connection = opened("local://")
    numbers = "range i from 1 to 9 step 1"
    made = answer(
        connection, f"{numbers} | summarize make_set(i % 3, 2), make_list(i, 4), makeset(i, 3), makelist(i)"
    )
    assert [len(items) for items in made[0]] == [2, 4, 3, 9]
    assert answer(
        connection, f"{numbers} | summarize make_list_if(i, i > 6), array_length(make_set_if(i, i > 6, 2))"
    ) == [([7, 8, 9], 2)]


def test_a_set_of_texts_keeps_a_text_that_looks_like_an_array(opened: Open) -> None:
    text = "datatable(s: string)['[1,2]', '', 'é'] | summarize make_set(s)"
    assert sorted(answer(opened("local://"), text)[0][0]) == ["", "[1,2]", "é"]


def test_a_set_of_arrays_is_their_union_without_nulls(opened: Open) -> None:
    text = "datatable(d: dynamic)[dynamic([1, 2]), dynamic([2, 3]), dynamic(null), dynamic(7)] | summarize make_set(d)"
    assert sorted(answer(opened("local://"), text)[0][0]) == [1, 2, 3, 7]


def test_aggregates_over_nothing(opened: Open) -> None:
    text = (
        "datatable(x: long)[] | summarize make_set(x), make_list_if(x, true), count_distinct(x), stdevp(x), variancep(x),"
        "m = minif(x, x > 1), b = binary_all_or(x) | extend isnull(m), isnull(b) | project-away m, b"
    )
    assert answer(opened("local://"), text) == [([], [], 0, 0.0, 0.0, True, True)]


def test_one_call_of_several_columns_gives_several(opened: Open) -> None:
    text = "datatable(a: long, b: string)[1, 'x'] | summarize take_any(a, b), percentiles(a, 5, 99.9)"
    frame = opened("local://").run(Query(text)).frame
    assert list(frame.columns) == ["a", "b", "percentile_a_5", "percentile_a_99_9"]


@pytest.mark.parametrize("seed", range(5))
def test_aggregates_agree_with_a_plain_model(opened: Open, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - cases, no secrets
    numbers: list[Any] = [dice.choice([None, dice.randint(-4, 4)]) for _ in range(dice.randint(1, 12))]
    rows = ", ".join("long(null)" if number is None else f"long({number})" for number in numbers)
    found = answer(
        opened("local://"),
        f"datatable(x: long)[{rows}] | summarize make_set(x), make_list(x), count_distinct(x), maxif(x, x < 0), stdevp(x)",
    )[0]
    there = [number for number in numbers if number is not None]
    mean = sum(there) / len(there) if there else 0.0
    spread = (sum((number - mean) ** 2 for number in there) / len(there)) ** 0.5 if there else 0.0
    assert sorted(found[0]) == sorted(set(there))
    assert found[1] == there
    assert found[2] == len(set(there))
    assert str(found[3]) == str(max((number for number in there if number < 0), default="<NA>"))
    assert found[4] == pytest.approx(spread)


@pytest.mark.parametrize("name", ["t", "k", "v", "x", "i", "s"])
def test_a_column_of_any_name_is_read_as_itself(opened: Open, name: str) -> None:
    connection = opened("local://")
    bag = f"datatable({name}: dynamic)[dynamic({{'a': 1}})] | mv-expand {name}"
    assert answer(connection, bag) == [({"a": 1},)]
    count = f"datatable({name}: string, other: string)['aXbX', 'X'] | project countof({name}, other)"
    assert answer(connection, count) == [(2,)]
    table = f"datatable({name}: string, d: dynamic)['xyz abc', dynamic(['ABC']), 'no', dynamic(['q']), '', dynamic(null)]"
    assert answer(connection, f"{table} | where {name} has_any (d) | project {name}") == [("xyz abc",)]


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("s has_any (d)", ["a b"]),
        ("s has_all (d)", ["a b"]),
        ("s has_any (split('q,b', ','))", ["a b"]),
        ("s has_any (e.names)", ["é"]),
        ("s in (e.names)", ["é"]),
        ("s in~ (e.names)", ["é"]),
        ("s !in (e.names)", ["a b", ""]),
        ("s in (s)", ["a b", "é", ""]),
        ("n in (n, 7)", ["a b", "é", ""]),
        ("n in (e.numbers)", ["é"]),
    ],
)
def test_a_list_may_be_a_column(opened: Open, test: str, expected: list[str]) -> None:
    table = (
        "datatable(s: string, d: dynamic, e: dynamic, n: long)['a b', dynamic(['b', 'a']), dynamic({}), 1,"
        "'é', dynamic(['c']), dynamic({'names': ['é'], 'numbers': [2]}), 2, '', dynamic(null), dynamic({}), 3]"
    )
    assert [row[0] for row in answer(opened("local://"), f"{table} | where {test} | project s")] == expected


LIKE = "let A = datatable(x: long, k: int)[1, 2]; let B = datatable(x: string, k: int)['a', 3];"


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("union A, B", "x_long k x_string"),
        ("A | where k > 0 | union (B | take 1)", "x_long k x_string"),
        ("union A, (B | project-rename y = x)", "x k y"),
        ("union A, (B | extend x = tolong(x))", "x k"),
        ("union (print x = 1), (print x = 'a'), (print x = 2.5)", "x_long x_string x_real"),
        ("let C = union A, B; C | project x_string", "x_string"),
        ("A | join kind=leftouter (union A, B) on k", "x k x_long k1 x_string"),
        ("union (A | summarize x = count() by k), (B | project x)", "k x_long x_string"),
    ],
)
def test_a_union_gives_each_type_its_column(opened: Open, text: str, columns: str) -> None:
    result = opened("local://").run(Query(LIKE + text))
    assert list(result.frame.columns) == columns.split()
    assert not any("merged" in warning for warning in result.warnings)


def test_the_values_of_a_split_column_stay_what_they_are(opened: Open) -> None:
    connection = opened("local://")
    assert answer(connection, f"{LIKE} union A, B | where x_long == 1 | project x_long, x_string") == [
        (1, "")
    ]
    with pytest.raises(QueryError, match="there is no column 'x'"):
        answer(connection, f"{LIKE} union A, B | where x == 1")


@pytest.mark.parametrize("form", ["union withsource=s A, B", "union A, (B | extend x_long = 1)"])
def test_a_union_that_still_merges_types_says_so(opened: Open, form: str) -> None:
    result = opened("local://").run(Query(LIKE + form))
    assert result.warnings == (
        "union: x is long and string in its tables; the values are merged into one type",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("let Most = 2; range x from 1 to 9 step 1 | top Most by x | count", 2),
        ("let n = 2; range x from 1 to 9 step 1 | take n | count", 2),
        ("let T = print b = 7; table('T')", 7),
        ('let T = print b = 7; union (table("T") | where b == 7) | count', 1),
        ("print extractjson('$.a', '{\"a\": \"é\"}', typeof(string))", "é"),
        ("print extractjson('$.a', 'x')", ""),
        ("print extract('a(b)', 1, 'ab', typeof(string))", "b"),
        ("print s = 'abc' | where s notcontains 'x' | count", 1),
        ("print d = dynamic([{'a': 1}]) | project tolong(d.[0].a)", 1),
        ("print 'table(\"T\").[0] | serialize'", 'table("T").[0] | serialize'),
    ],
)
def test_what_the_grammar_rejects_is_read(opened: Open, text: str, expected: Any) -> None:
    assert answer(opened("local://"), text) == [(expected,)]


def test_functions_of_the_row_before_and_behind(opened: Open) -> None:
    text = (
        "range x from 1 to 200000 step 1 | sort by x desc | extend p = prev(x), n = next(x, 2, 0), r = row_number(7),"
        "c = row_cumsum(x) | where r in (7, 8, 200006) | project x, p, n, r, c"
    )
    rows = [
        tuple(None if str(cell) == "<NA>" else cell for cell in row)
        for row in answer(opened("local://"), text)
    ]
    assert rows == [
        (200000, None, 199998, 7, 200000),
        (199999, 200000, 199997, 8, 399999),
        (1, 2, 0, 200006, 200000 * 200001 // 2),
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("d[s]", 1),
        ("d[strcat(s, 'é')]", 2),
        ("d['b/c~'][n]", 20),
        ("d['b/c~'][n - 2]", 30),
        ("d[case(n == 1, 'b/c~', 'a')][0]", 10),
        ("d['no'][s]", None),
        ("d[''][s]", None),
    ],
)
def test_a_bag_is_read_by_a_name_that_only_the_row_knows(
    opened: Open, path: str, expected: int | None
) -> None:
    table = """datatable(d: dynamic, s: string, n: long)[dynamic({"a": 1, "aé": 2, "b/c~": [10, 20, 30]}), "a", 1]"""
    assert answer(opened("local://"), f"{table} | project x = {path}") == [(expected,)]


def test_a_function_of_text_takes_the_answer_of_a_query(opened: Open) -> None:
    text = "let T = print s = 'w6k='; print base64_decode_tostring(toscalar(T))"
    assert answer(opened("local://"), text) == [("é",)]


def test_a_moment_that_is_none_is_null_and_the_other_rows_stay(
    opened: Callable[..., LocalConnection],
) -> None:
    query = (
        "datatable (m: long, h: long) [13, 0, 2, 24, 12, 23, long(null), 0] "
        "| project isnull(make_datetime(2020, m, 1, h, 0, 0)), isnull(make_datetime(2020, m, 31))"
    )
    assert answer(opened("local://"), query) == [(True, True), (True, True), (False, False), (True, True)]


def test_abs_takes_a_timespan_and_every_number(opened: Open) -> None:
    text = (
        "datatable(t: datetime, u: datetime, i: int, l: long, r: real, d: decimal)["
        "datetime(2020-01-01), datetime(2020-01-03), -3, 4, -1.5, decimal(-2.5), "
        "datetime(2020-01-03), datetime(2020-01-01), 0, -4, real(-inf), decimal(0), "
        "datetime(2020-01-03), datetime(null), int(null), long(null), real(nan), decimal(null)] "
        "| where isnotnull(l) | extend s = t - u | project a = abs(s), i = abs(i), l = abs(l), r = abs(r), d = abs(d) "
        "| project tostring(a), tostring(i), tostring(l), tostring(r), tostring(toreal(d)), i + l"
    )
    assert answer(opened("local://"), text) == [
        ("2.00:00:00", "3", "4", "1.5", "2.5", 7),
        ("2.00:00:00", "0", "4", "inf", "0.0", 4),
    ]
    nulls = "isnull(abs(long(null))), isnull(abs(timespan(null))), isnan(abs(real(nan)))"
    assert answer(opened("local://"), f"print {nulls}, gettype(abs(int(-3)))") == [(True, True, True, "long")]
    text = "print abs(-1h) between (0min .. 2h), abs(-0.0), abs(abs(2 - 5))"
    assert answer(opened("local://"), text) == [(True, 0.0, 3)]


def test_a_key_of_a_bag_may_be_dynamic(opened: Open) -> None:
    text = (
        """datatable(d: dynamic, s: string)[dynamic({"a": "k'\\"é"}), "x"] """
        "| project b = bag_pack(tostring(d.a), 1, s, 2), c = pack(d.a, 1, 'z', s), h = case(s == 'x', d.a, s) "
        "| extend e = bag_pack(h, 1) | project tostring(b), tostring(c), tostring(e)"
    )
    key = """"k'\\"é":1"""
    assert answer(opened("local://"), text) == [
        (f'{{{key},"x":2}}', f'{{{key},"z":"x"}}', f"{{{key}}}"),
    ]


def test_a_column_that_is_left_out_twice_is_left_out(opened: Open) -> None:
    assert answer(opened("local://"), "print a = 1, b = 2, c = 3 | project-away a, c, a") == [(2,)]


@pytest.mark.parametrize("kind", ["simple", "relaxed", "regex"])
def test_parse_makes_a_column_of_any_name(opened: Open, kind: str) -> None:
    text = (
        "datatable(s: string)['k=1;v=é;n=2', 'no'] "
        f"| parse kind={kind} s with 'k=' ['a b'] ';v=' ['é>'] ';n=' n: long "
        "| project ['a b'], ['é>'], isnull(n), m = coalesce(n, 0)"
    )
    assert answer(opened("local://"), text) == [("1", "é", False, 2), ("", "", True, 0)]
