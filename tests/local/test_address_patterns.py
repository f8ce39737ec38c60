"""The patterns of IPv4 addresses against a model that reads the numbers."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from kqlmagic_ext.connections.local.connection import LocalConnection
from kqlmagic_ext.connections.local.functions.address_patterns import PLAIN, PUBLIC, inside
from tests.local.conftest import answer
from tests.local.test_text_functions import plain

Open = Callable[..., LocalConnection]
_PRIVATE = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]


def test_every_pair_of_first_octets_is_public_or_private_as_its_number_says() -> None:
    public, both = re.compile(PUBLIC), re.compile(PLAIN)
    for first in range(256):
        for second in range(256):
            address = ipaddress.ip_address(f"{first}.{second}.1.2")
            is_private = any(address in network for network in _PRIVATE)
            for spelled in (str(address), f"{first:03}.{second:03}.001.02", f"{first:02}.{second:02}.1.2"):
                assert both.fullmatch(spelled)
                assert (public.fullmatch(spelled) is None) == is_private, spelled


@settings(max_examples=200, deadline=None)
@given(
    number=st.integers(0, 2**32 - 1),
    base=st.integers(0, 2**32 - 1),
    prefix=st.integers(0, 32),
    is_near=st.booleans(),
)
def test_a_network_s_pattern_tells_its_addresses(
    number: int, base: int, prefix: int, *, is_near: bool
) -> None:
    network = ipaddress.IPv4Network((base, prefix), strict=False)
    address = ipaddress.IPv4Address(base ^ (number >> prefix) if is_near else number)
    pattern = inside(f"{ipaddress.IPv4Address(base)}/{prefix}")
    assert pattern is not None
    assert (re.fullmatch(pattern, str(address)) is not None) == (address in network)


def test_a_written_range_and_one_in_a_column_tell_the_same(opened: Open) -> None:
    for written in ("10.1.0.0/12", "10.1.2.3", "0.0.0.0/0", "10.1.2.3/33", "é", "010.1.0.0/16"):
        query = f"""
        datatable (ip:string) ["10.1.2.3", " 10.1.2.3 ", "010.001.2.3", "10.99.0.1", "10.1.2.3/24", "11.1.2.3/4", "10.1.2.3/33",
                               "256.1.1.1", "10.1.2", "", "é", "10.1.2.3.4", "0.0.0.0"]
        | extend around = "{written}"
        | project a = ipv4_is_in_range(ip, "{written}"), b = ipv4_is_in_range(ip, around), c = ipv4_is_in_range(strcat(ip, ""), "{written}")
        """
        for row in answer(opened("local://"), query):
            assert len({plain(value) for value in row}) == 1, (written, row)


def test_a_condition_keeps_the_rows_for_which_the_function_is_true(opened: Open) -> None:
    query = """
    let rows = datatable (ip:string) ["10.1.2.3", " 10.1.2.3 ", "010.001.2.3", "8.8.8.8", "10.1.2.3/24", "172.16.1.1", "172.32.1.1",
                                      "192.168.1.256", "192.168.1.1/16", "", "x", "172.031.1.1", "8.8.8.8/4"];
    let told = rows | extend p = ipv4_is_private(ip), r = ipv4_is_in_range(ip, "172.16.0.0/12");
    union (told | where p == true or r == true | summarize n = count()),
          (rows | where ipv4_is_private(ip) or ipv4_is_in_range(ip, "172.16.0.0/12") | summarize n = count()),
          (told | summarize n = countif(p == true)), (rows | summarize n = countif(ipv4_is_private(ip)))
    """
    first, second, third, fourth = (count for (count,) in answer(opened("local://"), query))
    assert first == second > 0
    assert third == fourth > 0
