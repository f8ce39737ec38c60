"""`%kql` and `%%kql`, and the magics about connections."""

from __future__ import annotations

import os
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
from traitlets import Unicode

from kqlmagic_ext.connections import Catalog
from kqlmagic_ext.display.catalogue import column_list, matching, table_list
from kqlmagic_ext.display.receipt import bound_line, receipt
from kqlmagic_ext.errors import KqlMagicError, ParameterError, PlacedError, QueryError
from kqlmagic_ext.kql.parameters import is_frame, names_in_braces, quoted_names
from kqlmagic_ext.kql.tokens import place
from kqlmagic_ext.magics import options as opt
from kqlmagic_ext.magics.bindings import Bindings
from kqlmagic_ext.magics.places import DEMO, Places
from kqlmagic_ext.query import Query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

    from kqlmagic_ext.connections import Connection
    from kqlmagic_ext.query import Result, Table


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

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._names = shell.user_ns
        self._places = Places()
        self._bindings = Bindings(shell)
        self._told_synthetic = False

    # ------------------------------------------------------------ queries

    @needs_local_scope
    @no_var_expand
    @magic_arguments()
    @opt.INPUT
    @opt.OUTPUT
    @opt.CONNECTION
    @opt.TIMESPAN
    @argument("--limit", metavar="N", help="a preview: at most N rows of each result table")
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
        to write `-o failed`. Without -o the DataFrame is the cell's value.
        """
        asked = None
        try:
            asked = opt.parse(self.kql, line, cell)
            return self._run(asked, local_ns or {})
        except UsageError as error:
            kept = self._bindings.kept(opt.outputs_in(line) if asked is None else asked.outputs)
            raise UsageError("; ".join([str(error), *kept])) from error
        except BaseException as error:
            if asked is not None:
                self._tell(error, asked)
            raise

    def _run(self, asked: opt.Cell, local_ns: Mapping[str, Any]) -> Any:
        self._bindings.check(asked.outputs)
        query = self._query(asked, local_ns)
        connection = self._connection(asked.options.connection)
        if asked.options.show:
            print(connection.prepare(query))  # noqa: T201 - the cell's own output
            return None
        result = connection.run(query)
        self._check_count(asked.outputs, result)
        return self._show(asked, connection, result)

    def _query(self, asked: opt.Cell, local_ns: Mapping[str, Any]) -> Query:
        if not asked.text.strip():
            raise UsageError("there is no query; write one behind the options, or in the lines below %%kql")
        names = opt.inputs(asked.options.input)
        inputs = {name: self._variable(variable, local_ns) for name, variable in names.items()}
        for name in names_in_braces(asked.text):
            if name not in inputs:
                inputs[name] = self._variable(name, local_ns, asked.text)
        given = asked.options.timespan
        span = (
            opt.timespan(self.timespan, "KqlMagics.timespan") if given is None else opt.timespan(given, "-t")
        )
        return Query(asked.text, inputs, span, self._limit(asked.options.limit))

    def _variable(self, name: str, local_ns: Mapping[str, Any], text: str | None = None) -> Any:
        """The value of a Python variable, from the calling function if a magic runs in one."""
        for namespace in (local_ns, self._names):
            if name in namespace:
                return namespace[name]
        where = {} if text is None else place(text, names_in_braces(text)[name])
        raise ParameterError(f"there is no variable {name!r} in this notebook", name=name, **where)

    @staticmethod
    def _limit(text: str | None) -> int | None:
        if text is None:
            return None
        if not text.isdecimal():
            raise UsageError(f"--limit {text}: that is no number of rows")
        return int(text)

    @staticmethod
    def _check_count(outputs: Sequence[str], result: Result) -> None:
        count = len(result.frames)
        if len(outputs) > count:
            said = f"-o names {len(outputs)} variables, and the query gave {count} table{'s' * (count != 1)}"
            raise QueryError(said).after_sending()

    def _show(self, asked: opt.Cell, connection: Connection, result: Result) -> Any:
        lines = self._synthetic_note(asked, connection)
        warnings = [*result.warnings, *quoted_names(asked.text, self._names)]
        if result.render is not None:
            warnings.append(f"render {result.render['kind']} is not drawn; the rows are the answer")
        if asked.outputs:
            if len(asked.outputs) < len(result.frames):
                warnings.append(
                    f"the query gave {len(result.frames)} tables, and -o names {len(asked.outputs)}"
                )
            self._bindings.bind(asked.outputs, result.frames)
            lines += map(bound_line, asked.outputs, result.frames)
        if lines or warnings:
            publish_display_data(dict(receipt(lines, warnings)))
        if asked.outputs:
            return None
        return result.frame if len(result.frames) == 1 else result.frames

    # ------------------------------------------------------------ after a failure

    def _tell(self, error: BaseException, asked: opt.Cell) -> None:
        """Place the error in the cell, and say what became of the variables; an old answer never passes for the new one."""
        if isinstance(error, PlacedError):
            error.move(asked.line, asked.column)
        if isinstance(error, QueryError) and error.unknown and is_frame(self._names.get(error.unknown)):
            error.hint = f"{error.unknown} is a DataFrame of this notebook: add -i {error.unknown}"
        kept = isinstance(error, KqlMagicError) and not error.sent
        notes = self._bindings.kept(asked.outputs) if kept else self._bindings.remove(asked.outputs)
        for note in notes:
            error.add_note(note)
        if isinstance(error, KeyboardInterrupt) and not KqlMagicError.full_traceback():
            shown = ["KeyboardInterrupt: the query was stopped", *notes]
            error._render_traceback_ = lambda: shown  # type: ignore[attr-defined]  # IPython's own hook

    @no_var_expand
    @line_magic
    def kql_restore(self, line: str) -> None:
        """Bring back the frame that a failed or interrupted cell took from a variable: `%kql_restore NAME`."""
        frame = self._bindings.restore(line.strip())
        publish_display_data(dict(receipt([bound_line(line.strip(), frame)])))

    # ------------------------------------------------------------ connections

    @no_var_expand
    @magic_arguments()
    @argument(
        "url",
        nargs="+",
        help="local://demo, local:///folder, local:///file.duckdb, or the name of an open one",
    )
    @argument("--as", dest="name", metavar="NAME", help="what to call it")
    @line_magic
    def kql_connect(self, line: str) -> None:
        """Open a connection and make it the default of all cells.

        Examples::

            %kql_connect local://demo
            %kql_connect local:///home/me/case-17 --as case17
            %kql_connect case17
        """
        arguments = parse_argstring(self.kql_connect, line)
        url = " ".join(arguments.url).strip("\"'")
        connection = self._places.connect(url, (arguments.name or "").strip("\"'") or None, self.memory_limit)
        count = len(connection.tables()) if isinstance(connection, Catalog) else None
        tables = "" if count is None else f", {count:,} table{'s' * (count != 1)}"
        synthetic = ", synthetic data" if getattr(connection, "synthetic", False) else ""
        publish_display_data(dict(receipt([f"{connection.name} answers now: {url}{tables}{synthetic}"])))

    @no_var_expand
    @line_magic
    def kql_connections(self, line: str) -> pd.DataFrame:  # noqa: ARG002 - it takes none
        """The open connections: their names and URLs, and which one answers cells that name none."""
        import pandas as pd

        default = self._places.default or ("" if self._places.failed else self._otherwise)
        rows = [(name, url, default in (name, url)) for name, url, _ in self._places]
        return pd.DataFrame(rows, columns=["name", "url", "default"])

    @no_var_expand
    @magic_arguments()
    @opt.CONNECTION
    @argument("pattern", nargs="?", help="part of a name, a pattern such as Device*, or a table's exact name")
    @line_magic
    def kql_tables(self, line: str) -> pd.DataFrame:
        """The tables of a connection; with an exact name the columns of that table.

        Rows are told where the place knows them without a query. Remarks say how a file was read.
        """
        arguments = parse_argstring(self.kql_tables, line)
        connection = self._connection(arguments.connection)
        if not isinstance(connection, Catalog):
            raise UsageError(f"{connection.name} does not list its tables")
        tables, pattern = connection.tables(), (arguments.pattern or "").strip("\"'")
        if pattern in {table.name for table in tables}:
            return self._described(connection.table(pattern))
        found = matching(tables, pattern)
        if pattern and not found:
            raise UsageError(f"no table of {connection.name} matches {pattern!r}; %kql_tables lists all")
        return table_list(found)

    @staticmethod
    def _described(table: Table) -> pd.DataFrame:
        rows = "rows not counted" if table.rows is None else f"{table.rows:,} rows"
        publish_display_data(dict(receipt([f"{table.name}: {rows}", *table.remarks], table.losses)))
        return column_list(table)

    def _connection(self, name_or_url: str | None) -> Connection:
        return self._places.choose(name_or_url, self._otherwise, self.memory_limit)

    @property
    def _otherwise(self) -> str:
        """The connection of cells when nobody chose one."""
        return self.default_connection or os.environ.get("KQLMAGIC_CONNECTION") or DEMO

    def _synthetic_note(self, asked: opt.Cell, connection: Connection) -> list[str]:
        """Said once: the demo answers because nobody chose a place."""
        unchosen = not (asked.options.connection or self._places.default) and self._otherwise == DEMO
        if self._told_synthetic or not unchosen or not getattr(connection, "synthetic", False):
            return []
        self._told_synthetic = True
        return [f"no connection chosen: synthetic demo data ({DEMO}); %kql_connect URL chooses a place"]

    def close(self) -> None:
        """Close every connection."""
        self._places.close()
