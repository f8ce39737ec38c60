"""Functions that the base of the embedded engine lacks, from the reference's text: null, empty, unicode, negative, broken."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from kqlmagic_ext import Query, UnsupportedError
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]


def plain(value: Any) -> Any:
    """A cell as a test writes it: no value is None, and numpy's scalars are Python's."""
    if value is pd.NA or value is pd.NaT or value is None:
        return None
    return value.item() if hasattr(value, "item") else value


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("ipv4_is_private('192.168.1.1/24')", True),
        ("ipv4_is_private('172.31.255.255')", True),
        ("ipv4_is_private('172.32.0.0')", False),
        ("ipv4_is_private('127.0.0.1')", False),
        ("ipv4_is_private('10.0.0.0/4')", False),
        ("ipv4_is_private('')", None),
        ("ipv4_is_private('300.1.1.1')", None),
        ("ipv4_is_private('1.2.3.4/33')", None),
        ("ipv4_netmask_suffix('10.1.2.3/8')", 8),
        ("ipv4_netmask_suffix('10.1.2.3')", 32),
        ("ipv4_is_in_range('192.168.1.6', '192.168.1.1/24')", True),
        ("ipv4_is_in_range('192.168.2.6', '192.168.1.1/24')", False),
        ("ipv4_is_in_range('x', '192.168.1.1/24')", None),
        ("ipv4_compare('10.0.0.1', '10.0.0.2')", -1),
        ("ipv4_compare('10.0.0.2/31', '10.0.0.3', 32)", 0),
        ("ipv4_compare('10.0.0.2', '10.0.0.3', 31)", 0),
        ("ipv4_compare('10.0.0.2', '')", None),
        ("ipv4_is_match('192.168.1.1/30', '192.168.1.255/24')", True),
        ("ipv4_is_in_any_range('10.1.2.3', '1.1.1.1', '10.0.0.0/8')", True),
        ("ipv4_is_in_any_range('10.1.2.3', dynamic(['1.1.1.1', '2.0.0.0/8']))", False),
        ("ipv4_is_in_any_range('', dynamic(['1.1.1.1']))", None),
        ("format_ipv4('192.168.1.77', 24)", "192.168.1.0"),
        ("format_ipv4(3232235777)", "192.168.1.1"),
        ("format_ipv4('é')", ""),
        ("format_ipv4('1.1.1.1', -1)", ""),
        ("format_ipv4_mask('192.168.1.77', 24)", "192.168.1.0/24"),
        ("has_ipv4('GET 127.0.0.1.', '127.0.0.1')", True),
        ("has_ipv4('127.0.0.1GET', '127.0.0.1')", False),
        ("has_ipv4('a 127.0.0.256', '127.0.0.256')", False),
        ("has_ipv4('', '127.0.0.1')", False),
        ("has_ipv4_prefix('05:04 127.0.0.1 GET', '127.0.')", True),
        ("has_ipv4_prefix('05:04 127.0.0.1 GET', '127.0')", False),
        ("has_any_ipv4('05:04 127.0.0.1 GET', dynamic(['1.1.1.1', '127.0.0.1']))", True),
        ("has_any_ipv4_prefix('05:04 127.0.0.1 GET', '1.1.', '10.')", False),
        ("array_sort_asc(dynamic([10, 9, null, -2]))", [-2, 9, 10, None]),
        ("array_sort_desc(dynamic(['b', 'é', null, 'a']))", ["é", "b", "a", None]),
        ("array_sort_asc(dynamic([]))", []),
        ("array_sort_asc(dynamic({'a': 1}))", None),
        ("array_rotate_left(dynamic([1, 2, 3]), 7)", [2, 3, 1]),
        ("array_rotate_right(dynamic([1, 2, 3]), 1)", [3, 1, 2]),
        ("array_rotate_left(dynamic([]), 1)", []),
        ("array_shift_left(dynamic([1, 2, 3]), 2)", [3, None, None]),
        ("array_shift_right(dynamic([1, 2, 3]), 1, 'x')", ["x", 1, 2]),
        ("array_sort_asc(set_union(dynamic([1, 1]), dynamic([2]), dynamic([])))", [1, 2]),
        ("set_intersect(dynamic([1, 2, 2]), dynamic([2, 3]))", [2]),
        ("array_sort_asc(set_difference(dynamic([1, 2, 3, 3]), dynamic([2]), dynamic([4])))", [1, 3]),
        ("set_union(dynamic([1]), dynamic('x'))", None),
        ("""bag_keys(dynamic({"a\\"é": 1, "b/~": 2}))""", ['a"é', "b/~"]),
        ("bag_keys(dynamic([1]))", None),
        ("bag_has_key(dynamic({'a': null}), 'a')", True),
        ("bag_has_key(dynamic({'a': {'b': 1}}), '$.a.b')", True),
        ("bag_has_key(dynamic({'a': 1}), 'b')", False),
        ("bag_set_key(dynamic({'a': 1, 'b': 2}), 'a', dynamic([3]))", {"a": [3], "b": 2}),
        ("bag_set_key(dynamic({}), 'é', 'v')", {"é": "v"}),
        ("bag_merge(dynamic({'a': 1}), dynamic({'a': 3, 'd': null}), dynamic([1]))", {"a": 1, "d": None}),
        ("array_iff(dynamic([true, false, null, 2]), dynamic([1, 2, 3, 4]), 'n')", [1, "n", "n", 4]),
        ("array_iff(dynamic('x'), 1, 2)", None),
        ("bag_zip(dynamic(['a', 8, 'é']), dynamic([1, '2']))", {"a": 1, "é": None}),
        ("bag_zip(dynamic('a'), dynamic([1]))", None),
        ("split('a_é_c', '_', 1)", ["é"]),
        ("split('a_b', '_', 7)", []),
        ("split('a_b', '_')", ["a", "b"]),
        ("arraylength(dynamic([1, 2]))", 2),
        ("parsejson('[1]')", [1]),
        ("unicode_codepoints_from_string('aé')", [97, 233]),
        ("unicode_codepoints_from_string('')", []),
        ("unixtime_nanoseconds_todatetime(-1000)", pd.Timestamp("1969-12-31T23:59:59.999999", tz="UTC")),
        ("rand(3) < 3 and rand() < 1.0", True),
        ("strlen(tostring(new_guid()))", 36),
        ("series_fill_const(dynamic([1, null, -2]), 0)", [1, 0, -2]),
        ("series_fill_forward(dynamic([null, 1, null, null]))", [None, 1, 1, 1]),
        ("series_fill_backward(dynamic([null, 1, null]))", [1, 1, None]),
        ("series_fill_forward(dynamic([]))", []),
        ("series_fill_forward(dynamic('x'))", None),
        ("series_add(dynamic([1, 'a', 3]), dynamic([1, 2]))", [2.0, None, None]),
        ("series_subtract(dynamic([1]), dynamic([-2]))", [3.0]),
        ("series_multiply(dynamic([2]), dynamic([4]))", [8.0]),
        ("series_greater(dynamic([2, 1]), dynamic([1, null]))", [True, None]),
        ("series_abs(dynamic([-1.5, null]))", [1.5, None]),
        ("series_log(dynamic([1, 0]))", [0.0, None]),
        ("series_sum(dynamic([1, -2.5]))", -1.5),
        ("series_product(dynamic([2, 3]))", 6.0),
        ("base64_decode_tostring('w6k=')", "é"),
        ("base64_decode_tostring('x')", ""),
        ("base64_decode_tostring('/w==')", ""),
        ("url_decode('https%3a%2f%2fé')", "https://é"),
        ("tohex(-256)", "ffffffffffffff00"),
        ("tohex(toint(-256), 8)", "ffffff00"),
        ("tohex(256, 2)", "100"),
        ("strcmp('b', 'a')", 1),
        ("strcmp('', '')", 0),
        ("isascii('é')", False),
        ("isascii('')", True),
        ("string_size('é')", 2),
        ("bitset_count_ones(42)", 3),
        ("bin_at(-3, 5, 1)", -4),
        ("bin_at(6.5, 2.5, 7)", 4.5),
        ("bin_at(time(1h), 1d, 12h)", -pd.Timedelta(hours=12)),
        (
            "bin_at(datetime(2017-05-17T10:20), 7d, datetime(2017-06-04))",
            pd.Timestamp("2017-05-14", tz="UTC"),
        ),
        ("unixtime_seconds_todatetime(-1)", pd.Timestamp("1969-12-31T23:59:59", tz="UTC")),
        ("unixtime_milliseconds_todatetime(1500)", pd.Timestamp("1970-01-01T00:00:01.5", tz="UTC")),
    ],
)
def test_a_function_gives_what_the_reference_says(opened: Open, call: str, expected: Any) -> None:
    assert plain(answer(opened("local://"), f"print {call}")[0][0]) == expected


