"""What an operator makes of the columns that reach it; one function an operator."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from kqlmagic_ext.kql.language_service.ours.expressions import (
    TYPES,
    column_names,
    path_name,
    type_of,
)
from kqlmagic_ext.kql.language_service.ours.scope import NOTHING, UNKNOWN, Columns, Function

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kqlmagic_ext.kql.language_service.ours.code import Code
    from kqlmagic_ext.kql.language_service.ours.follower import Follower
    from kqlmagic_ext.kql.language_service.ours.scope import Names

    Step = Callable[["Section"], Columns]

GETSCHEMA = Columns(
    {"ColumnName": "string", "ColumnOrdinal": "int", "DataType": "string", "ColumnType": "string"}
)


class Section:
    """An operator's arguments, from `low` to before `high`, with the columns that reach it and the names in force."""

    def __init__(
        self, follower: Follower, low: int, high: int, columns: Columns, names: Names, *, piped: bool = True
    ) -> None:
        self.follower, self.code = follower, follower.code
        self.low, self.high = low, high
        self.columns, self.names, self.piped = columns, names, piped

    def items(self, low: int, high: int) -> Iterator[tuple[list[str], int, int]]:
        """Each item between commas: the names that it is given by `=`, and its expression."""
        for start, end in self.code.split(low, high, ","):
            given, place = assigned(self.code, start, end)
            yield given, place, end

    def made(self, low: int, high: int) -> Iterator[tuple[str, str]]:
        """The columns that a list of expressions makes, with their types."""
        for number, (given, start, end) in enumerate(self.items(low, high), 1):
            if start >= end and not given:
                continue
            kind = type_of(self.code, start, end, self.columns, self.names)
            named = column_names(self.code, start, end, number, self.columns)
            if len(named) <= 1 and len(given) <= 1:
                yield from ((name, kind) for name in given or named)
                continue
            for name, old in zip([*given, *named[len(given) :]], [*named, *given[len(named) :]], strict=True):
                yield name, self.columns.types.get(old, "")


def assigned(code: Code, low: int, high: int) -> tuple[list[str], int]:
    """The names that stand before `=` in an item, and where its expression begins."""
    name, place = code.named(low, high)
    if name and code.assigns(place, high):
        return [name], place + 1
    close = code.closers.get(low, high) if code.word(low) == "(" else high
    if close < high and code.assigns(close + 1, high):
        names = [code.named(start, end)[0] for start, end in code.split(low + 1, close, ",")]
        return [name for name in names if name], close + 2
    return [], low


def past_options(code: Code, low: int, high: int) -> tuple[dict[str, str], int]:
    """Options such as `kind=inner hint.strategy=shuffle` at a place, and the place behind them."""
    options: dict[str, str] = {}
    while True:
        name, place = code.named(low, high)
        if name == "hint" and code.word(place) == ".":
            _, place = code.named(place + 1, high)
        if not name or not code.assigns(place, high) or place + 1 >= high:
            return options, low
        options[name] = code.words[place + 1]
        low = place + 2


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
    return Columns(dict(section.made(section.low, section.high)))


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
    return first.and_those_of(section.columns).with_(first.types.items())


def _project_rename(section: Section) -> Columns:
    renamed: dict[str, str] = {}
    for given, low, high in section.items(section.low, section.high):
        old, _ = section.code.named(low, high)
        if given and old:
            renamed[old] = given[0]
    types = {renamed.get(name, name): kind for name, kind in section.columns.types.items()}
    missing = {new: "" for old, new in renamed.items() if old not in section.columns.types}
    return Columns({**types, **missing}, section.columns.known)


def _summarize(section: Section) -> Columns:
    code = section.code
    _, low = past_hints(code, section.low, section.high)
    by = code.find(low, section.high, "by")
    keys = dict(section.made(by + 1, section.high)) if by < section.high else {}
    aggregates = {name: kind for name, kind in section.made(low, by) if name not in keys}
    is_all = any(code.words[place] == "*" for place in range(low, by)) and not section.columns.known
    return Columns({**keys, **aggregates}, not is_all)


