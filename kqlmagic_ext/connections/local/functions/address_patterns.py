"""Patterns that tell an IPv4 address's network in one pass: parsing each address costs several times as much."""

from __future__ import annotations

import ipaddress

_HIGH = "25[0-5]|2[0-4][0-9]"
OCTET = f"(?:{_HIGH}|[01]?[0-9]?[0-9])"
PLAIN = rf"\s*(?:{OCTET}\.){{3}}{OCTET}\s*"
# Not 10, 172 and 192; 172 and what is not 16 to 31; 192 and what is not 168.
_FIRST = rf"(?:{_HIGH}|1[0-68][0-9]|1[79][013-9]|0?[02-9]?[0-9]|0?1[1-9])\.{OCTET}"
_OF_172 = rf"172\.(?:{_HIGH}|1[0-9][0-9]|0?(?:1[0-5]|3[2-9]|[04-9]?[0-9]))"
_OF_192 = rf"192\.(?:{_HIGH}|1[0-57-9][0-9]|16[0-79]|0?[0-9]?[0-9])"
PUBLIC = rf"\s*(?:{_FIRST}|{_OF_172}|{_OF_192})\.{OCTET}\.{OCTET}\s*"
PRIVATE = rf"\s*(?:0?10\.{OCTET}|192\.168|172\.0?(?:1[6-9]|2[0-9]|3[01]))\.{OCTET}\.{OCTET}\s*"


def inside(network: str) -> str | None:
    """The pattern of the addresses of a network such as `10.0.0.0/8`; None for another text."""
    try:
        range_ = ipaddress.IPv4Network(network.strip(), strict=False)
    except ValueError:
        return None
    ends = zip(range_.network_address.packed, range_.broadcast_address.packed, strict=True)
    octets = r"\.".join(_octet(low, high) for low, high in ends)
    return rf"\s*{octets}\s*"


def _octet(low: int, high: int) -> str:
    if (low, high) == (0, 255):
        return OCTET
    return f"(?:{'|'.join(map(_spelled, range(low, high + 1)))})"


def _spelled(octet: int) -> str:
    """With the zeros that may stand before it."""
    zeros = 3 - len(str(octet))
    return f"0{{0,{zeros}}}{octet}" if zeros else str(octet)
