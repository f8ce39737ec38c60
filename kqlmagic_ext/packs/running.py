"""The tests of saved queries, run on an embedded workspace: what was expected, beside what was found."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import KqlMagicError, PlacedError, visible
from kqlmagic_ext.kql.known_tables import known_tables
from kqlmagic_ext.kql.literals import literal_of
from kqlmagic_ext.kql.tokens import find_name
from kqlmagic_ext.packs.parameters import arguments
from kqlmagic_ext.query import Query
from kqlmagic_ext.values import Value, format_datetime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from kqlmagic_ext.connections import Connection
    from kqlmagic_ext.packs.saved import Rows, SavedQuery, Test

_MOST_SHOWN = 10
_MOST_CHARACTERS = 200  # of a row


@dataclass(frozen=True)
class Outcome:
    """What became of a test: it passed when there is no problem."""

    file: str
    test: str
    problems: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """One line, and below it what is not as expected."""
        mark = "FAIL" if self.problems else "ok  "
        return [
            f"{mark}  {visible(f'{self.file}: {self.test}')}",
            *(f"      {line}" for line in self.problems),
        ]


def find_files(paths: Sequence[str | Path]) -> list[Path]:
    """The `.kql` files of folders, hidden ones left out, and files as they are named; FileNotFoundError for none."""
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.exists():
            raise FileNotFoundError(f"{path} is not there")
        inside = sorted(path.rglob("*.kql")) if path.is_dir() else [path]
        found += [file for file in inside if not _is_hidden(file.relative_to(path))]
    return list(dict.fromkeys(found))


def _is_hidden(path: Path) -> bool:
    """Whether it lies in a folder such as Jupyter's `.ipynb_checkpoints`."""
    return any(part.startswith(".") for part in path.parts)


def run_test(saved: SavedQuery, test: Test, connect: Callable[[str], Connection]) -> Outcome:
    """What becomes of one test; `connect` opens `local://` URLs."""
    file = saved.origin.file if saved.origin is not None else saved.name
    try:
        return Outcome(file, test.name, tuple(_problems(saved, test, connect)))
    except KqlMagicError as error:
        if isinstance(error, PlacedError) and saved.origin is not None and saved.origin.line is not None:
            error.move(saved.origin.line - 1, 0)
        return Outcome(file, test.name, tuple(error.lines()))


def _problems(saved: SavedQuery, test: Test, connect: Callable[[str], Connection]) -> Iterator[str]:
    unused = [name for name in test.tables if find_name(saved.text, name) is None]
    if unused:
        yield f"the query does not use the table {', '.join(unused)}"
        return
    tables = {name: _arrow(name, rows) for name, rows in test.tables.items()}
    now = None if test.now is None else datetime.fromisoformat(format_datetime(test.now))
    query = Query(saved.text, arguments(saved, {**tables, **test.parameters}), now=now)
    connection = connect("local://")
    try:
        result = connection.run(query)
    finally:
        connection.close()
    if len(result.tables) > 1:
        yield f"the query gives {len(result.tables)} tables, and a test looks at one"
        return
    yield from _differences(result.tables[0], test)


def _arrow(name: str, rows: Rows) -> pa.Table:
    """The sample table; a known one has all its columns, null where the rows do not tell them."""
    from kqlmagic_ext.frames import arrow_from_columns

    types = dict(rows.columns)
    columns = {column: [row[at] for row in rows.rows] for at, column in enumerate(types)}
    folded = {column.casefold() for column in types}
    for column, kind in known_tables(hunting=True).get(name, {}).items():
        if column.casefold() not in folded:
            types[column] = kind
            columns[column] = [Value(kind, "" if kind == "string" else None)] * len(rows.rows)
    return arrow_from_columns(types, columns, name)


def _differences(answer: pa.Table, test: Test) -> Iterator[str]:
    from kqlmagic_ext.frames import column_values, kql_type

    found = {field.name: kql_type(field) for field in answer.schema}
    wanted = dict(test.expect.columns) or found
    wrong = [_wrong_column(name, kind, found) for name, kind in wanted.items() if found.get(name) != kind]
    if wrong:
        yield from wrong
        return
    columns = [column_values(kind, answer.column(name), name) for name, kind in wanted.items()]
    came = [tuple(map(_comparable, row)) for row in zip(*columns, strict=True)]
    expected = [tuple(map(_comparable, row)) for row in test.expect.rows]
    yield from _in_order(expected, came) if test.ordered else _as_multisets(expected, came)


def _wrong_column(name: str, kind: str, found: dict[str, str]) -> str:
    if name in found:
        return visible(f"the column {name} is a {found[name]}, expected a {kind}")
    return visible(f"the answer has no column {name}; it has {', '.join(found)}")


def _as_multisets(expected: list[tuple[str, ...]], came: list[tuple[str, ...]]) -> Iterator[str]:
    missing, surplus = Counter(expected) - Counter(came), Counter(came) - Counter(expected)
    lines = [f"missing     {_shown(row)}" for row in missing.elements()]
    lines += [f"unexpected  {_shown(row)}" for row in surplus.elements()]
    yield from _cut(lines)


def _in_order(expected: list[tuple[str, ...]], came: list[tuple[str, ...]]) -> Iterator[str]:
    lines = []
    for number, (wanted, found) in enumerate(zip_longest(expected, came), 1):
        if wanted != found:
            lines.append(f"row {number}: expected  {_shown(wanted)}")
            lines.append(f"row {number}: found     {_shown(found)}")
    yield from _cut(lines)


def _cut(lines: list[str]) -> Iterator[str]:
    yield from lines[:_MOST_SHOWN]
    if len(lines) > _MOST_SHOWN:
        yield f"… and {len(lines) - _MOST_SHOWN:,} more"


def _shown(row: tuple[str, ...] | None) -> str:
    if row is None:
        return "no row"
    text = visible(", ".join(row))
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"


def _comparable(value: Value) -> str:
    """A value as a text that is the same for equal ones: reals to 12 digits, dynamic with its keys in order."""
    plain: Any = value.plain
    if value.type == "dynamic":
        return json.dumps(plain, sort_keys=True, ensure_ascii=False, default=literal_of)
    if plain is None or (value.type == "real" and plain != plain):  # noqa: PLR0124 - a null real is NaN
        return "null"
    if value.type == "real":
        return f"{plain:.12g}"
    if value.type == "decimal":
        return f"{plain.normalize():f}"
    if value.type == "string":
        return json.dumps(plain, ensure_ascii=False)
    inside = literal_of(value).removeprefix(f"{value.type}(").removesuffix(")")
    return inside.lower() if value.type == "guid" else inside
