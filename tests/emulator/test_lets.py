"""Python values that a client sent as `let` statements arrive as what they were."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from kqlmagic_ext import Query
from kqlmagic_ext.connections.local.connection import LocalConnection
from kqlmagic_ext.emulator import Emulator
from kqlmagic_ext.frames import arrow_from_columns
from kqlmagic_ext.kql.literals import literal
from kqlmagic_ext.kql.reading import Datatable, Reader
from tests.emulator.conftest import ask


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        ('é\u202e\x00"\\', 'é\u202e\x00"\\'),
        ("😀 {{x}} // ; let", "😀 {{x}} // ; let"),
        (2**63 - 1, 2**63 - 1),
        (1.5, 1.5),
        (float("inf"), "Infinity"),
        (True, True),
        (Decimal("0.1"), "0.100000000"),
        (Decimal("12345678901234567890.123456789"), "12345678901234567890.123456789"),
        (UUID(int=5), str(UUID(int=5))),
    ],
    ids=ascii,
)
def test_a_value_arrives_as_what_it_was(emulator: Emulator, value: object, wire: object) -> None:
    for name in ("_in_v", "v"):
        assert ask(emulator, f"let {name} = {literal(value, 'v')}; print x = {name}").rows == [[wire]]


def test_a_list_filters(emulator: Emulator) -> None:
    apps = ["OfficeHome", "né"]
    text = f"let _in_apps = {literal(apps, 'apps')}; SigninLogs | where AppDisplayName in (_in_apps) | distinct AppDisplayName"
    assert ask(emulator, text).rows == [["OfficeHome"]]


EVERY_TYPE = """datatable(['a b']:string, i:int, l:long, r:real, d:decimal, t:datetime, s:timespan, g:guid, y:dynamic, b:bool)[
    "\\u00e9", int(1), long(2), real(nan), decimal(12345678901234567890.123456789), datetime(2026-01-01T00:00:00.123456Z),
    timespan(1.00:00:00), guid(74be27de-1e4e-49d9-b579-fe0b331d3642), dynamic({"k":[1,"\\u00e9"]}), true,
    "", int(null), long(null), real(null), decimal(null), datetime(null), timespan(null), guid(null), dynamic(null), bool(null)]"""
KINDS = ["string", "int", "long", "real", "decimal", "datetime", "timespan", "guid", "dynamic", "bool"]


@pytest.mark.parametrize("name", ["t1", "_in_t1"])
def test_a_table_arrives_with_the_types_that_it_declares(emulator: Emulator, name: str) -> None:
    answer = ask(emulator, f"let {name} = {EVERY_TYPE}; {name}")
    assert [column["type"] for column in answer.json["tables"][0]["columns"]] == KINDS
    first, second = answer.rows
    assert first[0] == "é"
    assert first[3] == "NaN"
    assert first[4] == "12345678901234567890.123456789"
    assert first[5:8] == ["2026-01-01T00:00:00.123456Z", "1.00:00:00", "74be27de-1e4e-49d9-b579-fe0b331d3642"]
    assert json.loads(first[8]) == {"k": [1, "é"]}
    assert second == ["", *[None] * 9]


@pytest.mark.parametrize("rows", ["empty", "nulls"])
def test_a_table_without_values_keeps_its_types(demo: LocalConnection, rows: str) -> None:
    kinds = KINDS[1:]
    cells = [f"{kind}(null)" for kind in kinds] if rows == "nulls" else []
    columns = ", ".join(f"c{at}:{kind}" for at, kind in enumerate(kinds))
    table = Reader(f"datatable({columns})[{', '.join(cells)}]").datatable()
    assert isinstance(table, Datatable)
    arrow = arrow_from_columns(table.types, table.columns, "t")
    back = demo.run(Query("t", {"t": arrow})).tables[0]
    assert [field.metadata[b"kql"].decode() for field in back.schema] == kinds
    assert back.num_rows == (1 if rows == "nulls" else 0)


def test_a_let_that_a_column_hides_is_read_as_kql_reads_it(emulator: Emulator) -> None:
    text = "let UserId = 'nobody'; SigninLogs | where UserId == UserId | count"
    assert ask(emulator, text).rows == ask(emulator, "SigninLogs | count").rows


def test_a_let_may_bear_the_name_of_a_table(emulator: Emulator) -> None:
    assert ask(emulator, "let SigninLogs = datatable(x:long)[1, 2]; SigninLogs | count").rows == [[2]]


def test_a_long_table_is_read_fast_enough_to_be_used(emulator: Emulator) -> None:
    cells = ",".join(f'"text {n} {"x" * 40}", long({n})' for n in range(60_000))
    answer = ask(emulator, f"let t = datatable(a:string, n:long)[{cells}]; t | summarize sum(n), dcount(a)")
    assert answer.rows[0][0] == sum(range(60_000))


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("let f = (x:long) { x + 1 }; let a = 1; print y = f(a)", [[2]]),
        ("let a = 5; let b = a + 1; print y = b", [[6]]),
        ("let a = 5; print a = 1 | where a == 1", [[1]]),
        ("let d = 1h; print y = d * 2", [["02:00:00"]]),
        ("let n = 2; range x from 1 to 5 step 1 | take n", [[1], [2]]),
        (
            "let w = 1h; print t = datetime(2026-01-01T01:30:00Z) | summarize count() by t = bin(t, w)",
            [["2026-01-01T01:00:00Z", 1]],
        ),
        ("let f = 'yyyy'; print format_datetime(datetime(2026-01-01), f)", [["2026"]]),
        ("let keys = datatable(a:string)['x']; print b = 'x' | where b in (keys)", [["x"]]),
        (
            "let UserId = 'x'; let f = 'yyyy'; SigninLogs | where UserId == UserId | take 1 | project format_datetime(datetime(2026-01-01), f)",
            [["2026"]],
        ),
    ],
)
def test_lets_mean_what_they_mean_in_kql(emulator: Emulator, text: str, rows: list[list[Any]]) -> None:
    assert ask(emulator, text).rows == rows


def test_the_error_of_a_query_is_that_of_the_bound_lets(emulator: Emulator) -> None:
    answer = ask(emulator, "let a = 1; let s = 'x\\u00e9'; print x = a, y = s, z = nothing")
    assert answer.code == "BadArgumentError > SemanticError > SEM0100"
