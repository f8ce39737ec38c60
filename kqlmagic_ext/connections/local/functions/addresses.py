"""IPv4 addresses: null for what is no address, as the reference says; a prefix such as `/24` narrows to its network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address

from kqlmagic_ext.connections.local.functions.address_patterns import PLAIN, PRIVATE, PUBLIC, inside
from kqlmagic_ext.connections.local.functions.forms import Forms, add, add_of_any_number, once
from kqlmagic_ext.connections.local.functions.in_python import python_sql
from kqlmagic_ext.connections.local.private_copy import functions

BITS = 128
_MAPPED = 0xFFFF << 32  # an IPv4 address as an IPv6 one

_SHAPE = r"^\s*(\d{{1,3}})\.(\d{{1,3}})\.(\d{{1,3}})\.(\d{{1,3}})(?:/(\d{{1,2}}))?\s*$"


def address_sql(text: str) -> str:
    """A template's struct of the number `n` and the prefix `p` of a text; null for no address."""
    parts = f"regexp_extract({text}, '{_SHAPE}', ['a', 'b', 'c', 'd', 'p'])"
    octets = [f"CAST(q.{name} AS BIGINT)" for name in "abcd"]
    number = f"({octets[0]} * 16777216 + {octets[1]} * 65536 + {octets[2]} * 256 + {octets[3]})"
    prefix = "CASE WHEN q.p = '' THEN 32 ELSE CAST(q.p AS BIGINT) END"
    valid = "coalesce(q.a, '') <> ''" + "".join(f" AND {octet} <= 255" for octet in octets)
    found = f"CASE WHEN {valid} AND {prefix} <= 32 THEN struct_pack(n := {number}, p := {prefix}) END"
    return once(parts, "q", found)


def _masked(number: str, prefix: str) -> str:
    """The network of an address."""
    free = f"CAST(32 - {prefix} AS BIGINT)"
    return f"(({number} >> {free}) << {free})"


def _of_one(body: str) -> str:
    return once(address_sql("{0}"), "x", f"CASE WHEN x IS NOT NULL THEN {body} END")


def _of_two(body: str) -> str:
    """SQL over two addresses x and y."""
    pair = f"struct_pack(x := {address_sql('{0}')}, y := {address_sql('{1}')})"
    return once(pair, "z", f"CASE WHEN z.x IS NOT NULL AND z.y IS NOT NULL THEN {body} END")


def _compared(prefix: str) -> str:
    """-1, 0 or 1 for two addresses under the shortest of their prefixes."""
    x, y = _masked("z.x.n", "w"), _masked("z.y.n", "w")
    compared = once(prefix, "w", f"CASE WHEN w BETWEEN 0 AND 32 THEN sign({x} - {y}) END")
    return _of_two(f"CAST({compared} AS BIGINT)")


_SHORTEST = "least(z.x.p, z.y.p)"
_WITH_PREFIX = "least(z.x.p, z.y.p, CAST({2} AS BIGINT))"
_NETWORK = _masked("x.n", "x.p")
_PRIVATE = (
    f"({_NETWORK} BETWEEN 167772160 AND 184549375 OR {_NETWORK} BETWEEN 2886729728 AND 2887778303 "
    f"OR {_NETWORK} BETWEEN 3232235520 AND 3232301055)"
)
_QUOTED = re.compile("'([^']*)'")


def _literal(pattern: str) -> str:
    """A pattern inside a template of SQL."""
    return "'" + pattern.replace("{", "{{").replace("}", "}}") + "'"


# Nearly all addresses have no prefix, and nearly all that are asked about are public.
_IS_PRIVATE = (
    f"CASE WHEN regexp_full_match({{0}}, {_literal(PUBLIC)}) THEN false WHEN regexp_full_match({{0}}, {_literal(PLAIN)}) THEN true "
    f"WHEN contains({{0}}, '/') THEN {_of_one(_PRIVATE)} END"
)
_SURELY_PRIVATE = (
    f"CASE WHEN regexp_full_match({{0}}, {_literal(PRIVATE)}) THEN true "
    f"WHEN contains({{0}}, '/') THEN {_of_one(_PRIVATE)} END"
)
_IN_RANGE = _of_two(f"{_masked(_masked('z.x.n', 'z.x.p'), 'z.y.p')} = {_masked('z.y.n', 'z.y.p')}")


