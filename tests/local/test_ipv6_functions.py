"""Functions over IPv6 and IPv4 addresses, from the reference's text: no address, prefixes, both kinds mixed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer
from tests.local.test_text_functions import first, plain

Open = Callable[..., LocalConnection]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("ipv6_compare('fe80::1', 'fe80::2')", -1),
        ("ipv6_compare('fe80::2', 'fe80::1')", 1),
        ("ipv6_compare('fe80::1/112', 'fe80::2')", 0),
        ("ipv6_compare('fe80::1', 'fe80::2', 112)", 0),
        ("ipv6_compare('fe80::1', 'fe80::2', 0)", 0),
        ("ipv6_compare('fe80::1', 'fe80::2', 129)", None),
        ("ipv6_compare('fe80::1', 'fe80::2', -1)", None),
        ("ipv6_compare('192.168.1.1', '::ffff:c0a8:0101')", 0),
        ("ipv6_compare('::192.168.1.1/30', '192.168.1.255/24')", 0),
        ("ipv6_compare('::ffff:192.168.1.1/120', '192.168.1.255')", 0),
        ("ipv6_compare('::1', '0.0.0.1')", -1),
        ("ipv6_compare('192.168.1.1', '10.0.0.1', 24)", 1),
        ("ipv6_compare('', 'fe80::1')", None),
        ("ipv6_compare('fe80::1%eth0', 'fe80::1')", None),
        ("ipv6_compare('192.168.1.1/33', '192.168.1.1')", None),
        ("ipv6_is_match('fe80::1/127', 'fe80::ff', 120)", True),
        ("ipv6_is_match('fe80::1', 'fe80::2')", False),
        ("ipv6_is_match('fe80::1', 'é')", None),
        ("ipv6_is_in_range('fe80::1', 'fe80::/10')", True),
        ("ipv6_is_in_range('2001:db8::1', 'fe80::/10')", False),
        ("ipv6_is_in_range('10.1.2.3', '10.0.0.0/8')", True),
        ("ipv6_is_in_range('fe80::1', 'fe80::/129')", None),
        ("ipv6_is_in_range('fe80::1', 'fe80::/-1')", None),
        ("ipv6_is_in_any_range('fe80::1', 'x', 'fe80::/10')", True),
        ("ipv6_is_in_any_range('fe80::1', dynamic(['2001:db8::/32', 'fe80::/10']))", True),
        ("ipv6_is_in_any_range('::1', '2001:db8::/32', 'fe80::/10')", False),
        ("ipv6_is_in_any_range('::1', 'x', 'fe80::/10')", None),
        ("ipv6_is_in_any_range('x', 'fe80::/10')", None),
        ("parse_ipv6('::1')", "0000:0000:0000:0000:0000:0000:0000:0001"),
        ("parse_ipv6('192.168.255.255/24')", "0000:0000:0000:0000:0000:ffff:c0a8:ff00"),
        ("parse_ipv6('1.2.3')", ""),
        ("parse_ipv6_mask('fe80::7994/120', 124)", "fe80:0000:0000:0000:0000:0000:0000:7900"),
        ("parse_ipv6_mask('::192.168.255.255/24', 128)", "0000:0000:0000:0000:0000:ffff:c0a8:ff00"),
        ("parse_ipv6_mask('::1', 200)", ""),
        ("parse_ipv4_mask('127.0.0.1', 24)", 2130706432),
        ("parse_ipv4_mask('192.1.168.2/24', 31)", 3221334016),
        ("parse_ipv4_mask('192.1.168.2', 33)", None),
        ("parse_ipv4_mask('192.1.168', 24)", None),
        (
            "ipv4_range_to_cidr_list('1.1.128.0', '1.1.140.255')",
            ["1.1.128.0/21", "1.1.136.0/22", "1.1.140.0/24"],
        ),
        ("ipv4_range_to_cidr_list('1.1.1.1', '1.1.1.1')", ["1.1.1.1/32"]),
        ("ipv4_range_to_cidr_list('1.1.1.2', '1.1.1.1')", None),
    ],
)
def test_addresses_of_both_kinds_are_compared_by_their_prefixes(
    opened: Open, call: str, expected: Any
) -> None:
    assert first(opened("local://"), call) == expected


def test_ranges_of_a_let_and_columns_are_heeded_row_by_row(opened: Open) -> None:
    query = """
    let ours = dynamic(["fe80::/10", "10.0.0.0/8"]);
    datatable (ip:string, around:string) ["fe80::1", "fe80::/64", "10.1.1.1", "", "", "::1"]
    | project any = ipv6_is_in_any_range(ip, ours), one = ipv6_is_in_range(ip, around)
    """
    rows = [tuple(map(plain, row)) for row in answer(opened("local://"), query)]
    assert rows == [(True, True), (True, None), (None, None)]
