"""The stream decoder: equal to the slow, obvious decoding of the whole body, or BrokenAnswer; never anything else."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqlmagic_ext.connections.log_analytics.decode import Answer, AnswerDecoder, BrokenAnswer, outline, rows
from kqlmagic_ext.frames import frame_from_arrow, kql_type
from kqlmagic_ext.values import (
    EPOCH_TICKS,
    TICKS_A_DAY,
    format_datetime,
    format_timespan,
    parse_datetime,
    parse_timespan,
)

FRAGMENTS = [
    "],[",
    '"',
    "\\",
    "\n",
    "\x00",
    "é",
    "😀",
    "]}]",
    '"rows":[',
    '"tables":[{',
    "null",
    "{}",
    "[[1],[2]]",
]
FRAGMENTS += ["],", "[", "]", "{", "\\u005d,[", '\\"', "\u2028", "'", ","]
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=5), max_size=6).map("".join)
TEXTS = TEXTS.filter(lambda text: text.isprintable() or text.encode("utf-8", "ignore").decode() == text)
NEAR = st.integers(parse_datetime("1678-01-01"), parse_datetime("2261-12-31"))
EVER = st.integers(0, parse_datetime("9999-12-31T23:59:59.9999999Z"))
JSONS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "datetime": NEAR.map(format_datetime),
    "date": st.one_of(NEAR, EVER).map(format_datetime),
    "timespan": st.integers(-(10**6) * TICKS_A_DAY, 10**6 * TICKS_A_DAY).map(format_timespan),
    "time": st.integers(-TICKS_A_DAY, TICKS_A_DAY).map(format_timespan),
    "decimal": st.decimals(-(10**20), 10**20, allow_nan=False, places=9).map(str) | st.integers(-5, 5),
    "guid": st.uuids().map(str),
    "uuid": st.uuids().map(str),
    "real": st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**70), 2**70)
    | st.sampled_from(["NaN", "Infinity", "-Infinity"]),
    "bool": st.booleans(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "string": TEXTS,
    "newtype": TEXTS,
    "dynamic": JSONS.map(json.dumps) | TEXTS | JSONS,
}


@contextmanager
def small_pieces(size: int) -> Iterator[None]:
    with patch.object(rows, "PIECE", size), patch.object(outline, "_UNFINISHED_FROM", size):
        yield


@st.composite
def tables(draw: st.DrawFn, kinds: list[str] | None = None) -> dict[str, Any]:
    kinds = draw(st.lists(st.sampled_from(kinds or list(VALUES)), max_size=5))
    columns = [{"name": draw(TEXTS), "type": kind} for kind in kinds]
    row = st.tuples(*(st.none() | VALUES[kind] for kind in kinds)).map(list)
    parts = [("name", draw(TEXTS)), ("columns", columns), ("rows", draw(st.lists(row, max_size=12)))]
    return dict(draw(st.permutations(parts)))


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    named = draw(st.lists(tables(), max_size=3))
    others = st.dictionaries(st.sampled_from(["render", "statistics", "error", "rows"]), JSONS, max_size=3)
    parts = [("tables", named), *draw(others).items()]
    return dict(draw(st.permutations(parts)))


def written(document: Any, *, compact: bool, escaped: bool) -> bytes:
    separators = (",", ":") if compact else (" ,\n", " :\t")
    return json.dumps(document, separators=separators, ensure_ascii=escaped).encode()


def decoded(pieces: list[bytes], *, gzipped: bool = False) -> Answer:
    decoder = AnswerDecoder(gzipped=gzipped)
    for piece in pieces:
        decoder.feed(piece)
    return decoder.finish()


def feed_all(decoder: AnswerDecoder, body: bytes) -> Answer:
    for start in range(0, len(body), 1000):
        decoder.feed(body[start : start + 1000])
    return decoder.finish()


def cut(body: bytes, seed: int, most: int) -> list[bytes]:
    """The body in pieces of random lengths, some of them empty."""
    dice, pieces, start = random.Random(seed), [], 0  # noqa: S311 - pieces, no secrets
    while start < len(body):
        length = dice.randrange(most + 1)
        pieces.append(body[start : start + length])
        start += length
    return pieces


def ticks(column: pa.ChunkedArray, offset: int) -> list[tuple[int, int] | None]:
    """Each time as its ticks, and to how many ticks it is counted."""
    unit = 10 if column.type.unit == "us" else 1
    counts = column.cast(pa.int64()).to_pylist()
    return [None if n is None else ((n * 10 if unit == 10 else n // 100) + offset, unit) for n in counts]


def as_text(value: Any) -> Any:
    """A JSON value with each number as the digits in which it stands."""
    return json.loads(value, parse_int=str, parse_float=str)


def assert_column(kind: str, column: pa.ChunkedArray, wires: list[Any]) -> int:
    """The column holds what the slow way gives; how many ticks it lost."""
    if kind in ("datetime", "timespan"):
        parse, offset = (parse_datetime, EPOCH_TICKS) if kind == "datetime" else (parse_timespan, 0)
        wanted = [None if wire is None else parse(wire) for wire in wires]
        got = ticks(column, offset)
        assert got == [
            None if w is None else (w // g[1] * g[1], g[1]) for w, g in zip(wanted, got, strict=True)
        ]  # type: ignore[index]
        return sum(w is not None and w != g[0] for w, g in zip(wanted, got, strict=True))  # type: ignore[index]
    if kind == "string":
        assert column.to_pylist() == ["" if wire is None else wire for wire in wires]
    elif kind == "decimal":
        assert column.to_pylist() == [None if wire is None else Decimal(wire) for wire in wires]
    elif kind == "real":
        wanted = [None if wire is None else float(wire) for wire in wires]
        assert [str(value) for value in column.to_pylist()] == [str(value) for value in wanted]
    elif kind == "dynamic":
        for text, wire in zip(column.to_pylist(), wires, strict=True):
            if wire is None or isinstance(wire, str):
                assert text == wire
            else:
                assert as_text(text) == as_text(json.dumps(wire))
    else:
        assert column.to_pylist() == wires
    return 0


KINDS = {"date": "datetime", "time": "timespan", "uuid": "guid", "boolean": "bool", "newtype": "string"}


def assert_table(got: pa.Table, wanted: dict[str, Any]) -> int:
    assert got.column_names == [column["name"] for column in wanted["columns"]]
    lost = 0
    for number, column in enumerate(wanted["columns"]):
        kind = KINDS.get(column["type"], column["type"])
        assert kql_type(got.schema.field(number)) == kind
        lost += assert_column(kind, got.column(number), [row[number] for row in wanted["rows"]])
    return lost


def assert_answer(got: Answer, document: dict[str, Any], size: int) -> None:
    named = document["tables"]
    assert len(got.tables) == len(named)
    lost = sum(assert_table(*pair) for pair in zip(got.tables, named, strict=True))
    assert bool(lost) == bool(got.warnings)
    assert got.tail == {key: value for key, value in document.items() if key != "tables"}
    assert got.size == size


@settings(max_examples=300, deadline=None)
@given(
    documents(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 99),
    st.sampled_from([1, 9, 80, 10_000]),
)
def test_any_answer_equals_the_slow_decoding(
    document: dict[str, Any], compact: bool, escaped: bool, gzipped: bool, seed: int, most: int
) -> None:
    text = written(document, compact=compact, escaped=escaped)
    body = gzip.compress(text, 1) if gzipped else text
    with small_pieces([20, 60, 300, 1 << 20][seed % 4]):
        assert_answer(decoded(cut(body, seed, most), gzipped=gzipped), json.loads(text), len(text))


@settings(max_examples=150, deadline=None)
@given(tables(["long", "string", "dynamic", "bool"]), st.booleans(), st.booleans(), st.floats(0, 1))
def test_a_body_cut_anywhere_breaks_and_its_whole_rows_are_salvaged(
    table: dict[str, Any], compact: bool, gzipped: bool, share: float
) -> None:
    document = {"tables": [table], "render": {"a": 1}}
    text = written(document, compact=compact, escaped=False)
    body = gzip.compress(text) if gzipped else text
    decoder = AnswerDecoder(gzipped=gzipped)
    with small_pieces(40):
        try:
            for piece in cut(body[: int(share * len(body))], 3, 50):
                decoder.feed(piece)
            answer = decoder.finish()
        except BrokenAnswer:
            answer = decoder.salvage()
            for got in answer.tables:
                assert_table(got, {**table, "rows": table["rows"][: got.num_rows]})
            assert answer.tail in ({}, {"render": {"a": 1}})
        else:
            assert share == 1
            assert_answer(answer, json.loads(text), len(text))


def test_salvage_gives_every_whole_row() -> None:
    body = b'{"tables":[{"columns":[{"name":"n","type":"long"}],"rows":[[1],[2],[3],[4'
    decoder = AnswerDecoder(gzipped=False)
    decoder.feed(body)
    with pytest.raises(BrokenAnswer, match=r"ends amid the rows, after row 3"):
        decoder.finish()
    assert decoder.salvage().tables[0].to_pydict() == {"n": [1, 2, 3]}


def test_salvage_gives_what_came_before_a_damaged_byte() -> None:
    body = bytearray(gzip.compress(one("string", *(json.dumps(str(n) * 40) for n in range(50_000))), 1))
    body[-2000] ^= 0xFF
    decoder = AnswerDecoder(gzipped=True)
    with pytest.raises(BrokenAnswer, match="gzip"):
        feed_all(decoder, bytes(body))
    [table] = decoder.salvage().tables
    assert 40_000 < table.num_rows <= 50_000
    assert table.column(0).to_pylist()[:40_000] == [str(n) * 40 for n in range(40_000)]


def one(kind: str, *values: Any, rest: str = "") -> bytes:
    """An answer of one column of JSON texts."""
    inside = ",".join(f"[{value}]" for value in values)
    columns = f'[{{"name":"c","type":"{kind}"}}]'
    return f'{{"tables":[{{"name":"P","columns":{columns},"rows":[{inside}]}}]{rest}}}'.encode()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "empty"),
        (b"{", "not whole"),
        (b"[]", "no object"),
        (b"nonsense", "not whole"),
        (one("long", 1) + b"x", "not whole"),
        (one("long", 1) + b"{}", "not whole"),
        (one("long", 1)[:-1], "not whole"),
        (one("long", "1,2"), r"row 1 has 2 values for 1 columns"),
        (one("long", 1, "", 2), r"row 2 has 0 values for 1 columns"),
        (one("long", 1).replace(b"[[1]]", b"[[1],]"), "JSON"),
        (one("long", 1).replace(b"[[1]]", b"[[1][2]]"), "JSON"),
        (one("long", 1).replace(b"[[1]]", b"[5]"), "row 1 is no array"),
        (one("long", 1).replace(b"[[1]]", b'["5"]'), "row 1 is no array"),
        (one("long", 1).replace(b"[[1]]", b'[{"c":1}]'), "row 1 is no array"),
        (one("long", 1).replace(b"[[1]]", b"null"), "no rows"),
        (b'{"tables":[{"columns":[]}]}', "no rows"),
        (b'{"tables":[{"rows":[]}]}', "no columns"),
        (b'{"tables":[{"rows":[],"columns":[{"name":"x"}]}]}', "no type"),
        (b'{"tables":[{"columns":[],"rows":[],"rows":[]}]}', "twice"),
        (b'{"tables":[{"columns":[{"name":"a","type":"int"}],"rows":[],"columns":[]}]}', "twice"),
        (b'{"tables":5}', "no list"),
        (one("long", "1.0"), "1.0 is no long"),
        (one("long", 2**63), "does not fit in long"),
        (one("long", 2**64), "is no long"),
        (one("long", "true"), "True is no long"),
        (one("int", 2**31), "does not fit in int"),
        (one("real", '"1.5"'), "'1.5' is no real"),
        (one("real", "true"), "True is no real"),
        (one("bool", 1), "1 is no bool"),
        (one("string", 1), "1 is no string"),
        (one("guid", "{}"), "is no guid"),
        (one("datetime", '"yesterday"'), "yesterday"),
        (one("datetime", '"2026-01-01T00:00:00.12345678Z"', '"9999-01-01"'), "7 fraction digits"),
        (one("timespan", '"1 day"'), "timespan"),
        (one("timespan", '"99999999.00:00:00"'), "64 bits"),
        (one("decimal", '"NaN"'), "is no decimal"),
        (one("decimal", "true"), "is no decimal"),
        (one("decimal", f'"1{"0" * 80}"'), "76 digits"),
        (one("string", '"\\ud83d"'), "JSON"),
        (one("string", '"\xff"').replace("ÿ".encode(), b"\xff"), "JSON"),
        (one("dynamic", "[" * 5000 + "]" * 5000), "JSON"),
        (one("dynamic", "[" * 600 + "]" * 600), "dynamic"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_whole_breaks_with_a_sentence(body: bytes, why: str) -> None:
    with pytest.raises(BrokenAnswer, match=why):
        decoded([body])
    if body:
        with pytest.raises(BrokenAnswer, match=why):
            decoded([gzip.compress(body)], gzipped=True)


def test_a_broken_decoder_stays_broken() -> None:
    decoder = AnswerDecoder(gzipped=False)
    decoder.feed(one("long", '"x"'))
    for _ in range(2):
        with pytest.raises(BrokenAnswer, match="'x' is no long"):
            decoder.finish()
    with pytest.raises(BrokenAnswer, match="'x' is no long"):
        decoder.feed(b"")


def test_gzip_members_follow_each_other_and_nothing_else_may() -> None:
    text = one("long", 1, 2)
    body = gzip.compress(text[:20]) + gzip.compress(b"") + gzip.compress(text[20:])
    for most in (1, 1000):
        assert decoded(cut(body, 1, most), gzipped=True).tables[0].to_pydict() == {"c": [1, 2]}
    for garbage in (b"\x00", b"x", b"\x1f", b"\x1f\x8b\x08"):
        with pytest.raises(BrokenAnswer, match="gzip"):
            decoded([body + garbage], gzipped=True)
    damaged = bytearray(gzip.compress(text * 50))
    damaged[len(damaged) - 6] ^= 1  # its checksum
    with pytest.raises(BrokenAnswer, match="damaged"):
        decoded([bytes(damaged)], gzipped=True)


def test_a_gzip_stream_that_ends_early_breaks_at_every_byte() -> None:
    body = gzip.compress(one("string", *(json.dumps(f"],[{n}") for n in range(50))))
    for length in range(len(body)):
        with pytest.raises(BrokenAnswer, match=r"ends early|empty"):
            decoded([body[:length]], gzipped=True)


def test_an_error_instead_of_tables_is_the_tail() -> None:
    assert decoded([b'{"error":{"code":"X"}}']) == Answer((), {"error": {"code": "X"}}, 22, ())


def test_tables_without_columns_or_rows_are_kept() -> None:
    answer = decoded(
        [b'{"tables":[{"columns":[],"rows":[[],[]]},{"rows":[ ],"columns":[{"name":"n","type":"int"}]}]}']
    )
    assert [table.shape for table in answer.tables] == [(0, 0), (0, 1)]
    assert answer.tables[1].schema.field(0).type == pa.int32()


def test_columns_of_one_name_are_both_kept() -> None:
    body = one("long", "1,2").replace(
        b'{"name":"c","type":"long"}', b'{"name":"c","type":"long"},{"name":"c","type":"int"}'
    )
    assert decoded([body]).tables[0].column_names == ["c", "c"]


def test_numbers_in_native_json_and_decimals_keep_every_digit() -> None:
    digits = "123456789012345678901234567890.1234567890123456789"
    [dynamic] = decoded([one("dynamic", f'{{"a":[{digits},{2**70}]}}', '"1.0"', "1.10", "null")]).tables
    assert dynamic.to_pydict() == {"c": [f'{{"a":[{digits},{2**70}]}}', "1.0", "1.10", None]}
    [decimal] = decoded([one("decimal", digits, '"0.5"', "null")]).tables
    assert decimal.to_pydict() == {"c": [Decimal(digits), Decimal("0.5"), None]}
    assert decoded([one("long", 1, rest=f',"x":{2**70}')]).tail == {"x": 2**70}


def test_deeply_nested_json_text_stays_text() -> None:
    text = "[" * 100_000
    [table] = decoded([one("dynamic", json.dumps(text))]).tables
    assert frame_from_arrow(table)["c"].tolist() == [text]


@pytest.mark.parametrize(
    ("kind", "near", "far"),
    [
        ("datetime", "2026-01-01T00:00:00.1234567Z", "0001-01-01T00:00:00.0000001Z"),
        ("timespan", "00:00:00.1234567", "-200000.00:00:00.0000001"),
    ],
)
def test_times_of_other_pieces_and_lost_ticks_are_joined_and_counted(kind: str, near: str, far: str) -> None:
    wires = [near] * 10 + [far] + [None] + [near] * 10
    body = one(kind, *(json.dumps(wire) for wire in wires))
    for size in (30, 1 << 20):
        with small_pieces(size):
            answer = decoded([body])
        assert answer.tables[0].schema.field(0).type.unit == "us"
        assert assert_column(kind, answer.tables[0].column(0), wires) == 21
        assert answer.warnings == (
            f"c: 21 values lost a tick of 100 ns ({'years beyond 1677 to 2262' if kind == 'datetime' else 'spans beyond 292 years'})",
        )


def test_decimals_of_other_pieces_get_a_type_that_holds_all() -> None:
    values = ["1.5", "12345678901234567890123456789012345678", "0.000000001", "1" * 50]
    with small_pieces(10):
        [table] = decoded([one("decimal", *map(json.dumps, values))]).tables
    assert table.schema.field(0).type == pa.decimal256(59, 9)
    assert table.column(0).to_pylist() == [Decimal(value) for value in values]
    with small_pieces(10), pytest.raises(BrokenAnswer, match="110 digits"):
        decoded([one("decimal", json.dumps("1" * 60), json.dumps("0." + "1" * 50))])


def looked_at(body: bytes, most: int) -> tuple[int, Answer]:
    """How many bytes were given to the JSON parser and to the walk over brackets, in all."""
    import orjson

    total = 0
    loads, walk = orjson.loads, rows.Rows._walk

    def counted(text: Any) -> Any:
        nonlocal total
        total += len(text)
        return loads(text)

    def walked(self: Any, text: bytearray) -> Any:
        nonlocal total
        total += len(text)
        return walk(self, text)

    with patch.object(orjson, "loads", counted), patch.object(rows.Rows, "_walk", walked):
        answer = decoded([body[start : start + most] for start in range(0, len(body), most)])
    return total, answer


@pytest.mark.parametrize("hostile", ["],[", '"', "\\", '"rows":[', "]", "[", "]}]}"], ids=repr)
def test_a_hostile_text_of_5_mb_costs_a_bounded_number_of_looks(hostile: str) -> None:
    text = hostile * (5_000_000 // len(hostile))
    body = one("string", json.dumps(text), '"x"')
    total, answer = looked_at(body, 1 << 16)
    assert answer.tables[0].column(0).to_pylist() == [text, "x"]
    assert total < 8 * len(body)


def test_a_hostile_key_before_the_rows_costs_a_bounded_number_of_looks() -> None:
    scans = []
    scan = outline.Outline._scan

    def counted(self: Any, text: bytearray) -> tuple[int, bool]:
        scans.append(len(text))
        return scan(self, text)

    text = '],["\\' * 1_000_000
    body = b'{"x":' + json.dumps(text).encode() + b"," + one("long", 1)[1:]
    with patch.object(outline.Outline, "_scan", counted):
        answer = decoded([body[start : start + 65_536] for start in range(0, len(body), 65_536)])
    assert answer.tail == {"x": text}
    assert sum(scans) < 4 * len(body)


def test_a_large_answer_is_never_held_whole() -> None:
    body = one("string", *(json.dumps("x" * 1000) for _ in range(20_000)))
    decoder, most = AnswerDecoder(gzipped=True), 0
    packed = gzip.compress(body, 9)  # 20 MB in 60 KB
    for piece in cut(packed, 0, 20_000):
        decoder.feed(piece)
        most = max(most, len(decoder._text))
    assert decoder.finish().tables[0].num_rows == 20_000
    assert most < 3 << 20


def test_progress_is_told() -> None:
    body = gzip.compress(one("long", *range(1_000_000)))
    decoder = AnswerDecoder(gzipped=True)
    seen = []
    for start in range(0, len(body), 100_000):
        decoder.feed(body[start : start + 100_000])
        seen.append((decoder.received, decoder.size, decoder.rows))
    assert seen == sorted(seen)
    assert seen[-1][0] == len(body)
    assert 0 < seen[len(seen) // 2][2] < seen[-1][2] <= 1_000_000


def test_zlib_serves_where_isal_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    import zlib

    from kqlmagic_ext.connections.log_analytics.decode import gunzip

    monkeypatch.setitem(sys.modules, "isal", None)
    assert gunzip._library() is zlib
    assert decoded([gzip.compress(one("long", 1))], gzipped=True).tables[0].num_rows == 1
