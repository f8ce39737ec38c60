from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kqlmagic_ext.kql.inside import NotLiteral
from kqlmagic_ext.kql.literals import literal_of
from kqlmagic_ext.kql.reading import Reader, literal_value
from kqlmagic_ext.values import LONG_MAX, LONG_MIN, TICKS_A_DAY, Value

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_TICKS = st.integers(0, 3_652_059 * TICKS_A_DAY - 1)
_DECIMALS = st.decimals(allow_nan=False, allow_infinity=False)


def values(kind: str, plain: st.SearchStrategy[Any]) -> st.SearchStrategy[Value]:
    return st.builds(Value, st.just(kind), plain)


SCALARS = st.one_of(
    values("bool", st.booleans()),
    values("int", st.integers(-(2**31), 2**31 - 1)),
    values("long", st.integers(LONG_MIN, LONG_MAX)),
    values("real", st.floats(allow_nan=False)),
    values("decimal", _DECIMALS),
    values("string", _TEXT),
    values("datetime", _TICKS),
    values("timespan", st.integers(LONG_MIN, LONG_MAX)),
    values("guid", st.uuids().map(str)),
    values("string", st.just("\U0001f600\\\"'")),
)
NULLS = st.sampled_from(
    ["bool", "int", "long", "real", "decimal", "datetime", "timespan", "guid", "dynamic"]
).map(lambda kind: Value(kind, None))
BEYOND_JSON = SCALARS.filter(
    lambda value: (
        value.type in ("datetime", "timespan", "decimal", "guid") or value.plain in (math.inf, -math.inf)
    )
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(LONG_MIN, LONG_MAX),
    st.floats(allow_nan=False, allow_infinity=False),
    _TEXT,
    BEYOND_JSON,
)
DYNAMICS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(st.one_of(SCALARS, NULLS, values("dynamic", DYNAMICS)))
def test_what_is_written_is_read_back(value: Value) -> None:
    back = literal_value(literal_of(value))
    assert back == value
    assert repr(back) == repr(value)  # 1 is no 1.0, -0.0 no 0.0, and True no 1


def test_nan_is_read_back() -> None:
    assert math.isnan(literal_value("real(nan)").plain)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"caf\u00e9 \U0001F600 \x41 \\ \" \n"', Value("string", 'café 😀 A \\ " \n')),
        (r'"\ud83d\ude00"', Value("string", "😀")),
        ("'it is \"so\"'", Value("string", 'it is "so"')),
        (r"@'C:\Temp\'", Value("string", "C:\\Temp\\")),
        ("@'it''s'", Value("string", "it's")),
        ('h@"a""b"', Value("string", 'a"b')),
        ("H'secret'", Value("string", "secret")),
        ("```two\nlines \\n```", Value("string", "two\nlines \\n")),
        ("~~~x~~~", Value("string", "x")),
        ("5", Value("long", 5)),
        ("-9223372036854775808", Value("long", LONG_MIN)),
        ("0x1F", Value("long", 31)),
        ("int(0x10)", Value("int", 16)),
        ("1.5", Value("real", 1.5)),
        ("real(7)", Value("real", 7.0)),
        ("double(+inf)", Value("real", math.inf)),
        ("true", Value("bool", plain=True)),
        ("1d", Value("timespan", TICKS_A_DAY)),
        ("1.5h", Value("timespan", 54_000_000_000)),
        ("timespan(2d)", Value("timespan", 2 * TICKS_A_DAY)),
        ("3ticks", Value("timespan", 3)),
        ("date(2026-01-01)", Value("datetime", 639_028_224_000_000_000)),
        ("decimal( 1.10 )", Value("decimal", Decimal("1.10"))),
        ("dynamic( {'a' : [1 , null, long(5)]} )", Value("dynamic", {"a": [1, None, 5]})),
        ("dynamic([datetime(null)])", Value("dynamic", [None])),
        ("guid(74BE27DE-1E4E-49D9-B579-FE0B331D3642)", Value("guid", "74be27de-1e4e-49d9-b579-fe0b331d3642")),
        ("5 // five", Value("long", 5)),
    ],
)
def test_a_literal_in_any_of_its_forms_is_read(text: str, value: Value) -> None:
    assert literal_value(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "now()", "1 + 1", '"open', r'"open\"', r'"\q"', r'"\ud83d"', "9223372036854775808", "int(2147483648)",
        "long(1.5)", "real(1e999)", "decimal(nan)", "datetime(tomorrow)", "datetime(2026-01-01T00:00:00.12345678Z)",
        "timespan(25)", "1fortnight", "0.00000001s", "dynamic({a:1})", "dynamic([1", "dynamic(NaN)", r'dynamic("\ud800")',
        "dynamic(1) + 1", "string(null)", "guid(1)", '"a" "b"', "@'open", "toint(5)", "bool(maybe)",
    ],
)  # fmt: skip
def test_what_cannot_be_read_exactly_is_no_literal(text: str) -> None:
    with pytest.raises(NotLiteral):
        literal_value(text)


def test_a_datatable_has_the_types_that_it_declares() -> None:
    text = """datatable (['a b']:string, n:int, r:real, d:decimal, g:guid, x:dynamic) [
        "x", 1, 2, 3, guid(null), dynamic(null), // a comment
        "y", int(null), 1.5, decimal(0.1), guid(null), dynamic([1]),
    ]"""
    table = Reader(text).datatable()
    assert list(table.types.items()) == [
        ("a b", "string"), ("n", "int"), ("r", "real"), ("d", "decimal"), ("g", "guid"), ("x", "dynamic"),
    ]  # fmt: skip
    assert [value.plain for value in table.columns["n"]] == [1, None]
    assert [value.plain for value in table.columns["d"]] == [Decimal(3), Decimal("0.1")]
    assert {value.type for column in ("n", "g") for value in table.columns[column]} == {"int", "guid"}


@pytest.mark.parametrize(
    "text",
    [
        "datatable(a:long, b:long)[1]",
        "datatable(a:long)['x']",
        "datatable(a:long)[now()]",
        "datatable(a:what)[1]",
        "datatable()[]",
    ],
)
def test_a_datatable_that_is_wrong_or_computed_is_left_to_the_engine(text: str) -> None:
    with pytest.raises(NotLiteral):
        Reader(text).datatable()
