"""Frames that the libraries give back are inputs of the next query."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from kqlmagic_ext import ParameterError, Query, connect

PLAIN = pd.DataFrame({"User": ["a", "b"], "Count": [1, 2]})
GIVEN = {
    "merged": PLAIN.merge(pd.DataFrame({"User": ["a"], "Hits": [3]}), how="left"),
    "grouped": PLAIN.groupby("User").agg(Count=("Count", "sum")),
    "filtered": PLAIN[PLAIN.Count > 0],
    "categorical": PLAIN.astype({"User": "category"}),
    "arrow": PLAIN.convert_dtypes(dtype_backend="pyarrow"),
    "numpy scalars": pd.DataFrame(
        {"User": ["a", "b"], "Count": pd.Series([np.int64(1), np.int64(2)], dtype=object)}
    ),
}


def asked(value: Any, text: str) -> pd.DataFrame:
    connection = connect("local://")
    try:
        return connection.run(Query(text, inputs={"given": value})).frame
    finally:
        connection.close()


@pytest.mark.parametrize("made", GIVEN)
def test_a_frame_that_pandas_made_is_an_input(made: str) -> None:
    assert asked(
        GIVEN[made], "given | summarize Total = sum(Count), Users = dcount(User)"
    ).to_numpy().tolist() == [[3, 2]]


def test_a_missing_match_of_a_merge_is_null() -> None:
    assert asked(GIVEN["merged"], "given | where isnull(Hits) | project User")["User"].tolist() == ["b"]


def test_a_period_is_refused_by_name() -> None:
    with pytest.raises(ParameterError, match="Month"):
        asked(pd.DataFrame({"Month": pd.period_range("2026-01", periods=2, freq="M")}), "given")