def test_one_bad_value_does_not_end_the_query(opened: Open) -> None:
    text = (
        "datatable(s: string)['w6k=', 'x', '', '10.0.0.1'] "
        "| project base64_decode_tostring(s), ipv4_is_private(s), url_decode(s), ipv4_is_in_range(s, s)"
    )
    assert len(answer(opened("local://"), text)) == 4


def test_a_column_with_a_name_of_one_letter_is_itself(opened: Open) -> None:
    names = [*"abceiklmnopqrstwxyz"]
    columns = ", ".join(f"{name}: string" for name in names)
    values = ", ".join("'10.0.0.1'" for _ in names)
    table = f"datatable({columns})[{values}]"
    calls = ", ".join(
        f"{name}1 = ipv4_compare({name}, '10.0.0.2', strlen({name})) + iff(has_any_ipv4({name}, {name}), 0, 9)"
        for name in names
    )
    connection = opened("local://")
    assert set(answer(connection, f"{table} | project {calls}")[0]) == {0}
    bags = ", ".join(f"make_bag(bag_set_key(bag_pack('x', 1), {name}, {name}))" for name in names)
    assert answer(connection, f"{table} | summarize {bags}")[0] == ({"x": 1, "10.0.0.1": "10.0.0.1"},) * len(
        names
    )


