"""A warm `%%kql` cell on 1,000,000 sign-ins against a cell that calls duckdb-kql and `to_arrow_table().to_pandas()` itself.

`python -m tests.benchmarks.cell`: in one run, on the same database; the median of the ratios of wall times, taken alternately.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

ROWS = 8_333_334  # of all tables together: 12 in 100 are sign-ins
RUNS = 21
QUERIES = {
    "filter and summarize": "SigninLogs | where ResultType != '0' | summarize Attempts = count(), Users = dcount(UserPrincipalName) by IPAddress, bin(TimeGenerated, 1d)",
    "200,000 rows × 10": "SigninLogs | take 200000 | project TimeGenerated, UserPrincipalName, IPAddress, ResultType, AppDisplayName, "
    "ClientAppUsed, UserAgent, CorrelationId, IsInteractive, DurationMs",
    "200,000 rows × 11, one dynamic": "SigninLogs | take 200000 | project TimeGenerated, UserPrincipalName, IPAddress, ResultType, AppDisplayName, "
    "ClientAppUsed, UserAgent, CorrelationId, IsInteractive, DurationMs, Status",
}


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    import duckdb_kql

    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "kqlmagic_ext")
    with capture_output():
        shell.run_line_magic("kql_connect", f"local://demo?end=2026-11-01&rows={ROWS} --as big")
        rows = int(shell.run_line_magic("kql", "SigninLogs | count")["Count"][0])
    [(_, _, connection)] = shell.magics_manager.registry["KqlMagics"].places
    cursor = connection._database.cursor()
    columns = {"SigninLogs": list(connection.table("SigninLogs").columns)}
    print(f"{rows:,} sign-ins")

    def directly(text: str) -> Any:
        sql = duckdb_kql.to_sql(text, schema=columns)
        return cursor.sql(str(sql), params=sql.parameters or None).to_arrow_table().to_pandas()

    shell.user_ns["directly"] = directly

    def run(code: str) -> None:
        with capture_output():
            shell.run_cell(code).raise_error()

    for name, text in QUERIES.items():
        pairs = [
            (
                seconds(lambda text=text: run(f"%%kql -o frame\n{text}")),
                seconds(lambda text=text: run(f"other = directly({text!r})")),
            )
            for _ in range(RUNS)
        ]
        print(f"cell : direct = {statistics.median(ours / direct for ours, direct in pairs):.2f}  {name}")
    cursor.close()
    shell.run_line_magic("unload_ext", "kqlmagic_ext")


if __name__ == "__main__":
    main()
