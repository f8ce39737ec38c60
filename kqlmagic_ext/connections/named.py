"""Connections that have a name in `~/.config/kqlmagic_ext/connections.toml`; the file holds URLs and never a secret.

[contoso]
url = "loganalytics://00000000-0000-0000-0000-000000000000?tenant=contoso.example"
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from kqlmagic_ext.connections.secrets import suspicious_options
from kqlmagic_ext.errors import ConnectError

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = Path(".config") / "kqlmagic_ext" / "connections.toml"


def named_urls() -> Mapping[str, str]:
    """The URLs by their names; none when there is no such file.

    Raises
    ------
    ConnectError
        When the file cannot be read, or an entry holds anything but a `url`.
    """
    path = Path.home() / FILE
    try:
        entries = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConnectError(f"{path} cannot be read: {error}") from error
    return {name: _url(path, name, entry) for name, entry in entries.items()}


def _url(path: Path, name: str, entry: object) -> str:
    url = entry.get("url") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(url, str):
        raise ConnectError(f'{path}: [{name}] wants one line, url = "loganalytics://…"')
    others = sorted(set(entry) - {"url"})
    if others:
        raise ConnectError(
            f"{path}: [{name}] holds {', '.join(others)} beside its url: the file keeps URLs alone, and never a secret "
            "(those go into the environment, az login, a managed identity or the keyring)"
        )
    if secrets := suspicious_options(url):
        raise ConnectError(
            f"{path}: [{name}] holds what looks like a secret ({', '.join(secrets)}): the file keeps URLs, and never a secret "
            "(those go into the environment, az login, a managed identity or the keyring)"
        )
    return url
