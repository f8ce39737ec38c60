"""Numbers of whole series, against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqlmagic_ext import Query, connect

NUMBERS = st.lists(st.integers(-1000, 1000), min_size=2, max_size=8)


@settings(max_examples=30)
@given(NUMBERS, st.randoms(use_true_random=False))
def test_they_are_what_numpy_says(first: list[int], random: np.random.Generator) -> None:
    second = [number + random.randint(-5, 5) for number in first]  # type: ignore[attr-defined]  # Python's own Random
    query = (
        "print series_dot_product(a, b), series_magnitude(a), series_sum(a), series_cosine_similarity(a, b), "
        "series_pearson_correlation(a, b), series_stats_dynamic(a)"
    )
    connection = connect("local://")
    try:
        frame = connection.run(Query(query, {"a": first, "b": second})).frame
    finally:
        connection.close()
    dot, size, total, cosine, correlation, statistics = frame.iloc[0].tolist()
    one, other = np.array(first, float), np.array(second, float)
    assert (dot, total) == (one @ other, one.sum())
    assert size == pytest.approx(np.linalg.norm(one))
    with np.errstate(all="ignore"):
        assert cosine == pytest.approx(
            one @ other / (np.linalg.norm(one) * np.linalg.norm(other)), nan_ok=True
        )
        expected = np.corrcoef(one, other)[0, 1]
    assert correlation == pytest.approx(expected, abs=1e-9, nan_ok=True)
    assert statistics["variance"] == pytest.approx(one.var(ddof=1))
    assert (statistics["min_idx"], statistics["max_idx"]) == (one.argmin(), one.argmax())
