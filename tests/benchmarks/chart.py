"""A 100,000-point timechart against Altair alone, which draws every point, in one run: `python -m tests.benchmarks.chart`.

Both sides end with the bundle that a notebook keeps, without a picture.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import altair as alt
import numpy as np
import pandas as pd

from kqlmagic_ext.display.chart import draw

ROWS, RUNS = 100_000, 5


def frame_of(rows: int) -> pd.DataFrame:
    """So many rows of a noisy rhythm."""
    noise = np.random.default_rng(1).normal(size=rows)
    times = pd.date_range("2026-11-01", periods=rows, freq="s", tz="UTC")
    return pd.DataFrame({"TimeGenerated": times, "Attempts": np.sin(np.arange(rows) / 3000) + noise})


def by_altair(frame: pd.DataFrame) -> str:
    """What an analyst writes without us, the row limit lifted."""
    with alt.data_transformers.enable("default", max_rows=None):
        chart = alt.Chart(frame).mark_line().encode(x="TimeGenerated:T", y="Attempts:Q")
        return json.dumps(chart.to_dict())


def by_us(frame: pd.DataFrame) -> str:
    """What `render timechart` keeps in the notebook."""
    return json.dumps(draw(frame, {"visualization": "timechart"}).shown)


def cost(draws: Callable[[pd.DataFrame], str], frame: pd.DataFrame) -> float:
    """The least CPU seconds of five runs."""
    costs = []
    for _ in range(RUNS):
        start = time.process_time()
        draws(frame)
        costs.append(time.process_time() - start)
    return min(costs)


def main() -> None:
    sys.modules["vl_convert"] = None  # type: ignore[assignment]  # as it is without the extra
    frame = frame_of(ROWS)
    ours, theirs = cost(by_us, frame), cost(by_altair, frame)
    print(f"{ROWS:,} points, CPU   ours : Altair alone = {ours / theirs:.3f} ({ours:.3f} s : {theirs:.3f} s)")
    print(f"{ROWS:,} points, bytes ours : Altair alone = {len(by_us(frame)) / len(by_altair(frame)):.3f}")


if __name__ == "__main__":
    main()
