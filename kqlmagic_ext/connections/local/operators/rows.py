"""Operators that pass rows on: `serialize`, `sample`, `sample-distinct`, `distinct *`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.operators.added import Added, whole_number
from kqlmagic_ext.connections.local.private_copy import ir, lower, naming, translate
from kqlmagic_ext.connections.local.sql import quote_name

if TYPE_CHECKING:
    from kqlmagic_ext.connections.local.operators.added import Columns, Lowered, Tables


@dataclass(frozen=True)
class Sample(Added):
    """`sample n`: n rows of the input, each time others."""

    count: int

    def columns(self, given: Columns, tables: Tables) -> Columns:
        return given

    def sql(self, source: str, given: Columns) -> str:
        return f"SELECT * FROM {source} USING SAMPLE reservoir({max(self.count, 0)} ROWS)"


@dataclass(frozen=True)
class SampleDistinct(Added):
    """`sample-distinct n of x`: at most n different values; which ones is not said."""

    count: int
    value: Any

    def columns(self, given: Columns, tables: Tables) -> Columns:
        return [naming.expression_name(self.value.expr) or "Column1"]

    def sql(self, source: str, given: Columns) -> str:
        name = quote_name(self.columns(given, None)[0])
        return f"SELECT DISTINCT {translate.render_expr(self.value.expr)} AS {name} FROM {source} LIMIT {max(self.count, 0)}"


@dataclass(frozen=True)
class DistinctRows(Added):
    """`distinct *`: each row once."""

    def columns(self, given: Columns, tables: Tables) -> Columns:
        return given

    def sql(self, source: str, given: Columns) -> str:
        return f"SELECT DISTINCT * FROM {source}"


def read_serialize(node: Any) -> Lowered:
    """`serialize [a = …]`: the rows keep their order here anyway, so that only its columns remain."""
    expressions = tuple(lower._lower_named(child) for child in lower._rule_children(node))
    return ir.Extend(expressions) if expressions else []


def read_sample(node: Any) -> Sample:
    """`sample 10`."""
    return Sample(whole_number(lower._rule_children(node)[-1], "sample"))


def read_sample_distinct(node: Any) -> SampleDistinct:
    """`sample-distinct 10 of x`."""
    count, value = lower._rule_children(node)[-2:]
    return SampleDistinct(whole_number(count, "sample-distinct"), lower._lower_named(value))


def read_distinct(node: Any) -> Lowered:
    """`distinct *`; None for a list of columns, which duckdb-kql reads."""
    is_star = any(lower._cls(child) == "DistinctOperatorStarTarget" for child in lower._rule_children(node))
    return DistinctRows() if is_star else None
