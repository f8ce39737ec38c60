"""Values on their way to JavaScript and back: with the types that they had, or an error that names what cannot cross."""

from __future__ import annotations

import math
import os
import signal
import string
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from kqlmagic_ext import LanguageError, ParameterError
from kqlmagic_ext.frames import arrow_from_frame, frame_from_arrow
from tests.languages.javascript_lab import NODES, RUNTIMES, Session, failure, run, started, value

WIDE = 2**63 - 1


@pytest.fixture(scope="module", params=RUNTIMES)
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    with started(request.param) as session:
        yield session


def back(session: Session, code: str) -> Any:
    """The value of an expression, in Python."""
    run(session, f"var result = {code}")
    return session.pull("result").value


# ---------------------------------------------------------------- there


def test_a_frame_is_an_iterable_with_columns_and_length(session: Session) -> None:
    frame = pd.DataFrame({"n": [1, 2, 3], "s": ["a", "b", "c"]})
    assert session.push("given", frame) == ()
    assert value(session, "[given.length, given.columns, given.types]") == (
        "[ 3, [ 'n', 's' ], { n: 'long', s: 'string' } ]"
    )
    assert value(session, "[...given].map(row => row.s).join()") == "a,b,c"
    assert value(session, "given.toArray()[1]") == "{ n: 2, s: 'b' }"
    assert value(session, "given.arrow.numRows") == "3"
    assert value(session, "given") == "Frame of 3 rows × 2 { n: long, s: string }"


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        (pd.Series([True, None], dtype="boolean"), "[ true, null ]"),
        (pd.Series([1, None], dtype="Int32"), "[ 1, null ]"),
        (pd.Series([2**53 - 1, None], dtype="Int64"), "[ 9007199254740991, null ]"),
        (pd.Series([2**53, 1], dtype="Int64"), "[ 9007199254740992n, 1n ]"),
        (pd.Series([0.5, np.nan]), "[ 0.5, null ]"),
        (pd.Series([Decimal("1.10"), None], dtype=object), "[ '1.10', null ]"),
        (pd.Series(["x", None], dtype="str"), "[ 'x', '' ]"),
        (pd.Series(pd.to_datetime(["2026-01-02T03:04:05.678Z", None])), "[ 2026-01-02T03:04:05.678Z, null ]"),
        (pd.Series(pd.to_timedelta(["1 days 02:03:04.5", None])), "[ '1.02:03:04.5', null ]"),
        (pd.Series([UUID(int=1), None], dtype=object), "[ '00000000-0000-0000-0000-000000000001', null ]"),
        (pd.Series([{"a": [1]}, None], dtype=object), "[ { a: [ 1 ] }, null ]"),
    ],
    ids=["bool", "int", "long", "wide long", "real", "decimal", "string", "datetime", "timespan", "guid", "dynamic"],
)  # fmt: skip
def test_each_type_arrives_as_javascript_has_it(session: Session, column: pd.Series[Any], shown: str) -> None:
    session.push("given", pd.DataFrame({"x": column}))
    assert value(session, "given.column('x')") == shown


def test_digits_below_a_millisecond_are_told_once_and_are_in_arrow(session: Session) -> None:
    times = pd.Series(
        pd.to_datetime(["2026-01-01T00:00:00.1234567Z", "2026-01-01T00:00:00Z"], format="ISO8601")
    )
    frame = pd.DataFrame({"t": times, "whole": times.dt.floor("ms"), "u": times})
    warnings = session.push("given", frame)
    assert warnings == (
        "given['t', 'u'] has digits below a millisecond: the Dates of its rows lack them, .arrow has them",
    )
    assert value(session, "given.arrow.getChild('t').data[0].values[0]") == "1767225600123456700n"
    assert_frame_equal(session.pull("given").value, frame)
    assert session.push("one", times[0]) == ("one lost its digits below a millisecond: a Date has none",)
    assert session.push("one", times[1]) == ()


def test_a_name_may_be_given_again_whatever_cells_have_made_of_it(session: Session) -> None:
    session.push("again", 1)
    for code in ("let again = 'let'", "again = 'set'", "let again = 'let again'"):
        run(session, code)
        session.push("again", 2)
        assert value(session, "again") == "2"
    run(session, "const constant = 1; class Named {}; var varied = 1; function called() {}")
    failure(session, "let never = null.x")
    for name in ("constant", "Named", "varied", "called", "never", "$dollar", "ümlaut"):
        session.push(name, 3)
        assert value(session, f"{name} + 1") == "4"
        assert value(session, f"(() => {name})()") == "3"
        assert session.pull(name).value == 3
    run(session, "const constant = 5; constant")