def test_a_bag_is_made_of_bags(opened: Open) -> None:
    text = (
        "datatable(d: dynamic, k: bool)[dynamic({'a': 1}), true, dynamic({'a': 2, 'b': null}), true, dynamic(null), true,"
        "dynamic([1]), true, dynamic({'c': 3}), false] | summarize make_bag(d), make_bag_if(d, k)"
    )
    connection = opened("local://")
    assert answer(connection, text) == [({"a": 1, "b": None, "c": 3}, {"a": 1, "b": None})]
    assert answer(connection, "datatable(d: dynamic)[] | summarize make_bag(d)") == [({},)]


def test_an_array_sorted_by_another_is_refused(opened: Open) -> None:
    with pytest.raises(UnsupportedError, match="array_sort_asc"):
        answer(opened("local://"), "print array_sort_asc(dynamic([1]), dynamic([2]))")


@pytest.mark.parametrize("seed", range(4))
def test_addresses_agree_with_the_standard_library(opened: Open, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - cases, no secrets
    pairs = []
    for _ in range(40):
        number = dice.choice(
            [dice.getrandbits(32), 0x0A000000 + dice.getrandbits(24), 0xAC100000 + dice.getrandbits(21)]
        )
        near = number ^ dice.getrandbits(dice.randint(1, 20))
        pairs.append(
            (ipaddress.ip_address(number), ipaddress.ip_network((near, dice.randint(0, 32)), strict=False))
        )
    given = pd.DataFrame({"ip": [str(ip) for ip, _ in pairs], "net": [str(net) for _, net in pairs]})
    found = answer(
        opened("local://"),
        "given | project ipv4_is_in_range(ip, net), ipv4_is_private(ip), format_ipv4(net)",
        given=given,
    )
    private = [ipaddress.ip_network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
    assert found == [
        (ip in net, any(ip in own for own in private), str(net.network_address)) for ip, net in pairs
    ]


def test_ingestion_time_is_the_rows_time_and_the_answer_says_so(opened: Open) -> None:
    query = """
    datatable (TimeGenerated:datetime) [datetime(2020-01-01), datetime(2020-01-03)]
    | where ingestion_time() > datetime(2020-01-02) | project t = bin(ingestion_time(), 1d)
    """
    result = opened("local://").run(Query(query))
    assert [str(moment) for moment in result.frame["t"]] == ["2020-01-03 00:00:00+00:00"]
    assert any("the time of ingestion is not known here" in warning for warning in result.warnings)


def test_ingestion_time_without_a_time_column_is_refused(opened: Open) -> None:
    with pytest.raises(UnsupportedError, match="ingestion_time"):
        opened("local://").run(Query("print a = 1 | extend t = ingestion_time()"))
