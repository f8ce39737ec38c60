"""The open connections of a notebook, and which of them answers a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqlmagic_ext.connections import Connection, connect
from kqlmagic_ext.errors import ConnectError

if TYPE_CHECKING:
    from collections.abc import Iterator

DEMO = "local://demo"


class Places:
    """Connections by name, opened once and kept; one of them may be the default."""

    def __init__(self) -> None:
        self._open: dict[str, Connection] = {}
        self._urls: dict[str, str] = {}
        self.default: str | None = None
        self.failed: str | None = None

    def connect(self, url: str, name: str | None, memory_limit: str | None) -> Connection:
        """Open the URL, or choose the open connection of that name; it becomes the default.

        After a failure there is no default: no cell is answered by another place than the analyst chose.
        """
        self.default, self.failed = None, url
        is_name = "://" not in url and url in self._open
        connection = self._open[url] if is_name else self._opened(url, name, memory_limit)
        self.default, self.failed = self._name_of(connection), None
        return connection

    def choose(self, name_or_url: str | None, otherwise: str, memory_limit: str | None) -> Connection:
        """The connection of a cell: the named one, else the default, else `otherwise`.

        Raises
        ------
        ConnectError
            When there is none of that name, or the last %kql_connect failed and none was chosen since.
        """
        wanted = name_or_url or self.default
        if wanted is None and self.failed is not None:
            raise ConnectError(
                f"no connection: %kql_connect {self.failed} failed; connect again, or choose one by -c"
            )
        wanted = wanted or otherwise
        if wanted in self._open:
            return self._open[wanted]
        for name, url in self._urls.items():
            if url == wanted:
                return self._open[name]
        if "://" not in wanted:
            there = f"; there is {', '.join(self._open)}" if self._open else ""
            raise ConnectError(
                f"there is no connection {wanted!r}{there}; %kql_connect URL --as {wanted} makes one"
            )
        return self._opened(wanted, None, memory_limit)

    def __iter__(self) -> Iterator[tuple[str, str, Connection]]:
        """Name, URL and connection of each, in the order in which they were opened."""
        return iter([(name, self._urls[name], connection) for name, connection in self._open.items()])

    def close(self) -> None:
        """Close all; may be called twice."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()
        self._urls.clear()
        self.default = self.failed = None

    def _opened(self, url: str, name: str | None, memory_limit: str | None) -> Connection:
        settings = {"memory_limit": memory_limit} if url.startswith("local://") else {}
        connection = connect(url, name=name, **settings)
        name = name or self._free(connection.name, url)
        if name in self._open:
            self._open[name].close()
        connection.name = name
        self._open[name], self._urls[name] = connection, url
        return connection

    def _free(self, name: str, url: str) -> str:
        """The name itself when no other place has it, else with a number: two folders may be called alike."""
        candidate, number = name, 2
        while candidate in self._urls and self._urls[candidate] != url:
            candidate, number = f"{name}{number}", number + 1
        return candidate

    def _name_of(self, connection: Connection) -> str:
        return next(name for name, one in self._open.items() if one is connection)
