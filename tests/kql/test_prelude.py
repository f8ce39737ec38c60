from __future__ import annotations

import time

import pytest

from kqlmagic_ext.kql.prelude import lift
from kqlmagic_ext.kql.reading import Datatable
from kqlmagic_ext.values import Value


def test_literal_lets_are_lifted_and_the_rest_stays() -> None:
    text = "let a = 1; let b = ago(1d); let c = 'x'; T | where n == a and s == c and t > b"
    lifted = lift(text)
    assert lifted.text == "let b = ago(1d); T | where n == a and s == c and t > b"
    assert lifted.values == {"a": Value("long", 1), "c": Value("string", "x")}


def test_every_offset_finds_its_way_back() -> None:
    text = "// head\nlet a = 'é\\u00e9';\nlet b = ago(1d);\n let c = datatable(x:long)[1,\n2]; set q;\nT | where café == a"
    lifted = lift(text)
    assert set(lifted.values) == {"a", "c"}
    for offset, char in enumerate(lifted.text):
        assert text[lifted.original(offset)] == char


def test_a_reserved_name_becomes_a_placeholder_of_the_same_length() -> None:
    lifted = lift("let _in_user = 'x'; T | where a == _in_user and '_in_user' != b // _in_user")
    assert lifted.text == "T | where a == {{user}} and '_in_user' != b // _in_user"
    assert lifted.values == {"user": Value("string", "x")}


@pytest.mark.parametrize(
    "text",
    [
        "T | take 1",
        "let f = (x:long) { x }; T",
        "let a = 1",
        "let a = 1 + 1; T",
        "let ['a b'] = 1; T",
        "T; let a = 1; U",
        "let a = '; T",
        "let a = datatable(x:long)[now()]; a",
        "",
        "// let a = 1; T",
    ],
)
def test_any_other_head_stays_as_it_is(text: str) -> None:
    assert lift(text).text == text
    assert lift(text).values == {}


def test_a_let_of_a_kept_name_stays() -> None:
    lifted = lift("let a = 1; let b = 2; T", ["a"])
    assert lifted.text == "let a = 1; T"
    assert set(lifted.values) == {"b"}


def test_the_second_let_of_a_name_is_left_to_the_engine() -> None:
    assert lift("let a = 1; let a = 2; T").text == "let a = 2; T"


def test_reading_a_datatable_takes_time_in_step_with_its_length() -> None:
    def seconds(rows: int) -> float:
        cells = ",".join(
            f'"text {n}", long({n}), datetime(2026-01-01T00:00:00.{n % 1000:03}Z), dynamic({{"a":[{n}]}})'
            for n in range(rows)
        )
        began = time.process_time()
        lifted = lift(f"let t = datatable(a:string, n:long, d:datetime, e:dynamic)[{cells}]; t")
        assert isinstance(lifted.values["t"], Datatable)
        assert len(lifted.values["t"].columns["a"]) == rows
        return time.process_time() - began

    long, short = (min(seconds(rows) for _ in range(3)) for rows in (16_000, 4_000))
    assert long < 10 * max(short, 0.01)  # four times the length; quadratic would be 16 times
