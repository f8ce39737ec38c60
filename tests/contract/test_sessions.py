"""The type table, for every session: ten types × null, empty, widest, smallest, there and back, and through all of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from kqlmagic_ext import LanguageError, ParameterError, Query, connect
from kqlmagic_ext.frames import arrow_from_frame, frame_from_arrow, kql_type
from kqlmagic_ext.languages import Piece, Session
from tests.contract.sessions import SESSIONS

COLUMNS: dict[str, pd.Series[Any]] = {
    "bool": pd.Series([True, False, None], dtype="boolean"),
    "int": pd.Series([2**31 - 1, -(2**31), 0, None], dtype="Int32"),
    "long": pd.Series([2**63 - 1, -(2**63), 2**53 + 1, 0, None], dtype="Int64"),
    "small long": pd.Series([2**53 - 1, -(2**53) + 1, None], dtype="Int64"),
    "real": pd.Series([1.7976931348623157e308, 5e-324, -0.0, np.inf, -np.inf, 0.1, np.nan]),
    "whole real": pd.Series([1.0, 2.0, -3.0]),
    "decimal": pd.Series([Decimal("1.50"), Decimal("-99999999999999999999.12345678"), None], dtype=object),
    "string": pd.Series(
        ["", "Ω\n\"'\\\x00", "</script><!--", "😀\u202e", "$x `n %{}", "2026-01-01T00:00:00Z"]
    ),
    "datetime": pd.Series(
        np.array(
            ["2262-04-11T23:47:16.8547758", "1677-09-21T00:12:43.1452242", "2026-03-08T02:30", "NaT"],
            "datetime64[ns]",
        )
    ).dt.tz_localize("UTC"),
    "far datetime": pd.Series(
        pd.array(["9999-12-31T23:59:59.999999", "0001-01-01"], dtype="datetime64[us]")
    ).dt.tz_localize("UTC"),
    "timespan": pd.Series(pd.to_timedelta(["106751 days", "-1 days +01:02:03.0000001", "0s", None])),
    "guid": pd.Series([UUID(int=0), UUID(int=2**128 - 1), None], dtype=object),
    "dynamic": pd.Series(
        [{"a": [1, None, "x", {"b": True}]}, [], {}, "text", 5, 1.5, 2**63 - 1, None], dtype=object
    ),
}
NULLS = {name: pd.Series([series.iloc[-1]] * 2, dtype=series.dtype) for name, series in COLUMNS.items()}


def quiet(_: Piece) -> None:
    """What is written here does not matter."""


def crossed(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame as every language and place would give it back."""
    return frame_from_arrow(arrow_from_frame(frame, "frame")[0])


def there_and_back(session: Session, value: Any) -> Any:
    session.push("given", value)
    return session.pull("given").value


def assert_same(back: pd.DataFrame, frame: pd.DataFrame) -> None:
    back.attrs = {}
    assert_frame_equal(back, crossed(frame), check_exact=True)


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_comes_back_as_it_went(session: Session, kind: str) -> None:
    frame = pd.DataFrame({"x": COLUMNS[kind]})
    assert_same(there_and_back(session, frame), frame)


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_of_nulls_keeps_its_type(session: Session, kind: str) -> None:
    frame = pd.DataFrame({"x": NULLS[kind]})
    back = there_and_back(session, frame)
    assert back["x"].isna().tolist() == crossed(frame)["x"].isna().tolist()
    assert_same(back, frame)


@pytest.mark.parametrize("kind", COLUMNS)
def test_an_empty_frame_keeps_its_names_and_types(session: Session, kind: str) -> None:
    frame = pd.DataFrame({"x": COLUMNS[kind], "y": range(len(COLUMNS[kind]))}).iloc[:0]
    assert_same(there_and_back(session, frame), frame)


@pytest.mark.parametrize("kind", ["decimal", "dynamic"])
def test_an_empty_answer_has_its_types_also_after_a_second_crossing(session: Session, kind: str) -> None:
    back = there_and_back(session, crossed(pd.DataFrame({"x": COLUMNS[kind]}))[:0])
    assert kql_type(arrow_from_frame(back, "back")[0].schema.field("x")) == kind


@pytest.mark.parametrize(
    "value",
    [True, 0, -1, 2**53 + 1, 2**63 - 1, -(2**63), 1.5, 0.1, "", "Ω\"'\\\n$x", "</script>", [1, "a", None], {"a": {"b": [1.5]}}, [], {}],
    ids=repr,
)  # fmt: skip
def test_a_single_value_comes_back_as_it_went(session: Session, value: Any) -> None:
    back = there_and_back(session, value)
    assert (back, type(back)) == (value, type(value))


def test_a_single_time_comes_back_as_a_timestamp(session: Session) -> None:
    moment = pd.Timestamp("2026-11-24T07:08:09.123Z")
    assert there_and_back(session, moment) == moment


def test_nothing_comes_back_as_nothing(session: Session) -> None:
    assert there_and_back(session, None) is None


def test_named_index_levels_become_columns(session: Session) -> None:
    frame = pd.DataFrame({"n": [1, 2]}, index=pd.Index(["a", "b"], name="key"))
    assert there_and_back(session, frame).columns.tolist() == ["key", "n"]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pd.DataFrame({"a": [1], "A": [2]}),
        pd.DataFrame({"a": [1j]}),
        pd.DataFrame({"a": [2**64]}),
        pd.DataFrame({"a": [1]}, index=["x"]),
    ],
    ids=["twins", "twins but for case", "complex", "too wide", "unnamed index"],
)
def test_what_cannot_cross_whole_raises(session: Session, frame: pd.DataFrame) -> None:
    with pytest.raises(ParameterError, match=r"^given"):
        session.push("given", frame)


def test_a_variable_that_is_not_there_is_named(session: Session) -> None:
    with pytest.raises(LanguageError, match="nowhere"):
        session.pull("nowhere")


def test_a_cell_may_be_empty(session: Session) -> None:
    assert session.run("", quiet).value is None


def test_a_frame_passes_through_every_language_and_back_into_kql_unchanged() -> None:
    """KQL → Node.js → Python → Deno → Python → KQL."""
    chain(["node", "deno"])


@pytest.mark.needs_pwsh
def test_a_frame_passes_through_powershell_too() -> None:
    """KQL → PowerShell → Python → Node.js → Python → KQL."""
    chain(["powershell", "node"])


def chain(names: list[str]) -> None:
    text = """datatable(b:bool, i:int, l:long, r:real, s:string, t:datetime, d:timespan, g:guid, y:dynamic)[
        true, int(1), long(9223372036854775807), 0.1, "Ω'", datetime(2026-11-24T07:08:09.123456Z), 1d, guid(74be27de-1e4e-49d9-b579-fe0b331d3642), dynamic({"a":[1]}),
        bool(null), int(null), long(null), real(null), "", datetime(null), timespan(null), guid(00000000-0000-0000-0000-000000000000), dynamic(null)]"""
    place = connect("local://")
    frame = first = place.run(Query(text)).frame
    for name in names:
        session = SESSIONS[name]()
        try:
            frame = there_and_back(session, frame)
        finally:
            session.close()
    last = place.run(Query("frame", {"frame": frame})).frame
    place.close()
    first.attrs = last.attrs = {}
    assert_frame_equal(first, last, check_exact=True)