def past_hints(code: Code, low: int, high: int) -> tuple[dict[str, str], int]:
    """`hint.…=…` at a place, which `name = expression` is not, and the place behind."""
    if code.word(low) == "hint" and code.word(low + 1) == ".":
        return past_options(code, low, high)
    return {}, low


def _distinct(section: Section) -> Columns:
    _, low = past_hints(section.code, section.low, section.high)
    if section.code.slice(low, section.high) == "*":
        return section.columns
    return Columns(dict(section.made(low, section.high)))


def _count(section: Section) -> Columns:
    name = section.code.word(section.low + 1) if section.code.word(section.low) == "as" else ""
    return Columns({name or "Count": "long"})


def _join(section: Section) -> Columns:
    options, low = past_options(section.code, section.low, section.high)
    on = section.code.find(low, section.high, "on", "where")
    right = section.follower.source(low, on, section.names)
    kind = options.get("kind", "innerunique")
    if kind in ("leftanti", "leftsemi", "anti", "leftantisemi"):
        return section.columns
    if kind in ("rightanti", "rightsemi", "rightantisemi"):
        return right
    return section.columns.beside(right)


def _lookup(section: Section) -> Columns:
    _, low = past_options(section.code, section.low, section.high)
    on = section.code.find(low, section.high, "on")
    right = section.follower.source(low, on, section.names)
    keys = _right_keys(section.code, on + 1, section.high)
    return section.columns.beside(right.without(keys))


def _right_keys(code: Code, low: int, high: int) -> Iterator[str]:
    for start, end in code.split(low, high, ","):
        right = next((place for place in range(start, end) if code.words[place] == "$right"), None)
        yield code.word(right + 2) if right is not None else code.named(start, end)[0]


def _union(section: Section) -> Columns:
    options, low = past_options(section.code, section.low, section.high)
    found = section.columns if section.piped else None
    for start, end in section.code.split(low, section.high, ","):
        if start < end:
            table = section.follower.tables(start, end, section.names)
            found = table if found is None else found.united(table)
    source = options.get("withsource") or options.get("with_source")
    found = found or UNKNOWN
    return Columns({source: "string", **found.types}, found.known) if source else found


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


def _mv_expand(section: Section) -> Columns:
    options, low = past_expanding(section.code, section.low, section.high)
    columns = section.columns.with_(_expanded(section, low, section.high))
    index = options.get("with_itemindex")
    return columns.with_([(index, "long")]) if index else columns


def past_expanding(code: Code, low: int, high: int) -> tuple[dict[str, str], int]:
    """The options of mv-expand, which `name = expression` is not, and the place behind them."""
    if code.word(low) in ("bagexpansion", "with_itemindex", "kind", "hint"):
        return past_options(code, low, high)
    return {}, low


def applied(section: Section) -> tuple[Columns, int]:
    """The columns inside mv-apply's subquery, and the place of the parenthesis that opens it."""
    options, low = past_expanding(section.code, section.low, section.high)
    on = section.code.find(low, section.high, "on")
    columns = section.columns.with_(_expanded(section, low, on))
    index = options.get("with_itemindex")
    return columns.with_([(index, "long")] if index else []), on + 1


def _mv_apply(section: Section) -> Columns:
    columns, opening = applied(section)
    if section.code.word(opening) != "(":
        return columns
    close = section.code.closers.get(opening, section.high)
    inner = section.follower.pipeline(opening + 1, close, section.names, columns)
    return (
        section.columns.with_(inner.types.items())
        if inner.known
        else section.columns.with_(inner.types.items()).unsure()
    )


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