@dataclass(frozen=True)
class _InRange(Forms):
    """`ipv4_is_in_range()`, which makes a pattern of a range that is written out; `otherwise`: for other plain addresses."""

    otherwise: str = f" WHEN regexp_full_match({{0}}, {_literal(PLAIN)}) THEN false"

    def render(self, args: list[str]) -> str:
        written = _QUOTED.fullmatch(args[1].strip("()")) if len(args) == 2 else None  # noqa: PLR2004 - address, range
        pattern = inside(written[1]) if written else None
        if pattern is None:
            return super().render(args)
        slowly = _IN_RANGE.replace("{1}", f"{written[0]}") if written else ""
        return Forms(
            self.name, "template", "", forms={1: _in_pattern(pattern, self.otherwise, slowly)}
        ).render(args[:1])


def _in_pattern(pattern: str, otherwise: str, slowly: str) -> str:
    return (
        f"CASE WHEN regexp_full_match({{0}}, {_literal(pattern)}) THEN true{otherwise} "
        f"WHEN contains({{0}}, '/') THEN {slowly} END"
    )


def _dotted(number: str) -> str:
    return " || '.' || ".join(f"CAST(({number} >> {shift}) & 255 AS VARCHAR)" for shift in (24, 16, 8, 0))


def _formatted(prefix: str, *, shown: bool) -> str:
    """The network as text, with its prefix where it is `shown`; empty for no address."""
    tail = " || '/' || CAST(w AS VARCHAR)" if shown else ""
    text = f"{once(_masked('x.n', 'w'), 'm', _dotted('m'))}{tail}"
    inside = once(prefix, "w", f"CASE WHEN w BETWEEN 0 AND 32 THEN {text} END")
    # A long is an address too.
    either = "CASE WHEN TRY_CAST({0} AS BIGINT) BETWEEN 0 AND 4294967295 THEN struct_pack(n := TRY_CAST({0} AS BIGINT), p := CAST(32 AS BIGINT)) ELSE "
    address = either + address_sql("CAST({0} AS VARCHAR)") + " END"
    return f"coalesce({once(address, 'x', f'CASE WHEN x IS NOT NULL THEN {inside} END')}, '')"


def texts_of(args: list[str]) -> str:
    """One list of the arguments, which are texts or arrays of texts."""
    lists = ", ".join(
        f"CASE WHEN typeof({arg}) = 'JSON' THEN TRY_CAST({arg} AS VARCHAR[]) ELSE [CAST({arg} AS VARCHAR)] END"
        for arg in args
    )
    return f"flatten([{lists}])"


def _in_any_range(args: list[str]) -> str:
    """Whether the address lies in one of the ranges, which are texts or arrays of texts."""
    # true where one holds; null for no address, or where none holds and one is no range.
    found = f"list_transform({texts_of(args[1:])}, lambda r: {_IN_RANGE.format(args[0], 'r')})"
    return f"CASE WHEN {_of_one('true').format(args[0])} THEN list_bool_or({found}) END"


_TOKENS = "list_transform(regexp_split_to_array({0}, '[^0-9A-Za-z.]+'), lambda t: trim(t, '.'))"


def _is_address(text: str) -> str:
    return f"({address_sql(text)}) IS NOT NULL AND NOT contains({text}, '/')"


def _has(needle: str) -> str:
    """Whether the address stands in the text, between marks that are no letters or digits."""
    return f"({_is_address(needle)} AND list_contains({_TOKENS}, {needle}))"


