"""Functions over arrays and bags, from the reference's text: null, empty, what is no array, unicode, negative places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqlmagic_ext import UnsupportedError, connect
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer
from tests.local.test_text_functions import first

Open = Callable[..., LocalConnection]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("array_index_of(dynamic(['an', 'ex', 'an', 'ex']), 'ex', 0, 1)", -1),
        ("array_index_of(dynamic(['an', 'ex', 'an', 'ex']), 'ex', 0, 2)", 1),
        ("array_index_of(dynamic(['an', 'ex', 'an', 'ex']), 'ex', 2, -1)", 3),
        ("array_index_of(dynamic(['an', 'ex', 'an', 'ex']), 'ex', 0, -1, 2)", 3),
        ("array_index_of(dynamic(['an', 'ex', 'an', 'ex']), 'ex', 0, -1, 3)", -1),
        ("array_index_of(dynamic(['an', 'ex', 'an', 'ex']), 'an', -2)", 2),
        ("array_index_of(dynamic(['an']), 'an', -9)", 0),
        ("array_index_of(dynamic(['an']), 'an', 0, -2)", None),
        ("array_index_of(dynamic(['an']), 'an', 0, -1, -1)", None),
        ("array_index_of(dynamic(['é', 7, true]), 7)", 1),
        ("array_index_of(dynamic(['é', 7, true]), true)", 2),
        ("array_index_of(dynamic([]), 1)", -1),
        ("array_index_of(dynamic({'a': 1}), 1)", None),
        ("array_index_of(pack_array(datetime(2020-01-01)), datetime(2020-01-01))", 0),
        ("array_index_of(pack_array(1h), 1h)", 0),
        ("set_has_element(dynamic([1, 'x']), 'x')", True),
        ("set_has_element(dynamic([1, 'x']), 'X')", False),
        ("set_has_element(dynamic('x'), 'x')", None),
        ("array_split(dynamic([1,2,3,4,5]), 2)", [[1, 2], [3, 4, 5]]),
        ("array_split(dynamic([1,2,3,4,5]), dynamic([1,3]))", [[1], [2, 3], [4, 5]]),
        ("array_split(dynamic([1,2,3,4,5]), -2)", [[1, 2, 3], [4, 5]]),
        ("array_split(dynamic([1,2]), 9)", [[1, 2], []]),
        ("array_split(dynamic([]), 1)", [[], []]),
        ("array_split(dynamic([1]), dynamic([]))", [[1]]),
        ("array_split(dynamic([1]), dynamic(['x']))", None),
        ("array_split(dynamic('x'), 1)", None),
        ("array_sum(dynamic([1, 2.5, -4]))", -0.5),
        ("isnull(array_sum(dynamic([1, 'x'])))", True),
        ("isnull(array_sum(dynamic({'a': 1})))", True),
        ("array_reverse(dynamic('x'))", None),
        ("array_reverse(dynamic([1, null, 'x']))", ["x", None, 1]),
        ("array_slice(dynamic('x'), 0, 1)", None),
        ("array_slice(dynamic([1, 2, 3]), -2, -1)", [2, 3]),
        ("array_concat(dynamic('x'), dynamic([1]))", None),
        ("array_concat(dynamic([1, [2]]), dynamic([]), dynamic(['é']))", [1, [2], "é"]),
        ("bag_remove_keys(dynamic({'a': 1, 'b': 2}), dynamic(['a', 'z']))", {"b": 2}),
        (
            "bag_remove_keys(dynamic({'a': {'b': 1, 'c': 'é'}, 'd': 2}), dynamic(['$.a.b', 'd']))",
            {"a": {"c": "é"}},
        ),
        ("bag_remove_keys(dynamic({'a b': {'c.d': 1}}), dynamic([\"$['a b']['c.d']\"]))", {"a b": {}}),
        ("bag_remove_keys(dynamic({'a': 1}), dynamic(['$.a.b', '$.z.y', '$']))", {"a": 1}),
        ("tostring(bag_remove_keys(dynamic({'é': 1.5, 'b': 2}), dynamic(['b'])))", '{"é":1.5}'),
        ("bag_remove_keys(dynamic([1]), dynamic(['a']))", None),
        (
            "dynamic_to_json(dynamic({'b': {'y': 1, 'x': [3, null]}, 'Z': true, 'a': 'é'}))",
            '{"Z":true,"a":"é","b":{"x":[3,null],"y":1}}',
        ),
        ("dynamic_to_json(dynamic('x'))", "x"),
        ("dynamic_to_json(dynamic(null))", ""),
        ("dynamic_to_json(5)", "5"),
        ("pack_dictionary('a', 1, 'b', 'é')", {"a": 1, "b": "é"}),
    ],
)
def test_what_is_no_array_is_null_and_the_rest_as_the_reference_says(
    opened: Open, call: str, expected: Any
) -> None:
    assert first(opened("local://"), call) == expected


def test_bag_pack_columns_names_the_values_by_their_columns(opened: Open) -> None:
    query = "datatable (i:long, ['a b']:string) [1, 'é', long(null), ''] | project p = bag_pack_columns(i, ['a b'])"
    rows = answer(opened("local://"), query)
    assert rows == [({"i": 1, "a b": "é"},), ({"i": None, "a b": ""},)]


def test_bag_pack_columns_of_what_is_computed_is_refused(opened: Open) -> None:
    with pytest.raises(UnsupportedError, match="bag_pack_columns"):
        answer(opened("local://"), "print i = 1 | project p = bag_pack_columns(i + 1)")


@pytest.fixture(scope="module")
def shared() -> Iterator[LocalConnection]:
    connection = connect("local://")
    assert isinstance(connection, LocalConnection)
    with closing(connection):
        yield connection


_WORDS = st.lists(st.sampled_from(["a", "b"]), max_size=5)


@settings(max_examples=40, deadline=None)
@given(words=_WORDS, start=st.integers(-6, 6), count=st.integers(-1, 6), occurrence=st.integers(1, 3))
def test_array_index_of_finds_what_a_walk_finds(
    shared: LocalConnection, words: list[str], start: int, count: int, occurrence: int
) -> None:
    begin = max(len(words) + start, 0) if start < 0 else start
    end = len(words) if count == -1 else begin + count
    found = [at for at, word in enumerate(words) if begin <= at < end and word == "a"]
    expected = found[occurrence - 1] if len(found) >= occurrence else -1
    call = f"array_index_of(dynamic({words}), 'a', {start}, {count}, {occurrence})"
    assert first(shared, call) == expected
