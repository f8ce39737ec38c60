"""Secrets in connection URLs: found before anything is opened, whatever the scheme, and never repeated."""

from __future__ import annotations

import re
from urllib.parse import unquote

from kqlmagic_ext.errors import ConnectError

_OPTION = re.compile(r"[?&;#]\s*([^=&;?#]*)=")
_NAME = re.compile(
    r"secret|passw|pwd|token|key|assertion|certificate|credential|signature|^sig$|^sas$|^code$", re.IGNORECASE
)
_WEB_TOKEN = re.compile(r"eyJ[\w-]{8,}\.")  # how a JSON web token begins
_USER = re.compile(r"://[^/?#&;]*@")


def suspicious_options(url: str) -> list[str]:
    """The names of what looks like a secret in a URL, also inside another option or behind a wrong mark."""
    text = unquote(url)
    named = [name[:40] for name in _OPTION.findall(text) if _NAME.search(name)]
    if _USER.search(text):
        named.append("user:password@")
    if _WEB_TOKEN.search(text):
        named.append("a token")
    return list(dict.fromkeys(named))


def refuse_secrets(url: str, where: str = "a connection URL") -> None:
    """Raise ConnectError when the URL holds what looks like a secret; it says where secrets go."""
    if names := suspicious_options(url):
        raise ConnectError(
            f"{where} is no place for a secret ({', '.join(names)}): sign in by az login (auth=cli), by the environment "
            "(AZURE_CLIENT_SECRET and its like, with auth=env), by a managed identity (auth=msi), or in the browser "
            "(auth=browser, auth=devicecode), whose tokens this machine's keyring keeps"
        )


def without_options(url: str) -> str:
    """The URL without what stands behind ?, & and ; and before @, where someone may have put a secret."""
    scheme, separator, rest = re.split(r"[?&;#]", url, maxsplit=1)[0].rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
