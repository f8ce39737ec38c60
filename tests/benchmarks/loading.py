"""`%load_ext kqlmagic_ext` against `import pandas`, each in fresh processes of one run: `python -m tests.benchmarks.loading`."""

from __future__ import annotations

import subprocess
import sys

RUNS = 7
TIMED = "import time\n{before}\nstart = time.process_time()\n{timed}\nprint(time.process_time() - start)"
SHELL = "from IPython.core.interactiveshell import InteractiveShell\nshell = InteractiveShell.instance()"


def cost(before: str, timed: str) -> float:
    """The least CPU time, of seven fresh processes, of `timed` after `before`."""
    code = TIMED.format(before=before, timed=timed)
    return min(
        float(
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            ).stdout.splitlines()[-1]
        )
        for _ in range(RUNS)
    )


def main() -> None:
    pandas = cost(SHELL, "import pandas")
    loading = cost(SHELL, "shell.run_line_magic('load_ext', 'kqlmagic_ext')")
    importing = cost("", "import kqlmagic_ext")
    print(f"%load_ext kqlmagic_ext : import pandas = {loading / pandas:.3f}")
    print(f"import kqlmagic_ext    : import pandas = {importing / pandas:.3f}")


if __name__ == "__main__":
    main()
