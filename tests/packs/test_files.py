"""Saved queries in files: what is written is read back, and what is no query says so with its line."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqlmagic_ext.packs import Entity, Parameter, Rows, SavedQuery, Test, read, write
from kqlmagic_ext.values import TICKS_A_DAY
from tests.kql.test_reading import _TEXT, DYNAMICS, NULLS, SCALARS, values

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)
TEXTS = st.lists(_TEXT, max_size=3).map(tuple)
VALUES = st.one_of(SCALARS, NULLS, values("dynamic", DYNAMICS))
PARAMETERS = st.one_of(
    st.builds(lambda value, name, text: Parameter(name, value.type, value, text), VALUES, NAMES, _TEXT),
    st.builds(Parameter, NAMES, st.sampled_from(["long", "string", "datetime", "table"])),
)


@st.composite
def rows(draw: st.DrawFn) -> Rows:
    columns = draw(st.dictionaries(_TEXT.filter(bool), VALUES, max_size=3))
    count = draw(st.integers(0, 2)) if columns else 0
    cells = [
        tuple(draw(VALUES.filter(lambda one, kind=sample.type: one.type == kind) | st.just(sample)) for sample in [*columns.values()])
        for _ in range(count)
    ]  # fmt: skip
    return Rows(tuple((name, sample.type) for name, sample in columns.items()), tuple(cells))


@st.composite
def saved(draw: st.DrawFn) -> SavedQuery:
    parameters = draw(st.lists(PARAMETERS, max_size=4, unique_by=lambda one: one.name))
    typed = {one.name: one.default for one in parameters if one.default is not None}
    test = st.builds(
        Test,
        name=_TEXT,
        tables=st.dictionaries(NAMES, rows().filter(lambda table: bool(table.columns)), max_size=2),
        expect=rows(),
        parameters=st.just(typed),
        now=st.none() | st.integers(0, 3_652_059 * TICKS_A_DAY // 10 - 1).map(lambda count: count * 10),
        ordered=st.booleans(),
    )
    return SavedQuery(
        name=draw(_TEXT),
        text=draw(_TEXT),
        description=draw(_TEXT | st.lists(st.from_regex(r"\w*( \w+)*", fullmatch=True)).map("\n".join)),
        parameters=tuple(parameters),
        tactics=draw(TEXTS),
        techniques=draw(TEXTS),
        timespan=draw(st.sampled_from([None, "7d", "P1D", "2026-11-20/2026-11-22", "all"])),
        entities=tuple(draw(st.lists(st.builds(Entity, _TEXT, _TEXT, _TEXT), max_size=2))),
        tests=tuple(draw(st.lists(test, max_size=2))),
    )


@given(saved())
@settings(deadline=None, max_examples=80)
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, query: SavedQuery) -> None:
    path = tmp_path_factory.getbasetemp() / "query.kql"
    write(path, query)
    assert read(path) == query
    fence, *lines = path.read_bytes().decode().split("\n")
    assert fence == "// ---"
    assert all(line.startswith("//") for line in lines[: lines.index("// ---")])
