"""`%kql` and `%%kql`, and what becomes of their answers."""

from __future__ import annotations

import os
import weakref
from functools import cached_property
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import (
    Magics,
    line_cell_magic,
    line_magic,
    magics_class,
    needs_local_scope,
    no_var_expand,
)
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.display import publish_display_data
from traitlets import Enum, Int, TraitError, Unicode, validate

from kqlmagic_ext.display.receipt import bound_line, receipt
from kqlmagic_ext.errors import PartialResultError, QueryError
from kqlmagic_ext.kql.parameters import is_frame, names_in_braces, quoted_names
from kqlmagic_ext.kql.tokens import place
from kqlmagic_ext.magics import options as opt
from kqlmagic_ext.magics.attempt import Attempt
from kqlmagic_ext.magics.bindings import Bindings
from kqlmagic_ext.magics.charts import Charts
from kqlmagic_ext.magics.checking import complete
from kqlmagic_ext.magics.places import DEMO, Places
from kqlmagic_ext.magics.progress import Progress
from kqlmagic_ext.magics.ran import Ran
from kqlmagic_ext.magics.typing import Typing
from kqlmagic_ext.query import Query
from kqlmagic_ext.values import NAIVE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from IPython.core.interactiveshell import InteractiveShell

    from kqlmagic_ext.connections import Connection
    from kqlmagic_ext.kql.language_service.chosen import Chosen
    from kqlmagic_ext.query import Result


