"""`top-nested`: the top values of a column, within each of them those of a second, and so on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.operators.added import Added, unsupported, whole_number
from kqlmagic_ext.connections.local.operators.nested import nested_columns, nested_sql
from kqlmagic_ext.connections.local.private_copy import errors, ir, lower, naming
from kqlmagic_ext.connections.local.sql import quote_name

if TYPE_CHECKING:
    from kqlmagic_ext.connections.local.operators.added import Columns, Tables

_ROWS, _VALUE, _PLACE = "the rows of top-nested", "its aggregate", "its place"


@dataclass(frozen=True)
class Level:
    """`count`: how many values are kept in each value of the level above, None for all."""

    count: int | None
    key: Any
    aggregate: Any
    ascending: bool

    @property
    def names(self) -> Columns:
        """Its columns in the answer."""
        key = self.key.name or naming.expression_name(self.key.expr) or "Column1"
        return [key, self.aggregate.name or f"aggregated_{key}"]


@dataclass(frozen=True)
class TopNested(Added):
    """Each level is a summary by its key and those above it; the answer joins what each of them keeps."""

    levels: tuple[Level, ...]

    def columns(self, given: Columns, tables: Tables) -> Columns:
        names = [name for level in self.levels for name in level.names]
        for at, name in enumerate(names):
            if name in names[:at]:
                raise errors.KqlSchemaError(name, hint="top-nested gives two columns of this name; name one")
        for at in range(len(self.levels)):
            if nested_columns(given, [self._summary(at)], tables) != [*self._keys(at), _VALUE]:
                raise errors.KqlUnsupportedError("top-nested by this aggregate")
        return names

    def _keys(self, at: int) -> Columns:
        return [f"key {number} of top-nested" for number in range(at + 1)]

    def _summary(self, at: int) -> Any:
        by = zip(self._keys(at), self.levels, strict=False)
        return ir.Summarize(
            aggregates=(ir.NamedExpr(name=_VALUE, expr=self.levels[at].aggregate.expr),),
            by=tuple(ir.NamedExpr(name=name, expr=level.key.expr) for name, level in by),
        )

    def sql(self, source: str, given: Columns) -> str:
        names = self.columns(given, None)
        shown = ", ".join(
            f"l{at // 2}.{quote_name(_VALUE if at % 2 else self._keys(at // 2)[-1])} AS {quote_name(name)}"
            for at, name in enumerate(names)
        )
        joined = f"({self._kept(0, given)}) AS l0"
        for at in range(1, len(self.levels)):
            same = " AND ".join(
                f"l{at}.{quote_name(name)} IS NOT DISTINCT FROM l{at - 1}.{quote_name(name)}"
                for name in self._keys(at - 1)
            )
            joined += f" JOIN ({self._kept(at, given)}) AS l{at} ON {same}"
        return f"SELECT * FROM (WITH {quote_name(_ROWS)} AS MATERIALIZED (SELECT * FROM {source}) SELECT {shown} FROM {joined})"

    def _kept(self, at: int, given: Columns) -> str:
        """The values that a level keeps, in each value of the level above."""
        level, above = self.levels[at], ", ".join(map(quote_name, self._keys(at - 1)))
        value, way = quote_name(_VALUE), "DESC" if level.ascending else "ASC"
        # A null is the least of all, and NaN the least of the numbers.
        nan = f"coalesce(typeof({value}) = 'DOUBLE' AND CAST({value} AS VARCHAR) = 'nan', false)"
        order = f"{value} IS NULL {way}, {nan} {way}, {value} {'ASC' if level.ascending else 'DESC'}"
        within = f"PARTITION BY {above} " if above else ""
        summary = nested_sql(_ROWS, given, [self._summary(at)])
        if level.count is None:
            return summary
        return (
            f"SELECT * FROM (SELECT *, row_number() OVER ({within}ORDER BY {order}) "
            f"AS {quote_name(_PLACE)} FROM ({summary})) WHERE {quote_name(_PLACE)} <= {level.count}"
        )


def read_top_nested(node: Any) -> TopNested:
    """`top-nested [n] of k by a [asc|desc], top-nested …`; one level alone comes without the node around it."""
    parts = [node] if lower._cls(node) == "TopNestedOperatorPart" else lower._rule_children(node)
    return TopNested(tuple(_level(part) for part in parts))


def _level(node: Any) -> Level:
    parts = lower._children(node)
    words = [part.getText() for part in parts]
    if any(lower._cls(part) == "TopNestedOperatorWithOthersClause" for part in parts):
        raise unsupported(node, "top-nested with others")
    of, by = words.index("of"), words.index("by")
    if by != of + 2 or by != len(parts) - 2:  # a key, and an aggregate behind `by`
        raise unsupported(node, "top-nested in this form")
    count = whole_number(parts[of - 1], "top-nested") if of > 1 else None
    aggregate, ascending = _ordered(parts[by + 1])
    return Level(count, lower._lower_named(parts[of + 1]), lower._lower_named(aggregate), ascending)


def _ordered(node: Any) -> tuple[Any, bool]:
    """The aggregate, and whether the least come first."""
    node = lower._collapse(node)
    if lower._cls(node) != "OrderedExpression":
        return node, False
    aggregate, *ordering = lower._rule_children(node)
    said = "".join(part.getText() for part in ordering)
    if said not in ("asc", "desc", ""):
        raise unsupported(node, "top-nested with an order of nulls")
    return aggregate, said == "asc"
