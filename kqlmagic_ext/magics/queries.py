"""One query on its way: recorded, answered, bound and shown."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.display import publish_display_data

from kqlmagic_ext.display.receipt import bound_line, receipt
from kqlmagic_ext.errors import PartialResultError, QueryError
from kqlmagic_ext.kql.parameters import quoted_names
from kqlmagic_ext.magics.checking import complete
from kqlmagic_ext.magics.places import DEMO
from kqlmagic_ext.magics.progress import Progress
from kqlmagic_ext.values import NAIVE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from IPython.core.interactiveshell import InteractiveShell

    from kqlmagic_ext.connections import Connection
    from kqlmagic_ext.magics.bindings import Bindings
    from kqlmagic_ext.magics.charts import Charts
    from kqlmagic_ext.magics.options import Cell
    from kqlmagic_ext.magics.places import Places
    from kqlmagic_ext.magics.recording import Recording
    from kqlmagic_ext.magics.typing import Typing
    from kqlmagic_ext.query import Query, Result


class Queries:
    """Runs the queries of all cells, and keeps the last answer that a cell failed with."""

    def __init__(
        self,
        shell: InteractiveShell,
        places: Places,
        bindings: Bindings,
        charts: Charts,
        typing: Typing,
        recording: Recording,
    ) -> None:
        self._shell, self._places, self._bindings = shell, places, bindings
        self._charts, self._typing, self._recording = charts, typing, recording
        self._told_synthetic = self._told_naive = False
        self._partial: Result | None = None  # the last answer that a cell failed with
        self._partial_error: weakref.ref[PartialResultError] | None = None

    def run(self, asked: Cell, query: Query, connection: Connection, again_of: str = "") -> Any:
        """What the cell gives: the frame, or None when it is bound. Raises what the connection raises.

        `again_of`: the record whose query it is again.
        """
        self._let_go()
        if asked.options.cache and (found := self._kept(asked, query, connection)) is not None:
            result, said = found
            self._check_count(asked.outputs, result)
            return self.show(asked, result, [said])
        with self._recording.asking(asked, query, connection, again_of) as asking:
            result = self._answer(asked, connection, asking.query)
            asking.answered(result)
        self._typing.learn(connection, result)
        self._check_count(asked.outputs, result)
        again = [f"{again_of} again, {_seen(result)}"] * bool(again_of)
        lines = [*self._synthetic_note(asked, connection), *asking.lines, *again]
        return self.show(asked, result, lines, asking.warnings)

    def _kept(self, asked: Cell, query: Query, connection: Connection) -> tuple[Result, str] | None:
        """A kept answer to the very question, not older than --cache allows."""
        from kqlmagic_ext.magics.kept_answers import kept_answer, longest_age

        longest = longest_age(asked.options.cache, refresh=query.refresh)
        return kept_answer(self._recording, query, connection, longest)

    def _answer(self, asked: Cell, connection: Connection, query: Query) -> Result:
        """The answer; an incomplete one is an error that keeps its rows, unless the cell takes them as they are."""
        try:
            with Progress(self._shell) as progress:
                return connection.run(query, progress)
        except PartialResultError as error:
            if asked.options.partial:
                result: Result = error.result
                return result
            names = ",".join(asked.outputs) or "NAME"
            error.hint = f"%kql_accept -o {names} binds them without asking again"
            self._partial, self._partial_error = error.result, weakref.ref(error)
            raise
        except QueryError as error:
            complete(error, asked, lambda: self._typing.diagnose(query, connection), connection)
            raise

    def accept(self, asked: Cell) -> Any:
        """Show and bind the answer that a cell failed with; UsageError when there is none."""
        names = asked.outputs
        if self._partial is None:
            raise UsageError(
                "no answer waits to be accepted: only one that a cell failed with, until the next query"
            )
        result = self._partial
        if names and len(names) != len(result.frames):
            raise UsageError(f"-o names {len(names)} variables, and {len(result.frames)} tables came")
        self._let_go()
        return self.show(asked, result)

    def show(
        self, asked: Cell, result: Result, lines: Sequence[str] = (), warnings: Sequence[str] = ()
    ) -> Any:
        """Bind and draw an answer under a receipt; the frame where nothing was bound, several as a tuple."""
        lines, warnings = list(lines), [*self._warnings(asked, result), *warnings]
        if asked.outputs:
            self._bindings.bind(asked.outputs, result.frames)
            lines += map(bound_line, asked.outputs, result.frames)
        drawing = self._charts.show(result) if result.render is not None else None
        if drawing is not None:
            lines += drawing.notes
            lines += [f"render draws the last of {len(result.frames)} tables"] * (len(result.frames) > 1)
            warnings += [drawing.failed] * bool(drawing.failed)
        if lines or warnings:
            publish_display_data(dict(receipt(lines, warnings)))
        if asked.outputs:
            return None
        if len(result.frames) > 1:
            return result.frames
        if drawing is not None and drawing.is_shown:
            self._charts.stand_for(result.frame)
        return result.frame

    def _warnings(self, asked: Cell, result: Result) -> list[str]:
        """What the analyst should know of an answer; that a time has no zone is said once."""
        warnings = [*(f"rows are missing: {reason}" for reason in result.missing), *result.warnings]
        warnings += quoted_names(asked.text, self._shell.user_ns)
        naive = [warning for warning in warnings if warning.endswith(NAIVE)]
        if self._told_naive:
            warnings = [warning for warning in warnings if warning not in naive]
        self._told_naive = self._told_naive or bool(naive)
        if asked.outputs and len(asked.outputs) < len(result.frames):
            warnings.append(f"the query gave {len(result.frames)} tables, and -o names {len(asked.outputs)}")
        return warnings

    def _let_go(self) -> None:
        """Release the rows of the last incomplete answer; the error that Python remembers holds them no longer."""
        error = self._partial_error() if self._partial_error is not None else None
        if error is not None:
            error.release()
        self._partial = self._partial_error = None

    def _check_count(self, outputs: Sequence[str], result: Result) -> None:
        count = len(result.frames)
        if len(outputs) > count:
            self._partial = result
            said = f"-o names {len(outputs)} variables, and the query gave {count} table{'s' * (count != 1)}"
            hint = f"%kql_accept -o {','.join(outputs[:count])} binds what came"
            raise QueryError(said, hint=hint).after_sending()

    def _synthetic_note(self, asked: Cell, connection: Connection) -> list[str]:
        """Said once: the demo answers because nobody chose a place."""
        unchosen = not asked.options.connection and self._places.is_unchosen_demo
        if self._told_synthetic or not unchosen or not getattr(connection, "synthetic", False):
            return []
        self._told_synthetic = True
        return [f"no connection chosen: synthetic demo data ({DEMO}); %kql_connect URL chooses a place"]


def _seen(result: Result) -> str:
    """The times that an answer is of: `last 7 days (2026-10-25T00:00:00Z/2026-11-01T00:00:00Z)`."""
    written, window = result.origin.get("timespan", ""), result.origin.get("window", (None, None))
    ends = "/".join(end or "" for end in window) if any(window) else ""
    return written if written in ("all times", ends) or not ends else f"{written} ({ends})"
