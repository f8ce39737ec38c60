"""`parse-kv`: columns from the keys and values in a text."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.functions.in_python import python_sql
from kqlmagic_ext.connections.local.functions.key_values import Marks, key_values
from kqlmagic_ext.connections.local.operators.added import Added, unsupported
from kqlmagic_ext.connections.local.private_copy import ir, lower, schema, translate
from kqlmagic_ext.connections.local.sql import quote_name, quote_text

if TYPE_CHECKING:
    from kqlmagic_ext.connections.local.operators.added import Columns, Tables

_IN_PYTHON = python_sql("parse_kv", key_values, ("VARCHAR", "VARCHAR", "VARCHAR"), "VARCHAR")
_FOUND = "kql_parse_kv"


@dataclass(frozen=True)
class ParseKv(Added):
    """`keys`: the names with their types; `marks`: the delimiters, or `regex`: what has a key and a value as its two groups."""

    value: Any
    keys: tuple[tuple[str, str], ...]
    marks: Marks
    regex: str | None = None

    def columns(self, given: Columns, tables: Tables) -> Columns:
        return list(schema.replacing(given, [name for name, _ in self.keys]))

    def sql(self, source: str, given: Columns) -> str:
        captures = ", ".join(
            f"{quote_name(f'k{at}')} := {self._captured(at, name)}" for at, (name, _) in enumerate(self.keys)
        )
        made = {name: _converted(f"k{at}", kind) for at, (name, kind) in enumerate(self.keys)}
        shown = ", ".join(
            f"{made[name]} AS {quote_name(name)}" if name in made else quote_name(name)
            for name in self.columns(given, None)
        )
        return (
            f"SELECT {shown} FROM (SELECT *, struct_pack({captures}) AS {quote_name(translate._PARSE_CAPTURES)} "
            f"FROM (SELECT *, {self._found()} AS {_FOUND} FROM {source}))"
        )

    def _found(self) -> str:
        """All that is read of a text: an array of the keys' values, or all keys and all values."""
        text = f"CAST({translate.render_expr(self.value)} AS VARCHAR)"
        if self.regex is None:
            names = json.dumps([name for name, _ in self.keys])
            marks = json.dumps(asdict(self.marks))
            return f"CAST({_IN_PYTHON}({text}, {quote_text(names)}, {quote_text(marks)}) AS JSON)"
        groups = (f"regexp_extract_all({text}, {quote_text(self.regex)}, {group})" for group in (1, 2))
        return "struct_pack({})".format(
            ", ".join(
                f"{name} := list_transform({group}, lambda _kql_x: trim(_kql_x, e' \\t\\r\\n'))"
                for name, group in zip(("keys", "found"), groups, strict=True)
            )
        )

    def _captured(self, at: int, name: str) -> str:
        if self.regex is None:
            return f"json_extract_string({_FOUND}, '$[{at}]')"
        return f"{_FOUND}.found[list_position({_FOUND}.keys, {quote_text(name)})]"


def _converted(field: str, kind: str) -> str:
    """A captured text under its type; a text that is not there is empty."""
    if kind == "string":
        return f"coalesce({quote_name(translate._PARSE_CAPTURES)}.{field}, '')"
    return str(translate._parse_convert(ir.ParseSegment("", skip=False, name=field, type=kind)))


def read_parse_kv(node: Any) -> ParseKv:
    """`parse-kv e as (key: type, …) [with (pair_delimiter=…, kv_delimiter=…, quote=…, escape=…, greedy=…, regex=…)]`."""
    keys = tuple(
        (lower._find_names(column.Name)[0], column.Type.getText().lower()) for column in node.Keys.Columns
    )
    said: dict[str, list[Any]] = {}
    for said_of in node.WithClause.Properties if node.WithClause is not None else ():
        said.setdefault(said_of.Name.text.lower(), []).append(_said(said_of))
    regex = _regex(node, said)
    value = ir.FunctionCall("tostring", (lower._lower_expr(node.Expressions),))
    return ParseKv(value, keys, Marks() if regex else _marks(node, said), regex)


def _said(node: Any) -> Any:
    """A property's value."""
    value = None if node.LiteralValue is None else lower._lower_expr(node.LiteralValue)
    if not isinstance(value, ir.Literal):
        raise unsupported(node, "parse-kv")
    return value.value


def _regex(node: Any, said: dict[str, list[Any]]) -> str | None:
    if "regex" not in said:
        return None
    pattern = str(said["regex"][0])
    try:
        groups = re.compile(pattern).groups
    except re.error:
        groups = 0
    if len(said) > 1 or groups != 2:  # noqa: PLR2004 - a key and a value
        raise unsupported(node, "parse-kv with a regex that has not two groups, or beside delimiters")
    return pattern


def _marks(node: Any, said: dict[str, list[Any]]) -> Marks:
    pair, kv = (said.pop(name, [""])[0] for name in ("pair_delimiter", "kv_delimiter"))
    quotes = [str(quote) for quote in said.pop("quote", [])]
    escapes = [str(escape) for escape in said.pop("escape", [])]
    greedy = bool(said.pop("greedy", [False])[0])
    wrong = any(len(quote) not in (1, 2) for quote in quotes) or any(len(escape) != 1 for escape in escapes)
    if said or wrong or bool(pair) != bool(kv) or (greedy and not kv) or pair == kv != "":
        raise unsupported(node, "parse-kv with these properties")
    return Marks(pair, kv, tuple((quote[0], quote[-1]) for quote in quotes), "".join(escapes), greedy)
