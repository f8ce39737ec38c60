"""`evaluate ipv4_lookup` and `ipv6_lookup`, from the reference's text and against a slow model."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqlmagic_ext import QueryError, UnsupportedError, connect
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]
NETS = (
    "let L = datatable(net: string, c: string, n: long)['5.8.0.0/19','RU',1, '2.20.183.0/24','GB',2, "
    "'0.0.0.0/0','é',3, 'none','x',4, '5.8.1.2','one',5];"
)
IPS = "datatable(ip: string, c: string)['2.20.183.12','GB', '5.8.1.2','RU', 'no address','', '','', '9.9.9.9','US']"
SIX = "let L = datatable(net: string, c: string)['2001:db8:85a3::/48','US', '::ffff:1.2.3.0/120','four', '1.2.0.0/16','map'];"


def plain(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [tuple(None if pd.isna(value) else value for value in row) for row in rows]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            f"{NETS} {IPS} | evaluate ipv4_lookup(L, ip, net) | project ip, c, net, c1, n | sort by ip asc, n asc",
            [
                ("2.20.183.12", "GB", "2.20.183.0/24", "GB", 2),
                ("2.20.183.12", "GB", "0.0.0.0/0", "é", 3),
                ("5.8.1.2", "RU", "5.8.0.0/19", "RU", 1),
                ("5.8.1.2", "RU", "0.0.0.0/0", "é", 3),
                ("5.8.1.2", "RU", "5.8.1.2", "one", 5),
                ("9.9.9.9", "US", "0.0.0.0/0", "é", 3),
            ],
        ),
        (
            f"{NETS} {IPS} | evaluate ipv4_lookup(L, ip, net, c)",
            [("2.20.183.12", "GB", "2.20.183.0/24", 2), ("5.8.1.2", "RU", "5.8.0.0/19", 1)],
        ),
        (
            f"{NETS} {IPS} | where ip in ('', '9.9.9.9') | evaluate ipv4_lookup(L, ip, net, c, return_unmatched = true)",
            [("", "", "", None), ("9.9.9.9", "US", "", None)],
        ),
        (f"{NETS} {IPS} | take 0 | evaluate ipv4_lookup(L, ip, net) | count", [(0,)]),
        (
            f"{NETS} {IPS} | evaluate ipv4_lookup((L | take 0), ip, net, c, true) | where isempty(net) | count",
            [(5,)],
        ),
        (
            f"{NETS} let v = 2; {IPS} | evaluate ipv4_lookup((L | where n == v), ip, net) | project c1",
            [("GB",)],
        ),
        (
            f"{NETS} let F = (t: (ip: string)) {{ t | evaluate ipv4_lookup(L, ip, net) | where n == 1 | project n }}; {IPS} | invoke F()",
            [(1,)],
        ),
        (
            f"{NETS} print ip = '2.20.183.12' | where ip in (({IPS} | evaluate ipv4_lookup(L, ip, net, c) | project ip)) | project ip",
            [("2.20.183.12",)],
        ),
        (
            f"{NETS} print ['a\"b'] = '5.8.255.9' | project-rename a = ['a\"b'] | extend ['q\"'] = a | evaluate ipv4_lookup(L, ['q\"'], net) | summarize make_list(n)",
            [([3],)],
        ),
        (
            "let L = datatable(net: string)['10.1.0.0/16', '10.0.0.0/12', '11.0.0.0/8']; print ip = '10.9.9.9/8' | evaluate ipv4_lookup(L, ip, net) | summarize n = count()",
            [(2,)],
        ),
        (
            "let L = datatable(ip: string)['10.0.0.0/8']; print ip = '10.9.9.9' | evaluate ipv4_lookup(L, ip, ip) | project ip, ip1",
            [("10.9.9.9", "10.0.0.0/8")],
        ),
        (
            "let L = datatable(net: string)['10.0.0.0/8']; print d = dynamic({'a': '10.1.1.1'}) | extend x = d.a | evaluate ipv4_lookup(L, x, net) | project net",
            [("10.0.0.0/8",)],
        ),
        (
            "let L = datatable(net: string)['10.0.0.0/8']; print ips = dynamic(['10.1.1.1', 'x']) | mv-apply ip = ips to typeof(string) on (evaluate ipv4_lookup(L, ip, net, true)) | project ip, net",
            [("10.1.1.1", "10.0.0.0/8"), ("x", "")],
        ),
        (
            "let L = datatable(net: string, d: dynamic)['10.0.0.0/8', dynamic({'k': 1})] | evaluate bag_unpack(d); print ip = '10.1.1.1' | evaluate ipv4_lookup(L, ip, net) | project k",
            [(1,)],
        ),
        (
            "let L = datatable(net: string)['10.0.0.0/8']; union (print ip = '10.1.1.1' | evaluate ipv4_lookup(L, ip, net)), (print z = 1) | where isnull(z)| project net",
            [("10.0.0.0/8",)],
        ),
        (
            f"{SIX} datatable(ip: string)['2001:0DB8:85a3:0:0:8a2e:370:7334', '1.2.3.4', 'g::', '::1'] | evaluate ipv6_lookup(L, ip, net, true) | sort by ip asc, c asc | project ip, c",
            [
                ("1.2.3.4", "four"),
                ("1.2.3.4", "map"),
                ("2001:0DB8:85a3:0:0:8a2e:370:7334", "US"),
                ("::1", ""),
                ("g::", ""),
            ],
        ),
    ],
)
def test_a_lookup_gives_the_networks_of_an_address(
    opened: Open, query: str, expected: list[tuple[Any, ...]]
) -> None:
    assert plain(answer(opened("local://"), query)) == expected


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("ipv4_lookup(L, ip)", UnsupportedError, "ipv4_lookup with such"),
        ("ipv4_lookup(L, ip, net, 1)", UnsupportedError, "ipv4_lookup with such"),
        ("ipv4_lookup(L, ip, net, other = true)", UnsupportedError, "ipv4_lookup with other"),
        ("ipv4_lookup(L, missing, net)", QueryError, "missing"),
        ("ipv6_lookup(L, ip, missing)", QueryError, "missing"),
        ("ipv6_lookup((L | project ip = net), ip, ip)", QueryError, "rename"),
        ("ipv6_lookup((L | project net, c), ip, net, c)", UnsupportedError, "ipv6_lookup with more keys"),
    ],
)
def test_a_lookup_that_cannot_be_is_refused(
    opened: Open, text: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        answer(opened("local://"), f"{NETS} {IPS} | evaluate {text}")


FEW = st.tuples(st.sampled_from([0, 10, 11, 192]), st.sampled_from([0, 1, 255]), st.integers(0, 32))


@settings(max_examples=15, deadline=None)
@given(st.lists(FEW, max_size=6), st.lists(FEW, max_size=6), st.booleans())
def test_a_lookup_is_the_join_of_all_pairs_that_match(
    rows: list[tuple[int, int, int]], nets: list[tuple[int, int, int]], six: bool
) -> None:
    def network(text: str) -> Any:
        return ip_network(text, strict=False)

    left = pd.DataFrame({"ip": [f"{a}.{b}.0.{p}" for a, b, p in rows]}, dtype="str")
    right = pd.DataFrame({"net": [f"{a}.{b}.0.0/{p}" for a, b, p in nets]}, dtype="str")
    model = sorted((ip, net) for ip in left["ip"] for net in right["net"] if ip_address(ip) in network(net))
    plugin = "ipv6_lookup" if six else "ipv4_lookup"
    connection = connect("local://")
    try:
        assert isinstance(connection, LocalConnection)
        found = answer(
            connection, f"left_rows | evaluate {plugin}(nets, ip, net)", left_rows=left, nets=right
        )
    finally:
        connection.close()
    assert sorted(row[::-1] if six else row for row in found) == model
