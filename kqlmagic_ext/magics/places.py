"""The open connections of a notebook, and which of them answers a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections import Connection, connect
from kqlmagic_ext.connections.named import named_url, names
from kqlmagic_ext.connections.secrets import without_options
from kqlmagic_ext.errors import ConnectError
from kqlmagic_ext.kql.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

DEMO = "local://demo"


class Places:
    """Connections by name, opened once and kept; one of them may be the default.

    `otherwise`: the name or URL of the place that answers when nobody chose one. `settings`: what a URL is opened with.
    """

    def __init__(
        self,
        otherwise: Callable[[], str] = lambda: DEMO,
        settings: Callable[[str], Mapping[str, Any]] = lambda _: {},
    ) -> None:
        self._open: dict[str, Connection] = {}
        self._urls: dict[str, str] = {}
        self._otherwise, self._settings = otherwise, settings
        self.default: str | None = None
        self.failed: str | None = None

    @property
    def answering(self) -> str:
        """The name or URL of the place that answers cells which name none; empty when a %kql_connect failed."""
        return self.default or ("" if self.failed else self._otherwise())

    @property
    def is_unchosen_demo(self) -> bool:
        """Whether the demo answers because nobody chose a place."""
        return self.default is None and self._otherwise() == DEMO

    def connect(self, name_or_url: str, name: str | None) -> Connection:
        """Open the URL, or choose the connection of that name; it becomes the default.

        After a failure there is no default: no cell is answered by another place than the analyst chose.
        """
        self.default, self.failed = None, without_options(name_or_url)
        is_url = "://" in name_or_url
        connection = self._opened(name_or_url, name) if is_url else self._reopened(name_or_url)
        self.default, self.failed = self._name_of(connection), None
        return connection

    def refuse(self, connection: Connection) -> None:
        """Take the default away from a connection that turned out to give no access, and close it."""
        name = self._name_of(connection)
        self.default, self.failed = None, name
        del self._open[name], self._urls[name]
        connection.close()

    def choose(self, name_or_url: str | None) -> Connection:
        """The connection of a cell: the named one, else the default, else what answers otherwise.

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
        wanted = wanted or self._otherwise()
        for name, url in self._urls.items():
            if url == wanted:
                return self._open[name]
        found = self._named(wanted)
        if found is not None:
            return found
        if "://" not in wanted:
            near = did_you_mean(wanted, [*self._open, *names()])
            there = f"; {near or 'there is ' + ', '.join(self._open)}" if near or self._open else ""
            raise ConnectError(
                f"there is no connection {without_options(wanted)!r}{there}; %kql_connect URL --as NAME makes one"
            )
        return self._opened(wanted, None)

    def opened(self, name_or_url: str | None) -> Connection | None:
        """The connection that `choose` would give, if it is open; nothing is opened, and nothing raises."""
        wanted = name_or_url or self.answering
        return next(
            (one for name, one in list(self._open.items()) if wanted in (name, self._urls.get(name))), None
        )

    def __iter__(self) -> Iterator[tuple[str, str, Connection | None]]:
        """Name, URL and connection of each, in the order in which they were opened; then those that only have a name."""
        opened = [(name, self._urls[name], connection) for name, connection in self._open.items()]
        unopened = [(name, _shown(name), None) for name in names() if name not in self._open]
        return iter([*opened, *unopened])

    def close(self) -> None:
        """Close all; may be called twice."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()
        self._urls.clear()
        self.default = self.failed = None

    def _named(self, name: str) -> Connection | None:
        """The open connection of that name, else the one that the file of connections knows by it."""
        if name in self._open or "://" in name:
            return self._open.get(name)
        url = named_url(name)
        return None if url is None else self._opened(url, name)

    def _reopened(self, name: str) -> Connection:
        """The connection of that name, as the file of connections has it now; another machine is asked anew."""
        url = named_url(name) or self._urls.get(name, name)
        is_kept = url == self._urls.get(name) and url.startswith("local://")
        return self._open[name] if is_kept else self._opened(url, name)

    def _opened(self, url: str, name: str | None) -> Connection:
        connection = connect(url, name=name, **self._settings(url))
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


def _shown(name: str) -> str:
    """The URL that the file of connections has for a name, or why the file's entry is refused."""
    try:
        return named_url(name) or ""
    except ConnectError as error:
        return f"refused: {error}"
