"""What looks like a secret in a connection URL: found before it is opened, and never repeated."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

_NAME = re.compile(
    r"secret|passw|pwd|token|key|assertion|certificate|credential|signature|^sig$|^sas$", re.IGNORECASE
)
_WEB_TOKEN = re.compile(r"eyJ[\w-]{8,}\.")  # how a JSON web token begins


def suspicious_options(url: str) -> list[str]:
    """The names of the options that hold what looks like a secret; `user:password@` for one before the host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return []
    named = [
        name[:40]
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if _NAME.search(name) or _WEB_TOKEN.search(value)
    ]
    if "@" in parts.netloc:
        named.append("user:password@")
    return named or (["a token"] if _WEB_TOKEN.search(url) else [])


def without_options(url: str) -> str:
    """The URL without what stands behind ? and before @, where someone may have put a secret."""
    scheme, separator, rest = url.partition("?")[0].rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
