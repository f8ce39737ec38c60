"""What JavaScript gives back: which KQL type a value or a column becomes, and what raises with its name."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from kqlmagic_ext.frames import kql_type
from tests.frontend.crossing import python_value, table_bytes, table_of
from tests.frontend.runtimes import JavaScript, JavaScriptError
from tests.frontend.test_frame import ARRAYS


def value_of(javascript: JavaScript, expression: str, side: str = "plain") -> tuple[str, Any]:
    """The KQL type and the JSON of a value."""
    encoded = javascript.call(f"return {side}.encode({expression}, 'picked')")
    assert encoded["kind"] == "value"
    envelope = json.loads(encoded["json"])
    return envelope["type"], envelope["value"]


def rows_of(javascript: JavaScript, expression: str) -> tuple[dict[str, str], list[tuple[Any, ...]]]:
    """The columns with their types, and the rows, by Arrow and by JSON alike."""
    by_json = json.loads(javascript.call(f"return plain.encode({expression}, 'rows')")["json"])
    table = table_of(javascript.call(f"return frames.encode({expression}, 'rows')"))
    assert {field.name: kql_type(field) for field in table.schema} == {
        column["name"]: column["type"] for column in by_json["columns"]
    }
    types = {column["name"]: column["type"] for column in by_json["columns"]}
    return types, [tuple(row) for row in by_json["rows"]]


def refusal(javascript: JavaScript, expression: str, side: str = "plain") -> str:
    with pytest.raises(JavaScriptError) as caught:
        javascript.call(f"return {side}.encode({expression}, 'picked')")
    sentence = str(caught.value)
    assert sentence.startswith("TypeError: picked")
    return sentence


VALUES = {
    "true": ("bool", True),
    "7": ("long", 7),
    "-7n": ("long", -7),
    "2n ** 63n - 1n": ("long", 2**63 - 1),
    "-(2n ** 63n)": ("long", -(2**63)),
    "2 ** 53 - 1": ("long", 2**53 - 1),
    "2 ** 53": ("real", 2.0**53),
    "1e300": ("real", 1e300),
    "1.5": ("real", 1.5),
    "-Infinity": ("real", "-Infinity"),
    "NaN": ("real", "NaN"),
    "'x'": ("string", "x"),
    "null": ("dynamic", None),
    "undefined": ("dynamic", None),
    "new Date(Date.UTC(2026, 10, 24, 7, 8, 9, 123))": ("datetime", "2026-11-24T07:08:09.123Z"),
    "new Date('0001-01-01T00:00:00Z')": ("datetime", "0001-01-01T00:00:00.000Z"),
    "[]": ("dynamic", []),
    "[1, 'a', null, undefined, [2n ** 64n]]": ("dynamic", [1, "a", None, None, [2**64]]),
    "[{a: 1}, 2]": ("dynamic", [{"a": 1}, 2]),
    "{a: {b: [true]}, c: undefined}": ("dynamic", {"a": {"b": [True]}, "c": None}),
    "Object.assign(Object.create(null), {a: 1})": ("dynamic", {"a": 1}),
    "new Map([['b', 1], ['a', new Map()]])": ("dynamic", {"b": 1, "a": {}}),
    "new Set(['b', 'a'])": ("dynamic", ["b", "a"]),
    "new Uint8Array([1, 255])": ("dynamic", [1, 255]),
    "new Float64Array([0.1, 2])": ("dynamic", [0.1, 2]),
    "new BigInt64Array([2n ** 62n])": ("dynamic", [2**62]),
    "JSON.parse('{\"__proto__\": 1}')": ("dynamic", {"__proto__": 1}),
}


@pytest.mark.parametrize("expression", VALUES)
def test_a_value_has_a_kql_type(javascript: JavaScript, expression: str) -> None:
    for side in ("plain", "frames"):
        kind, value = value_of(javascript, f"({expression})", side)
        assert (kind, value) == VALUES[expression]
        assert type(value) is type(VALUES[expression][1])


def test_a_negative_zero_stays_a_real(javascript: JavaScript) -> None:
    kind, value = value_of(javascript, "-0")
    assert (kind, str(value)) == ("real", "-0.0")
    assert value_of(javascript, "[-0]")[1].__repr__() == "[-0.0]"


REFUSED = {
    "2n ** 63n": "9223372036854775808, which does not fit in 64 bits",
    "-(2n ** 63n) - 1n": "does not fit in 64 bits",
    "new Date(NaN)": "an invalid Date",
    "new Date(8.64e15)": "the years 1 and 9999",
    "new Date('0000-12-31')": "the years 1 and 9999",
    "() => 1": "a function, which cannot leave JavaScript",
    "Symbol('s')": "a symbol",
    "Promise.resolve(1)": "a Promise; await it first",
    "new (class Host {})()": "an object of the class Host",
    "new Error('x')": "an object of the class Error",
    "/x/": "an object of the class RegExp",
    "new WeakMap()": "an object of the class WeakMap",
    "new ArrayBuffer(1)": "an object of the class ArrayBuffer",
    "new DataView(new ArrayBuffer(1))": "an object of the class DataView",
    "new Map([[1, 2]])": "a Map with the key 1; keys must be text",
    "new Map([[undefined, 2]])": "a Map with the key undefined",
    "[NaN]": "NaN, for which JSON has no form",
    "{a: [1, {b: Infinity}]}": "Infinity, for which JSON has no form",
    "{a: new Date(0)}": "an object of the class Date",
    "[() => 1]": "a function",
    "{a: Symbol.iterator}": "a symbol",
    "'\\ud800'": "half of a surrogate pair",
    "{a: 'x\\udc00'}": "half of a surrogate pair",
    "{'\\ud800': 1}": "half of a surrogate pair",
    "(() => { const a = {}; a.b = [a]; return a; })()": "refers to itself",
    "(() => { let a = []; for (let n = 0; n < 101; n += 1) a = [a]; return a; })()": "nested deeper than 100",
    "(() => { let a = []; for (let n = 0; n < 1e5; n += 1) a = [a]; return a; })()": "nested deeper than 100",
}


@pytest.mark.parametrize("expression", REFUSED)
def test_what_has_no_kql_type_is_refused_by_name(javascript: JavaScript, expression: str) -> None:
    for side in ("plain", "frames"):
        assert REFUSED[expression] in refusal(javascript, f"({expression})", side)


def test_the_same_object_twice_is_no_circle(javascript: JavaScript) -> None:
    assert value_of(javascript, "(() => { const a = {}; return {b: [a, {a}]}; })()")[1] == {
        "b": [{}, {"a": {}}]
    }


ROWS = {
    "[{a: 1}, {b: 'x'}, {a: 2n, c: null}]": ({"a": "long", "b": "string", "c": "dynamic"}, [(1, None, None), (None, "x", None), (2, None, None)]),
    "[{x: 1}, {x: 1.5}]": ({"x": "real"}, [(1.0,), (1.5,)]),
    "[{x: 2n ** 60n}, {x: 0.5}]": ({"x": "real"}, [(2.0**60,), (0.5,)]),
    "[{x: -0}, {x: 3}]": ({"x": "real"}, [(-0.0,), (3.0,)]),
    "[{x: NaN}, {x: null}, {x: 1}]": ({"x": "real"}, [("NaN",), (None,), (1.0,)]),
    "[{x: 2n ** 63n - 1n}, {x: 1}]": ({"x": "long"}, [(2**63 - 1,), (1,)]),
    "[{x: {a: 1}}, {x: [2]}, {x: new Set([3])}, {x: new Map()}, {x: new Int8Array(1)}]": ({"x": "dynamic"}, [({"a": 1},), ([2],), ([3],), ({},), ([0],)]),
    "[{x: undefined}]": ({"x": "dynamic"}, [(None,)]),
    "[{x: ''}, {}]": ({"x": "string"}, [("",), (None,)]),
    "[{x: false}, {x: null}]": ({"x": "bool"}, [(False,), (None,)]),
    "[{x: new Date(-1)}, {}]": ({"x": "datetime"}, [("1969-12-31T23:59:59.999Z",), (None,)]),
    "[Object.create(null, {x: {value: 1, enumerable: true}})]": ({"x": "long"}, [(1,)]),
}  # fmt: skip


@pytest.mark.parametrize("expression", ROWS)
def test_rows_become_a_table(javascript: JavaScript, expression: str) -> None:
    types, rows = rows_of(javascript, expression)
    assert (types, repr(rows)) == (ROWS[expression][0], repr(ROWS[expression][1]))
    by_arrow = python_value(javascript.call(f"return frames.encode({expression}, 'rows')"))
    by_json = python_value(javascript.call(f"return plain.encode({expression}, 'rows')"))
    pd.testing.assert_frame_equal(by_arrow, by_json, check_exact=True)


MIXED = {
    "[{x: 1}, {x: 'a'}]": 'column "x" is mixed: it holds a number (row 0) and text (row 1); make them one type',
    "[{x: null}, {x: true}, {x: {}}, {x: 1n}]": "a boolean (row 1), an object or list (row 2) and a BigInt (row 3)",
    "[{x: 1.5}, {x: 'a'}, {x: 1}]": 'column "x" is mixed',
    "[{x: new Date(0)}, {x: '2026-01-01'}]": "a Date (row 0) and text (row 1)",
    "[{y: 1}, {y: () => 1}]": 'column "y": row 1 is a function',
    "[{y: Symbol('s')}]": 'column "y": row 0 is a symbol',
    "[{y: new (class Host {})()}]": 'column "y": row 0 is an object of the class Host',
    "[{y: new Date(NaN)}]": 'column "y" is an invalid Date',
    "[{y: 2n ** 63n}]": 'column "y" holds 9223372036854775808',
    "[{y: 0.5}, {y: 2n ** 53n + 1n}]": 'column "y" holds fractions and the BigInt 9007199254740993, which would lose digits',
    "[{y: {a: NaN}}]": 'column "y" holds NaN',
    "[{y: '\\ud800'}, {y: '\\udc00'}]": 'column "y" holds half of a surrogate pair',
    "[{Host: 1, host: 2}]": 'its columns "Host" and "host" differ only in case; rename one',
    "[{Host: 1}, {HOST: 2}]": "differ only in case",
    "[{'': 1}]": 'the column name "" cannot',
    "[{'a\\0b': 1}]": "cannot name a column",
    "[{'\\ud800': 1}]": "half of a surrogate pair",
    "[{}]": "has no columns",
    "[{[Symbol('s')]: 1, x: 1}]": "a property under a symbol",
}


@pytest.mark.parametrize("expression", MIXED)
def test_a_column_that_cannot_cross_is_named(javascript: JavaScript, expression: str) -> None:
    for side in ("plain", "frames"):
        assert MIXED[expression].replace('the column name "" cannot', '"" cannot') in refusal(
            javascript, expression, side
        )


def test_a_table_of_the_users_own_goes_as_it_is(javascript: JavaScript) -> None:
    code = """
      const table = Arrow.tableFromArrays({host: ["a", "b", "a"], n: new Int32Array([1, 2, 3]), x: new Float64Array([0.5, 1, 2])});
      return frames.encode(table, 'table');
    """
    encoded = javascript.call(code)
    frame = python_value(encoded)
    assert frame.to_dict("list") == {"host": ["a", "b", "a"], "n": [1, 2, 3], "x": [0.5, 1.0, 2.0]}
    assert [str(dtype) for dtype in frame.dtypes][1:] == ["Int32", "float64"]
    assert "is an Arrow table, and Apache Arrow is not loaded here" in refusal(
        javascript, "Arrow.tableFromArrays({n: [1]})"
    )


def test_a_part_of_a_frames_arrow_keeps_its_kql_types(javascript: JavaScript) -> None:
    from tests.frontend.crossing import EVERY_TYPE, SMALLEST, WIDEST, ZEROS, table_bytes, typed_table

    whole = typed_table(EVERY_TYPE, [WIDEST, SMALLEST, ZEROS])
    code = "return frames.encode(frames.fromArrow(bytes).arrow.slice(1, 3), 'part')"
    part = table_of(javascript.call(code, data=table_bytes(whole)))
    assert part.schema.equals(whole.schema, check_metadata=True)
    assert part.equals(whole.slice(1))


@pytest.mark.parametrize("name", ARRAYS)
def test_every_kind_of_arrow_column_goes_back(javascript: JavaScript, name: str) -> None:
    array = ARRAYS[name][0]
    table = pa.table({"x": pa.chunked_array([array, array])})
    back = javascript.call(
        "return frames.encode(frames.fromArrow(bytes).arrow.slice(0), 'x')", data=table_bytes(table)
    )
    assert table_of(back)["x"].to_pylist() == table["x"].to_pylist()


def test_the_rows_of_an_arrow_table_become_a_table(javascript: JavaScript) -> None:
    types = {"n": "long", "s": "string"}
    code = "const rows = Arrow.tableFromArrays({n: [1n, 2n], s: ['a', 'b']}).toArray(); return frames.encode(rows, 'rows')"
    table = table_of(javascript.call(code))
    assert {field.name: kql_type(field) for field in table.schema} == types | {"n": "long"}
    assert table.to_pylist() == [{"n": 1, "s": "a"}, {"n": 2, "s": "b"}]


def test_changed_rows_keep_the_types_that_still_fit(javascript: JavaScript) -> None:
    from tests.frontend.crossing import EVERY_TYPE, NULLS, WIDEST, envelope_text, typed_table

    text = envelope_text(typed_table(EVERY_TYPE, [WIDEST, NULLS]))
    code = """
      const rows = plain.fromEnvelope(text).toArray();
      rows[0].real = 2;
      rows[0].decimal = "1.50";
      rows[1].dynamic = "text";
      rows[1].int = 2 ** 31;
      rows[1].guid = "none";
      rows[1].extra = 1;
      delete rows[0].bool;
      rows[1].timespan = 7;
      rows[0].timespan = null;
      return plain.encode(rows, "rows").json;
    """
    envelope = json.loads(javascript.call(code, text))
    types = {column["name"]: column["type"] for column in envelope["columns"]}
    changed = {"int": "long", "guid": "string", "timespan": "long", "extra": "long"}
    assert types == EVERY_TYPE | changed
    code = "const rows = plain.fromEnvelope(text).toArray(); return plain.encode([...rows, {real: 1, decimal: '1'}], 'rows').json"
    envelope = json.loads(javascript.call(code, text))
    types = {column["name"]: column["type"] for column in envelope["columns"]}
    assert (types["real"], types["decimal"]) == ("real", "string")  # one row is no frame's


def test_arrow_is_made_without_compiling_code(javascript: JavaScript) -> None:
    code = """
      const kept = globalThis.Function;
      const forbid = () => { throw new Error("the page forbids it"); };
      globalThis.Function = new Proxy(kept, {construct: forbid, apply: forbid});
      try {
        const rows = [{a: 1, b: "x", c: null, d: new Date(0), e: 1.5, f: true, g: {}}];
        return frames.fromArrow(frames.encode(rows, "rows").arrow).toArray();
      } finally { globalThis.Function = kept; }
    """
    assert javascript.call(code) == [{"a": 1, "b": "x", "c": None, "d": 0, "e": 1.5, "f": True, "g": {}}]


def test_many_rows_cross(javascript: JavaScript) -> None:
    code = "return frames.encode(Array.from({length: 70000}, (_, n) => ({n, s: n % 999 ? 'x' + n : 'é😀' + n, b: n % 3 ? true : null})), 'rows')"
    table = table_of(javascript.call(code))
    table.validate(full=True)
    assert table["n"].to_pylist() == list(range(70_000))
    assert table["s"].to_pylist() == [f"x{n}" if n % 999 else f"é😀{n}" for n in range(70_000)]
    assert table["b"].to_pylist() == [True if n % 3 else None for n in range(70_000)]
    assert table.schema.field("n").type == pa.int64()