def _has_prefix(needle: str) -> str:
    """Whether an address that begins so stands in the text: a prefix ends with a point, or is a whole address."""
    begins = f"list_filter({_TOKENS}, lambda t: {_is_address('t')} AND starts_with(t, {needle}))"
    return f"((ends_with({needle}, '.') OR {_is_address(needle)}) AND len({begins}) > 0)"


def _any(test: str, args: list[str]) -> str:
    """Whether the test holds for one of the needles, which are texts or arrays of texts."""
    found = f"list_transform({texts_of(args[1:])}, lambda n: coalesce({test.format(args[0])}, false))"
    return f"coalesce(list_bool_or({found}), false)"


def _with_mask() -> str:
    """The number of the network under the shorter of the two prefixes; null for no address."""
    number = once("least(x.p, CAST({1} AS BIGINT))", "w", _masked("x.n", "w"))
    return _of_one(f"CASE WHEN CAST({{1}} AS BIGINT) BETWEEN 0 AND 32 THEN {number} END")


def _bits(text: str) -> str:
    """The 128 bits of an address, and behind them the length of its prefix."""
    address, mark, prefix = text.strip().partition("/")
    if "%" in address or (mark and not (prefix.isascii() and prefix.isdigit())):
        raise ValueError(text)
    found = ip_address(address)
    length = int(prefix) if mark else found.max_prefixlen
    if length > found.max_prefixlen:
        raise ValueError(text)
    number = int(found) + (_MAPPED if found.version == 4 else 0)  # noqa: PLR2004 - IPv4
    return f"{number:0{BITS}b}{length + BITS - found.max_prefixlen}"


IPV6_BITS = python_sql(
    "address_bits", lambda text: None if text is None else _bits(text), ("VARCHAR",), "VARCHAR"
)


def install() -> None:
    """Put them among duckdb-kql's."""
    add("ipv4_is_private", {1: _IS_PRIVATE}, texts=(0,))
    add("parse_ipv4_mask", {2: _with_mask()}, texts=(0,))
    add("ipv4_netmask_suffix", {1: _of_one("x.p")}, texts=(0,))
    add("kql_surely_private", {1: _SURELY_PRIVATE}, texts=(0,))
    for name in ("ipv4_is_in_range", "kql_surely_in_range"):
        add(name, {2: _IN_RANGE}, texts=(0, 1))
    ranges = {
        "ipv4_is_in_range": _InRange("ipv4_is_in_range", "template", "", forms={2: _IN_RANGE}),
        "kql_surely_in_range": _InRange(
            "kql_surely_in_range", "template", "", forms={2: _IN_RANGE}, otherwise=""
        ),
    }
    functions.SCALAR_FUNCTIONS.update(ranges)
    add("ipv4_compare", {2: _compared(_SHORTEST), 3: _compared(_WITH_PREFIX)}, texts=(0, 1))
    matches = {2: f"({_compared(_SHORTEST)} = 0)", 3: f"({_compared(_WITH_PREFIX)} = 0)"}
    add("ipv4_is_match", matches, texts=(0, 1))
    add(
        "format_ipv4",
        {1: _formatted("x.p", shown=False), 2: _formatted("least(x.p, CAST({1} AS BIGINT))", shown=False)},
        gives_text=True,
    )
    add(
        "format_ipv4_mask",
        {1: _formatted("x.p", shown=True), 2: _formatted("least(x.p, CAST({1} AS BIGINT))", shown=True)},
        gives_text=True,
    )
    add_of_any_number("ipv4_is_in_any_range", _in_any_range)
    add("has_ipv4", {2: f"coalesce({_has('{1}')}, false)"}, texts=(0, 1))
    add("has_ipv4_prefix", {2: f"coalesce({_has_prefix('{1}')}, false)"}, texts=(0, 1))
    add_of_any_number("has_any_ipv4", lambda args: _any(_has("n"), args))
    add_of_any_number("has_any_ipv4_prefix", lambda args: _any(_has_prefix("n"), args))
