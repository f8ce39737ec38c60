"""The magics about connections: `%kql_connect`, `%kql_connections`, `%kql_tables`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.display import publish_display_data

from kqlmagic_ext.connections import Catalog
from kqlmagic_ext.display.catalogue import column_list, matching, table_list
from kqlmagic_ext.display.receipt import receipt
from kqlmagic_ext.errors import KqlMagicError
from kqlmagic_ext.kql.words import did_you_mean
from kqlmagic_ext.magics import options as opt
from kqlmagic_ext.magics.progress import Progress

if TYPE_CHECKING:
    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

    from kqlmagic_ext.connections import Connection
    from kqlmagic_ext.magics.places import Places
    from kqlmagic_ext.query import Table


@magics_class
class ConnectionMagics(Magics):
    """The places that answer KQL cells."""

    def __init__(self, shell: InteractiveShell, places: Places) -> None:
        super().__init__(shell)
        self._shell, self._names, self._places = shell, shell.user_ns, places

    @no_var_expand
    @magic_arguments()
    @argument(
        "url",
        nargs="+",
        help="local://demo, local:///folder, local:///file.duckdb, loganalytics://WORKSPACE_ID, or the name of one",
    )
    @argument("--as", dest="name", metavar="NAME", help="what to call it")
    @line_magic
    def kql_connect(self, line: str) -> None:
        """Open a connection and make it the default of all cells.

        Examples::

            %kql_connect local://demo
            %kql_connect local:///home/me/case-17 --as case17
            %kql_connect loganalytics://00000000-0000-0000-0000-000000000000?auth=cli --as contoso
            %kql_connect contoso

        A name is that of an open connection, or one in ~/.config/kqlmagic_ext/connections.toml; `{{url}}` is the Python
        variable `url`.
        """
        arguments = parse_argstring(self.kql_connect, line)
        url = opt.variable_in(" ".join(arguments.url).strip("\"'"), self._names) or ""
        name = (arguments.name or "").strip("\"'") or None
        if name is not None and ("://" in name or not name.strip() or any(map(str.isspace, name))):
            raise UsageError(f"--as {name}: a name has no spaces and no ://")
        if name is not None and "://" not in url:
            raise UsageError(f"--as gives a URL a name, and {url!r} is a name already")
        connection = self._places.connect(url, name)
        tables = self._counted(connection)
        synthetic = ", synthetic data" if getattr(connection, "synthetic", False) else ""
        said = f"{connection.name} answers now: {getattr(connection, 'url', url)}{tables}{synthetic}"
        publish_display_data(dict(receipt([said])))

    def _counted(self, connection: Connection) -> str:
        """`, 18 tables` of a connection that lists them; one that gives no access fails here, not at the first query."""
        if not isinstance(connection, Catalog):
            return ""
        try:
            with Progress(self._shell) as progress:
                count = len(connection.tables(progress))
        except KqlMagicError:
            self._places.refuse(connection)
            raise
        return f", {count:,} table{'s' * (count != 1)}"

    @no_var_expand
    @line_magic
    def kql_connections(self, line: str) -> pd.DataFrame:  # noqa: ARG002 - it takes none
        """The connections: their names and URLs, which are open, and which one answers cells that name none.

        Those not open stand in ~/.config/kqlmagic_ext/connections.toml.
        """
        import pandas as pd

        default = self._places.answering
        rows = [
            (name, url, connection is not None, default in (name, url))
            for name, url, connection in self._places
        ]
        return pd.DataFrame(rows, columns=["name", "url", "open", "default"])

    @no_var_expand
    @magic_arguments()
    @opt.CONNECTION
    @argument("pattern", nargs="?", help="part of a name, a pattern such as Device*, or a table's exact name")
    @line_magic
    def kql_tables(self, line: str) -> pd.DataFrame:
        """The tables of a connection; with an exact name the columns of that table.

        Rows are told where the place knows them without a query. Remarks say how a file was read, or what a table holds.
        """
        arguments = parse_argstring(self.kql_tables, line)
        connection = self._places.choose(opt.variable_in(arguments.connection, self._names))
        if not isinstance(connection, Catalog):
            raise UsageError(f"{connection.name} does not list its tables")
        with Progress(self._shell) as progress:
            tables = connection.tables(progress)
        pattern = (arguments.pattern or "").strip("\"'")
        if pattern in {table.name for table in tables}:
            return self._described(connection.table(pattern))
        found = matching(tables, pattern)
        if pattern and not found:
            near = did_you_mean(pattern, [table.name for table in tables])
            said = f"no table of {connection.name} matches {pattern!r}"
            raise UsageError(f"{said}; {near or '%kql_tables lists all'}")
        return table_list(found)

    @staticmethod
    def _described(table: Table) -> pd.DataFrame:
        rows = "rows not counted" if table.rows is None else f"{table.rows:,} rows"
        publish_display_data(dict(receipt([f"{table.name}: {rows}", *table.remarks], table.losses)))
        return column_list(table)
