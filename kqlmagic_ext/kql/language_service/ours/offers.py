"""What may stand at a place, best first."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from kqlmagic_ext.kql.language_service import Completion
from kqlmagic_ext.kql.language_service.language import language, words
from kqlmagic_ext.kql.language_service.ours.expressions import TYPES
from kqlmagic_ext.kql.language_service.ours.grammar import (
    AFTER_WORD,
    CLAUSES,
    KINDS,
    OPTION_NAMES,
    OPTIONS,
    RENDER_KINDS,
    RENDER_PROPERTIES,
    RENDER_VALUES,
    STATEMENTS,
    TABLE_WORDS,
)
from kqlmagic_ext.kql.language_service.ours.scope import Columns, Function
from kqlmagic_ext.kql.language_service.ours.section import past_options
from kqlmagic_ext.kql.literals import written_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kqlmagic_ext.kql.language_service import Schema
    from kqlmagic_ext.kql.language_service.ours.code import Code
    from kqlmagic_ext.kql.language_service.ours.place import Place

_AGGREGATING = frozenset(("summarize", "make-series", "top-nested", "evaluate"))
_JOINING = frozenset(("join", "lookup"))


def offers(code: Code, place: Place, schema: Schema, seen: Iterable[str]) -> Iterator[Completion]:
    """All that may stand at the end of a text; `seen`: names of the query, for where the columns are not known."""
    before = code.word(len(code) - 1)
    if before == ".":
        yield from _below(code, place, schema)
    elif place.wants == "type":
        yield from _words(TYPES, "keyword")
    elif place.wants == "operator":
        yield from (Completion(name, "operator") for name in language()["operator"] if name not in _NO_PIPE)
    elif place.wants == "statement":
        yield from _tables(place, schema)
        yield from _words(STATEMENTS, "keyword")
    elif place.wants == "source":
        yield from _tables(place, schema)
        yield from _words(CLAUSES.get(place.operator, ()), "keyword")
        yield from _words(OPTIONS.get(place.operator, ()), "property")
    elif place.wants == "value":
        yield from _scalars(place)
        yield from _columns(place.columns)
        yield from _called("function", "keyword", "aggregate")
        yield from _tables(place, schema)
    elif place.wants == "arguments":
        yield from _arguments(code, place, schema)
    if not place.columns.known and place.wants in ("arguments", "value") and before != ".":
        yield from (Completion(written_name(name), "field") for name in seen)


_NO_PIPE = frozenset(("datatable", "externaldata", "find", "print", "range"))


def _words(names: Iterable[str], kind: str) -> Iterator[Completion]:
    return (Completion(name, kind) for name in names)


def _columns(columns: Columns) -> Iterator[Completion]:
    return (Completion(written_name(name), "field", kind) for name, kind in columns.types.items())


@cache
def _called(*kinds: str) -> tuple[Completion, ...]:
    return tuple(
        Completion(word.offered, "keyword" if word.kind == "keyword" else "function")
        for word in sorted(words(*kinds).values(), key=lambda word: "old name" in word.sentence)
    )


def _functions(place: Place) -> Iterator[Completion]:
    """The functions that `let` has named, the last first."""
    for name, bound in reversed(list(place.names.lets.items())):
        if isinstance(bound, Function):
            yield Completion(f"{name}()" if bound.parameters == "()" else f"{name}(", "function")


def _tables(place: Place, schema: Schema) -> Iterator[Completion]:
    for name, bound in reversed(list(place.names.lets.items())):
        if isinstance(bound, Columns):
            yield Completion(name, "variable", "table")
    yield from _functions(place)
    yield from (Completion(written_name(name), "class", "table") for name in schema.tables)
    yield from _words(TABLE_WORDS, "keyword")
    yield from _called("tabular")


def _scalars(place: Place) -> Iterator[Completion]:
    for name, bound in reversed(list(place.names.lets.items())):
        if not isinstance(bound, Function):
            yield Completion(name, "variable", bound if isinstance(bound, str) else "table")
    yield from _functions(place)


# ------------------------------------------------------------ arguments


def _arguments(code: Code, place: Place, schema: Schema) -> Iterator[Completion]:
    if place.operator == "render":
        yield from _render(code, place)
        return
    before, end = code.word(len(code) - 1), len(code)
    named = code.word(end - 2) if before == "=" else ""
    values = KINDS.get((place.operator, named)) or KINDS.get(("", named))
    if named and values:
        yield from _words(values, "value")
        return
    clauses = () if place.bracket is not None else CLAUSES.get(place.operator, ())
    if code.find(place.low, end, "by") < end:
        clauses = tuple(word for word in clauses if word != "by")
    if _past_options(code, place) < end and _is_operand(code):
        yield from _words(clauses, "keyword")
        yield from _words(("and", "or"), "keyword")
        yield from _words(language()["infix"], "operator")
        return
    yield from _operands(code, place, schema)
    yield from _words(clauses, "keyword")
    if place.bracket is None:
        yield from _words(OPTIONS.get(place.operator, ()), "property")


def _past_options(code: Code, place: Place) -> int:
    """Where an operator's arguments begin behind its options; `name = expression` is none."""
    if code.word(place.low) in (*OPTION_NAMES, "hint"):
        return past_options(code, place.low, len(code))[1]
    return place.low


