"""JavaScript cells against what an analyst would write by hand; the medians of ratios of wall times, taken alternately.

`python -m tests.benchmarks.languages`:

* a warm `%%node` cell (of five in a row) against `%%script node`, and against the first cell, which starts the process;
* 500,000 rows × 10 columns into Node.js and back, by `.arrow` and by row objects, against JSON files that pandas and Node.js
  write and read (`to_json(orient="records")`, `JSON.parse`, `JSON.stringify`, `read_json`). The frame comes back whole: the
  two ways of ours are compared with the frame that went; JSON's is not, since it loses types.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from pandas.testing import assert_frame_equal

from kqlmagic_ext.frames import arrow_from_frame, frame_from_arrow
from tests.benchmarks.cell import seconds

ROWS = 500_000
CELLS, ROW, RUNS = 30, 5, 3
BY_ARROW = "%%node -i frame -o back\nvar back = frame.arrow"
BY_ROWS = "%%node -i frame -o back\nvar back = frame.toArray()"
BY_JSON = """%%node -i path
var fs = require('node:fs')
var rows = JSON.parse(fs.readFileSync(path + '/in.json'))
fs.writeFileSync(path + '/out.json', JSON.stringify(rows))"""


def sign_ins(rows: int) -> pd.DataFrame:
    """A time, five texts, three integers, a float and a bool less: ten columns, as the crossing makes them."""
    random = np.random.default_rng(7)
    names = np.array([f"user{number:04}@meridianfreight.example" for number in range(2_000)])
    start = pd.Timestamp("2026-11-01", tz="UTC")
    frame = pd.DataFrame(
        {
            "TimeGenerated": start + pd.to_timedelta(random.integers(0, 10**9, rows), unit="ms"),
            "UserPrincipalName": random.choice(names, rows),
            "IPAddress": [f"10.{a}.{b}.{c}" for a, b, c in random.integers(0, 256, (rows, 3))],
            "AppDisplayName": random.choice(np.array(["Azure Portal", "Exchange", "Teams"]), rows),
            "Location": random.choice(np.array(["NL", "DE", "US", "SG"]), rows),
            "ResultType": random.choice(np.array(["0", "50126", "50074"]), rows),
            "DurationMs": random.integers(0, 10_000, rows),
            "Bytes": random.integers(0, 2**40, rows),
            "Score": random.random(rows),
            "IsInteractive": random.random(rows) < 0.5,
        }
    )
    return frame_from_arrow(arrow_from_frame(frame, "frame")[0])


def ratios(ours: Callable[[], Any], theirs: Callable[[], Any], runs: int) -> float:
    """How many times as long theirs takes."""
    return statistics.median(seconds(theirs) / seconds(ours) for _ in range(runs))


def main() -> None:
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "kqlmagic_ext")

    def run(code: str) -> None:
        with capture_output():
            shell.run_cell(code).raise_error()

    def by_json() -> None:
        frame.to_json(folder / "in.json", orient="records", date_format="iso")
        run(BY_JSON)
        shell.user_ns["read"] = pd.read_json(folder / "out.json", orient="records")

    cold = seconds(lambda: run("%%node\n1 + 1"))
    warm = statistics.median(seconds(lambda: run("%%node\n1 + 1")) for _ in range(CELLS))
    # Several in a row: the first one finds the processor's memory full of what the program before it has left.
    row = "%%node\n1 + 1"
    script = ROW * ratios(
        lambda: [run(row) for _ in range(ROW)], lambda: run("%%script node\nconsole.log(1 + 1)"), CELLS
    )
    print(f"%%script node : a warm %%node cell = {script:.0f}")
    print(f"the first %%node cell : a warm one = {cold / warm:.0f}")

    frame = shell.user_ns["frame"] = sign_ins(ROWS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shell.user_ns["path"] = name
        for said, cell in ((".arrow", BY_ARROW), ("row objects", BY_ROWS)):
            times = ratios(lambda cell=cell: run(cell), by_json, RUNS)
            assert_frame_equal(shell.user_ns["back"], frame)
            print(f"{ROWS:,} × {len(frame.columns)} there and back, JSON : {said} = {times:.1f}")
    shell.run_line_magic("unload_ext", "kqlmagic_ext")


if __name__ == "__main__":
    main()
