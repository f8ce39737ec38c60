"""Texts and times: what one bad value cannot convert is empty or null, and never ends the query."""

from __future__ import annotations

from typing import Any

from kqlmagic_ext.connections.local.functions.forms import add, add_special, once
from kqlmagic_ext.connections.local.private_copy import errors, functions, translate

_DECODED = "coalesce(TRY(decode(from_base64({0}))), '')"
_HEX = "lower(to_hex(CASE WHEN typeof({0}) = 'INTEGER' THEN CAST({0} AS BIGINT) & 4294967295 ELSE CAST({0} AS BIGINT) END))"


def _moment(count: int) -> str:
    """A datetime of its first `count` parts; a day or an hour that does not exist is null, and does not end the query."""
    parts = [f"CAST({{{at}}} AS BIGINT)" for at in range(min(count, 5))]
    parts += ["(floor(CAST({5} AS DOUBLE) * 1000000) / 1000000)"] if count == 6 else []  # noqa: PLR2004 - seconds have parts
    # DuckDB takes the hour 24 and the second 60.
    tests = [f"{part} >= 0 AND {part} < {end}" for part, end in zip(parts[3:], (24, 60, 60), strict=False)]
    made = f"TRY(make_timestamp({', '.join([*parts, *['0'] * (6 - count)])}))"
    return f"CASE WHEN {' AND '.join(tests)} THEN {made} END" if tests else made


def _bin_at(node: Any) -> str:
    """The start of the bin, of those that are counted from a fixed point."""
    if len(node.args) != 3:  # noqa: PLR2004 - value, size, point
        raise errors.KqlUnsupportedError("function:bin_at")
    value, size, point = (f"({translate.render_expr(arg)})" for arg in node.args)
    if not translate._is_timespan_expr(node.args[1]):
        return f"({value} - ((({value} - {point}) % {size}) + {size}) % {size})"
    to_time = _to_time(node.args[2])
    x, s, p = (f"epoch_us({part})" for part in (value, size, point))
    return f"{to_time}({x} - ((({x} - {p}) % {s}) + {s}) % {s})"


def _to_time(point: Any) -> str:
    """DuckDB's function that makes microseconds a time of the point's type."""
    if translate._is_datetime_expr(point):
        return "make_timestamp"
    if translate._is_timespan_expr(point):
        return "to_microseconds"
    raise errors.KqlUnsupportedError("function:bin_at")


def install() -> None:
    """Put them among duckdb-kql's."""
    for name in ("base64_decode_tostring", "base64_decodestring"):
        add(name, {1: _DECODED}, texts=(0,), gives_text=True)
    add("url_decode", {1: "coalesce(TRY(url_decode({0})), {0})"}, texts=(0,), gives_text=True)
    add(
        "tohex",
        {1: _HEX, 2: f"lpad({_HEX}, CAST(greatest({{1}}, length({_HEX})) AS INTEGER), '0')"},
        gives_text=True,
    )
    add(
        "strcmp",
        {2: "CASE WHEN {0} < {1} THEN -1::BIGINT WHEN {0} > {1} THEN 1 WHEN {0} = {1} THEN 0 END"},
        texts=(0, 1),
    )
    add("isascii", {1: "regexp_full_match({0}, '[\\x00-\\x7F]*')"}, texts=(0,))
    add("string_size", {1: "CAST(strlen({0}) AS BIGINT)"}, texts=(0,))
    add("bitset_count_ones", {1: "CAST(bit_count(CAST({0} AS BIGINT)) AS BIGINT)"})
    add("make_datetime", {count: _moment(count) for count in (3, 4, 5, 6)})
    add(
        "base64_encode_tostring",
        {1: "to_base64(encode(CAST({0} AS VARCHAR)))"},
        texts=(0,),
        gives_text=True,
    )
    for unit, factor in (("seconds", 1_000_000), ("milliseconds", 1_000), ("microseconds", 1)):
        add(f"unixtime_{unit}_todatetime", {1: f"make_timestamp(CAST({{0}} * {factor} AS BIGINT))"})
    add("unixtime_nanoseconds_todatetime", {1: "make_timestamp(CAST(floor({0} / 1000.0) AS BIGINT))"})
    add_special("bin_at", _bin_at)
    parts = functions.SCALAR_FUNCTIONS["split"].template
    part = "json_extract(w, '$[' || CAST({2} AS VARCHAR) || ']')"
    add(
        "split",
        {
            2: parts,
            3: once(parts, "w", f"CASE WHEN {part} IS NULL THEN json_array() ELSE json_array({part}) END"),
        },
        texts=(0,),
    )
    add("array_length", {1: functions.SCALAR_FUNCTIONS["array_length"].template})
    add("arraylength", {1: functions.SCALAR_FUNCTIONS["array_length"].forms[1]})
    for name in ("extractjson", "extract_json"):
        add(
            name,
            {2: "coalesce(TRY(json_extract_string(CAST({1} AS JSON), {0})), '')"},
            texts=(1,),
            gives_text=True,
        )
    # What is no JSON is a text.
    parsed = "coalesce(TRY_CAST({0} AS JSON), CASE WHEN CAST({0} AS VARCHAR) <> '' THEN to_json(CAST({0} AS VARCHAR)) END)"
    for name in ("parse_json", "todynamic", "parsejson"):
        add(name, {1: parsed})
    add("new_guid", {0: "gen_random_uuid()"})
    add("rand", {0: "random()", 1: "CAST(floor(random() * {0}) AS BIGINT)"})
    codes = "to_json(list_transform(string_split({0}, ''), lambda c: unicode(c)))"
    add(
        "unicode_codepoints_from_string",
        {1: f"CASE WHEN {{0}} = '' THEN json_array() ELSE {codes} END"},
        texts=(0,),
    )
