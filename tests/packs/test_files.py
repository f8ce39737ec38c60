"""Saved queries in files: what is written is read back, and what is no query says so with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqlmagic_ext import ParameterError, QueryError
from kqlmagic_ext.packs import Entity, Parameter, Rows, SavedQuery, Test, arguments, read, write
from kqlmagic_ext.values import TICKS_A_DAY, Value, format_datetime
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


@pytest.mark.parametrize(
    "text", ["print 1", "print 1\n", "\r\nprint 1\r\n\r\n", "\n\n", "// ---\n// name: x\n// ---\nprint 1", "\ufeffprint 1", ""]
)  # fmt: skip
def test_the_text_is_kept_byte_for_byte(tmp_path: Path, text: str) -> None:
    write(tmp_path / "q.kql", SavedQuery("q", text))
    assert read(tmp_path / "q.kql").text == text


def test_a_file_without_front_matter_is_a_query(tmp_path: Path) -> None:
    path = tmp_path / "plain.kql"
    path.write_text("// a comment\nSigninLogs\n", "utf-8-sig")
    saved_query = read(path)
    assert (saved_query.name, saved_query.text) == ("plain", "// a comment\nSigninLogs\n")


def test_front_matter_may_end_its_lines_as_windows_does(tmp_path: Path) -> None:
    path = tmp_path / "dos.kql"
    path.write_bytes(
        b"// ---\r\n// description: |\r\n//   a\r\n//   b\r\n//timespan: 7d\r\n// ---\r\nprint 1\r\n"
    )
    found = read(path)
    assert (found.description, found.timespan, found.text) == ("a\nb\n", "7d", "print 1\r\n")


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [
        ("long", "010", 10),
        ("long", "0x10", 16),
        ("long", "9223372036854775807", 2**63 - 1),
        ("string", "yes", "yes"),
        ("string", "010", "010"),
        ("string", "2026-11-21", "2026-11-21"),
        ("string", "1:30", "1:30"),
        ("datetime", "2026-11-21T10:04:00.1234567Z", None),
        ("timespan", "1h", 36_000_000_000),
        ("timespan", "1.02:03:04", 937_840_000_000),
        ("decimal", "0.1000000000000000000000001", "0.1000000000000000000000001"),
        ("bool", "true", True),
        ("guid", "74BE27DE-1E4E-49D9-B579-FE0B331D3642", "74be27de-1e4e-49d9-b579-fe0b331d3642"),
        ("dynamic", '[1, 1.5, "1", yes, null, {a: 010}]', [1, 1.5, "1", "yes", None, {"a": "010"}]),
        ("long", "!kql long(5)", 5),
        ("long", "null", None),
    ],
)
def test_a_default_is_read_as_its_declared_type_and_not_as_yaml_guesses(
    tmp_path: Path, kind: str, written: str, value: object
) -> None:
    path = tmp_path / "typed.kql"
    path.write_text(
        f"// ---\n// parameters: {{x: {{type: {kind}, default: {written}}}}}\n// ---\nprint {{{{x}}}}"
    )
    default = read(path).parameters[0].default
    assert default is not None
    assert default.type == kind
    if kind == "datetime":
        assert format_datetime(default.plain) == written
    else:
        assert (str(default.plain) if kind == "decimal" else default.plain) == value


@pytest.mark.parametrize(
    ("front", "line", "said"),
    [
        ("descripton: x", 2, "there is no key 'descripton'; there is name, description, tactics"),
        ("name: a\nname: b", 3, "the key 'name' stands twice"),
        ("tactics: {a: b}", 2, "a text is wanted here"),
        ("name: a\n  b: c", 3, "this is no YAML: mapping values are not allowed here"),
        ("- a", 2, "front matter wants lines of the form `key: value`"),
        ("timespan: yesterday", 2, "'yesterday' is no timespan"),
        ("parameters:\n  x: {type: number}", 3, "x wants a type, one of bool, int, "),
        ("parameters:\n  x: {type: long, default: five}", 3, "'five' is no long"),
        ("parameters:\n  x: {type: int, default: 3000000000}", 3, "'3000000000' is no int"),
        ("parameters:\n  x: {type: long, default: !kql '\"5\"'}", 3, "that is a string, and a long is wanted"),
        ("parameters:\n  x: {type: table, default: 1}", 3, "x is a table, which has no default"),
        ("parameters:\n  a b: long", 3, "'a b' is no name of a parameter"),
        ("name: &a x\ndescription: *a", 2, "used again by an alias"),
        ("entities:\n- {type: Account}", 3, "an entity has a type, an identifier and a column"),
        ("tests:\n- name: t", 3, "a test says what it expects"),
        ("tests:\n- {expect: [], parameters: {x: 1}}", 3, "the query has no parameter 'x'"),
        ("tests:\n- {expect: [], now: 2026-11-21T10:04:00.1234567Z}", 3, "this moment is finer"),
        ("tests:\n- expect: [{a: 1}]", 3, "the type of 'a' is not known: write a line such as `columns: a:string`"),
        ("tests:\n- expect:\n    columns: a:long, b:long\n    rows:\n    - [1]", 6, "this row has 1 values, and there are 2"),
        ("tests:\n- expect:\n    columns: a:number", 4, "columns are written as"),
        ("tests:\n- expect: []\n  tables: {Mine_CL: []}", 4, "Mine_CL is no known table"),
        ("tests:\n- expect: []\n  tables: {SigninLogs: [{Nothing: 1}]}", 4, "the type of 'Nothing' is not known"),
        ("tests:\n- expect: []\n  tables: {a b: []}", 4, "'a b' is no name of a table"),
        ("name: \x07", 2, "YAML has no character U+0007"),
        (f"name: {'[' * 5000}", None, ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_one_sentence_with_its_line(
    tmp_path: Path, front: str, line: int | None, said: str
) -> None:
    path = tmp_path / "wrong.kql"
    path.write_text("// ---\n" + "".join(f"// {one}\n" for one in front.split("\n")) + "// ---\nprint 1")
    with pytest.raises(QueryError) as raised:
        read(path)
    told = str(raised.value)
    assert told.startswith(f"{path}, line {line}: " if line else f"{path}")
    assert said in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"// ---\n// name: a\nprint 1", "line 1: the front matter is not closed"),
        (b"// ---\nname: a\n// ---\n", "line 2: a line of the front matter begins with //"),
        (b"print 1\n\xff", "line 2: this is no UTF-8 text"),
    ],
)
def test_a_broken_file_is_told_with_its_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "wrong.kql"
    path.write_bytes(content)
    with pytest.raises(QueryError, match=said):
        read(path)


def test_what_is_no_file_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        QueryError, match=r"no\.txt: a saved query is a file that ends in \.kql, \.yaml, \.yml"
    ):
        read(tmp_path / "no.txt")
    with pytest.raises(QueryError, match=r"no\.kql: it cannot be read: No such file"):
        read(tmp_path / "no.kql")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "q.kql"
    write(path, SavedQuery("q", "print 1"))
    before = path.read_bytes()
    for query in (SavedQuery("q", "\ud800"), SavedQuery("q", "", parameters=(Parameter("a b", "long"),))):
        with pytest.raises(ValueError, match=r"surrogates not allowed|is no name"):
            write(path, query)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_values_take_their_declared_types() -> None:
    query = SavedQuery("q", "print {{a}}", parameters=(Parameter("a", "real", Value("real", 0.5)),))
    assert arguments(query, {}) == {"a": Value("real", 0.5)}
    assert arguments(query, {"a": 2}) == {"a": Value("real", 2.0)}
    with pytest.raises(ParameterError, match="a wants a real, and is a string"):
        arguments(query, {"a": "2"})