@pytest.mark.parametrize(
    "name",
    ["class", "await", "undefined", "let", "console", "process", "Map", "globalThis", "NaN", "a-b", "1a", ""],
)
def test_a_name_of_javascripts_own_is_refused_by_a_sentence(session: Session, name: str) -> None:
    with pytest.raises(LanguageError, match="give it under another one: -i other=") as caught:
        session.push(name, 1)
    assert "\n" not in str(caught.value)


def test_what_cannot_cross_is_named_and_the_old_value_stays(session: Session) -> None:
    session.push("stays", 1)
    with pytest.raises(ParameterError, match=r"^stays\['a'\]"):
        session.push("stays", pd.DataFrame({"a": [1j]}))
    assert value(session, "stays") == "1"


def test_no_file_stays_behind(session: Session) -> None:
    session.push("given", pd.DataFrame({"a": range(10)}))
    session.pull("given")
    session.push("given", "x" * 100_000)
    assert session.pull("given").value == "x" * 100_000
    assert {path.name for path in session._process.folder.iterdir()} <= {"requests"}


# ---------------------------------------------------------------- back


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("5", 5),
        ("-0.5", -0.5),
        ("1e21", 1e21),
        ("2 ** 53", 2.0**53),
        ("9007199254740993n", 2**53 + 1),
        ("2n ** 63n - 1n", WIDE),
        ("'Ω'", "Ω"),
        ("true", True),
        ("null", None),
        ("undefined", None),
        ("Infinity", math.inf),
        ("new Date('2026-01-02T03:04:05.678Z')", pd.Timestamp("2026-01-02T03:04:05.678Z")),
        ("[1, 'a', null, [2n ** 60n]]", [1, "a", None, [2**60]]),
        ("[]", []),
        ("({a: {b: 1.5}})", {"a": {"b": 1.5}}),
        ("new Map([['k', new Set([1])]])", {"k": [1]}),
        ("new Uint8Array([1, 255])", [1, 255]),
        ("new BigInt64Array([2n ** 62n])", [2**62]),
        ("new Float32Array([0.5])", [0.5]),
        ("'__proto__'", "__proto__"),
        ("JSON.parse('{\"__proto__\": 1}')", {"__proto__": 1}),
    ],
)
def test_a_value_comes_back_as_what_it_is(session: Session, code: str, expected: Any) -> None:
    found = back(session, code)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("kind", ["Float32Array", "Float64Array"])
def test_an_array_of_fractions_is_one_of_floats_though_all_are_whole(session: Session, kind: str) -> None:
    found = back(session, f"new {kind}([1, -0, 2.5])")
    assert [repr(number) for number in found] == ["1.0", "-0.0", "2.5"]
    run(session, f"var nan = new {kind}([1, NaN])")
    with pytest.raises(LanguageError, match="nan holds NaN"):
        session.pull("nan")


def test_an_array_of_objects_is_a_frame(session: Session) -> None:
    frame = back(
        session,
        "[{n: 1, r: 1.5, s: 'a', d: new Date(0), b: true, w: 2n ** 60n, j: {x: 1}}, {n: 2, extra: 'later'}]",
    )
    assert frame.dtypes.astype(str).to_dict() == {
        "n": "Int64",
        "r": "float64",
        "s": str(pd.Series(["a"], dtype="str").dtype) if pd.__version__ >= "3" else "string",
        "d": "datetime64[ns, UTC]",
        "b": "boolean",
        "w": "Int64",
        "j": "object",
        "extra": str(pd.Series(["a"], dtype="str").dtype) if pd.__version__ >= "3" else "string",
    }
    assert frame["w"].tolist() == [2**60, pd.NA]
    assert frame["extra"].tolist() == ["", "later"]


def test_rows_of_a_frame_that_were_filtered_keep_their_types(session: Session) -> None:
    spans = pd.to_timedelta(["1s", "2s"]).astype("timedelta64[ns]")
    frame = pd.DataFrame({"i": pd.Series([1, 2], dtype="Int32"), "d": spans, "r": [1.0, 2.0]})
    session.push("given", frame)
    assert_frame_equal(
        back(session, "given.toArray().filter(row => row.i > 1)"), frame.iloc[1:].reset_index(drop=True)
    )


