"""`evaluate bag_unpack`: a bag's properties as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.operators.added import Added, unsupported
from kqlmagic_ext.connections.local.operators.plugins import Staged, constant
from kqlmagic_ext.connections.local.private_copy import errors
from kqlmagic_ext.connections.local.sql import quote_name, quote_text

if TYPE_CHECKING:
    from kqlmagic_ext.connections.local.operators.added import Columns, Tables
    from kqlmagic_ext.connections.local.operators.plugins import Call, Rows

_CONFLICTS = ("error", "replace_source", "keep_source")
_WHOLE, _REAL = {"BIGINT", "UBIGINT"}, {"DOUBLE"}
_SQL_TYPES = {
    "bool": "BOOLEAN",
    "int": "INTEGER",
    "long": "BIGINT",
    "real": "DOUBLE",
    "guid": "UUID",
    "datetime": "TIMESTAMP",
}
_READ = ("bool", "int", "long", "real", "string", "dynamic", "guid", "datetime")


@dataclass(frozen=True)
class Property:
    """A property of the bag, as a column of a KQL type."""

    key: str
    name: str
    kind: str

    def sql(self, bag: str) -> str:
        """Its value; null, or an empty string, where the bag has none or is no bag."""
        path = quote_text("/" + self.key.replace("~", "~0").replace("/", "~1"))
        bag = f"CASE WHEN json_type(to_json({bag})) = 'OBJECT' THEN to_json({bag}) END"
        text = f"json_extract_string({bag}, {path})"
        if self.kind == "string":
            return f"coalesce({text}, '')"
        if self.kind == "dynamic":
            return f"nullif(json_extract({bag}, {path}), 'null'::JSON)"
        return f"TRY_CAST({text} AS {_SQL_TYPES[self.kind]})"


@dataclass(frozen=True)
class Unpacked(Added):
    """The source's columns that are kept, and the bag's properties; `shown`: the order, where it is declared."""

    bag: str
    properties: tuple[Property, ...]
    shown: tuple[str, ...] | None = None
    conflict: str = "replace_source"

    def columns(self, given: Columns, tables: Tables) -> Columns:
        if self.bag not in given:
            raise errors.KqlSchemaError(self.bag, hint="there is no such column here")
        if self.shown is not None:
            return list(self.shown)
        kept = [name for name in given if name != self.bag]
        return [*kept, *(each.name for each in self.properties if each.name not in kept)]

    def sql(self, source: str, given: Columns) -> str:
        made = {each.name: each for each in self.properties}
        listed = [
            f"{self._value(made.get(name), name, given)} AS {quote_name(name)}"
            for name in self.columns(given, None)
        ]
        return f"SELECT {', '.join(listed)} FROM {source}"

    def _value(self, made: Property | None, name: str, given: Columns) -> str:
        there = name in given and name != self.bag
        if made is None or (there and self.conflict == "keep_source"):
            return quote_name(name)
        if there and self.conflict == "error":
            raise errors.KqlSchemaError(
                name,
                hint="the bag and the source may both have it; say columnsConflict='keep_source' in bag_unpack",
            )
        return made.sql(quote_name(self.bag))


@dataclass(frozen=True)
class BagUnpack(Staged):
    """`bag_unpack` whose properties the rows tell."""

    bag: str
    prefix: str
    conflict: str
    ignored: tuple[str, ...]

    def resolved(self, source: str, given: Columns, rows: Rows) -> Unpacked:
        if self.bag not in given:
            raise errors.KqlSchemaError(self.bag, hint="there is no such column here")
        [(_, kind, *_)] = rows(f"DESCRIBE SELECT {quote_name(self.bag)} FROM {source}")
        if kind == "VARCHAR":
            raise errors.KqlSchemaError(
                self.bag, hint="bag_unpack wants a dynamic column: parse_json() makes one"
            )
        found = []
        for key, kinds in rows(_kinds_sql(source, self.bag)):
            name = self.prefix + key
            if key in self.ignored or (name in given and name != self.bag and self._keeps(name)):
                continue
            found.append(Property(key, name, _kind(set(kinds))))
        _refuse_twins([*(name for name in given if name != self.bag), *(each.name for each in found)])
        if given == [self.bag] and not found:
            raise errors.KqlSchemaError(self.bag, hint="no bag has a key, so bag_unpack gives no columns")
        return Unpacked(self.bag, tuple(found))

    def _keeps(self, name: str) -> bool:
        if self.conflict == "error":
            raise errors.KqlSchemaError(
                name,
                hint="bag_unpack finds it in the bag, and the source has it, too; say columnsConflict='keep_source' "
                "or 'replace_source'",
            )
        return self.conflict == "keep_source"


def _kinds_sql(source: str, bag: str) -> str:
    """Each property's name and the JSON types that it has, nulls aside."""
    return (
        f"SELECT key, list(DISTINCT type) FILTER (WHERE type <> 'NULL') FROM (SELECT e.key, e.type FROM "
        f"(SELECT to_json({quote_name(bag)}) AS bag FROM {source}) AS b, json_each(b.bag) AS e "
        "WHERE json_type(b.bag) = 'OBJECT') GROUP BY key ORDER BY key"
    )


