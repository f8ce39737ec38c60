"""Extracting with a type, from the reference's text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from kqlmagic_ext import UnsupportedError
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer
from tests.local.test_text_functions import first

Open = Callable[..., LocalConnection]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("extract('x=([0-9.]+)', 1, 'hello x=45.6|wo', typeof(real))", 45.6),
        ("extract('[0-9]+', 0, 'é 45', typeof(long)) + 1", 46),
        ("extract('x', 0, 'hello', typeof(long))", None),
        ("extract('.*', 0, 'hello', typeof(int))", None),
        ("extract('.*', 0, 'true', typeof(bool))", True),
        (
            "extract('[0-9-]+', 0, 'on 2024-02-03', typeof(datetime)) + 1d",
            pd.Timestamp("2024-02-04", tz="UTC"),
        ),
        ("extract('.*', 0, 'a', typeof(string))", "a"),
        ("extractjson('$.a', '{\"a\": 5}', typeof(int)) * 2", 10),
        ("extract_json('$.a[1]', '{\"a\": [5, 7]}', typeof(long))", 7),
        ("extract_json('$.b', '{\"a\": 5}', typeof(long))", None),
        ("extractjson('$.a', 'no json', typeof(real)) > 1", None),
    ],
)
def test_what_is_extracted_has_the_type_that_is_asked_for(opened: Open, call: str, expected: Any) -> None:
    assert first(opened("local://"), call) == expected


def test_a_type_in_a_function_over_a_column_in_a_let_holds(opened: Open) -> None:
    query = (
        "let f = (t: string) { extract(@'(\\d+)', 1, t, typeof(long)) }; "
        "datatable(t: string) ['a1', '', 'b22'] | extend n = f(t) | summarize sum(n), max(extract('b(.*)', 1, t, typeof(int)))"
    )
    assert answer(opened("local://"), query) == [(23, 22)]


@pytest.mark.parametrize("kind", ["typeof(dynamic)", "typeof(x)", "'long'"])
def test_another_type_is_refused(opened: Open, kind: str) -> None:
    with pytest.raises(UnsupportedError, match="extract"):
        first(opened("local://"), f"extract('a', 0, 'a', {kind})")