def _is_operand(code: Code) -> bool:
    """Whether the last token ends an operand, so that an operator is wanted now."""
    last = code.tokens[-1]
    if last.kind == "mark":
        return last.text in ")]}"
    return last.kind != "name" or last.text not in AFTER_WORD


def _operands(code: Code, place: Place, schema: Schema) -> Iterator[Completion]:
    if place.operator in ("evaluate", "invoke") and len(code) == place.low:
        yield from _called("plugin") if place.operator == "evaluate" else _functions(place)
        return
    is_aggregating = place.operator in _AGGREGATING
    is_by = is_aggregating and place.bracket is None and code.find(place.low, len(code), "by") < len(code)
    if place.right is not None:
        yield from _keys(place)
    if is_aggregating and place.bracket is None and not is_by:
        yield from _called("aggregate")
    yield from _columns(place.columns)
    yield from _scalars(place)
    if place.operator in ("find", "search", "evaluate", "invoke") or code.word(len(code) - 1) == "(":
        yield from _tables(place, schema)
    yield from _called("function", "window", *(("aggregate",) if is_aggregating else ()))
    yield from _called("keyword")
    yield Completion("toscalar(", "function")


def _keys(place: Place) -> Iterator[Completion]:
    """Behind `on`: what both tables have, then the two sides."""
    right = place.right or Columns()
    yield from (item for item in _columns(place.columns) if item.text in right.types)
    yield from _words(("$left.", "$right."), "keyword")
    yield from _columns(right)


def _below(code: Code, place: Place, schema: Schema) -> Iterator[Completion]:
    """Behind a dot: the columns of a side of a join, hints, tables of another place, or keys of a dynamic column."""
    root = code.word(len(code) - 2)
    if root in ("$left", "$right"):
        yield from _columns(place.columns if root == "$left" else place.right or Columns())
    elif root == "hint":
        yield from _words(
            ("strategy=", "remote=", "shufflekey=", "num_partitions=", "spread=", "concurrency="), "property"
        )
    elif place.operator == ".":
        yield from _tables(place, schema)
    else:
        path = _path(code)
        yield from (Completion(key, "property") for key in schema.keys.get(".".join(path), ()))
        yield from (Completion(key, "property") for key in _keys_seen(code) if key not in path)


def _path(code: Code) -> list[str]:
    """The names of the path that ends at the last dot, places in arrays left out."""
    parts: list[str] = []
    place = len(code) - 2
    openings = {close: opening for opening, close in code.closers.items()}
    while place >= 0:
        if code.words[place] == "]" and place in openings:
            place = openings[place] - 1
        elif code.is_name(place):
            parts.append(code.words[place])
            if code.word(place - 1) != ".":
                break
            place -= 2
        else:
            break
    return parts[::-1]


def _keys_seen(code: Code) -> Iterator[str]:
    """The names that stand behind a dot elsewhere in the query."""
    for place in range(1, len(code)):
        if code.words[place - 1] == "." and code.is_name(place):
            yield code.words[place]


def _render(code: Code, place: Place) -> Iterator[Completion]:
    end = len(code)
    if place.bracket is None:
        yield from _words(
            RENDER_KINDS if end == place.low else ("with",), "value" if end == place.low else "keyword"
        )
        return
    before = code.words[-1]
    item = code.split(place.bracket + 1, end, ",")
    named = next((code.word(low) for low, _ in item[::-1] if code.assigns(low + 1, end)), "")
    if before == "=" or (before == "," and named in ("ycolumns", "series", "anomalycolumns")):
        yield from _words(RENDER_VALUES.get(named, ()), "value")
        if named not in RENDER_VALUES:
            yield from _columns(place.columns)
    if before in ("(", ","):
        yield from (Completion(f"{name}=", "property") for name in RENDER_PROPERTIES)