def test_rows_keep_the_order_of_their_columns_though_names_look_like_numbers(session: Session) -> None:
    """An object puts such names first."""
    frame = pd.DataFrame({"Host": ["a", "b"], "2": [1, 2], "1": [3, 4]})
    session.push("given", frame)
    found = back(
        session, "given.toArray().filter(row => { row.Sum = row[1] + row[2]; return row.Host === 'b' })"
    )
    assert list(found) == ["Host", "2", "1", "Sum"]
    assert found.iloc[0].tolist() == ["b", 2, 4, 6]


def test_arrow_tables_come_back(session: Session) -> None:
    code = "Arrow.tableFromArrays({a: Int32Array.from([1, 2]), s: ['x', 'y'], f: Float32Array.from([0.5, 1.5]), w: BigInt64Array.from([1n, 2n ** 62n])})"
    frame = back(session, code)
    assert frame["a"].tolist() == [1, 2]
    assert frame["s"].tolist() == ["x", "y"]
    assert frame["f"].tolist() == [0.5, 1.5]
    assert frame["w"].tolist() == [1, 2**62]
    session.push("given", pd.DataFrame({"n": [1, 2, 3]}))
    assert back(session, "given.arrow.slice(1)")["n"].tolist() == [2, 3]


@pytest.mark.parametrize("kql", ["decimal", "datetime", "bool", "guid", "nonsense", "\\udc00"])
def test_metadata_that_does_not_fit_is_not_believed(session: Session, kql: str) -> None:
    code = f"""(() => {{ const made = Arrow.tableFromArrays({{a: Int32Array.from([1, 2])}})
      const field = new Arrow.Field('a', made.schema.fields[0].type, true, new Map([['kql', '{kql}']]))
      const schema = new Arrow.Schema([field]); return new Arrow.Table(schema, made.batches.map(b => new Arrow.RecordBatch(schema, b.data))) }})()"""
    frame = back(session, code)
    assert frame["a"].tolist() == [1, 2]
    assert str(frame["a"].dtype) == "Int32"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("[{a: 1}, {a: 'x'}]", 'column "a"'),
        ("[{a: 1, f() {}}]", 'column "f"'),
        ("[{a: 2n ** 63n}]", 'column "a"'),
        ("2n ** 64n", "does not fit in 64 bits"),
        ("new Date(NaN)", "invalid Date"),
        ("Symbol('x')", "result"),
        ("() => 1", "result"),
        ("Promise.resolve(1)", "await it first"),
        ("new Map([[1, 2]])", "keys must be text"),
        ("(() => { const a = {}; a.a = a; return a })()", "refers to itself"),
        ("'\\ud800'", "surrogate"),
        ("[{a: 1, A: 2}]", "differ only in case"),
        ("new (class Odd {})()", "Odd"),
        ("Arrow.tableFromArrays({a: Int32Array.from([1]), A: Int32Array.from([1])})", "differ only in case"),
    ],
)
def test_what_cannot_leave_is_named(session: Session, code: str, said: str) -> None:
    with pytest.raises(LanguageError, match=r"^result") as caught:
        back(session, code)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_getter_that_throws_fails_the_pull_and_not_the_session(session: Session) -> None:
    with pytest.raises(LanguageError, match="no way"):
        back(session, "({get a() { throw new Error('no way') }})")
    assert value(session, "1 + 1") == "2"


def test_a_missing_name_says_which_there_are() -> None:
    with started("deno") as session:
        with pytest.raises(LanguageError, match="no variable nope in Deno: no cell has made a variable"):
            session.pull("nope")
        run(session, "let here = 1, there = 2")
        with pytest.raises(LanguageError, match="there are here, there"):
            session.pull("console")
        failure(session, "let dead = null.x")
        with pytest.raises(LanguageError, match="declared, and never got a value"):
            session.pull("dead")


@pytest.mark.parametrize(
    "session", NODES, indirect=True
)  # a busy loop in Deno ends its process: test_deno.py
def test_an_endless_getter_is_stopped(session: Session) -> None:
    run(session, "let endless = {get a() { while (true) {} }}, kept = 1")
    timer = threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        session.pull("endless")
    timer.join()
    assert "kept" in caught.value.__notes__[0]
    assert value(session, "kept") == "1"


# ---------------------------------------------------------------- every frame


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSONS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), WIDE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
TICK = 100


