"""A child process that asks and records through a real shell, for tests that kill it: `python -m tests.record.asking CASES CASE`.

It prints `ready`, and `kept R1 R2 …`, the records that `%kql_history` calls kept, each time it has looked.
"""

from __future__ import annotations

import os
import sys

from traitlets.config import Config

from tests.notebook import Notebook

ASKED = [
    "%%kql -o failed\nSigninLogs | where ResultType != '0' | take {rows}",
    "%%kql -i failed -o users\nfailed | summarize Attempts = count() by UserPrincipalName",
    "%kql SigninLogs | where DurationMs > {rows} | project TimeGenerated, UserPrincipalName, Status",
    "%kql_note this was a dead end",
    "%kql SigninLogs | where nonsense > {rows}",
]


def child_shell(cases: str, case: str) -> Notebook:
    """A shell of this process that records in a case."""
    from IPython.core.interactiveshell import InteractiveShell

    os.environ["KQLMAGIC_RECORD"] = "full"
    config = Config()
    config.HistoryManager.enabled = False
    notebook = Notebook(InteractiveShell.instance(config=config))
    for cell in (
        "%load_ext kqlmagic_ext",
        f"%config KqlMagics.cases_folder = {cases!r}",
        f"%config KqlMagics.case = {case!r}",
        "%kql_connect local://demo?end=2026-11-01&rows=20000",
    ):
        notebook.run(cell).raise_error()
    return notebook


def main(cases: str, case: str) -> None:
    notebook = child_shell(cases, case)
    print("ready", flush=True)  # noqa: T201 - to its parent
    for turn in range(100_000):
        notebook.run(ASKED[turn % len(ASKED)].format(rows=turn % 500 + 1))
        if turn % 3 == 0:
            history = notebook.value("%kql_history")
            print("kept", *history["id"][history["kept"] == "kept"], flush=True)  # noqa: T201 - to its parent


if __name__ == "__main__":
    main(*sys.argv[1:])
