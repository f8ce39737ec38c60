"""The ten types × null, empty, widest, smallest, from Python to JavaScript and back: equal, or it raises."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kqlmagic_ext.frames import to_envelope
from kqlmagic_ext.values import Value
from tests.frontend.crossing import (
    EVERY_TYPE,
    NULLS,
    SMALLEST,
    TYPES,
    WIDEST,
    ZEROS,
    assert_crossed,
    envelope_text,
    python_value,
    table_bytes,
    typed_table,
)
from tests.frontend.runtimes import JavaScript

WAYS = {
    "Arrow, as it came": "return frames.encode(frames.fromArrow(bytes), 'frame')",
    "JSON to Arrow": "return frames.encode(frames.fromEnvelope(text), 'frame')",
    "JSON to JSON": "return plain.encode(plain.fromEnvelope(text), 'frame')",
}
CASES = {
    "all": [WIDEST, SMALLEST, ZEROS, NULLS],
    "empty": [],
    "nulls": [NULLS, NULLS],
    "widest": [WIDEST],
    "smallest": [SMALLEST],
}
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def sent(javascript: JavaScript, code: str, table: pa.Table) -> Any:
    return javascript.call(code, envelope_text(table), table_bytes(table))


@pytest.mark.parametrize("rows", CASES)
@pytest.mark.parametrize("way", WAYS)
def test_an_untouched_frame_comes_back_equal(javascript: JavaScript, way: str, rows: str) -> None:
    table = typed_table(EVERY_TYPE, CASES[rows])
    assert_crossed(sent(javascript, WAYS[way], table), table)


@pytest.mark.parametrize("way", WAYS)
def test_the_first_and_the_last_datetime_of_kql_come_back(javascript: JavaScript, way: str) -> None:
    ends = [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)]
    table = typed_table({"t": "datetime"}, [[end] for end in ends])
    assert table.schema.field("t").type == pa.timestamp("us", "UTC")
    assert_crossed(sent(javascript, WAYS[way], table), table)


@pytest.mark.parametrize("way", WAYS)
def test_the_longest_timespan_of_kql_comes_back(javascript: JavaScript, way: str) -> None:
    table = typed_table(
        {"t": "timespan"}, [[Value("timespan", 2**63 - 8)], [Value("timespan", -(2**63) + 8)]]
    )
    assert_crossed(sent(javascript, WAYS[way], table), table)


def test_both_readers_give_the_same_rows(javascript: JavaScript) -> None:
    code = "return [frames.fromArrow(bytes).toArray(), plain.fromEnvelope(text).toArray()]"
    by_arrow, by_json = sent(javascript, code, typed_table(EVERY_TYPE, CASES["all"]))
    assert by_arrow == by_json
    assert by_arrow[0] == {
        "bool": True,
        "int": 2**31 - 1,
        "long": 2**63 - 1,
        "real": 1.7976931348623157e308,
        "decimal": "9" * 29 + "." + "9" * 9,
        "string": "\ufeffa'\"\\\n\x00\u202e😀</script>",
        "datetime": 9223372036854,  # the millisecond of the last tick
        "timespan": "106751.23:47:16.8547758",
        "guid": "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "dynamic": {"a": [2**53 + 1, None, {"": "x"}]},
    }
    assert by_arrow[1]["datetime"] == -9223372036855  # floored, not cut
    assert by_arrow[1]["decimal"] == "-0.000000001"
    assert math.copysign(1, by_arrow[2]["real"]) == -1
    assert by_arrow[3] == dict.fromkeys(TYPES) | {"string": ""}


VALUES = [
    True,
    0,
    2**63 - 1,
    -(2**63),
    1.5,
    -0.0,
    1e300,
    2.0**60,
    math.inf,
    math.nan,
    "",
    "\ufeff</script>\u2028😀",
    pd.Timestamp("2026-11-24T07:08:09.123Z"),
    None,
    [],
    {},
    {"a": [1, 2**63 - 1, -(2**53) - 1, 1.5, "x", None, True]},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back_equal(javascript: JavaScript, value: Any) -> None:
    for side in ("frames", "plain"):
        encoded = javascript.call(
            f"return {side}.encode({side}.fromEnvelope(text), 'value')", envelope_text(value)
        )
        back = python_value(encoded)
        assert repr(back) == repr(value)


@pytest.mark.parametrize("value", [Decimal("1.10"), UUID(int=1), pd.Timedelta("1D 00:00:01.5")], ids=repr)
def test_a_decimal_a_guid_and_a_timespan_are_text(javascript: JavaScript, value: Any) -> None:
    text = javascript.call("return plain.fromEnvelope(text)", envelope_text(value))
    assert text == to_envelope(value, "value")["value"]


# ---- properties -----------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
safe = st.integers(-(2**53) + 1, 2**53 - 1)
longs = safe | st.integers(-(2**63), 2**63 - 1)
reals = st.floats(allow_nan=False)
times = st.datetimes(datetime(1680, 1, 1), datetime(2260, 1, 1), timezones=st.just(UTC))
milliseconds = times.map(lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000))
json_values = st.recursive(
    st.none() | st.booleans() | longs | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
compounds = st.lists(json_values, max_size=3) | st.dictionaries(texts, json_values, max_size=3)
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": longs,
    "real": reals,
    "decimal": st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**20), max_value=10**20),
    "string": texts,
    "datetime": times,
    "timespan": st.timedeltas(pd.Timedelta("-106000D").to_pytimedelta(), pd.Timedelta("106000D").to_pytimedelta()),
    "guid": st.uuids(),
    "dynamic": compounds,
}  # fmt: skip
NOT_NULL = {"string"}  # KQL has no null string


def rows_of(kinds: list[str], cells: dict[str, st.SearchStrategy[Any]], least: int) -> st.SearchStrategy[Any]:
    columns = [cells[kind] if kind in NOT_NULL else st.none() | cells[kind] for kind in kinds]
    return st.lists(st.tuples(*columns), min_size=least, max_size=9)


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    kinds = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=4))
    rows = draw(rows_of(kinds, CELLS, 0))
    return typed_table({f"{kind}{place}": kind for place, kind in enumerate(kinds)}, rows)


@few
@given(table=tables())
def test_any_untouched_frame_comes_back_equal(javascript: JavaScript, table: pa.Table) -> None:
    for code in WAYS.values():
        assert_crossed(sent(javascript, code, table), table)


@few
@given(table=tables())
def test_the_readers_of_arrow_and_of_json_agree(javascript: JavaScript, table: pa.Table) -> None:
    made = [
        "frames.fromArrow(bytes)",
        "plain.fromEnvelope(text)",
        "frames.fromArrow(frames.fromEnvelope(text).arrow && frames.encode(frames.fromEnvelope(text)).arrow)",
    ]
    code = f"return [{', '.join(f'{one}.toArray(), [...{one}]' for one in made)}]"
    first, *others = sent(javascript, code, table)
    assert all(other == first for other in others)


ROW_CELLS = CELLS | {"datetime": milliseconds}  # a Date has no more


@st.composite
def row_tables(draw: st.DrawFn) -> pa.Table:
    """Tables of what rows tell whole."""
    kinds = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=4))
    rows = draw(rows_of(kinds, ROW_CELLS, 1))
    return typed_table({f"{kind}{place}": kind for place, kind in enumerate(kinds)}, rows)


@few
@given(table=row_tables(), data=st.data())
def test_the_rows_of_a_frame_come_back_equal_filtered_or_sorted(
    javascript: JavaScript, table: pa.Table, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(table.num_rows)))[: data.draw(st.integers(1, table.num_rows))]
    for side, frame in (
        ("frames", "frames.fromArrow(bytes)"),
        ("plain", "plain.fromEnvelope(text)"),
        ("frames", "frames.fromEnvelope(text)"),
    ):
        code = (
            f"const rows = [...{frame}]; return {side}.encode({list(order)}.map((row) => rows[row]), 'rows')"
        )
        assert_crossed(sent(javascript, code, table), table.take(order))


OWN_CELLS = {kind: ROW_CELLS[kind] for kind in ("bool", "long", "string", "datetime", "dynamic")}


@st.composite
def own_tables(draw: st.DrawFn) -> pa.Table:
    """Tables whose types a value tells; the first row is full, since nulls alone have none."""
    kinds = draw(st.lists(st.sampled_from(sorted(OWN_CELLS)), min_size=1, max_size=4))
    first = draw(st.tuples(*(OWN_CELLS[kind] for kind in kinds)))
    rows = draw(rows_of(kinds, OWN_CELLS, 0))
    return typed_table({f"{kind}{place}": kind for place, kind in enumerate(kinds)}, [first, *rows])


@few
@given(table=own_tables())
def test_objects_of_ones_own_come_back_equal(javascript: JavaScript, table: pa.Table) -> None:
    own = ".toArray().map((row) => ({...row}))"
    for code in (
        f"return frames.encode(frames.fromArrow(bytes){own}, 'rows')",
        f"return plain.encode(plain.fromEnvelope(text){own}, 'rows')",
    ):
        assert_crossed(sent(javascript, code, table), table)


@few
@given(values=st.lists(reals, min_size=1, max_size=9))
def test_reals_of_ones_own_come_back_equal(javascript: JavaScript, values: list[float]) -> None:
    frame = pd.DataFrame({"real": values})
    for side in ("frames", "plain"):
        own = "toArray().map((row) => ({...row}))"
        code = f"return {side}.encode({side}.fromEnvelope(text).{own}, 'rows')"
        back = python_value(javascript.call(code, envelope_text(frame)))
        if str(back["real"].dtype) == "Int64":  # all of them whole, and none -0
            assert all(value == int(value) and str(value) != "-0.0" for value in values)
        else:
            assert [repr(float(value)) for value in back["real"]] == [repr(value) for value in values]
        assert back["real"].tolist() == values
