"""`%kql_window`: one window for all KQL cells of the notebook that have no -t."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand
from IPython.display import publish_display_data

from kqlmagic_ext.display.receipt import receipt
from kqlmagic_ext.magics import options as opt

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from kqlmagic_ext.magics.kql import KqlMagics
    from kqlmagic_ext.query import Timespan

_AROUND = re.compile(r"around\s+(.+)\s+(\S+)", re.DOTALL)


@magics_class
class WindowMagics(Magics):
    """The notebook's window."""

    def __init__(self, shell: InteractiveShell, kql: KqlMagics) -> None:
        super().__init__(shell)
        self._kql = kql

    @no_var_expand
    @line_magic
    def kql_window(self, line: str) -> None:
        """The times that every KQL cell without -t may see; alone, it tells them.

        Examples::

            %kql_window 2026-11-20/2026-11-22
            %kql_window around "2026-11-21T10:04Z" 2h
            %kql_window 7d
            %kql_window all

        `around` reaches as far back as it reaches on: two hours on either side. The start belongs to the window, the end
        does not; times without a zone are UTC.
        """
        text = line.strip().strip("\"'")
        if text:
            wanted = _around(text) if text.split()[0] == "around" else text
            opt.timespan(wanted, "%kql_window")
            self._kql.timespan = wanted
        span = opt.timespan(self._kql.timespan, "KqlMagics.timespan")
        publish_display_data(dict(receipt([f"cells without -t see {_told(span)}"])))


def _around(text: str) -> str:
    """`START/END` of a moment and what lies on either side of it."""
    match = _AROUND.fullmatch(text)
    if match is None:
        raise UsageError('%kql_window around wants a moment and a length: around "2026-11-21T10:04Z" 2h')
    side = opt.timespan(match[2], "%kql_window around")
    if side is None or side.duration is None:
        raise UsageError(f"%kql_window around: {match[2]!r} is no length; write 2h, 30m or PT2H")
    try:
        moment = datetime.fromisoformat(match[1].strip().strip("\"'"))
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        return f"{(moment - side.duration).isoformat()}/{(moment + side.duration).isoformat()}"
    except (ValueError, OverflowError) as error:
        raise UsageError(f"%kql_window around: {match[1]} is no moment; write 2026-11-21T10:04Z") from error


def _told(span: Timespan | None) -> str:
    return "all times" if span is None else str(span)
