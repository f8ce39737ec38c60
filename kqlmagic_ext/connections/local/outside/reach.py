"""What `externaldata` may read: files of the opened folder, and https addresses where that was allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kqlmagic_ext.errors import QueryError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from urllib.request import HTTPRedirectHandler

REACHES = ("folder", "https")
_MOST = 256 * 1024 * 1024
_PIECE = 1 << 20
_WAIT_S = 30
_CONSTRUCT = "externaldata"


@dataclass(frozen=True)
class Reach:
    """`folder`: the opened one, with its links resolved; `https`: whether addresses of the web may be asked.

    `geoip`: the file of a GeoIP database.
    """

    folder: Path | None = None
    https: bool = False
    geoip: str | None = None

    def read(self, address: str, checkpoint: Callable[[], None]) -> bytes:
        """What lies at the address; `checkpoint` is called now and then, and may raise.

        Raises
        ------
        UnsupportedError
            For an address that this workspace may not read.
        QueryError
            For one that cannot be read, or holds more than 256 MB.
        """
        scheme = urlsplit(address).scheme.lower() if "://" in address else ""
        if scheme == "https":
            return self._download(address, checkpoint)
        if scheme:
            raise UnsupportedError(
                f"externaldata reads no {scheme}:// addresses here",
                construct=_CONSTRUCT,
                hint="read it by pandas and give it by -i",
            )
        return self._file(address)

    def _file(self, address: str) -> bytes:
        if self.folder is None:
            raise UnsupportedError(
                "externaldata reads only files of an opened folder, and this workspace has none",
                construct=_CONSTRUCT,
                hint="connect to local:///the/folder, or read the file by pandas and give it by -i",
            )
        try:
            path = (self.folder / address).resolve(strict=True)
            if not path.is_relative_to(self.folder):
                raise UnsupportedError(
                    "externaldata reads no files outside of the opened folder", construct=_CONSTRUCT
                )
            if path.stat().st_size > _MOST:
                raise _too_big(address)
            return path.read_bytes()
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise QueryError(f"externaldata cannot read {address!r} of the opened folder: {why}") from error

    def _download(self, address: str, checkpoint: Callable[[], None]) -> bytes:
        host = urlsplit(address).hostname
        if not self.https:
            raise UnsupportedError(
                f"externaldata does not ask {host}: nothing leaves this machine by default",
                construct=_CONSTRUCT,
                hint="%config KqlMagics.externaldata = 'https' allows it, then connect again; "
                "or read it by pandas and give it by -i",
            )
        from urllib.request import Request, build_opener

        request = Request(address, headers={"User-Agent": "kqlmagic_ext"})  # noqa: S310 - https, as looked at above
        try:
            with build_opener(_https_alone()).open(request, timeout=_WAIT_S) as answer:
                return _limited(answer.read, address, checkpoint)
        except OSError as error:
            why = getattr(error, "reason", None) or error
            raise QueryError(f"externaldata cannot read from {host}: {why}") from error


NOTHING = Reach()


def _https_alone() -> HTTPRedirectHandler:
    """What follows a redirection to https, and to nothing else."""
    from urllib.error import URLError
    from urllib.request import HTTPRedirectHandler, Request

    class Redirections(HTTPRedirectHandler):
        def redirect_request(self, request: Request, answer: IO[bytes], *rest: Any) -> Request | None:
            if urlsplit(rest[-1]).scheme != "https":
                answer.close()
                raise URLError("it leads away from https")
            return super().redirect_request(request, answer, *rest)

    return Redirections()


def _limited(read: Callable[[int], bytes], address: str, checkpoint: Callable[[], None]) -> bytes:
    pieces, size = [], 0
    while piece := read(_PIECE):
        checkpoint()
        size += len(piece)
        if size > _MOST:
            raise _too_big(address)
        pieces.append(piece)
    return b"".join(pieces)


def _too_big(address: str) -> QueryError:
    name = urlsplit(address).path.rsplit("/", 1)[-1]
    return QueryError(f"{name!r} holds more than {_MOST >> 20} MB, which externaldata does not read here")
