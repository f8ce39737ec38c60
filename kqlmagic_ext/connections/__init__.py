"""Places that answer KQL: `connect(url)` opens one; each is a module and a line in `SCHEMES`."""

from __future__ import annotations

import re
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from kqlmagic_ext.connections.secrets import refuse_secrets, without_options
from kqlmagic_ext.errors import ConnectError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kqlmagic_ext.query import Query, Result, Table

    Progress = Callable[[str], None]

_GUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
SCHEMES: Mapping[str, str] = MappingProxyType(
    {
        "local": "kqlmagic_ext.connections.local:open_local",
        "loganalytics": "kqlmagic_ext.connections.log_analytics:open_log_analytics",
    }
)


class Prompt(str):
    """A line of progress that asks the analyst to do something, such as to enter a code: it must be seen at once."""

    __slots__ = ()


class Connection(Protocol):
    """A place that answers KQL. A user's own object may serve as one."""

    name: str

    def prepare(self, query: Query) -> str:
        """The text that would be sent for the query."""

    def run(self, query: Query, progress: Progress | None = None) -> Result:
        """The answer to the query; an interrupt cancels the work. Raises QueryError, ParameterError, ConnectError."""

    def close(self) -> None:
        """Let go of everything; may be called twice."""


@runtime_checkable
class Catalog(Protocol):
    """A connection that can list its tables."""

    def tables(self, progress: Progress | None = None) -> Sequence[Table]:
        """All tables, by name, with what is known without a query."""

    def table(self, name: str) -> Table:
        """One table with its columns; KeyError when there is none of that name."""


def connect(url: str, *, name: str | None = None, **settings: Any) -> Connection:
    """The open connection that a URL names, such as `local://demo`.

    Parameters
    ----------
    url
        `local://` (empty), `local://demo`, `local:///folder`, `local:///file.duckdb`, `loganalytics://WORKSPACE_ID`;
        other packages add schemes by the entry point group `kqlmagic_ext.connections`.
    name
        What the connection is called in cells and receipts; by default what the URL suggests.
    settings
        What the place understands, such as `memory_limit` of `local://` (`"8GB"`, `"70%"`), or `frame_rows` and
        `frame_bytes` of `loganalytics://`: how large a frame may be inside a query (10,000 and 1,000,000).

    Raises
    ------
    ConnectError
        When there is no such scheme or place, or the URL holds a secret; says what to do.
    """
    refuse_secrets(url)
    scheme, separator, _ = url.partition("://")
    if not separator:
        hint = _hint(without_options(url))
        raise ConnectError(
            f"{without_options(url)!r} is no connection URL; one starts like {_examples()}{hint}"
        )
    opener: Callable[..., Connection] = _opener(scheme.lower())
    return opener(url, name=name, **settings)


def _hint(text: str) -> str:
    if _GUID.fullmatch(text):
        return f"; a workspace is loganalytics://{text}"
    if text.casefold().startswith("/subscriptions/"):
        return f"; a resource is loganalytics://{text}"
    return f"; a folder is local://{text}" if text.startswith("/") else ""


def _opener(scheme: str) -> Callable[..., Connection]:
    if scheme in SCHEMES:
        module, _, function = SCHEMES[scheme].partition(":")
        opener: Callable[..., Connection] = getattr(import_module(module), function)
        return opener
    from importlib.metadata import entry_points

    for entry in entry_points(group="kqlmagic_ext.connections"):
        if entry.name == scheme:
            loaded: Callable[..., Connection] = entry.load()
            return loaded
    raise ConnectError(f"no connection has the scheme {scheme!r}; there is {_examples()}")


def _examples() -> str:
    return ", ".join(f"{scheme}://" for scheme in SCHEMES)
