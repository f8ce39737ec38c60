"""`%kql` and `%%kql`, and what becomes of their answers."""

from __future__ import annotations

import os
import sys
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
from kqlmagic_ext.errors import QueryError
from kqlmagic_ext.kql.parameters import is_frame, names_in_braces
from kqlmagic_ext.kql.tokens import place, without_hidden
from kqlmagic_ext.magics import options as opt
from kqlmagic_ext.magics.attempt import Attempt
from kqlmagic_ext.magics.bindings import Bindings
from kqlmagic_ext.magics.charts import Charts
from kqlmagic_ext.magics.places import DEMO, Places
from kqlmagic_ext.magics.queries import Queries
from kqlmagic_ext.magics.ran import Ran
from kqlmagic_ext.magics.recording import Recording, Wishes, size_in_bytes
from kqlmagic_ext.magics.typing import Typing
from kqlmagic_ext.query import Query

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from IPython.core.interactiveshell import InteractiveShell

    from kqlmagic_ext.kql.language_service.chosen import Chosen

_RECORDS = ["full", "queries", "off"]


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
    externaldata = Enum(
        ["folder", "https"],
        default_value="folder",
        help="What KQL's externaldata may read in an embedded workspace: folder, the files of the opened folder; https, also "
        "addresses of the web, so that a query can send requests from this machine. Heeded by the next %kql_connect.",
    ).tag(config=True)
    geoip = Unicode(
        "",
        help="The path of a GeoIP database (.mmdb) that geo_info_from_ip_address reads in an embedded workspace; empty: it gives "
        "null. Heeded by the next %kql_connect.",
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

    record = Enum(
        _RECORDS,
        "full",
        help="What the investigation record keeps of each query on this machine. full: the query and its answer. queries: the "
        "query, the shape and the hash of its answer. off: nothing. The environment variable KQLMAGIC_RECORD goes before.",
    ).tag(config=True)
    case = Unicode(
        "", help="The case that queries are recorded in. Empty: the name of the notebook's folder."
    ).tag(config=True)
    cases_folder = Unicode(
        "", help="The folder of all cases. Empty: kqlmagic_ext/cases in the user's folder for data."
    ).tag(config=True)
    record_budget = Unicode(
        "20GB",
        help="The bytes that a case's answers may take; beyond them the oldest are taken away. The queries stay.",
    ).tag(config=True)

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._shell, self._names = shell, shell.user_ns
        self.places = Places(self._otherwise, self._settings)
        self.bindings = Bindings(shell)
        self.charts = Charts(shell)
        self.typing = Typing(shell, self.places, self.kql.parser, lambda: self._service)
        self.typing.add()
        self.recording = Recording(self._wishes)
        self.queries = Queries(shell, self.places, self.bindings, self.charts, self.typing, self.recording)
        self.ran: Ran | None = None  # the last query, if it ran well

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
    @argument(
        "--cache",
        metavar="AGE",
        help="a kept complete answer to the very same question, if it is not older: 1h, 7d; else the query is sent",
    )
    @argument("--refresh", action="store_true", help="no answer from the service's cache")
    @argument(
        "--search",
        action="store_true",
        help="in Log Analytics, ask the endpoint for Basic and Auxiliary tables, which lacks join, union and more",
    )
    @argument("--show", action="store_true", help="print the query that would be sent, and run nothing")
    @argument("--no-record", action="store_true", help="leave no record of this query and its answer")
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
            print(without_hidden(connection.prepare(query)))  # noqa: T201 - the cell's own output
            return None
        shown = self.queries.run(asked, query, connection)
        self.ran = Ran.of(asked, query)
        return shown

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
        limit = opt.row_limit(asked.options.limit)
        return Query(
            asked.text, inputs, span, limit, refresh=asked.options.refresh, search=asked.options.search
        )

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
        return self.queries.accept(self.cell_for(names))

    def cell_for(self, names: Iterable[str]) -> opt.Cell:
        """A cell that asks nothing, and binds an answer that is there to these names."""
        return opt.Cell(parse_argstring(self.kql, ""), "", tuple(names), 0, 0)

    # ------------------------------------------------------------ after a failure

    @no_var_expand
    @line_magic
    def kql_restore(self, line: str) -> None:
        """Bring back what a failed or interrupted cell took from a variable: `%kql_restore NAME`."""
        value = self.bindings.restore(line.strip())
        publish_display_data(dict(receipt([f"the old answer is back: {bound_line(line.strip(), value)}"])))

    # ------------------------------------------------------------ places

    def _otherwise(self) -> str:
        """The connection of cells when nobody chose one."""
        return self.default_connection or os.environ.get("KQLMAGIC_CONNECTION") or DEMO

    def _settings(self, url: str) -> Mapping[str, Any]:
        """What a URL is opened with."""
        if url.startswith("local://"):
            return {
                "memory_limit": self.memory_limit,
                "externaldata": self.externaldata,
                "geoip": self.geoip or None,
            }
        if url.startswith("loganalytics://"):
            return {"frame_rows": self.frame_rows, "frame_bytes": self.frame_bytes}
        return {}

    # ------------------------------------------------------------ the record

    def _wishes(self) -> Wishes:
        mode = os.environ.get("KQLMAGIC_RECORD") or self.record
        if mode not in _RECORDS:
            raise UsageError(f"KQLMAGIC_RECORD is {mode!r}; it can be {', '.join(_RECORDS)}")
        return Wishes(mode, self.case, self.cases_folder, size_in_bytes(self.record_budget))

    @validate("record_budget")
    def _check_budget(self, proposal: Mapping[str, Any]) -> Any:
        try:
            size_in_bytes(proposal["value"])
        except ValueError as error:
            raise TraitError(f"record_budget: {error}") from error
        return proposal["value"]

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
        """Have the record on the disk, close every connection, and answer Tab no more."""
        if left := self.recording.close():
            print(f"kqlmagic_ext: not on the disk yet, and perhaps lost: {', '.join(left)}", file=sys.stderr)  # noqa: T201 - nothing else shows at exit
        self.typing.close()
        if "_service" in vars(self):
            self._service.close()
        self.places.close()
