"""Cells of other languages: a warm one against a new program, and frames in Arrow against JSON.

`python -m tests.benchmarks.languages`: in one run, in the shell, on the Node.js that `%%node` finds; medians of the ratios of
wall times, taken alternately.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from kqlmagic_ext.languages import LANGUAGES, Session, Settings

ROWS = 500_000
CELLS = 15
CROSSINGS = 3
READ = "const rows = JSON.parse(require('fs').readFileSync({there}, 'utf8')); require('fs').writeFileSync({back}, JSON.stringify(rows))"


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ratio(slow: Callable[[], Any], quick: Callable[[], Any], times: int) -> float:
    """How many times quicker the second is, by the median of pairs."""
    return statistics.median(seconds(slow) / seconds(quick) for _ in range(times))


def sign_ins(rows: int) -> pd.DataFrame:
    """A time, five texts, three integers and a real."""
    random = np.random.default_rng(1)
    start = pd.Timestamp("2026-01-01", tz="UTC")
    words = pd.Series([f"user{number}@contoso.example" for number in range(5000)])
    texts = {f"text{number}": words.sample(rows, replace=True, random_state=number, ignore_index=True) for number in range(5)}
    numbers = {f"n{number}": random.integers(0, 10**9, rows) for number in range(3)}
    times = start + pd.to_timedelta(random.integers(0, 10**9, rows), unit="ms")
    return pd.DataFrame({"time": times, **texts, **numbers, "real": random.random(rows)})


def in_arrow(session: Session, frame: pd.DataFrame, code: str) -> None:
    session.push("given", frame)
    session.run(code, lambda _: None)
    assert session.pull("out").value.shape == frame.shape


def in_json(session: Session, frame: pd.DataFrame, folder: Path) -> None:
    there, back = folder / "there.json", folder / "back.json"
    frame.to_json(there, orient="records", date_format="iso")
    session.run(READ.format(there=repr(str(there)), back=repr(str(back))), lambda _: None)
    assert pd.read_json(back, orient="records", convert_dates=["time"]).shape == frame.shape


def cold() -> None:
    session = LANGUAGES["node"].start(Settings())
    session.run("6 * 7", lambda _: None)
    session.close()


def main() -> None:
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "kqlmagic_ext")

    def cell(text: str) -> None:
        with capture_output():
            shell.run_cell(text).raise_error()

    cell("%%node\n6 * 7")
    warm = ratio(lambda: cell("%%script node\nconsole.log(6 * 7)"), lambda: cell("%%node\nconsole.log(6 * 7)"), CELLS)
    print(f"%%script node : a warm %%node cell = {warm:.0f}")
    shell.run_line_magic("unload_ext", "kqlmagic_ext")

    session = LANGUAGES["node"].start(Settings())
    print(f"cold start : warm call = {ratio(cold, lambda: session.run('6 * 7', lambda _: None), CELLS):.0f}  {session.version}")
    frame = sign_ins(ROWS)
    with tempfile.TemporaryDirectory() as folder:
        for name, code in {
            "there and back, both with .arrow": "var out = given.arrow",
            "there and back, through row objects": "var out = given.toArray()",
        }.items():
            times = ratio(lambda: in_json(session, frame, Path(folder)), lambda code=code: in_arrow(session, frame, code), CROSSINGS)
            print(f"JSON : Arrow = {times:.1f}  {ROWS:,} rows × {frame.shape[1]}, {name}")
    session.close()


if __name__ == "__main__":
    main()