def schema(code: Code, low: int, high: int) -> Columns:
    """The columns of `(name: type, …)` at a place."""
    if code.word(low) != "(":
        return UNKNOWN
    found: dict[str, str] = {}
    for start, end in code.split(low + 1, code.closers.get(low, high), ","):
        name, place = code.named(start, end)
        if code.word(place) == "*" or code.word(start) == "*":
            return UNKNOWN
        if name:
            found[name] = TYPES.get(code.word(place + 1), "")
    return Columns(found)


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
    series = {name: "dynamic" for name, _ in section.made(low, on)}
    for start, stop in code.split(low, on, ","):
        default = code.find(start, stop, "default")
        series.update(
            dict.fromkeys(_series_names(section, start, default), "dynamic") if default < stop else {}
        )
    times = {name: "dynamic" for name, _ in section.made(on + 1, end)}
    return Columns({**keys, **series, **times})


def _series_names(section: Section, low: int, high: int) -> list[str]:
    given, start = assigned(section.code, low, high)
    return given or column_names(section.code, start, high, 1, section.columns)


def _evaluate(section: Section) -> Columns:
    code = section.code
    _, low = past_hints(code, section.low, section.high)
    arguments = code.split(low + 2, code.closers.get(low + 1, section.high), ",")
    if code.word(low) == "bag_unpack":
        return section.columns.without([code.word(arguments[0][0])]).unsure()
    if code.word(low) in ("ipv4_lookup", "ipv6_lookup"):
        return section.columns.beside(section.follower.source(*arguments[0], section.names))
    if code.word(low) in ("pivot", "narrow"):
        return section.columns.unsure()
    return section.columns.unsure()


def _invoke(section: Section) -> Columns:
    bound = section.names.lets.get(section.code.word(section.low))
    if isinstance(bound, Function) and isinstance(bound.gives, Columns):
        return bound.gives
    return section.columns.unsure()


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


def _partition(section: Section) -> Columns:
    opening = section.code.find(section.low, section.high, "(")
    if opening == section.high:
        return section.columns
    close = section.code.closers.get(opening, section.high)
    return section.follower.pipeline(opening + 1, close, section.names, section.columns)


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


def _search(section: Section) -> Columns:
    if section.piped:
        return section.columns.with_([("$table", "string")])
    return Columns({**_find(section).types, "$table": "string"}, known=False)


def _find(section: Section) -> Columns:
    """The columns of the tables that find and search are limited to, as far as they are named."""
    code, found = section.code, UNKNOWN
    opening = code.find(section.low, section.high, "in") + 1
    if code.word(opening) == "(":
        for low, high in code.split(opening + 1, code.closers.get(opening, section.high), ","):
            found = found.and_those_of(section.follower.tables(low, high, section.names))
    return Columns({"source_": "string", **found.types}, known=False)


def _datatable(section: Section) -> Columns:
    return schema(section.code, section.low, section.high)


STEPS: Mapping[str, Step] = {
    "consume": _unsure, "count": _count, "distinct": _distinct, "evaluate": _evaluate, "extend": _extend,
    "facet": _unknown, "find": _find, "fork": _unknown, "getschema": _getschema, "graph-match": _unknown,
    "graph-to-table": _unknown, "invoke": _invoke, "join": _join, "lookup": _lookup, "macro-expand": _unknown,
    "make-graph": _unknown, "make-series": _make_series, "mv-apply": _mv_apply, "mvapply": _mv_apply,
    "mv-expand": _mv_expand, "mvexpand": _mv_expand, "parse": _parse, "parse-kv": _parse_kv, "parse-where": _parse,
    "partition": _partition, "print": _print, "project": _project, "project-away": _project_away,
    "project-by-names": _unsure, "project-keep": _project_keep, "project-rename": _project_rename,
    "project-reorder": _project_reorder, "range": _range, "reduce": _reduce, "sample-distinct": _sample_distinct,
    "scan": _unsure, "search": _search, "serialize": _serialize, "summarize": _summarize, "top-hitters": _top_hitters,
    "top-nested": _top_nested, "union": _union, "datatable": _datatable, "externaldata": _datatable,
    "external_data": _datatable,
}  # fmt: skip
KEEPING: Step = _same