def _kind(types: set[str]) -> str:
    if types <= {"VARCHAR"} and types:
        return "string"
    if types == {"BOOLEAN"}:
        return "bool"
    if types and types <= _WHOLE:
        return "long"
    return "real" if types and types <= _WHOLE | _REAL else "dynamic"


def _refuse_twins(names: list[str]) -> None:
    """Names that differ only in case, which DuckDB cannot keep apart."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise errors.KqlSchemaError(
                name, hint=f"the rows give {other} and {name}, which the embedded workspace cannot tell apart"
            )


def read_bag_unpack(call: Call) -> Added:
    """`bag_unpack(d [, prefix] [, columnsConflict] [, ignoredProperties]) [: (schema)]`."""
    options: dict[str, Any] = {"OutputColumnPrefix": "", "columnsConflict": "error", "ignoredProperties": []}
    values = {name: call.take(name, default) for name, default in options.items()}
    for name, expr in zip(options, call.given[1:], strict=False):
        values[name] = constant(call.node, expr)
    prefix, conflict, ignored = values.values()
    if conflict not in _CONFLICTS or not isinstance(prefix, str) or not isinstance(ignored, list):
        raise unsupported(call.node, "bag_unpack with such an option")
    if call.schema is None:
        return BagUnpack(call.column(0), prefix, conflict, tuple(map(str, ignored)))
    if conflict == "replace_source" or not all(kind in _READ for _, kind in call.schema):
        raise unsupported(call.node, "bag_unpack with replace_source or such a type in its schema")
    return Declared(call.column(0), call.schema, prefix, conflict, tuple(map(str, ignored)), call.star)


@dataclass(frozen=True)
class Declared(Added):
    """`bag_unpack` with the columns that it gives; `star`: beside the source's."""

    bag: str
    schema: tuple[tuple[str, str], ...]
    prefix: str
    conflict: str
    ignored: tuple[str, ...]
    star: bool

    def _unpacked(self, given: Columns) -> Unpacked:
        found = [
            Property(name.removeprefix(self.prefix), name, kind)
            for name, kind in self.schema
            if name.startswith(self.prefix) and name.removeprefix(self.prefix) not in self.ignored
        ]
        names = [name for name, _ in self.schema]
        kept = [name for name in given if name != self.bag and name not in names] if self.star else []
        return Unpacked(self.bag, tuple(found), (*kept, *names), self.conflict)

    def columns(self, given: Columns, tables: Tables) -> Columns:
        return self._unpacked(given).columns(given, tables)

    def sql(self, source: str, given: Columns) -> str:
        return self._unpacked(given).sql(source, given)