@magics_class
class KqlMagics(Magics):
    """KQL cells. `%config KqlMagics` lists the settings."""

    default_connection = Unicode(
        "",
        help="The connection of cells that name none and follow no %kql_connect: a URL. Empty: the environment "
        "variable KQLMAGIC_CONNECTION, else local://demo, the synthetic workspace.",
    ).tag(config=True)
    timespan = Unicode(
        "all", help="The times that a query may see when the cell has no -t: 7d, P1D, START/END, all."
    ).tag(config=True)
    memory_limit = Unicode(
        "70%",
        help="The memory of an embedded workspace, such as 8GB or 70% (of this machine's); beyond it queries use "
        "temporary files. Heeded by the next %kql_connect.",
    ).tag(config=True)
    frame_rows = Int(
        10_000,
        min=1,
        help="The most rows of a frame that -i puts into a query to Log Analytics. What the service takes is not verified. "
        "Heeded by the next %kql_connect.",
    ).tag(config=True)
    frame_bytes = Int(
        1_000_000,
        min=1,
        help="The most bytes that a frame may have inside a query to Log Analytics. What the service takes is not verified. "
        "Heeded by the next %kql_connect.",
    ).tag(config=True)
    language_service = Enum(
        ["auto", "ours", "microsoft"],
        "auto",
        help="What answers Tab, Shift-Tab and the check of a query that was refused. auto: Microsoft's Kusto.Language "
        "where the extra [language-service] and a .NET are there, which then start in this process, in a thread at the "
        "first question; ours until it is ready and where it is not. ours: ours alone. microsoft: as auto, and what is "
        "missing is said at once.",
    ).tag(config=True)

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._shell, self._names = shell, shell.user_ns
        self.places = Places(self._otherwise, self._settings)
        self.bindings = Bindings(shell)
        self.charts = Charts(shell)
        self.typing = Typing(shell, self.places, self.kql.parser, lambda: self._service)
        self.typing.add()
        self._told_synthetic = self._told_naive = False
        self.ran: Ran | None = None  # the last query, if it ran well
        self._partial: Result | None = None  # the last answer that a cell failed with
        self._partial_error: weakref.ref[PartialResultError] | None = None

    # ------------------------------------------------------------ queries

    @needs_local_scope
    @no_var_expand
    @magic_arguments()
    @opt.INPUT
    @opt.OUTPUT
    @opt.CONNECTION
    @opt.TIMESPAN
    @argument("--limit", metavar="N", help="a preview: at most N rows of each result table")
    @argument("--partial", action="store_true", help="take an incomplete answer, which says what is missing")
    @argument("--refresh", action="store_true", help="no answer from the service's cache")
    @argument(
        "--search",
        action="store_true",
        help="in Log Analytics, ask the endpoint for Basic and Auxiliary tables, which lacks join, union and more",
    )
    @argument("--show", action="store_true", help="print the query that would be sent, and run nothing")
    @argument("query", nargs="...", help="KQL: everything behind the options, byte for byte")
    @line_cell_magic
    def kql(self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        """Run a KQL query; its answer is a pandas DataFrame.

        Examples::

            %kql SigninLogs | take 5

            %%kql -o failed -t 7d
            SigninLogs
            | where ResultType != "0" and UserPrincipalName == {{user}}

        `{{user}}` is the Python variable `user` as a typed value, never text. `failed << SigninLogs | …` is another way
        to write `-o failed`. Without -o the DataFrame is the cell's value. `| render …` shows a chart in its place, and
        `%kql_chart` gives it.
        """
        with Attempt(self.bindings, line, "the query was stopped") as attempt:
            before, self.ran = self.ran, None
            attempt.asked = asked = opt.parse(self.kql, line, cell)
            attempt.outputs = asked.outputs
            self.ran = before if asked.options.show else None
            return self.answer(asked, local_ns or {})

    def answer(self, asked: opt.Cell, local_ns: Mapping[str, Any]) -> Any:
        """What a cell gives for what it asks; the values of `local_ns` stand before the notebook's own."""
        try:
            return self._run(asked, local_ns)
        except QueryError as error:
            if error.unknown and is_frame(self._names.get(error.unknown)):
                error.hint = f"{error.unknown} is a DataFrame of this notebook: add -i {error.unknown}"
            raise

    def _run(self, asked: opt.Cell, local_ns: Mapping[str, Any]) -> Any:
        self.bindings.check(asked.outputs)
        query = self._query(asked, local_ns)
        connection = self.places.choose(opt.variable_in(asked.options.connection, self._names))
        if asked.options.show:
            print(connection.prepare(query))  # noqa: T201 - the cell's own output
            return None
        result = self._answer(asked, connection, query)
        self.typing.learn(connection, result)
        self._check_count(asked.outputs, result)
        shown = self._show(asked, result, self._synthetic_note(asked, connection))
        self.ran = Ran.of(asked, query)
        return shown

    def _answer(self, asked: opt.Cell, connection: Connection, query: Query) -> Result:
        """The answer; an incomplete one is an error that keeps its rows, unless the cell takes them as they are."""
        self._let_go()
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
            complete(error, asked, lambda: self.typing.diagnose(query, connection), connection)
            raise

    def _let_go(self) -> None:
        """Release the rows of the last incomplete answer; the error that Python remembers holds them no longer."""
        error = self._partial_error() if self._partial_error is not None else None
        if error is not None:
            error.release()
        self._partial = self._partial_error = None

    def _query(self, asked: opt.Cell, local_ns: Mapping[str, Any]) -> Query:
        if not asked.text.strip():
            raise UsageError("there is no query; write one behind the options, or in the lines below %%kql")
        names = opt.inputs(asked.options.input)
        inputs = {name: self.bindings.value(variable, local_ns) for name, variable in names.items()}
        for name, offset in names_in_braces(asked.text).items():
            if name not in inputs:
                inputs[name] = self.bindings.value(name, local_ns, **place(asked.text, offset))
        given = asked.options.timespan
        span = (
            opt.timespan(self.timespan, "KqlMagics.timespan") if given is None else opt.timespan(given, "-t")
        )
        limit = self._limit(asked.options.limit)
        return Query(
            asked.text, inputs, span, limit, refresh=asked.options.refresh, search=asked.options.search
        )

    @staticmethod
    def _limit(text: str | None) -> int | None:
        if text is None:
            return None
        if not text.isdecimal():
            raise UsageError(f"--limit {text}: that is no number of rows")
        return int(text)

    def _check_count(self, outputs: Sequence[str], result: Result) -> None:
        count = len(result.frames)
        if len(outputs) > count:
            self._partial = result
            said = f"-o names {len(outputs)} variables, and the query gave {count} table{'s' * (count != 1)}"
            hint = f"%kql_accept -o {','.join(outputs[:count])} binds what came"
            raise QueryError(said, hint=hint).after_sending()

    def _show(self, asked: opt.Cell, result: Result, lines: list[str]) -> Any:
        warnings = [*(f"rows are missing: {reason}" for reason in result.missing), *result.warnings]
        warnings += quoted_names(asked.text, self._names)
        naive = [warning for warning in warnings if warning.endswith(NAIVE)]
        if self._told_naive:  # once is enough
            warnings = [warning for warning in warnings if warning not in naive]
        self._told_naive = self._told_naive or bool(naive)
        if asked.outputs:
            if len(asked.outputs) < len(result.frames):
                warnings.append(
                    f"the query gave {len(result.frames)} tables, and -o names {len(asked.outputs)}"
                )
            self.bindings.bind(asked.outputs, result.frames)
            lines += map(bound_line, asked.outputs, result.frames)
        drawing = self.charts.show(result) if result.render is not None else None
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
            self.charts.stand_for(result.frame)
        return result.frame

    @no_var_expand
    @magic_arguments()
    @opt.OUTPUT
    @line_magic
    def kql_accept(self, line: str) -> Any:
        """Take the answer that a cell failed with, without asking the service again: `%kql_accept -o NAME`.

        The next query, and taking it, lets it go. Where rows are missing, `attrs["kql"]["complete"]` is False.
        """
        names = opt.listed(parse_argstring(self.kql_accept, line).output)
        self.bindings.check(names)
        if self._partial is None:
            raise UsageError(
                "no answer waits to be accepted: only one that a cell failed with, until the next query"
            )
        result = self._partial
        if names and len(names) != len(result.frames):
            raise UsageError(f"-o names {len(names)} variables, and {len(result.frames)} tables came")
        self._let_go()
        return self._show(opt.Cell(parse_argstring(self.kql, ""), "", tuple(names), 0, 0), result, [])

    # ------------------------------------------------------------ after a failure

    @no_var_expand
    @line_magic
    def kql_restore(self, line: str) -> None:
        """Bring back what a failed or interrupted cell took from a variable: `%kql_restore NAME`."""
        value = self.bindings.restore(line.strip())
        publish_display_data(dict(receipt([f"the old answer is back: {bound_line(line.strip(), value)}"])))

    def _synthetic_note(self, asked: opt.Cell, connection: Connection) -> list[str]:
        """Said once: the demo answers because nobody chose a place."""
        unchosen = not asked.options.connection and self.places.is_unchosen_demo
        if self._told_synthetic or not unchosen or not getattr(connection, "synthetic", False):
            return []
        self._told_synthetic = True
        return [f"no connection chosen: synthetic demo data ({DEMO}); %kql_connect URL chooses a place"]

    # ------------------------------------------------------------ places

    def _otherwise(self) -> str:
        """The connection of cells when nobody chose one."""
        return self.default_connection or os.environ.get("KQLMAGIC_CONNECTION") or DEMO

    def _settings(self, url: str) -> Mapping[str, Any]:
        """What a URL is opened with."""
        if url.startswith("local://"):
            return {"memory_limit": self.memory_limit}
        if url.startswith("loganalytics://"):
            return {"frame_rows": self.frame_rows, "frame_bytes": self.frame_bytes}
        return {}

    # ------------------------------------------------------------ typing

    @cached_property
    def _service(self) -> Chosen:
        from kqlmagic_ext.kql.language_service.chosen import Chosen

        return Chosen(wanted=lambda: self.language_service != "ours")

    @validate("language_service")
    def _check_service(self, proposal: Mapping[str, Any]) -> Any:
        """The choice; TraitError with one sentence when Microsoft's is chosen and cannot answer."""
        if proposal["value"] == "microsoft" and (problem := self._service.lacks()):
            raise TraitError(problem)
        return proposal["value"]

    def close(self) -> None:
        """Close every connection, and answer Tab no more."""
        self.typing.close()
        if "_service" in vars(self):
            self._service.close()
        self.places.close()
