"""What operators make of columns that read other tables or queries: joins, unions, expansions, plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqlmagic_ext.kql.language_service.ours.expressions import TYPES, path_name
from kqlmagic_ext.kql.language_service.ours.scope import UNKNOWN, Columns, Function
from kqlmagic_ext.kql.language_service.ours.section import past_expanding, past_hints, past_options, schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kqlmagic_ext.kql.language_service.ours.code import Code
    from kqlmagic_ext.kql.language_service.ours.section import Section


def join(section: Section) -> Columns:
    """The columns of both sides, or of the side that a semi or anti join keeps."""
    options, low = past_options(section.code, section.low, section.high)
    on = section.code.find(low, section.high, "on", "where")
    right = section.follower.source(low, on, section.names)
    kind = options.get("kind", "innerunique")
    if kind in ("leftanti", "leftsemi", "anti", "leftantisemi"):
        return section.columns
    if kind in ("rightanti", "rightsemi", "rightantisemi"):
        return right
    return section.columns.beside(right)


def lookup(section: Section) -> Columns:
    """The columns of both sides, the right one's keys left out."""
    _, low = past_options(section.code, section.low, section.high)
    on = section.code.find(low, section.high, "on")
    right = section.follower.source(low, on, section.names)
    keys = _right_keys(section.code, on + 1, section.high)
    return section.columns.beside(right.without(keys))


def _right_keys(code: Code, low: int, high: int) -> Iterator[str]:
    for start, end in code.split(low, high, ","):
        right = next((place for place in range(start, end) if code.words[place] == "$right"), None)
        yield code.word(right + 2) if right is not None else code.named(start, end)[0]


def union(section: Section) -> Columns:
    """The columns that any of the tables has."""
    options, low = past_options(section.code, section.low, section.high)
    found = section.columns if section.piped else None
    for start, end in section.code.split(low, section.high, ","):
        if start < end:
            table = section.follower.tables(start, end, section.names)
            found = table if found is None else found.united(table)
    source = options.get("withsource") or options.get("with_source")
    found = found or UNKNOWN
    return Columns({source: "string", **found.types}, found.known) if source else found


def search(section: Section) -> Columns:
    """The columns with the name of the table."""
    if section.piped:
        return section.columns.with_([("$table", "string")])
    return Columns({**find(section).types, "$table": "string"}, known=False)


def find(section: Section) -> Columns:
    """The columns of the tables that find and search are limited to, as far as they are named."""
    code, found = section.code, UNKNOWN
    opening = code.find(section.low, section.high, "in") + 1
    if code.word(opening) == "(":
        for low, high in code.split(opening + 1, code.closers.get(opening, section.high), ","):
            found = found.and_those_of(section.follower.tables(low, high, section.names))
    return Columns({"source_": "string", **found.types}, known=False)


def _expanded(section: Section, low: int, high: int) -> Iterator[tuple[str, str]]:
    """The columns that mv-expand and mv-apply make, with their types."""
    code = section.code
    for given, start, end in section.items(low, high):
        stop = code.find(start, end, "to", "limit")
        name = given[0] if given else path_name(code, start, stop)
        kind = "dynamic"
        if code.word(stop) == "to" and code.word(stop + 1) == "typeof":
            kind = TYPES.get(code.word(stop + 3), "dynamic")
        if name:
            yield name, kind


def mv_expand(section: Section) -> Columns:
    """The columns with those that are expanded."""
    options, low = past_expanding(section.code, section.low, section.high)
    columns = section.columns.with_(_expanded(section, low, section.high))
    index = options.get("with_itemindex")
    return columns.with_([(index, "long")]) if index else columns


def applied(section: Section) -> tuple[Columns, int]:
    """The columns inside mv-apply's subquery, and the place of the parenthesis that opens it."""
    options, low = past_expanding(section.code, section.low, section.high)
    on = section.code.find(low, section.high, "on")
    columns = section.columns.with_(_expanded(section, low, on))
    index = options.get("with_itemindex")
    return columns.with_([(index, "long")] if index else []), on + 1


def mv_apply(section: Section) -> Columns:
    """The columns with those that the subquery gives."""
    columns, opening = applied(section)
    if section.code.word(opening) != "(":
        return columns
    close = section.code.closers.get(opening, section.high)
    inner = section.follower.pipeline(opening + 1, close, section.names, columns)
    made = section.columns.with_(inner.types.items())
    return made if inner.known else made.unsure()


def partition(section: Section) -> Columns:
    """What the subquery gives."""
    opening = section.code.find(section.low, section.high, "(")
    if opening == section.high:
        return section.columns
    close = section.code.closers.get(opening, section.high)
    return section.follower.pipeline(opening + 1, close, section.names, section.columns)


def evaluate(section: Section) -> Columns:
    """What a plugin gives, as far as its name tells."""
    code = section.code
    _, low = past_hints(code, section.low, section.high)
    close = code.closers.get(low + 1, section.high)
    arguments = code.split(low + 2, close, ",")
    declared = schema(code, close + 2, section.high) if code.word(close + 1) == ":" else UNKNOWN
    if declared.known:
        return declared
    if code.word(low) == "pivot" and len(arguments) > 2:  # noqa: PLR2004 - behind the key and the aggregate: what stays
        return section.columns.only(code.word(first) for first, _ in arguments[2:]).unsure()
    if code.word(low) == "bag_unpack":
        return section.columns.without([code.word(arguments[0][0])]).unsure()
    if code.word(low) in ("ipv4_lookup", "ipv6_lookup"):
        return section.columns.beside(section.follower.source(*arguments[0], section.names))
    return section.columns.unsure()


def invoke(section: Section) -> Columns:
    """What a function gives that takes the table."""
    bound = section.names.lets.get(section.code.word(section.low))
    if isinstance(bound, Function) and isinstance(bound.gives, Columns):
        return bound.gives
    return section.columns.unsure()
