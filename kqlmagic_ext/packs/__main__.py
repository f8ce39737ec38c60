"""`python -m kqlmagic_ext.packs test queries/`: run the tests that `.kql` files carry, on the embedded engine."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from kqlmagic_ext import connect
from kqlmagic_ext.errors import QueryError
from kqlmagic_ext.packs import read
from kqlmagic_ext.packs.running import Outcome, find_files, run_test

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from kqlmagic_ext.packs.saved import SavedQuery, Test


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests and print one line each; gives the exit code: 1 when one failed or there was none."""
    options = _parser().parse_args(arguments)
    try:
        files = find_files(options.paths)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command speaks so
        return 2
    count = failed = 0
    for outcome in (one for file in files for one in outcomes(file)):
        print("\n".join(outcome.lines()), flush=True)  # noqa: T201 - a command speaks so
        count, failed = count + 1, failed + bool(outcome.problems)
    print(f"{count} test{'s' * (count != 1)}, {failed} failed")  # noqa: T201 - a command speaks so
    return 1 if failed or not count else 0


def outcomes(file: Path) -> Iterator[Outcome]:
    """What becomes of each test of a file; a file that cannot be read is a failure."""
    try:
        saved = read(file)
    except QueryError as error:
        yield Outcome(str(file), "reading it", tuple(error.lines()))
        return
    yield from (run(saved, test) for test in saved.tests)


def run(saved: SavedQuery, test: Test) -> Outcome:
    """What becomes of one test, on an embedded workspace of its own."""
    return run_test(saved, test, connect)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m kqlmagic_ext.packs", description="Saved queries: run the tests that .kql files carry."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    test = commands.add_parser("test", help="run the tests of .kql files on the embedded engine")
    test.add_argument("paths", nargs="+", metavar="PATH", help="a .kql file, or a folder of them")
    return parser


if __name__ == "__main__":
    sys.exit(main())
