"""A Frame in JavaScript: rows made lazily, its face, and what it reads out of Arrow."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from kqlmagic_ext.frames import kql_field
from tests.frontend.crossing import (
    EVERY_TYPE,
    NULLS,
    SMALLEST,
    TYPES,
    WIDEST,
    envelope_text,
    table_bytes,
    typed_table,
)
from tests.frontend.runtimes import JavaScript, JavaScriptError


def read(javascript: JavaScript, code: str, table: pa.Table, *, file: bool = True) -> Any:
    return javascript.call(
        f"const frame = frames.fromArrow(bytes); {code}", data=table_bytes(table, file=file)
    )


def column(javascript: JavaScript, array: pa.Array | pa.ChunkedArray) -> Any:
    """A column without KQL metadata, as rows show it, and the KQL type that is found."""
    return read(
        javascript, "return [frame.types.x, frame.toArray().map((row) => row.x)]", pa.table({"x": array})
    )


def test_a_frame_tells_names_types_and_length(javascript: JavaScript) -> None:
    code = "return [frame.columns, frame.types, frame.length, frame.column('int'), frame.at(-1).string, frame.at(2) ?? 'none']"
    found = read(javascript, code, typed_table(EVERY_TYPE, [WIDEST, SMALLEST]))
    assert found == [TYPES, EVERY_TYPE, 2, [2**31 - 1, -(2**31)], SMALLEST[5], "none"]


def test_a_frame_is_read_by_place_as_an_array_is(javascript: JavaScript) -> None:
    code = "return [frame[0], frame['1'], frame[2] ?? 'none', frame.nothing ?? 'none', String(frame), 'x' in frame]"
    found = read(javascript, code, typed_table({"x": "int"}, [[5], [6]]))
    assert found == [{"x": 5}, {"x": 6}, "none", "none", "[object Object]", False]


def test_iterating_makes_one_row_at_a_time(javascript: JavaScript) -> None:
    table = typed_table({"x": "dynamic"}, [[{"n": n}] for n in range(1000)])
    code = """
      const {parse} = JSON;
      let made = 0;
      JSON.parse = (...given) => { made += 1; return parse(...given); };
      try {
        for (const row of frame) if (row.x.n === 3) break;
        const reached = made;
        const sum = frame.toArray().reduce((sum, row) => sum + row.x.n, 0);
        return [reached, made, sum];
      } finally { JSON.parse = parse; }
    """
    assert read(javascript, code, table) == [4, 1004, 499_500]


def test_rows_are_plain_objects_and_are_the_users_own(javascript: JavaScript) -> None:
    code = """
      const row = frame.toArray()[0];
      row.x = "changed";
      return [Object.getPrototypeOf(row) === Object.prototype, frame.at(0).x, structuredClone(frame.at(0)).x];
    """
    assert read(javascript, code, pa.table({"x": [1]})) == [True, 1, 1]


def test_an_unknown_column_is_named_with_those_there_are(javascript: JavaScript) -> None:
    with pytest.raises(JavaScriptError, match='no column "y"; there are "x"'):
        read(javascript, "frame.column('y')", pa.table({"x": [1]}))


def test_arrow_is_the_table_that_came(javascript: JavaScript) -> None:
    code = "return [frame.arrow === frame.arrow, frame.arrow.numRows, frame.arrow.getChild('x').get(0), frames.encode(frame).arrow.buffer === bytes.buffer]"
    assert read(javascript, code, pa.table({"x": [2**63 - 1]})) == [True, 1, 2**63 - 1, True]


def test_the_arrow_of_an_envelope_is_exact(javascript: JavaScript) -> None:
    code = "const {arrow} = frames.fromEnvelope(text); return [String(arrow.schema), arrow.getChild('datetime').data[0].values[0], arrow.getChild('long').get(0)]"
    schema, ticks, long = javascript.call(code, envelope_text(typed_table(EVERY_TYPE, [WIDEST])))
    assert "datetime: Timestamp<NANOSECOND, UTC>" in schema
    assert "timespan: Duration<NANOSECOND>" in schema
    assert (ticks, long) == (2**63 - 1 - 7, 2**63 - 1)


def test_without_arrow_one_sentence_says_so_and_rows_are_there(javascript: JavaScript) -> None:
    text = envelope_text(typed_table({"x": "long"}, [[1]]))
    assert javascript.call("return plain.fromEnvelope(text).toArray()", text) == [{"x": 1}]
    with pytest.raises(
        JavaScriptError, match=r"Apache Arrow is not loaded here, so this frame has no \.arrow"
    ):
        javascript.call("return plain.fromEnvelope(text).arrow", text)


def test_a_long_column_is_bigint_when_one_value_is_beyond_2_to_the_53(javascript: JavaScript) -> None:
    code = "return [frames.fromArrow(bytes), plain.fromEnvelope(text)].map((frame) => frame.column('x').map((x) => typeof x))"
    for widest, kinds in (
        (2**53 - 1, ["number", "object", "number"]),
        (2**53, ["bigint", "object", "bigint"]),
        (-(2**53), ["bigint", "object", "bigint"]),
    ):
        table = typed_table({"x": "long"}, [[1], [None], [widest]])
        assert javascript.call(code, envelope_text(table), table_bytes(table)) == [kinds, kinds]


def test_a_long_may_stand_in_the_envelope_as_digits(javascript: JavaScript) -> None:
    rows = [["9007199254740993"], ["1"], [None]]
    envelope = {"kind": "table", "columns": [{"name": "x", "type": "long"}], "rows": rows}
    for form in ("text", "JSON.parse(text)"):
        assert javascript.call(f"return plain.fromEnvelope({form}).column('x')", json.dumps(envelope)) == [
            2**53 + 1,
            1,
            None,
        ]
    value = json.dumps({"kind": "value", "type": "long", "value": "9007199254740993"})
    assert javascript.call("return plain.fromEnvelope(JSON.parse(text))", value) == 2**53 + 1


def test_wide_integers_in_a_dynamic_stay_exact(javascript: JavaScript) -> None:
    wide = {
        "a": [2**53 + 1, -(2**63), "9007199254740993", '\\"12345678901234567890'],
        "b": 12345678901234567.5,
    }
    table = typed_table({"x": "dynamic"}, [[wide]])
    code = "return [frames.fromArrow(bytes), plain.fromEnvelope(text)].map((frame) => frame.at(0).x)"
    assert javascript.call(code, envelope_text(table), table_bytes(table)) == [wide, wide]


def test_wide_integers_beside_long_texts_stay_exact(javascript: JavaScript) -> None:
    code = """
      const long = 'x\\\\\\"'.repeat(2e6) + 'y'.repeat(2e7);
      const json = JSON.stringify([long, "\\\\", 12]).replace("12", "-12345678901234567890");
      const [same, back, wide] = plain.fromEnvelope(`{"kind":"value","type":"dynamic","value":${json}}`);
      return [same === long, back, wide];
    """
    assert javascript.call(code) == [True, "\\", -12345678901234567890]


def test_a_dynamic_text_that_is_no_json_is_itself_the_value(javascript: JavaScript) -> None:
    schema = pa.schema([kql_field("x", "dynamic")])
    table = pa.table([pa.array(["{half", "[1", "12345678901234567890 apples", None])], schema=schema)
    assert read(javascript, "return frame.column('x')", table) == table["x"].to_pylist()


def test_a_column_that_is_named_proto_is_a_column(javascript: JavaScript) -> None:
    table = typed_table({"__proto__": "dynamic", "constructor": "long"}, [[{"hostile": 1}, 2]])
    code = "return [frames.fromArrow(bytes), plain.fromEnvelope(text)].map((frame) => [JSON.stringify(frame.at(0)), ({}).hostile ?? 'none', JSON.stringify(frame.types), frames.encode(frame.toArray(), 'x').arrow])"
    for row, hostile, types, back in javascript.call(code, envelope_text(table), table_bytes(table)):
        assert json.loads(row) == {"__proto__": {"hostile": 1}, "constructor": 2}
        assert hostile == "none"
        assert json.loads(types) == {"__proto__": "dynamic", "constructor": "long"}
        assert pa.ipc.open_file(back).read_all().to_pylist() == [
            {"__proto__": '{"hostile":1}', "constructor": 2}
        ]


@pytest.mark.parametrize(
    ("time", "is_finer"),
    [
        ("2026-01-01T00:00:00.123Z", False),
        ("2026-01-01T00:00:00.1234567Z", True),
        ("1969-12-31T23:59:59.9999999Z", True),
        ("9999-12-31T23:59:59.999999Z", True),
        ("0001-01-01T00:00:00Z", False),
    ],
)
def test_it_is_told_whether_times_are_finer_than_a_date(
    javascript: JavaScript, time: str, is_finer: bool
) -> None:
    from kqlmagic_ext.values import Value, parse_datetime

    ticks = parse_datetime(time)
    table = typed_table({"a": "long", "t": "datetime"}, [[1, None], [2, Value("datetime", ticks)]])
    code = "const made = [frames.fromArrow(bytes), plain.fromEnvelope(text)]; return made.map((frame) => [frame.hasFinerTimes, frame.at(1).t])"
    floored = (ticks - parse_datetime("1970-01-01")) // 10_000
    assert javascript.call(code, envelope_text(table), table_bytes(table)) == [[is_finer, floored]] * 2
    value = json.dumps({"kind": "value", "type": "datetime", "value": time})
    code = "return [plain.hasFinerTimes(text), plain.fromEnvelope(text)]"
    assert javascript.call(code, value) == [is_finer, floored]


def test_what_stands_under_a_null_does_not_count(javascript: JavaScript) -> None:
    import numpy as np

    garbage = np.array([2**62, 1_000_000], dtype="int64")
    mask = np.array([True, False])
    longs = pa.array(garbage, mask=mask)
    times = pa.array(np.add(garbage, [1, 0]), mask=mask).cast(pa.timestamp("ns", "UTC"))
    assert (longs.buffers()[1].to_pybytes()[7], times.buffers()[1].to_pybytes()[7]) == (
        64,
        64,
    )  # it does stand there
    code = "return [frame.column('n').map((n) => typeof n), frame.column('t'), frame.hasFinerTimes]"
    assert read(javascript, code, pa.table({"n": longs, "t": times})) == [
        ["object", "number"],
        [None, 1],
        False,
    ]


NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ARRAYS: dict[str, tuple[pa.Array, str, list[Any]]] = {
    "bool": (pa.array([True, None, False] * 9), "bool", [True, None, False] * 9),
    "uint8": (pa.array([255], pa.uint8()), "int", [255]),
    "uint32": (pa.array([2**32 - 1], pa.uint32()), "long", [2**32 - 1]),
    "uint64": (pa.array([2**64 - 1, 1], pa.uint64()), "long", [2**64 - 1, 1]),
    "small uint64": (pa.array([2**53 - 1, None], pa.uint64()), "long", [2**53 - 1, None]),
    "float32": (pa.array([0.5, None], pa.float32()), "real", [0.5, None]),
    "decimal256": (pa.array([Decimal("-" + "9" * 60 + ".10"), None]), "decimal", ["-" + "9" * 60 + ".10", None]),
    "decimal of scale 0": (pa.array([Decimal(0), Decimal(-12)], pa.decimal128(5, 0)), "decimal", ["0", "-12"]),
    "decimal of scale -2": (pa.array([Decimal(1200)], pa.decimal128(5, -2)), "decimal", ["1200"]),
    "large text": (pa.array(["é", None, "x"], pa.large_string()), "string", ["é", None, "x"]),
    "dictionary": (pa.array(["a", None, "b", "a"]).dictionary_encode(), "string", ["a", None, "b", "a"]),
    "seconds": (pa.array([-1, None], pa.timestamp("s", "UTC")), "datetime", [-1000, None]),
    "milliseconds": (pa.array([-1, None], pa.timestamp("ms", "UTC")), "datetime", [-1, None]),
    "microseconds": (pa.array([-1, 1001], pa.timestamp("us")), "datetime", [-1, 1]),
    "nanoseconds": (pa.array([-1, 2_000_000], pa.timestamp("ns", "UTC")), "datetime", [-1, 2]),
    "date32": (pa.array([date(1969, 12, 31)]), "datetime", [-86_400_000]),
    "date64": (pa.array([date(1969, 12, 31)], pa.date64()), "datetime", [-86_400_000]),
    "duration in seconds": (pa.array([-90061], pa.duration("s")), "timespan", ["-1.01:01:01"]),
    "duration in ms": (pa.array([1500, None], pa.duration("ms")), "timespan", ["00:00:01.5", None]),
    "duration in ns": (pa.array([123, 0], pa.duration("ns")), "timespan", ["00:00:00.000000123", "00:00:00"]),
    "nothing but nulls": (pa.nulls(2), "dynamic", [None, None]),
}  # fmt: skip


@pytest.mark.parametrize("name", ARRAYS)
def test_every_kind_of_arrow_column_is_read(javascript: JavaScript, name: str) -> None:
    array, kind, values = ARRAYS[name]
    assert column(javascript, array) == [kind, values]
    assert column(javascript, pa.chunked_array([array, array.slice(0, 0), array])) == [kind, values * 2]
    assert column(javascript, pa.concat_arrays([array, array]).slice(len(array))) == [kind, values]


def test_a_column_that_kql_has_no_type_for_is_named(javascript: JavaScript) -> None:
    with pytest.raises(JavaScriptError, match='The column "x" is of the Arrow type List'):
        column(javascript, pa.array([[1]]))


def test_texts_keep_every_character(javascript: JavaScript) -> None:
    texts = ["", "a", "\ufeff", "é", "\u202e", "😀", "\x00", "x" * 7_000] * 40
    assert column(javascript, pa.array(texts)) == ["string", texts]
    back = javascript.call("return plain.encode(frames.fromArrow(bytes).toArray(), 'x').json", data=table_bytes(pa.table({"x": texts})))  # fmt: skip
    assert [row[0] for row in json.loads(back)["rows"]] == texts


def test_a_stream_is_read_too_and_goes_back_as_a_file(javascript: JavaScript) -> None:
    table = typed_table(EVERY_TYPE, [WIDEST, SMALLEST, NULLS])
    back = read(javascript, "return frames.encode(frame, 'x').arrow", table, file=False)
    assert pa.ipc.open_file(back).read_all().equals(table, check_metadata=True)


@pytest.mark.parametrize("file", [True, False], ids=["file", "stream"])
def test_bytes_at_any_place_of_a_buffer_are_read(javascript: JavaScript, *, file: bool) -> None:
    code = """
      return [0, 1, 2, 3, 4, 5, 6, 7].map((place) => {
        const shifted = new Uint8Array(bytes.length + place);
        shifted.set(bytes, place);
        return frames.fromArrow(shifted.subarray(place)).toArray();
      });
    """
    table = typed_table(EVERY_TYPE, [WIDEST, SMALLEST, NULLS])
    found = javascript.call(code, data=table_bytes(table, file=file))
    assert found == [found[0]] * 8


def test_a_frame_of_many_pieces_is_read_at_any_place(javascript: JavaScript) -> None:
    pieces = [pa.array(range(start, start + 700), pa.int64()) for start in range(0, 7000, 700)]
    table = pa.table({"x": pa.chunked_array(pieces)})
    code = "return [6999, 0, 700, 699, 3500, 1].map((place) => frame.at(place).x)"
    assert read(javascript, code, table) == [6999, 0, 700, 699, 3500, 1]


def test_a_frame_shows_its_shape_in_the_console(javascript: JavaScript) -> None:
    code = "return frame[Symbol.for('nodejs.util.inspect.custom')]()"
    assert read(javascript, code, pa.table({"x": [1.5]})) == "Frame of 1 rows × 1 { x: real }"


def test_json_stringify_gives_the_rows(javascript: JavaScript) -> None:
    assert read(javascript, "return JSON.stringify(frame)", pa.table({"x": ["a"]})) == '[{"x":"a"}]'
