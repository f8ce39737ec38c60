"""Two kept results: every row gone, every row that appeared, and no other."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kqlmagic_ext import ParameterError, QueryError
from kqlmagic_ext.frames import kql_field, kql_type
from kqlmagic_ext.record.compare import Rows, difference, verdict
from tests.record.typed import KINDS, UNITS, VALUES, Column, arrays_of, table_of

Row = tuple[Any, ...]
ALIKE: dict[str, list[Any]] = {  # values that are easily taken for each other
    "bool": [True, False],
    "int": [0, 1],
    "long": [0, 2**63 - 1],
    "real": [0.0, -0.0, math.nan, 1.5, math.inf, -math.inf],
    "decimal": [Decimal(0), Decimal("1.5"), Decimal("1.50"), Decimal("0.15")],
    "string": ["", "a", "null"],
    "datetime": [0, 100, 1000],
    "timespan": [0, 100, 10**9],
    "guid": ["", "a"],
    "dynamic": [
        '{"a":1,"b":2}',
        '{ "b":2,"a":1 }',
        "[NaN]",
        "[null]",
        "null",
        "a",
        '"a"',
        "1",
        "1.0",
        "1.00",
    ],
}


def alike(kind: str) -> st.SearchStrategy[Any]:
    return st.none() | st.sampled_from(ALIKE[kind]) | VALUES[kind]


def typed(kinds: Sequence[str], rows: Sequence[Row]) -> list[Column]:
    return [Column("abcd"[at], kind, tuple(row[at] for row in rows)) for at, kind in enumerate(kinds)]


@st.composite
def two_results(draw: st.DrawFn, without: str = "") -> tuple[list[Column], list[Column]]:
    """Two results that share most rows, some of them repeated."""
    kinds = draw(
        st.lists(st.sampled_from([kind for kind in KINDS if kind != without]), min_size=1, max_size=4)
    )
    pool = draw(st.lists(st.tuples(*map(alike, kinds)), min_size=1, max_size=5))
    picks = st.lists(st.sampled_from(pool), max_size=8)
    both = draw(
        st.tuples(picks, picks).filter(lambda sides: all(map(kept, (typed(kinds, s) for s in sides))))
    )
    return typed(kinds, both[0]), typed(kinds, both[1])


def kept(columns: Sequence[Column]) -> bool:
    """Whether some unit of Arrow keeps the times of each column."""
    return all(arrays_of(column) for column in columns)


def refuse(word: str) -> float:
    raise ValueError(word)


def meant(kind: str, value: Any) -> Any:
    """The value as an analyst compares it."""
    if value is None:
        return "" if kind == "string" else None
    if kind == "real":
        return "nan" if math.isnan(value) else value + 0.0
    if kind == "dynamic":
        try:
            return json.dumps(json.loads(value, parse_constant=refuse), sort_keys=True)
        except ValueError:
            return json.dumps(value)
    return value


def rows_of(columns: Iterable[Column]) -> list[Row]:
    values = [[meant(column.kind, value) for value in column.values] for column in columns]
    return list(zip(*values, strict=True))


def columns_from(table: pa.Table) -> list[Column]:
    """The columns that Arrow keeps, times in ns."""
    made = []
    for field, column in zip(table.schema, table.columns, strict=True):
        kind, values = kql_type(field), column.to_pylist()
        if kind in ("datetime", "timespan"):
            parts = UNITS[column.type.unit]
            values = [v if v is None else v * parts for v in column.cast(pa.int64()).to_pylist()]
        made.append(Column(field.name, kind, values))
    return made


def counted(rows: Rows) -> Counter[Row]:
    found: Counter[Row] = Counter()
    for row, times in zip(rows_of(columns_from(rows.table)), rows.times.to_pylist(), strict=True):
        assert times > 0
        assert row not in found, "each row once"
        found[row] = times
    return found


WAYS = st.integers(0, 3)
ENDS = st.lists(st.integers(0, 8), max_size=3)


@given(two_results(), WAYS, WAYS, ENDS, st.randoms())
def test_rows_gone_and_appeared_are_what_a_count_of_all_rows_tells(
    results: tuple[list[Column], list[Column]], way: int, other: int, ends: list[int], order: random.Random
) -> None:
    before, after = table_of(results[0], way, ends), table_of(results[1], other)
    moved = after.select(order.sample(after.column_names, after.num_columns))
    found = difference(before, moved)
    old, new = Counter(rows_of(results[0])), Counter(rows_of(results[1]))
    assert counted(found.gone) == old - new
    assert counted(Rows(found.appeared.table.select(after.column_names), found.appeared.times)) == new - old
    assert (found.gone.table.schema, found.appeared.table.schema) == (before.schema, moved.schema)
    assert found.nothing == (old == new)
    assert (found.gone.count, found.appeared.count) == ((old - new).total(), (new - old).total())


@given(two_results(), st.data())
def test_a_key_pairs_as_many_rows_as_can_be(
    results: tuple[list[Column], list[Column]], data: st.DataObject
) -> None:
    names = [column.name for column in results[0]]
    key = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    found = difference(table_of(results[0]), table_of(results[1]), key)
    assert found.changed is not None
    changed = found.changed
    old, new = (rows_of(columns_from(table)) for table in (changed.before, changed.after))
    before, after = Counter(rows_of(results[0])), Counter(rows_of(results[1]))
    assert counted(found.gone) + Counter(old) == before - after
    assert counted(found.appeared) + Counter(new) == after - before
    at = [names.index(name) for name in key]
    rest = [position for position in range(len(names)) if position not in at]
    assert [[row[i] for i in at] for row in old] == [[row[i] for i in at] for row in new]
    told = {names[i]: [one[i] != two[i] for one, two in zip(old, new, strict=True)] for i in rest}
    assert changed.differs.to_pydict() == told
    assert set(changed.columns) == {name for name, flags in told.items() if any(flags)}
    left = [{tuple(row[i] for i in at) for row in counted(rows)} for rows in (found.gone, found.appeared)]
    assert not left[0] & left[1]


@given(two_results(without="real"))
def test_without_reals_the_verdict_is_what_the_counts_tell(
    results: tuple[list[Column], list[Column]],
) -> None:
    old, new = Counter(rows_of(results[0])), Counter(rows_of(results[1]))
    gone, came = (old - new).total(), (new - old).total()
    found = verdict(table_of(results[0]), table_of(results[1]))
    word = "changed" if gone and came else "grown" if came else "shrunk" if gone else "same"
    assert (found.word, found.gone, found.appeared, found.real_difference) == (word, gone, came, 0.0)
    assert bool(found.differ) <= (word == "changed")


REALS = st.sampled_from([0.0, 1.0, 1.0 + 2**-52, 1.5, -1e-300, 1e300, 2.5e-7, math.nan, math.inf, None])


@given(st.lists(st.tuples(st.sampled_from("ab"), REALS, REALS), max_size=12), st.randoms(), st.data())
def test_last_bits_and_the_order_of_rows_make_no_difference(
    rows: list[Row], order: random.Random, data: st.DataObject
) -> None:
    def nudged(value: float | None) -> float | None:
        return value if value is None else value * (1 + data.draw(st.integers(-3, 3)) * 2**-52)

    moved = [(text, nudged(one), nudged(two)) for text, one, two in rows]
    order.shuffle(moved)
    kinds = ("string", "real", "real")
    found = verdict(table_of(typed(kinds, rows)), table_of(typed(kinds, moved)))
    assert (found.word, found.differ) == ("same", ())
    assert found.real_difference <= 9 * 2**-52


def table(**columns: tuple[str, list[Any]]) -> pa.Table:
    return table_of([Column(name, kind, values) for name, (kind, values) in columns.items()])


HOSTS = ("string", ["a", "b", "c"])


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], "same"),
        ([0.1 + 0.2, 2.0, 3.0], [0.3, 2.0, 3.0], "same, floats differ by at most 2e-16"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0 + 3e-10], "same, floats differ by at most 2e-10"),
        (
            [1.0, 2.0, 3.0],
            [1.0, 2.0, 3.003],
            "changed, 1 row gone, 1 row appeared, other values in Mean, floats differ by at most 0.001",
        ),
        (
            [1.0, 2.0, math.nan],
            [1.0, 2.0, 3.0],
            "changed, 1 row gone, 1 row appeared, other values in Mean, a float is null, NaN or infinite in one of them alone",
        ),
        (
            [1.0, 2.0, math.nan],
            [1.0, 2.0, None],
            "changed, 1 row gone, 1 row appeared, other values in Mean, a float is null, NaN or infinite in one of them alone",
        ),
        (
            [1e308, 2.0, 3.0],
            [-1e308, 2.0, 3.0],
            "changed, 1 row gone, 1 row appeared, other values in Mean, floats differ by at most 2",
        ),
    ],
)
def test_the_verdict_tells_how_far_floats_lie_apart(before: list[Any], after: list[Any], said: str) -> None:
    assert (
        str(verdict(table(Host=HOSTS, Mean=("real", before)), table(Host=HOSTS, Mean=("real", after))))
        == said
    )


def test_reals_in_a_chain_of_near_ones_are_still_measured() -> None:
    found = verdict(table(X=("real", [1.0])), table(X=("real", [1 + 1.8e-9])))
    assert (found.word, round(found.real_difference, 11)) == ("changed", 1.8e-9)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [(0.0, -0.0, True), (math.nan, None, False), (0.0, None, False), (1.0, 1 + 2**-52, False)],
)
def test_reals_that_look_alike(one: float, other: float | None, *, same: bool) -> None:
    assert difference(table(X=("real", [one])), table(X=("real", [other]))).nothing == same


def test_all_nans_are_equal() -> None:
    bits = np.array([0x7FF8 << 48, 0xFFF8 << 48 | 5], np.uint64).view(np.float64)
    assert difference(*(of_type("real", [nan], pa.float64()) for nan in bits)).nothing


def test_the_verdict_tells_growth_and_which_columns_differ() -> None:
    three = table(Host=HOSTS, N=("long", [1, 2, 3]))
    assert str(verdict(three.slice(1), three)) == "grown, 1 row appeared"
    assert str(verdict(three, three.slice(2))) == "shrunk, 2 rows gone"
    counted_on = verdict(three, table(Host=HOSTS, N=("long", [1, 5, 6])))
    assert str(counted_on) == "changed, 2 rows gone, 2 rows appeared, other values in N"
    crossed = verdict(three, table(Host=HOSTS, N=("long", [1, 3, 2])))
    assert str(crossed) == "changed, 2 rows gone, 2 rows appeared, the same values in other rows"


def test_a_grown_answer_may_differ_in_last_bits() -> None:
    one, two = table(X=("real", [0.3, 1.0])), table(X=("real", [0.1 + 0.2, 7.0, 1.0]))
    assert str(verdict(one, two)) == "grown, 1 row appeared, floats differ by at most 2e-16"


def test_other_columns_are_said_and_the_rest_is_compared() -> None:
    one = table(Host=HOSTS, N=("int", [1, 2, 3]), Old=("long", [1, 2, 3]))
    two = table(Host=("string", ["a", "b", "d"]), N=("long", [1, 2, 3]), New=("long", [1, 2, 3]))
    found = difference(one, two)
    columns = found.columns
    assert (columns.shared, columns.added, columns.removed) == (("Host",), ("New",), ("Old",))
    assert columns.retyped == (("N", "int", "long"),)
    assert found.gone.table.to_pylist() == [{"Host": "c", "N": 3, "Old": 3}]
    assert found.appeared.table.to_pylist() == [{"Host": "d", "N": 3, "New": 3}]
    said = "changed, 1 row gone, 1 row appeared, added: New, removed: Old, N was int, is long, other values in Host"
    assert str(verdict(one, two)) == said
    alike = difference(one, one.drop_columns(["Old"]))
    assert (alike.gone.count, alike.appeared.count, alike.nothing) == (0, 0, False)


def test_results_without_a_common_column_share_no_row() -> None:
    found = difference(table(A=("long", [1, 1])), table(B=("long", [1])))
    assert (found.gone.count, found.gone.times.to_pylist(), found.appeared.count) == (2, [2], 1)
    assert difference(pa.table({}), pa.table({})).nothing


def test_the_key_tells_which_columns_of_a_row_changed() -> None:
    one = table(Host=HOSTS, N=("long", [1, 2, 3]), D=("dynamic", ['{"x":1,"y":2}', "1", "1"]))
    two = table(
        Host=("string", ["c", "a", "d"]), N=("long", [4, 1, 2]), D=("dynamic", ["2", '{"y":2,"x":1}', "1"])
    )
    found = difference(one, two, ["Host"])
    assert found.changed is not None
    assert found.changed.before.to_pylist() == [{"Host": "c", "N": 3, "D": "1"}]
    assert found.changed.after.to_pylist() == [{"Host": "c", "N": 4, "D": "2"}]
    assert found.changed.columns == ("N", "D")
    assert (found.gone.table["Host"].to_pylist(), found.appeared.table["Host"].to_pylist()) == (["b"], ["d"])


def test_rows_of_one_key_are_paired_in_order_whatever_lies_between() -> None:
    rows = range(300)
    one = table(Host=("string", [f"{row % 7}" for row in rows]), N=("long", list(rows)))
    two = table(Host=("string", [f"{2 - row % 3}" for row in rows]), N=("long", [row + 1000 for row in rows]))
    found = difference(one, two, ["Host"])
    assert found.changed is not None
    partners = [[row for row in rows if 2 - row % 3 == host] for host in range(3)]
    wanted = [(row, partners[row % 7][row // 7] + 1000) for row in rows if row % 7 < 3]
    pairs = zip(found.changed.before["N"].to_pylist(), found.changed.after["N"].to_pylist(), strict=True)
    assert list(pairs) == wanted
    assert found.gone.table["N"].to_pylist() == [row for row in rows if row % 7 >= 3]
    left = {row + 1000 for row in rows} - {new for _, new in wanted}
    assert found.appeared.table["N"].to_pylist() == sorted(left)


def of_type(kind: str, values: list[Any], type_: pa.DataType) -> pa.Table:
    return pa.table([pa.array(values, type_)], schema=pa.schema([kql_field("X", kind, type_)]))


def test_values_that_no_one_arrow_type_holds_are_compared_all_the_same() -> None:
    long, fine = of_type("timespan", [10**15, 5], pa.duration("s")), [1, 5 * 10**9, None]
    found = difference(long, of_type("timespan", fine, pa.duration("ns")))
    assert found.gone.table.equals(long.slice(0, 1))
    assert found.appeared.table["X"].cast(pa.int64()).to_pylist() == [1, None]
    large = of_type("decimal", [Decimal(10) ** 37, Decimal(0), Decimal(-5)], pa.decimal128(38, 0))
    small = [Decimal("0.5"), Decimal(0), None, Decimal(-5)]
    found = difference(large, of_type("decimal", small, pa.decimal256(76, 70)))
    assert found.gone.table["X"].to_pylist() == [Decimal(10) ** 37]
    assert found.appeared.table["X"].to_pylist() == [Decimal("0.5"), None]


def test_a_key_that_is_not_in_both_raises() -> None:
    with pytest.raises(
        ParameterError, match="'N' is no column that both results have with one type; such are: Host"
    ):
        difference(table(Host=HOSTS, N=HOSTS), table(Host=HOSTS, N=("long", [1, 2, 3])), ["N"])


def test_two_columns_of_one_name_raise() -> None:
    twins = pa.table([pa.array([1])] * 2, schema=pa.schema([kql_field("x", "long")] * 2))
    with pytest.raises(QueryError, match="two columns named 'x'"):
        verdict(twins, twins)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('{"a":[1,{"c":3,"b":2}]}', ' {"a": [1, {"b":2, "c":3}]}', True),
        ("[1,2]", "[2,1]", False),
        ("1", "1.0", False),
        ("100.0", "1e2", True),
        ("0.1", "0.10000000000000000555", True),  # the same double, beyond 18 digits
        ("9223372036854775808", "9223372036854775809", False),
        ("9007199254740993", "9007199254740992", False),
        ('{"b":123456789012345678901234567890,"a":1}', '{"a":1,"b":123456789012345678901234567890}', True),
        ('{"a":123456789012345678901234567890}', '{"a":123456789012345678901234567891}', False),
        ("[NaN]", "[null]", False),
        ("[1e999]", "[Infinity]", False),
        ("[1e999]", "[null]", False),
        ('"\\ud83d"', '"\\ud83e"', False),
        ('"\\u0061"', '"a"', True),
        ("{bad", "{bad ", False),
        ("[" * 2000 + "]" * 2000, "[" * 2001 + "]" * 2001, False),
        ("[" * 300 + '{"a":1,"b":2}' + "]" * 300, "[" * 300 + '{"b":2,"a":1}' + "]" * 300, True),
    ],
)
def test_dynamics_are_compared_by_what_they_say(one: str, other: str, *, same: bool) -> None:
    found = difference(table(D=("dynamic", [one, None])), table(D=("dynamic", [other, None])))
    assert found.nothing == same


def test_each_distinct_text_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import orjson

    reads = []
    loads = orjson.loads
    monkeypatch.setattr(orjson, "loads", lambda text: (reads.append(text), loads(text))[1])
    many = table(D=("dynamic", ["[1]", '{"a":1}', "[1]"] * 3000))
    assert difference(many, many).nothing
    assert sorted(reads) == ["[1]", '{"a":1}']
