"""Connections that have a name in `~/.config/kqlmagic_ext/connections.toml`; the file holds URLs and never a secret.

[contoso]
url = "loganalytics://00000000-0000-0000-0000-000000000000?tenant=contoso.example"
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from kqlmagic_ext.connections.secrets import refuse_secrets
from kqlmagic_ext.errors import ConnectError

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = Path(".config") / "kqlmagic_ext" / "connections.toml"


def names() -> list[str]:
    """The names that the file knows; ConnectError when it cannot be read."""
    return list(_entries())


def named_url(name: str) -> str | None:
    """The URL of a name, None when the file does not know it.

    Raises
    ------
    ConnectError
        When the file cannot be read, or the entry holds anything but a `url`.
    """
    entries = _entries()
    return _url(name, entries[name]) if name in entries else None


def _entries() -> Mapping[str, object]:
    path = Path.home() / FILE
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConnectError(f"{path} cannot be read: {error}") from error


def _url(name: str, entry: object) -> str:
    where = f"{Path.home() / FILE}: [{name}]"
    url = entry.get("url") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(url, str):
        raise ConnectError(f'{where} wants one line, url = "loganalytics://…"')
    others = sorted(set(entry) - {"url"})
    if others:
        raise ConnectError(
            f"{where} holds {', '.join(others)} beside its url: the file keeps URLs alone, and never a secret (those go into "
            "the environment, az login, a managed identity or the keyring)"
        )
    refuse_secrets(url, where)
    return url
