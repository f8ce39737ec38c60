"""What make_list() and make_set() give, in the place of a text: its JSON text, as every dynamic value is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kqlmagic_ext import QueryError
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]
LISTS = (
    "datatable(t: string) ['abc', 'é', 'a'] | summarize ['l\"s'] = make_list(t), n = make_set(strlen(t)), "
    "r = make_list(1.5), o = make_list(t == 'a'), j = make_list(todynamic('{\"q\":1}'))"
)


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("['l\"s'] has 'abc'", True),
        ("['l\"s'] has 'ab'", False),
        ("['l\"s'] !has 'x'", True),
        ("['l\"s'] matches regex '^.\"abc\",'", True),
        ("['l\"s'] has_any ('x', 'é')", True),
        ("['l\"s'] has_all ('x', 'a')", False),
        ("['l\"s'] contains 'C\"'", True),
        ("['l\"s'] contains_cs 'C\"'", False),
        ('[\'l"s\'] in (\'["abc","é","a"]\')', True),
        ("['l\"s'] in ('abc')", False),
        ("['l\"s'] == 'abc'", False),
        ("n has '3'", True),
        ("r startswith '[1.5'", True),
        ("o has 'true'", True),
        ("j has 'q'", True),
    ],
)
def test_a_list_is_compared_as_its_text(opened: Open, test: str, expected: bool) -> None:
    assert answer(opened("local://"), f"{LISTS} | project z = {test}") == [(expected,)]


def test_a_null_a_number_and_a_datetime_are_compared_as_before(opened: Open) -> None:
    connection = opened("local://")
    null = "print n = dynamic(null) | project a = n has 'x', b = n in ('x'), c = n matches regex 'x'"
    assert answer(connection, null) == [(False, False, False)]
    assert len(answer(connection, "print t = datetime(2020-01-01) | where t in ('2020-01-01')")) == 1
    with pytest.raises(QueryError, match="types do not fit"):
        answer(connection, "print x = 5 | where x has '5'")
