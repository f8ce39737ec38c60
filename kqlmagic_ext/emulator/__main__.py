"""`python -m kqlmagic_ext.emulator`: serve a workspace as Log Analytics until Ctrl-C."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from typing import TYPE_CHECKING

from kqlmagic_ext.emulator.emulator import Emulator
from kqlmagic_ext.emulator.faults import FAULTS
from kqlmagic_ext.errors import KqlMagicError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; gives the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        emulator = Emulator(
            options.data, faults=_faults(options), host=options.host, port=options.port, https=options.https
        )
        with emulator:
            _tell(emulator)
            while not stopped.wait(0.5):  # in steps: on Windows a long wait hears no Ctrl-C
                pass
    except (KqlMagicError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command speaks so
        return 2
    return 0


def _tell(emulator: Emulator) -> None:
    lines = [f"endpoint    {emulator.endpoint}", f"connection  {emulator.url}"]
    if emulator.authority is not None:
        lines += [
            f"authority   {emulator.authority}",
            f"trust it: export SSL_CERT_FILE={emulator.authority} REQUESTS_CA_BUNDLE={emulator.authority}",
        ]
    print("\n".join(lines), flush=True)  # noqa: T201 - a command speaks so


def _faults(options: argparse.Namespace) -> list[str]:
    limits = {"row-limit": options.row_limit, "byte-limit": options.byte_limit}
    lowered = [f"{name}={limit}" for name, limit in limits.items() if limit is not None]
    return [*options.fault, *lowered]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m kqlmagic_ext.emulator",
        description="Serve an embedded workspace as Azure Monitor Log Analytics on this machine.",
        epilog="faults, as NAME[=VALUE][@TIMES]:\n"
        + "\n".join(f"  {name:16} {what}" for name, what in FAULTS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", default="local://demo", help="the workspace: a local:// URL")
    parser.add_argument("--host", default="127.0.0.1", help="127.0.0.1, ::1 or localhost")
    parser.add_argument("--port", type=int, default=0, help="0 for any that is free")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME[=VALUE][@TIMES]")
    parser.add_argument("--https", action="store_true", help="with a certificate made at start")
    parser.add_argument("--row-limit", type=int, metavar="N", help="the same as --fault row-limit=N")
    parser.add_argument("--byte-limit", type=int, metavar="N", help="the same as --fault byte-limit=N")
    return parser


if __name__ == "__main__":
    sys.exit(main())
