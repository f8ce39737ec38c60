"""What the investigation record costs: `python -m tests.benchmarks.record`.

A cell that is recorded in full against the same cell with the record off, taken alternately, in one run on one database; the
median of the ratios of wall times, with the queue drained between cells. Beside it cells back to back, of which the next
ones share the processors with the writing. And `%kql_open` of 500,000 rows of 12 columns against decoding the service's
answer again, without its way over a network.
"""

from __future__ import annotations

import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

ROWS = 2_000_000  # of all tables together: 12 in 100 are sign-ins
RUNS = 14
LIGHT_RUNS = 100
BACK_TO_BACK = 6
BIG = "200,000 rows × 12, one dynamic"
BIG_CELL = (
    "%%kql -o frame\nSigninLogs | take {rows} | project TimeGenerated, UserPrincipalName, IPAddress, ResultType, "
    "AppDisplayName, ClientAppUsed, UserAgent, CorrelationId, IsInteractive, DurationMs, Location, Status"
)
CELLS = {
    BIG: (
        BIG_CELL,
        RUNS,
    ),
    "print 1": ("%kql -o frame print 1", LIGHT_RUNS),
    "40,000 rows go in": ("%%kql -i given -o frame\ngiven | summarize count() by UserPrincipalName", RUNS),
}


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


class Bench:
    """A shell with a case in a temporary folder."""

    def __init__(self, cases: Path) -> None:
        config = Config()
        config.HistoryManager.enabled = False
        self.shell = InteractiveShell.instance(config=config)
        self._rows = itertools.count(200_000)  # each answer is another one
        self.run("%load_ext kqlmagic_ext")
        self.run(f"%config KqlMagics.cases_folder = {str(cases)!r}")
        self.run(f"%kql_connect local://demo?end=2026-11-01&rows={ROWS}")
        self.recording = self.shell.magics_manager.registry["KqlMagics"].recording

    def run(self, cell: str) -> None:
        cell = cell.replace("{rows}", str(next(self._rows)))
        with capture_output():
            self.shell.run_cell(cell).raise_error()

    def timed(self, cell: str, mode: str) -> float:
        """A cell with the queue empty before, and drained behind."""
        os.environ["KQLMAGIC_RECORD"] = mode
        taken = seconds(lambda: self.run(cell))
        self.recording.settled()
        return taken

    def back_to_back(self, cell: str, mode: str) -> float:
        os.environ["KQLMAGIC_RECORD"] = mode
        taken = seconds(lambda: [self.run(cell) for _ in range(BACK_TO_BACK)])
        self.recording.settled()
        return taken


def ratio_of(timed: Callable[[str], float], runs: int) -> float:
    """The median of full : off; each goes first in every other pair, because what one leaves in the caches slows the next."""
    ratios = []
    for number in range(runs):
        order = ("full", "off") if number % 2 else ("off", "full")
        taken = {mode: timed(mode) for mode in order}
        ratios.append(taken["full"] / taken["off"])
    return statistics.median(ratios)


def cells(cases: Path) -> None:
    bench = Bench(cases)
    bench.run("%kql -o given SigninLogs | take 40000 | project TimeGenerated, UserPrincipalName, DurationMs")
    for name, (cell, runs) in CELLS.items():
        bench.timed(cell, "full")
        ratio = ratio_of(lambda mode, cell=cell: bench.timed(cell, mode), runs)
        print(f"record full : off = {ratio:.2f}  {name}")
    cell, _ = CELLS[BIG]
    ratio = ratio_of(lambda mode: bench.back_to_back(cell, mode), 4)
    print(f"record full : off = {ratio:.2f}  {BACK_TO_BACK} of the first back to back")
    bench.run("%unload_ext kqlmagic_ext")


def opening(cases: Path) -> None:
    from kqlmagic_ext.connections.log_analytics.decode import AnswerDecoder
    from kqlmagic_ext.frames import frame_from_arrow
    from kqlmagic_ext.record.canonical import content_hash
    from kqlmagic_ext.record.opening import opened
    from kqlmagic_ext.record.records import Record
    from kqlmagic_ext.record.results import described
    from kqlmagic_ext.record.store import Store
    from tests.benchmarks.decode import BLOCK, body

    answer = body()

    def decoded() -> Any:
        decoder = AnswerDecoder(gzipped=True)
        for start in range(0, len(answer), BLOCK):
            decoder.feed(answer[start : start + BLOCK])
        [table] = decoder.finish().tables
        frame_from_arrow(table)
        return table

    table, store = decoded(), Store(cases / "opening")
    store.open()
    record = store.begin(Record("", "", "query", "2026-11-01T00:00:00Z"))
    record = record.with_(tables=(described(table, content_hash(table)),))
    record = store.keep(record, (table,))
    pairs = [(seconds(lambda: opened(store, record)), seconds(decoded)) for _ in range(5)]
    ratio = statistics.median(kept / again for kept, again in pairs)
    print(f"%kql_open : decoding again = {ratio:.2f}  500,000 rows × 12")
    print(f"Parquet : gzip of the answer = {record.tables[0].bytes / len(answer):.2f}  in bytes")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        cells(Path(folder))
        opening(Path(folder))


if __name__ == "__main__":
    main()
