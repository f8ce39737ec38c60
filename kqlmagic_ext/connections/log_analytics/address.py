"""The URL of a Log Analytics place, read: which workspace or resource, in which cloud, by which sign-in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import UUID

from kqlmagic_ext.errors import ConnectError

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTHS = ("default", "cli", "powershell", "browser", "devicecode", "msi", "env", "broker", "none")
LONGEST_WAIT_S = 600
_DEFAULT_WAIT_S = 180
_OPTIONS = ("also", "cloud", "endpoint", "tenant", "client", "auth", "timeout")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
_SEGMENT = re.compile(r"(?!\.{1,2}$)[^{}?#%\\\x00-\x20]+")
_DNS_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
# Endpoints of the service itself: only they are sent a token of the cloud's own audience.
_OF_AZURE = (
    ".loganalytics.io",
    ".loganalytics.azure.com",
    ".loganalytics.us",
    ".azure.cn",
    ".monitor.azure.com",
)


@dataclass(frozen=True)
class Cloud:
    """Where a cloud answers queries, the audience of its tokens, and where its users sign in."""

    endpoint: str
    audience: str
    authority: str


CLOUDS: Mapping[str, Cloud] = MappingProxyType(
    {
        "public": Cloud(
            "https://api.loganalytics.azure.com", "https://api.loganalytics.io", "login.microsoftonline.com"
        ),
        "usgov": Cloud(
            "https://api.loganalytics.us", "https://api.loganalytics.us", "login.microsoftonline.us"
        ),
        "china": Cloud(
            "https://api.loganalytics.azure.cn", "https://api.loganalytics.azure.cn", "login.chinacloudapi.cn"
        ),
    }
)


@dataclass(frozen=True)
class Address:
    """A workspace (`workspaces/GUID`) or a resource (`subscriptions/…`), and how it is reached.

    `also`: further workspaces. `endpoint`, `audience`, `authority`: of its cloud, unless the URL names an endpoint.
    `wait`: the seconds that a query may take in the service, at most 600.
    """

    place: str
    also: tuple[str, ...]
    endpoint: str
    audience: str
    authority: str
    tenant: str | None
    client: str | None
    auth: str
    wait: int

    @property
    def name(self) -> str:
        """What the connection is called by default: the resource's own name, or `workspace-` and eight digits."""
        last = self.place.rpartition("/")[2]
        return last if self.is_resource else f"workspace-{last[:8]}"

    @property
    def is_resource(self) -> bool:
        """Whether it is a resource, whose logs may lie in several workspaces."""
        return not self.place.startswith("workspaces/")

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine."""
        return urlsplit(self.endpoint).hostname in LOOPBACK

    @property
    def is_plain(self) -> bool:
        """Whether the requests go unencrypted, which only this machine's own addresses may."""
        return self.endpoint.startswith("http://")


def parse(url: str) -> Address:
    """The address that a `loganalytics://` URL names.

    Raises
    ------
    ConnectError
        When it names none; the sentence repeats no value, which may be a secret.
    """
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    options = dict(pairs)
    if parts.fragment or len(options) < len(pairs):
        raise ConnectError(
            "the URL has a # or names an option twice; options stand behind one ?, joined by &"
        )
    for option in options:
        if option not in _OPTIONS:
            named = repr(option) if _DNS_NAME.fullmatch(option) else "in it"
            raise ConnectError(f"unknown option {named} in the URL; there is {', '.join(_OPTIONS)}")
    cloud = _choice(options, "cloud", CLOUDS, "public")
    endpoint = _endpoint(options.get("endpoint", CLOUDS[cloud].endpoint))
    auth = _choice(options, "auth", AUTHS, "default")
    _check_auth(auth, endpoint)
    return Address(
        place=_place(parts.netloc, unquote(parts.path)),
        also=tuple(one.strip() for one in options.get("also", "").split(",") if one.strip()),
        endpoint=endpoint,
        audience=CLOUDS[cloud].audience if _is_of_azure(endpoint) else endpoint,
        authority=CLOUDS[cloud].authority,
        tenant=_dns_name(options, "tenant"),
        client=_dns_name(options, "client"),
        auth=auth,
        wait=_wait(options.get("timeout")),
    )


def _choice(options: Mapping[str, str], name: str, choices: object, default: str) -> str:
    value = options.get(name, default)
    listed = list(choices)  # type: ignore[call-overload]  # a tuple or a mapping
    if value not in listed:
        raise ConnectError(f"the URL's {name} is none of {', '.join(listed)}")
    return value


def _place(host: str, path: str) -> str:
    """`workspaces/GUID` or `subscriptions/…`."""
    if host:
        if path.strip("/"):
            raise ConnectError("a resource has three slashes: loganalytics:///subscriptions/…")
        return f"workspaces/{_workspace(host)}"
    first, *segments = path.strip("/").split("/")
    if first.casefold() != "subscriptions" or not segments or not all(map(_SEGMENT.fullmatch, segments)):
        raise ConnectError(
            "the URL names no place: write loganalytics://WORKSPACE_ID, or a resource, loganalytics:///subscriptions/…"
        )
    return path.strip("/")


def _workspace(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise ConnectError(
            "the URL names no workspace ID: it is a GUID, on the workspace's Overview page in the portal, and not its name"
        ) from None


def _endpoint(text: str) -> str:
    parts = urlsplit(text if "://" in text else f"https://{text}")
    host = parts.hostname or ""
    more = parts.path.strip("/") not in ("", "v1") or parts.query or parts.fragment
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.netloc) or more:
        raise ConnectError("the URL's endpoint is no address such as https://api.loganalytics.azure.com")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise ConnectError(f"only https leaves this machine: write endpoint=https://{parts.netloc}")
    return f"{parts.scheme}://{parts.netloc}"


def _check_auth(auth: str, endpoint: str) -> None:
    host = urlsplit(endpoint).hostname
    if auth == "none" and host not in LOOPBACK:
        raise ConnectError(f"auth=none is for an emulator on this machine, and {host} is another")
    if auth != "none" and endpoint.startswith("http://"):
        raise ConnectError(
            "a token is sent over https alone; for an emulator on this machine write auth=none"
        )


def _is_of_azure(endpoint: str) -> bool:
    return f".{urlsplit(endpoint).hostname}".endswith(_OF_AZURE)


def _dns_name(options: Mapping[str, str], name: str) -> str | None:
    value = options.get(name)
    if value is not None and not _DNS_NAME.fullmatch(value):
        raise ConnectError(f"the URL's {name} is no GUID and no domain name")
    return value


def _wait(text: str | None) -> int:
    if text is None:
        return _DEFAULT_WAIT_S
    if not text.isdecimal() or not 1 <= int(text) <= LONGEST_WAIT_S:
        raise ConnectError(
            f"the URL's timeout is no number of seconds: a query may take 1 to {LONGEST_WAIT_S} seconds"
        )
    return int(text)
