"""`parse` and `parse-where`: a column before the first text, names in brackets, and dynamic values; the rest is duckdb-kql's."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from kqlmagic_ext.connections.local.private_copy import ir, lower, schema, translate
from kqlmagic_ext.connections.local.sql import quote_name

_renders_parse = translate.render_parse
_writes_pattern = translate._parse_pattern
_refuses_empty_text = translate._refuse_empty_literal
_GROUP = re.compile(r"[A-Za-z_]\w*", re.ASCII)  # what RE2 takes for the name of a group


@dataclass(frozen=True)
class Leading(ir.ParseSegment):  # type: ignore[misc]  # duckdb-kql's classes are untyped
    """`Column "text" …`: a column that begins where the value does."""


def read_parse(node: Any) -> Any:
    """`parse [kind=k [flags=f]] e with [Column] * "text" Column:type … *`; a dynamic value is taken for its text."""
    kids = lower._rule_children(node)
    pattern = next(kid for kid in kids if lower._cls(kid) == "ParseOperatorPattern")
    segments = [lower._lower_parse_segment(segment) for segment in pattern.Segments]
    if pattern.LeadingColumn is not None:
        segments.insert(0, _leading(pattern.LeadingColumn))
    kind, flags = _kind(kids)
    value = next(kid for kid in kids if not lower._cls(kid).startswith("ParseOperator"))
    return ir.Parse(
        ir.FunctionCall("tostring", (lower._lower_expr(value),)),
        tuple(segments),
        kind,
        flags,
        lower._cls(node) == "ParseWhereOperator",
        pattern.TrailingStar is not None,
    )


def _leading(node: Any) -> Leading:
    kinds = [kid for kid in lower._rule_children(node) if lower._cls(kid) == "ScalarType"]
    return Leading(
        "", name=lower._find_names(node)[0], type=kinds[0].getText().strip().lower() if kinds else None
    )


def _kind(kids: list[Any]) -> tuple[str, str | None]:
    """The kind, and its flags."""
    for kid in kids:
        if lower._cls(kid) == "ParseOperatorKindClause":
            said, _, flags = kid.getText().partition("=")[2].partition("flags=")
            return said.strip().lower(), flags.strip() or None
    return "simple", None


def render_parse(operator: Any, source: str, given: list[str] | None = None) -> str:
    """The groups of the pattern have names of ours where RE2 would not take the columns'."""
    names = [segment.name for segment in operator.segments if segment.name]
    if given is None or all(map(_GROUP.fullmatch, names)) or len(set(names)) < len(names):
        return str(_renders_parse(operator, source, given))
    groups = {name: f"kql_parse_{at}" for at, name in enumerate(names)}
    renamed = tuple(
        replace(segment, name=groups[segment.name]) if segment.name else segment
        for segment in operator.segments
    )
    shown = ", ".join(
        f"{quote_name(groups.get(name, name))} AS {quote_name(name)}"
        for name in schema.replacing(given, names)
    )
    return f"SELECT {shown} FROM ({_renders_parse(replace(operator, segments=renamed), source, given)})"


def _parse_pattern(operator: Any) -> str:
    """A leading column takes all from the first character on."""
    pattern: str = _writes_pattern(operator)
    if not isinstance(operator.segments[0], Leading):
        return pattern
    flags = translate._parse_flags(operator)
    return rf"{flags}\A{pattern[len(flags) :]}"


def _refuse_empty_literal(operator: Any) -> None:
    """Before a leading column, there is no text."""
    texts = tuple(segment for segment in operator.segments if not isinstance(segment, Leading))
    _refuses_empty_text(replace(operator, segments=texts))


def install() -> None:
    """Put it in its place."""
    translate.render_parse = render_parse
    translate._parse_pattern = _parse_pattern
    translate._refuse_empty_literal = _refuse_empty_literal
