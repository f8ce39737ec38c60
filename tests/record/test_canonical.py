"""The hash of a result: decided by its columns and values alone, by all of them, today and in years."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kqlmagic_ext.frames import kql_field
from kqlmagic_ext.record.canonical import content_hash
from tests.record.typed import KINDS, VALUES, Column, arrays_of, columns_of, reference, table_of

MOMENT = 1_764_013_255_123_456_700  # 2025-11-24, with a tick of 100 ns
GOLDEN = {
    "bool": ((True, None, False), "194467478c6932b95069e3a66c223b83ddbc15c36d753d68a39018fd4807624d"),
    "int": ((2**31 - 1, None, -(2**31)), "d030377e4039856d2a8fbdd6d2d6f35d750cf2703563d379140a0348d3d41878"),
    "long": ((2**63 - 1, None, -(2**63)), "217a6dfc8994019b2debafaa4138bd4bd13fd91b8956241944b932d967cbdf38"),
    "real": (
        (1.5, None, math.nan, math.inf, -0.0, 5e-324),
        "05006e3f1422071b0a7d5b46d02b4326a9e3fd46e80f36b18d24ddb015149640",
    ),
    "decimal": (
        (Decimal("1.50"), None, Decimal("-0.000000001"), Decimal(10) ** 20),
        "e711773e143565b376bd107f5060ce53f6acbf8629febdcffd37dfd939538fbb",
    ),
    "string": (
        ("", "é\x00", None, "日本"),
        "63875b96d95a9133937a8d3c84d77c9348695857c241ef01f60cfc78977c3060",
    ),
    "datetime": ((MOMENT, None, -MOMENT), "2cda8bd9ec3bba610864a21d04b0b609d0fb38d31af22479caab5e4becbd8f63"),
    "timespan": ((100, None, -(10**15)), "c361ab6f5ec328d6791d861f08dbdbd3cbe0b4bf2ea77879ea59d508c2f23003"),
    "guid": (
        ("74be27de-1e4e-49d9-b579-fe0b331d3642", None),
        "34123681d15144e5f51034bae6a4137f611592870507d555e1de85b135747473",
    ),
    "dynamic": (
        ('{"b":1, "a":[2]}', None, "null"),
        "e5eb7484799c4b75eff5e0b4f2196f88b7e87e429865c0e8d395ecf68d321d00",
    ),
}


def hash_of(kind: str, values: Sequence[Any], type_: pa.DataType | None = None) -> str:
    field = kql_field("x", kind, type_)
    return content_hash(pa.table([pa.array(values, field.type)], schema=pa.schema([field])))


@pytest.mark.parametrize("kind", KINDS)
def test_the_hash_of_a_column_is_what_it_always_was(kind: str) -> None:
    values, golden = GOLDEN[kind]
    assert content_hash(table_of([Column("Name", kind, values)])) == golden


def test_the_hash_of_a_table_is_what_it_always_was() -> None:
    columns = [Column(f"{kind} é", kind, values[:2]) for kind, (values, _) in GOLDEN.items()]
    assert (
        content_hash(table_of(columns)) == "bb8bf22dc54d467168fd101d766460fdf5d491f9c9d929f3b3fbfe6e1de8ecd4"
    )
    assert (
        content_hash(table_of([replace(column, values=()) for column in columns]))
        == "214a422a932cd837d1b8d724fd50a7b3ae4af96d95314d783725a7a155c57192"
    )
    assert content_hash(pa.table({})) == "91ef8880f4a189a0965b5d8e120477f2758ec2c2f53937f0097cd6a125c78543"


ENDS = st.lists(st.integers(0, 6), max_size=4)


@given(columns_of(), st.integers(0, 3), st.integers(0, 3), ENDS)
def test_the_form_is_as_documented_however_arrow_keeps_the_values(
    columns: tuple[Column, ...], way: int, other: int, ends: list[int]
) -> None:
    wanted = hashlib.sha256(reference(columns, len(columns[0].values))).hexdigest()
    assert content_hash(table_of(columns, way, ends)) == wanted
    assert content_hash(table_of(columns, other)) == wanted


@given(st.data(), columns_of())
def test_one_changed_value_changes_the_hash(data: st.DataObject, columns: tuple[Column, ...]) -> None:
    assume(columns[0].values)
    at = data.draw(st.integers(0, len(columns) - 1))
    row = data.draw(st.integers(0, len(columns[at].values) - 1))
    values = list(columns[at].values)
    before = values[row]
    values[row] = data.draw(st.none() | VALUES[columns[at].kind])
    blank = {None, ""} if columns[at].kind == "string" else {None}
    assume(repr(before) != repr(values[row]) and not {before, values[row]} <= blank)
    assume(columns[at].kind != "decimal" or None in (before, values[row]) or before != values[row])
    changed = [*columns]
    changed[at] = replace(columns[at], values=values)
    assume(arrays_of(changed[at]))  # no one unit may keep both times
    assert content_hash(table_of(changed)) != content_hash(table_of(columns))


@given(columns_of())
def test_order_names_types_and_rows_are_part_of_the_hash(columns: tuple[Column, ...]) -> None:
    seen = content_hash(table_of(columns))
    assert content_hash(table_of([*columns[1:], columns[0]])) != seen or len(columns) == 1
    assert content_hash(table_of([replace(columns[0], name="other"), *columns[1:]])) != seen
    longer = [replace(column, values=[*column.values, None]) for column in columns]
    assert content_hash(table_of(longer)) != seen


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("guid", [""]), ("guid", [None])),
        (("dynamic", [""]), ("dynamic", [None])),
        (("dynamic", ["null"]), ("dynamic", [None])),
        (("dynamic", ['{"a":1}']), ("dynamic", ['{"a": 1}'])),
        (("string", ["a", "bc"]), ("string", ["ab", "c"])),
        (("string", ["a", ""]), ("string", ["", "a"])),
        (("string", ["a"]), ("guid", ["a"])),
        (("long", [0]), ("long", [None])),
        (("int", [1]), ("long", [1])),
        (("bool", [False]), ("bool", [None])),
        (("real", [0.0]), ("real", [-0.0])),
        (("real", [math.nan]), ("real", [None])),
        (("decimal", [Decimal(1)]), ("decimal", [Decimal("0.1")])),
        (("decimal", [Decimal(0)]), ("decimal", [None])),
        (("datetime", [0]), ("timespan", [0])),
        (("datetime", [0]), ("datetime", [None])),
    ],
)
def test_what_differs_hashes_differently(one: tuple[str, list[Any]], other: tuple[str, list[Any]]) -> None:
    assert hash_of(*one) != hash_of(*other)


def test_a_null_string_is_the_empty_one() -> None:
    assert hash_of("string", ["a", None]) == hash_of("string", ["a", ""])


def test_all_nans_are_one() -> None:
    bits = np.array([0x7FF8 << 48, 0xFFF8 << 48, 0x7FF0 << 48 | 1, 0x7FF8 << 48 | 5], np.uint64)
    assert len({hash_of("real", bits[at : at + 1].view(np.float64)) for at in range(4)}) == 1


def test_a_time_finer_than_a_tick_is_told_from_its_neighbours() -> None:
    times = [hash_of("datetime", [count, 700], pa.timestamp("ns", "UTC")) for count in (599, 600, 601)]
    assert len(set(times)) == 3
    assert times[1] not in (hash_of("datetime", [6, 7], pa.timestamp("ns", "UTC")), times[0])


def test_a_span_beyond_64_bits_of_ticks_is_told_by_its_own_unit() -> None:
    most = 2**63 - 1
    spans = [hash_of("timespan", [count], pa.duration("us")) for count in (most, most - 1, -most)]
    assert len(set(spans)) == 3
    seconds = hash_of("timespan", [2**50], pa.duration("s"))
    assert seconds == hash_of("timespan", [2**50 * 1000], pa.duration("ms"))


def test_text_under_a_null_is_not_seen() -> None:
    offsets, text = pa.py_buffer(np.array([0, 1, 4, 5], np.int32)), pa.py_buffer(b"axxxb")
    odd = pa.StringArray.from_buffers(3, offsets, text, pa.py_buffer(b"\x05"))
    assert odd.to_pylist() == ["a", None, "b"]
    schema = pa.schema([kql_field("x", "guid")])
    assert content_hash(pa.table([odd], schema=schema)) == hash_of("guid", ["a", None, "b"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_slice_hashes_as_its_rows_alone(kind: str) -> None:
    values = GOLDEN[kind][0]
    parts = [table_of([Column("x", kind, values[:1] + values)]), table_of([Column("x", kind, values)])]
    for way in (parts[0].slice(1), pa.concat_tables([parts[1].slice(0, 1), parts[1].slice(1)])):
        assert content_hash(way) == content_hash(parts[1])


def test_a_dictionary_may_hold_the_null() -> None:
    coded = pa.DictionaryArray.from_arrays(pa.array([0, 1, None]), pa.array(["a", None]))
    schema = pa.schema([kql_field("x", "guid", coded.type)])
    assert content_hash(pa.table([coded], schema=schema)) == hash_of("guid", ["a", None, None])


def test_decimals_of_76_digits_hash_by_their_value() -> None:
    many = Decimal(10) ** 60 + Decimal("0.5")
    hashes = {hash_of("decimal", [many, None], pa.decimal256(76, scale)) for scale in (1, 5, 15)}
    assert len(hashes) == 1
    small = [hash_of("decimal", [Decimal("0.50")], type_(38, 9)) for type_ in (pa.decimal128, pa.decimal256)]
    assert small[0] == small[1] == hash_of("decimal", [Decimal("0.5")], pa.decimal128(1, 1))


@pytest.mark.slow
def test_text_of_more_than_two_gib_is_taken_whole() -> None:
    # One long text, kept once and told by a dictionary: more than Arrow's narrow offsets can count.
    coded = pa.DictionaryArray.from_arrays(pa.array([0] * 129), pa.array(["x" * 2**24]))
    schema = pa.schema([kql_field("x", "string", coded.type)])
    head = b"kqlmagic_ext table 1\n" + b"".join(n.to_bytes(8, "little") for n in (129, 1, 1))
    digest = hashlib.sha256(head + b"x" + (6).to_bytes(8, "little") + b"string" + b"\xff" * 16 + b"\x01")
    digest.update((2**24).to_bytes(8, "little") * 129)
    for _ in range(129):
        digest.update(b"x" * 2**24)
    assert content_hash(pa.table([coded], schema=schema)) == digest.hexdigest()


@pytest.mark.parametrize(
    ("field", "array", "said"),
    [
        (pa.field("x", pa.int64()), pa.array([1]), "'x' tells no KQL type"),
        (
            kql_field("x", "long", pa.float64()),
            pa.array([1.0]),
            "'x' tells the KQL type 'long', and .* double",
        ),
        (kql_field("x", "word"), pa.array(["a"]), "'word'"),
        (kql_field("x", "string", pa.int64()), pa.array([], pa.int64()), "'string'"),
    ],
)
def test_a_column_without_a_right_kql_type_raises(field: pa.Field, array: pa.Array, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        content_hash(pa.table([array], schema=pa.schema([field])))


def test_a_checkpoint_between_columns_can_stop_the_work() -> None:
    calls = []

    def stop() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        content_hash(table_of([Column(name, "long", [1]) for name in "abc"]), stop)
    assert len(calls) == 2
