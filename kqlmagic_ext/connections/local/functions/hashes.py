"""xxhash64, which `hash()` is: of a text's bytes, and of a datetime's ticks; of other types nothing is known for certain."""

from __future__ import annotations

import struct

from kqlmagic_ext.connections.local.functions.forms import add, once
from kqlmagic_ext.connections.local.functions.in_python import python_sql

_ALL = (1 << 64) - 1
_P1, _P2, _P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_P4, _P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
_STRIPE = 32
_REFUSED = "the embedded workspace knows hash() of string and datetime alone: convert the value by tostring()"


def xxhash64(data: bytes) -> int:
    """The hash, from 0 to 2^64 - 1, with seed 0."""
    striped = len(data) // _STRIPE * _STRIPE
    found = (_stripes(data[:striped]) if striped else _P5) + len(data)
    at = striped
    for at in range(striped, len(data) - 7, 8):
        found = _turned(found ^ _round(0, int.from_bytes(data[at : at + 8], "little")), 27) * _P1 + _P4
    at = striped + (len(data) - striped) // 8 * 8
    if len(data) - at >= 4:  # noqa: PLR2004 - a word of four bytes
        word = int.from_bytes(data[at : at + 4], "little")
        found, at = _turned(found ^ (word * _P1), 23) * _P2 + _P3, at + 4
    for byte in data[at:]:
        found = _turned(found ^ (byte * _P5), 11) * _P1
    return _avalanche(found & _ALL)


def _stripes(data: bytes) -> int:
    lanes = [(_P1 + _P2) & _ALL, _P2, 0, -_P1 & _ALL]
    for stripe in struct.iter_unpack("<4Q", data):
        lanes = [_round(lane, word) for lane, word in zip(lanes, stripe, strict=True)]
    found = sum(_turned(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True))
    for lane in lanes:
        found = (found ^ _round(0, lane)) * _P1 + _P4
    return found & _ALL


def _round(lane: int, word: int) -> int:
    return _turned(lane + word * _P2, 31) * _P1 & _ALL


def _turned(number: int, bits: int) -> int:
    number &= _ALL
    return (number << bits | number >> (64 - bits)) & _ALL


def _avalanche(found: int) -> int:
    found = (found ^ found >> 33) * _P2 & _ALL
    found = (found ^ found >> 29) * _P3 & _ALL
    return found ^ found >> 32


def _of_text(text: str | None) -> int | None:
    return None if text is None else _signed(xxhash64(text.encode()))


def _of_ticks(microseconds: int | None) -> int | None:
    """Of a datetime, which counts 100 ns from the year 1."""
    if microseconds is None:
        return None
    return _signed(xxhash64(struct.pack("<q", microseconds * 10 + 621_355_968_000_000_000)))


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


def install() -> None:
    """Put them among duckdb-kql's."""
    of_text = python_sql("xxhash64", _of_text, ("VARCHAR",), "BIGINT")
    of_ticks = python_sql("xxhash64_ticks", _of_ticks, ("BIGINT",), "BIGINT")
    found = (
        f"CASE WHEN typeof({{0}}) = 'VARCHAR' THEN {of_text}(CAST({{0}} AS VARCHAR)) "
        f"WHEN typeof({{0}}) = 'TIMESTAMP' THEN {of_ticks}(epoch_us(TRY_CAST({{0}} AS TIMESTAMP))) "
        f"ELSE error('{_REFUSED}') END"
    )
    unsigned = once(found, "h", "CASE WHEN h < 0 THEN h + 18446744073709551616 ELSE CAST(h AS HUGEINT) END")
    within = f"CASE WHEN {{1}} > 0 THEN CAST({unsigned} % {{1}} AS BIGINT) END"
    for name in ("hash", "hash_xxhash64"):
        add(name, {1: found, 2: within})
