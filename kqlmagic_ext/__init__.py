"""KQL cells for security analysts: `%load_ext kqlmagic_ext`, or `connect(url).run(Query(text))` in a script.

Nothing heavy is imported until it is needed: neither pandas nor DuckDB, pyarrow or the Azure SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqlmagic_ext.connections import connect
from kqlmagic_ext.errors import (
    ConnectError,
    KqlMagicError,
    LanguageError,
    ParameterError,
    PartialResultError,
    QueryError,
    SessionDied,
    UnsupportedError,
)
from kqlmagic_ext.query import Query, Result, Timespan

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__version__ = "0.1.0"

__all__ = [
    "ConnectError",
    "KqlMagicError",
    "LanguageError",
    "ParameterError",
    "PartialResultError",
    "Query",
    "QueryError",
    "Result",
    "SessionDied",
    "Timespan",
    "UnsupportedError",
    "__version__",
    "connect",
    "load_ipython_extension",
    "unload_ipython_extension",
]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """What `%load_ext kqlmagic_ext` calls: registers the magics."""
    from kqlmagic_ext.magics import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """What `%unload_ext kqlmagic_ext` calls: takes the magics away and closes every connection."""
    from kqlmagic_ext.magics import unload

    unload(shell)
