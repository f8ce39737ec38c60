"""IPv6 addresses. An IPv4 address, or one with an IPv4 address at its end, is ::ffff:a.b.c.d, and its prefix counts from there.

What is no address is null, or an empty text where the answer is a text.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass

from kqlmagic_ext.connections.local.functions.addresses import texts_of
from kqlmagic_ext.connections.local.functions.forms import add_of_any_number
from kqlmagic_ext.connections.local.functions.in_python import add_in_python, python_sql

_BITS, _BITS_OF_4 = 128, 32
_BEFORE_4 = _BITS - _BITS_OF_4
_MAPPED = 0xFFFF << _BITS_OF_4


@dataclass(frozen=True)
class _Address:
    """A number and how many of its bits count."""

    number: int
    bits: int
    is_4: bool

    def network(self, bits: int) -> int:
        return self.number >> (_BITS - bits) << (_BITS - bits)


def _address(text: str | None) -> _Address:
    """ValueError for what is no address."""
    base, slash, prefix = (text or "").strip().partition("/")
    if "%" in base or (slash and not (prefix.isascii() and prefix.isdigit())):
        raise ValueError(text)
    number, is_4 = int(ipaddress.ip_address(base)), ":" not in base
    given = int(prefix) if slash else (_BITS_OF_4 if is_4 else _BITS)
    if given > (_BITS_OF_4 if is_4 else _BITS):
        raise ValueError(text)
    if "." not in base:
        return _Address(number, given, is_4=False)
    # `::192.168.1.1/24` counts as IPv4 does, `::ffff:192.168.1.1/120` as IPv6.
    return _Address(_as_mapped(number), given + (_BEFORE_4 if given <= _BITS_OF_4 else 0), is_4)


def _as_mapped(number: int) -> int:
    """An IPv4 address alone or behind `::` as ::ffff:a.b.c.d; another one as it is."""
    return number | _MAPPED if number < 1 << _BITS_OF_4 else number


def _checked(prefix: int | None) -> int:
    if prefix is None or not 0 <= prefix <= _BITS:
        raise ValueError(prefix)
    return prefix


def _compare(one: str | None, other: str | None, prefix: int | None = _BITS) -> int:
    x, y, bits = _address(one), _address(other), _checked(prefix)
    if x.is_4 and y.is_4 and bits <= _BITS_OF_4:  # of two IPv4 addresses it is an IPv4 prefix
        bits += _BEFORE_4
    bits = min(x.bits, y.bits, bits)
    return (x.network(bits) > y.network(bits)) - (x.network(bits) < y.network(bits))


def _is_match(one: str | None, other: str | None, prefix: int | None = _BITS) -> bool:
    return _compare(one, other, prefix) == 0


def _is_in_range(text: str | None, network: str | None) -> bool:
    address, inside = _address(text), _address(network)
    return _Address(address.network(address.bits), _BITS, is_4=False).network(inside.bits) == inside.network(
        inside.bits
    )


def _is_in_any_range(text: str | None, ranges: str | None) -> bool | None:
    """Whether it lies in one; null where it lies in none, and one is no range."""
    _address(text)
    found: set[bool | None] = set()
    for network in json.loads(ranges or "[]"):
        try:
            found.add(_is_in_range(text, network))
        except ValueError:
            found.add(None)
    return True if True in found else None if None in found else False


def _canonical(text: str | None, prefix: int | None = _BITS) -> str:
    """The network in full; empty for no address."""
    try:
        address, bits = _address(text), _checked(prefix)
    except ValueError:
        return ""
    return ipaddress.IPv6Address(address.network(min(address.bits, bits))).exploded


def _cidr_list(first: str | None, last: str | None) -> str:
    """The fewest networks that hold the addresses from the first to the last."""
    ends = ipaddress.IPv4Address((first or "").strip()), ipaddress.IPv4Address((last or "").strip())
    return json.dumps(list(map(str, ipaddress.summarize_address_range(*ends))))


def install() -> None:
    """Put them among duckdb-kql's."""
    takes, texts = ("VARCHAR", "VARCHAR", "BIGINT"), (0, 1)
    add_in_python("ipv6_compare", {2: _compare, 3: _compare}, takes=takes, gives="BIGINT", texts=texts)
    add_in_python("ipv6_is_match", {2: _is_match, 3: _is_match}, takes=takes, gives="BOOLEAN", texts=texts)
    add_in_python("ipv6_is_in_range", {2: _is_in_range}, takes=takes, gives="BOOLEAN", texts=texts)
    add_in_python("ipv4_range_to_cidr_list", {2: _cidr_list}, takes=takes, gives="dynamic", texts=texts)
    for name, count in (("parse_ipv6", 1), ("parse_ipv6_mask", 2)):
        add_in_python(name, {count: _canonical}, takes=("VARCHAR", "BIGINT"), gives="VARCHAR", texts=(0,))
    any_range = python_sql("ipv6_is_in_any_range", _is_in_any_range, ("VARCHAR", "VARCHAR"), "BOOLEAN")
    add_of_any_number(
        "ipv6_is_in_any_range",
        lambda args: (
            f"{any_range}(CAST({args[0]} AS VARCHAR), CAST(to_json({texts_of(args[1:])}) AS VARCHAR))"
        ),
    )
