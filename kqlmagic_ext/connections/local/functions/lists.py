"""A list of make_list() or make_set() in the place of a text is its JSON text, as every dynamic value is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.private_copy import ir, translate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# DuckDB alone knows a column's type. One macro for each type of list, as one for all of them fits a null several times;
# of another type, it is the column itself.
_LISTS = {
    "texts": "VARCHAR[]",
    "longs": "BIGINT[]",
    "reals": "DOUBLE[]",
    "bools": "BOOLEAN[]",
    "values": "JSON[]",
}
MACROS = tuple(
    f"CREATE OR REPLACE MACRO memory.main.kql_{name}(x {kind}) AS CAST(to_json(x) AS VARCHAR), (x) AS x"
    for name, kind in _LISTS.items()
)
_in_string_context = translate._in_string_context


def in_string_context(
    operands: Sequence[tuple[Any, str]], build: Callable[[Sequence[str]], str], index: int = 0
) -> str:
    """The test of texts, in which a column may be a list."""
    if index == 0:
        operands = [(node, _text(node, sql)) for node, sql in operands]
    return str(_in_string_context(operands, build, index))


def _text(node: Any, sql: str) -> str:
    if isinstance(node, ir.ColumnRef):
        for name in _LISTS:
            sql = f"kql_{name}({sql})"
    return sql


def install() -> None:
    """Put it in the place of duckdb-kql's."""
    translate._in_string_context = in_string_context
