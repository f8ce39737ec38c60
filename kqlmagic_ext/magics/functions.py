"""`%kql_function`: functions of the analyst's own in the embedded workspace."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.display import publish_display_data

from kqlmagic_ext.display.receipt import receipt
from kqlmagic_ext.kql.tokens import placeholders
from kqlmagic_ext.kql.words import did_you_mean

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from kqlmagic_ext.connections.local.user_functions import UserFunctions
    from kqlmagic_ext.magics.kql import KqlMagics

_LINE = re.compile(
    r"""
    (?: (?:-c|--connection) [ =]+ (?P<connection>\S+) \s* )?
    (?P<drop> --drop \s* )?
    (?: (?P<name> [A-Za-z_]\w* ) \s* (?P<parameters> \( .* \) )? )?
    """,
    re.VERBOSE | re.DOTALL,
)
_USAGE = "%kql_function [-c NAME] [--drop] [NAME], or %%kql_function NAME (a: string, n: long = 5)"


@magics_class
class FunctionMagics(Magics):
    """Functions that queries call like those of KQL."""

    def __init__(self, shell: InteractiveShell, kql: KqlMagics) -> None:
        super().__init__(shell)
        self._kql = kql

    @no_var_expand
    @line_cell_magic
    def kql_function(self, line: str, cell: str | None = None) -> None:
        """Define a function for the queries of a `local://` connection; list, show and drop them.

        Examples::

            %%kql_function RecentSignins (days: int = 7)
            SigninLogs | where TimeGenerated > ago(days * 1d)

            %kql_function
            %kql_function RecentSignins
            %kql_function --drop RecentSignins

        It lasts as long as the connection. One that stays is a file: `functions/NAME.kql` in an opened folder, whose text
        is `(days: int = 7) { … }`, or a query alone for a function without parameters. A cell may write this, too.
        `-c NAME`, which goes first, chooses the connection.
        """
        match = _LINE.fullmatch(line.strip())
        if match is None or (match["parameters"] and cell is None) or (match["drop"] and not match["name"]):
            raise UsageError(f"this cannot be read: {line.strip()}; write {_USAGE}")
        functions = self._functions(match["connection"])
        if cell is not None:
            self._define(functions, match, cell)
        elif match["drop"]:
            self._drop(functions, match["name"])
        elif match["name"]:
            function = functions.get(self._known(functions, match["name"]))
            _tell(f"{function.name} ({function.origin})", function.text.strip("\n"))
        else:
            listed = [f"{name}: {functions.origin(name)}" for name in functions.names()]
            _tell(*(listed or ["there are no functions; %%kql_function NAME defines one"]))

    def _functions(self, connection: str | None) -> UserFunctions:
        chosen = self._kql.places.choose(connection)
        found: UserFunctions | None = getattr(chosen, "functions", None)
        if found is None:
            raise UsageError(
                f"{chosen.name} has functions of its own; %kql_function is for local:// connections"
            )
        return found

    def _define(self, functions: UserFunctions, match: re.Match[str], cell: str) -> None:
        name = match["name"]
        if not name or match["drop"]:
            raise UsageError(f"%%kql_function wants a name; write {_USAGE}")
        if named := [each.name for each in placeholders(cell) if each.name]:
            raise UsageError(
                f"a function has no {{{{{named[0]}}}}}; make it a parameter: {name} ({named[0]}: string)"
            )
        # The magic's own line is the text's first, so that a line that is told is one of the cell.
        text = f"{match['parameters']} {{\n{cell}\n}}" if match["parameters"] else f"\n{cell}"
        functions.define(name, text)
        _tell(f"{name} is a function of this connection")

    def _drop(self, functions: UserFunctions, name: str) -> None:
        self._known(functions, name)
        try:
            functions.drop(name)
        except KeyError:
            origin = functions.origin(name)
            raise UsageError(f"{name} is the file {origin}; remove the file to drop it") from None
        _tell(f"{name} is dropped")

    @staticmethod
    def _known(functions: UserFunctions, name: str) -> str:
        if name not in functions.names():
            near = did_you_mean(name, functions.names())
            raise UsageError(f"there is no function {name}; {near or '%kql_function lists them'}")
        return name


def _tell(*lines: str) -> None:
    publish_display_data(dict(receipt([part for line in lines for part in line.split("\n")])))