def counted(values: list[int | None]) -> Any:
    """Counts of nanoseconds; numpy's mark of a missing time for None."""
    return np.array([-(2**63) if value is None else value for value in values], dtype="int64")


COLUMNS: dict[str, Any] = {
    "bool": (st.none() | st.booleans(), lambda values: pd.Series(values, dtype="boolean")),
    "int": (st.none() | st.integers(-(2**31), 2**31 - 1), lambda values: pd.Series(values, dtype="Int32")),
    "long": (st.none() | st.integers(-(2**63), WIDE), lambda values: pd.Series(values, dtype="Int64")),
    "real": (st.floats(), lambda values: pd.Series(values, dtype="float64")),
    "decimal": (
        st.none()
        | st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**20), max_value=10**20),
        lambda values: pd.Series(values, dtype=object),
    ),
    "string": (TEXT, lambda values: pd.Series(values, dtype="str")),
    "datetime": (
        st.none() | st.integers(-(2**63) // TICK + 1, WIDE // TICK).map(lambda ticks: ticks * TICK),
        lambda values: pd.Series(counted(values).view("datetime64[ns]")).dt.tz_localize("UTC"),
    ),
    "timespan": (
        st.none() | st.integers(-(2**63) // TICK + 1, WIDE // TICK).map(lambda ticks: ticks * TICK),
        lambda values: pd.Series(counted(values).view("timedelta64[ns]")),
    ),
    "guid": (st.none() | st.uuids(), lambda values: pd.Series(values, dtype=object)),
    "dynamic": (JSONS, lambda values: pd.Series(values, dtype=object)),
}


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(0, 5))
    kinds = draw(st.lists(st.sampled_from(list(COLUMNS)), min_size=1, max_size=4))
    names = draw(
        st.lists(
            st.text(string.printable, min_size=1, max_size=4),
            min_size=len(kinds),
            max_size=len(kinds),
            unique_by=str.casefold,
        )
    )
    columns = {}
    for name, kind in zip(names, kinds, strict=True):
        values, make = COLUMNS[kind]
        columns[name] = make(draw(st.lists(values, min_size=rows, max_size=rows)))
    return pd.DataFrame(columns)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frame=frames())
def test_any_frame_comes_back_equal_or_raises(session: Session, frame: pd.DataFrame) -> None:
    try:
        crossed = frame_from_arrow(arrow_from_frame(frame, "given")[0])
    except ParameterError:
        with pytest.raises(ParameterError):
            session.push("given", frame)
        return
    session.push("given", frame)
    assert_frame_equal(session.pull("given").value, crossed, check_exact=True)
    run(
        session,
        "var rows = given.toArray(), size = given.length; for (const row of given) JSON.stringify(row, (k, v) => typeof v === 'bigint' ? `${v}` : v)",
    )
    assert session.pull("size").value == len(frame)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSONS)
def test_any_value_comes_back_equal(session: Session, value: Any) -> None:
    session.push("one", {"held": value})  # a list of objects would come back as a frame
    found = session.pull("one").value["held"]
    assert found == value
    # JSON has one kind of number: a whole real may come back as an integer of the same value.
    assert type(found) is type(value) or (isinstance(value, float) and value.is_integer())


# ---------------------------------------------------------------- without Arrow


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_frames_cross_without_arrow_too(runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kqlmagic_ext.languages.javascript.session.has_library", lambda _: False)
    frame = pd.DataFrame(
        {
            "n": pd.Series([1, 2**60, None], dtype="Int64"),
            "t": pd.to_datetime(
                pd.Series(["2026-01-01T00:00:00.1234567Z", None, "2026-01-02T00:00:00Z"]), format="ISO8601"
            ),
            "s": ["a", "b", "Ω"],
        }
    )
    with started(runtime) as session:
        session.push("given", frame)
        crossed = frame_from_arrow(arrow_from_frame(frame, "given")[0])
        assert_frame_equal(session.pull("given").value, crossed)
        run(session, "const kept = given.toArray().filter(row => row.s !== 'b')")
        assert session.pull("kept").value["n"].tolist() == [1, pd.NA]
        assert "Apache Arrow is not loaded here" in str(failure(session, "given.arrow"))
        large = pd.DataFrame({"s": ["x" * 1000] * 500})
        session.push("large", large)
        assert session.pull("large").value["s"].tolist() == large["s"].tolist()
