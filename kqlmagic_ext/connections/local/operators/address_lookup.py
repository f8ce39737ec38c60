"""`evaluate ipv4_lookup` and `ipv6_lookup`: rows beside the networks that their address lies in.

The join is one of equal keys, which a hash finds: an address is cut to each length of prefix that a network has, and a network
to each that an address has (nearly always one, the whole address).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kqlmagic_ext.connections.local.functions.addresses import BITS, IPV6_BITS, address_sql
from kqlmagic_ext.connections.local.operators.added import Added, filled, unsupported
from kqlmagic_ext.connections.local.private_copy import errors, ir, schema, translate
from kqlmagic_ext.connections.local.sql import quote_name

if TYPE_CHECKING:
    from typing import Any

    from kqlmagic_ext.connections.local.operators.added import Columns, Tables
    from kqlmagic_ext.connections.local.operators.plugins import Call

_NAMED = 2  # the address and the network
_LEFT, _RIGHT, _PAIRS = '"rows of the lookup"', '"networks of the lookup"', '"pairs of the lookup"'
_NUMBER, _ADDRESS = '"number of the lookup"', '"address of the lookup"'


@dataclass(frozen=True)
class AddressLookup(Added):
    """The source's rows beside those of `table` whose `network` holds their `address`; `keys` are equal in both."""

    table: Any
    address: str
    network: str
    keys: tuple[str, ...]
    unmatched: bool
    version: int

    def columns(self, given: Columns, tables: Tables) -> Columns:
        beside = [shown for _, shown in self._beside(given, tables)]
        return [*given, *beside] if self._source_first else [*beside, *given]

    @property
    def _source_first(self) -> bool:
        """The reference shows what ipv6_lookup gives with the networks before the rows."""
        return self.version == 4  # noqa: PLR2004 - IPv4

    def _beside(self, given: Columns, tables: Tables) -> list[tuple[str, str]]:
        """The columns of the table that are shown, and under which name."""
        there = list(schema.output_columns(self.table, tables or translate._nested_schema()))
        for name, columns in [(self.address, given), (self.network, there)]:
            self._refuse_missing([name, *self.keys], columns)
        kept = [name for name in there if name not in self.keys]
        if not self._source_first and (both := [name for name in kept if name in given]):
            raise errors.KqlSchemaError(
                both[0],
                hint="the rows and the networks have a column of this name; rename one of them before",
            )
        shown = schema.join_output_columns(given, kept, "inner")[len(given) :]
        return list(zip(kept, shown, strict=True))

    @staticmethod
    def _refuse_missing(names: list[str], columns: Columns) -> None:
        for name in names:
            if name not in columns:
                raise errors.KqlSchemaError(name, hint="there is no such column in this table of the lookup")

    def sql(self, source: str, given: Columns) -> str:
        tables = translate._nested_schema()
        beside = self._beside(given, tables)
        read = [
            f"{filled(f'r.{quote_name(name)}') if self.unmatched else f'r.{quote_name(name)}'} AS {quote_name(shown)}"
            for name, shown in beside
        ]
        rows = [f"l.{quote_name(name)}" for name in given]
        listed = ", ".join([*rows, *read] if self._source_first else [*read, *rows])
        kind = "LEFT" if self.unmatched else "INNER"
        return (
            f"WITH {_RIGHT} AS MATERIALIZED ({self._numbered(f'({translate.to_sql(self.table, tables)})', self.network)}), "
            f"{_LEFT} AS MATERIALIZED ({self._numbered(source, self.address)}), {_PAIRS} AS ({self._pairs()}) "
            f"SELECT {listed} FROM {_LEFT} AS l {kind} JOIN {_PAIRS} AS p ON l.{_NUMBER} = p.a "
            f"{kind} JOIN {_RIGHT} AS r ON p.b = r.{_NUMBER} ORDER BY l.{_NUMBER}, r.{_NUMBER}"
        )

    def _numbered(self, rows: str, column: str) -> str:
        """The rows, each with its number and its address."""
        text = translate.render_expr(ir.FunctionCall("tostring", (ir.ColumnRef(column),)))
        address = address_sql("{0}").format(text)
        if self.version == 6:  # noqa: PLR2004 - IPv6
            bits = f"{IPV6_BITS}({text})"
            address = (
                f"struct_pack(n := left({bits}, {BITS}), p := CAST(substr({bits}, {BITS + 1}) AS BIGINT))"
            )
        return f"SELECT *, row_number() OVER () AS {_NUMBER}, {address} AS {_ADDRESS} FROM {rows}"

    def _pairs(self) -> str:
        """The numbers of the rows and the networks that belong together."""
        left, right = self._cut(_LEFT, _RIGHT), self._cut(_RIGHT, _LEFT)
        same = "".join(f" AND a.{key} IS NOT DISTINCT FROM b.{key}" for key in map(quote_name, self.keys))
        return (
            f"SELECT a.{_NUMBER} AS a, b.{_NUMBER} AS b FROM ({left}) AS a JOIN ({right}) AS b "
            f"ON a.own = b.other AND a.other = b.own AND a.cut = b.cut{same}"
        )

    def _cut(self, rows: str, others: str) -> str:
        """The rows' addresses, each cut to the shorter of its own prefix and one of the others'."""
        shortest = f"least(x.{_ADDRESS}.p, y.p)"
        cut = f"x.{_ADDRESS}.n >> CAST(32 - {shortest} AS BIGINT)"
        if self.version == 6:  # noqa: PLR2004 - IPv6
            cut = f"left(x.{_ADDRESS}.n, {shortest})"
        keys = "".join(f", x.{quote_name(key)}" for key in self.keys)
        return (
            f"SELECT x.{_NUMBER}, x.{_ADDRESS}.p AS own, y.p AS other, {cut} AS cut{keys} FROM {rows} AS x, "
            f"(SELECT DISTINCT {_ADDRESS}.p AS p FROM {others} WHERE {_ADDRESS}.p IS NOT NULL) AS y "
            f"WHERE x.{_ADDRESS}.p IS NOT NULL"
        )


def read_ipv4_lookup(call: Call) -> AddressLookup:
    """`ipv4_lookup(table, address, network [, key, …] [, return_unmatched])`."""
    return _read(call, 4)


def read_ipv6_lookup(call: Call) -> AddressLookup:
    """`ipv6_lookup(table, address, network [, return_unmatched])`."""
    lookup = _read(call, 6)
    if lookup.keys:
        raise unsupported(call.node, "ipv6_lookup with more keys")
    return lookup


def _read(call: Call, version: int) -> AddressLookup:
    unmatched, given = call.take("return_unmatched", default=False), call.given
    if given and isinstance(given[-1], ir.Literal):
        unmatched, given = given[-1].value, given[:-1]
    names = tuple(expr.name for expr in given[1:] if isinstance(expr, ir.ColumnRef))
    if (
        call.schema is not None
        or not isinstance(unmatched, bool)
        or not len(given) - 1 == len(names) >= _NAMED
    ):
        raise unsupported(call.node, f"ipv{version}_lookup with such arguments")
    address, network, *keys = names
    return AddressLookup(given[0], address, network, tuple(keys), unmatched, version)
