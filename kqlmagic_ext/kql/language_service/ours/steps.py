"""What an operator makes of the columns that reach it; one function an operator."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from kqlmagic_ext.kql.language_service.ours.expressions import TYPES, column_names, type_of
from kqlmagic_ext.kql.language_service.ours.scope import NOTHING, UNKNOWN, Columns
from kqlmagic_ext.kql.language_service.ours.section import assigned, past_hints, past_options, schema
from kqlmagic_ext.kql.language_service.ours.tables import (
    evaluate,
    find,
    invoke,
    join,
    lookup,
    mv_apply,
    mv_expand,
    partition,
    search,
    union,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kqlmagic_ext.kql.language_service.ours.code import Code
    from kqlmagic_ext.kql.language_service.ours.section import Section

    Step = Callable[["Section"], Columns]

GETSCHEMA = Columns(
    {"ColumnName": "string", "ColumnOrdinal": "int", "DataType": "string", "ColumnType": "string"}
)


def _same(section: Section) -> Columns:
    return section.columns


def _unsure(section: Section) -> Columns:
    return section.columns.unsure()


def _unknown(_: Section) -> Columns:
    return UNKNOWN


def _extend(section: Section) -> Columns:
    made = section.columns.with_(section.made(section.low, section.high))
    is_plain = all(
        given or not section.code.word(low).startswith("series_")
        for given, low, _ in section.items(section.low, section.high)
    )
    return made if is_plain else made.unsure()  # such as series_stats, which gives a column for each number


def _project(section: Section) -> Columns:
    return Columns.of(section.made(section.low, section.high))


def _chosen(section: Section) -> Iterator[str]:
    """The columns that a list of names and patterns such as `*Id` chooses, in its order."""
    for low, high in section.code.split(section.low, section.high, ","):
        name, _ = section.code.named(low, high)
        text = section.code.slice(low, high)
        if "*" in text:
            pattern = "".join(text.split()).removesuffix("asc").removesuffix("desc")
            yield from (column for column in section.columns.types if fnmatchcase(column, pattern))
        elif name:
            yield name


def _project_away(section: Section) -> Columns:
    return section.columns.without(_chosen(section))


def _project_keep(section: Section) -> Columns:
    return section.columns.only(_chosen(section))


def _project_reorder(section: Section) -> Columns:
    first = section.columns.only(_chosen(section))
    return first.and_those_of(section.columns)


def _project_rename(section: Section) -> Columns:
    renamed: dict[str, str] = {}
    for given, low, high in section.items(section.low, section.high):
        old, _ = section.code.named(low, high)
        if given and old:
            renamed[old] = given[0]
    types = {renamed.get(name, name): kind for name, kind in section.columns.types.items()}
    missing = {new: "" for old, new in renamed.items() if old not in section.columns.types}
    return Columns({**types, **missing}, section.columns.known)


def _scan(section: Section) -> Columns:
    declare = section.code.find(section.low, section.high, "declare")
    declared = schema(section.code, declare + 1, section.high).types if declare < section.high else {}
    return section.columns.with_(declared.items()).unsure()


def _summarize(section: Section) -> Columns:
    code = section.code
    _, low = past_hints(code, section.low, section.high)
    by = code.find(low, section.high, "by")
    keys = Columns.of(section.made(by + 1, section.high) if by < section.high else ())
    aggregates = Columns.of(section.made(low, by))
    is_all = any(code.words[place] == "*" for place in range(low, by)) and not section.columns.known
    return Columns(keys.beside(aggregates).types, not is_all)


def _distinct(section: Section) -> Columns:
    _, low = past_hints(section.code, section.low, section.high)
    if section.code.slice(low, section.high) == "*":
        return section.columns
    return Columns.of(section.made(low, section.high))


def _count(section: Section) -> Columns:
    name = section.code.word(section.low + 1) if section.code.word(section.low) == "as" else ""
    return Columns({name or "Count": "long"})


def _parse(section: Section) -> Columns:
    with_ = section.code.find(section.low, section.high, "with")
    return section.columns.with_(_parsed(section.code, with_ + 1, section.high))


def _parsed(code: Code, low: int, high: int) -> Iterator[tuple[str, str]]:
    place = low
    while place < high:
        name, behind = code.named(place, high)
        if not name:
            place += 1
            continue
        kind = "string"
        if code.word(behind) == ":":
            kind = TYPES.get(code.word(behind + 1), "string")
            behind += 2
        yield name, kind
        place = behind


def _parse_kv(section: Section) -> Columns:
    as_ = section.code.find(section.low, section.high, "as")
    return section.columns.with_(schema(section.code, as_ + 1, section.high).types.items())


def _make_series(section: Section) -> Columns:
    code = section.code
    _, low = (
        past_options(code, section.low, section.high)
        if code.word(section.low) == "kind"
        else ({}, section.low)
    )
    on = code.find(low, section.high, "on")
    end = code.find(on, section.high, "from", "to", "step", "in", "by")
    by = code.find(on, section.high, "by")
    keys = dict(section.made(by + 1, section.high)) if by < section.high else {}
    series = {
        name: "dynamic"
        for start, stop in code.split(low, on, ",")
        for name in _series_names(section, start, code.find(start, stop, "default"))
    }
    times = {name: "dynamic" for name, _ in section.made(on + 1, end)}
    return Columns({**keys, **series, **times})


def _series_names(section: Section, low: int, high: int) -> list[str]:
    given, start = assigned(section.code, low, high)
    return given or column_names(section.code, start, high, 1, section.columns)


def _getschema(_: Section) -> Columns:
    return GETSCHEMA


def _top_nested(section: Section) -> Columns:
    found: dict[str, str] = {}
    for low, high in section.code.split(section.low, section.high, ","):
        of = section.code.find(low, high, "of")
        by = section.code.find(of, high, "by")
        end = section.code.find(of, by, "with")
        level = dict(section.made(of + 1, end))
        given, _ = assigned(section.code, by + 1, high)
        found |= level | {given[0] if given else f"aggregated_{next(iter(level), '')}": "long"}
    return Columns(found)


def _top_hitters(section: Section) -> Columns:
    of = section.code.find(section.low, section.high, "of")
    by = section.code.find(of, section.high, "by")
    found = dict(section.made(of + 1, by))
    kind = "sum" if by < section.high else "count"
    return Columns({**found, f"approximate_{kind}_{next(iter(found), '')}": "long"})


def _sample_distinct(section: Section) -> Columns:
    of = section.code.find(section.low, section.high, "of")
    return Columns(dict(section.made(of + 1, section.high)))


def _reduce(_: Section) -> Columns:
    return Columns({"Pattern": "string", "Count": "long", "Representative": "string"})


def _serialize(section: Section) -> Columns:
    return _extend(section) if section.low < section.high else section.columns


def _print(section: Section) -> Columns:
    found: dict[str, str] = {}
    for number, (given, low, high) in enumerate(section.items(section.low, section.high)):
        kind = type_of(section.code, low, high, NOTHING, section.names)
        found.update(dict.fromkeys(given or [f"print_{number}"], kind))
    return Columns(found)


def _range(section: Section) -> Columns:
    code = section.code
    name, place = code.named(section.low, section.high)
    to = code.find(place, section.high, "to")
    return Columns({name: type_of(code, place + 1, to, NOTHING, section.names)} if name else {})


def _datatable(section: Section) -> Columns:
    return schema(section.code, section.low, section.high)


STEPS: Mapping[str, Step] = {
    "consume": _unsure, "count": _count, "distinct": _distinct, "evaluate": evaluate, "extend": _extend,
    "facet": _unknown, "find": find, "fork": _unknown, "getschema": _getschema, "graph-match": _unknown,
    "graph-to-table": _unknown, "invoke": invoke, "join": join, "lookup": lookup, "macro-expand": _unknown,
    "make-graph": _unknown, "make-series": _make_series, "mv-apply": mv_apply, "mvapply": mv_apply,
    "mv-expand": mv_expand, "mvexpand": mv_expand, "parse": _parse, "parse-kv": _parse_kv, "parse-where": _parse,
    "partition": partition, "print": _print, "project": _project, "project-away": _project_away,
    "project-by-names": _unsure, "project-keep": _project_keep, "project-rename": _project_rename,
    "project-reorder": _project_reorder, "range": _range, "reduce": _reduce, "sample-distinct": _sample_distinct,
    "scan": _scan, "search": search, "serialize": _serialize, "summarize": _summarize, "top-hitters": _top_hitters,
    "top-nested": _top_nested, "union": union, "datatable": _datatable, "externaldata": _datatable,
    "external_data": _datatable,
}  # fmt: skip
KEEPING: Step = _same
