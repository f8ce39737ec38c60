"""Addresses that nobody opens by a slip: `hxxps://evil[.]example`, `203[.]0[.]113[.]7`."""

from __future__ import annotations

import ipaddress
import re

# Names under which domains are sold, besides the two letters of each country.
_TOP = (
    "academy ai app arpa art asia bank biz blog box bz cafe cam cc center cloud club com company computer contact cyou "
    "data date design dev digital directory download edu email energy events example expert fail finance fit fun games "
    "global gov group guru health help host hosting icu info ink int invalid io jobs land lat life link live llc lol ltd "
    "management market marketing me media men mil mobi monster mom museum name net network news ninja one online onion "
    "org page party photos pics plus porn press pro pub quest racing red ren report rest review rocks run sale sbs school "
    "science security services sh shop site social software solutions space stream studio style support surf systems team "
    "tech technology test tips today tokyo tools top trade travel tv uno video vip wang watch webcam website wiki win work "
    "works world wtf xyz zip zone mov"
)
_COUNTRY = r"[a-z]{2}"
_DOMAIN = re.compile(
    rf"(?<![\w.\]-])(?:[\w-]+\.)+(?:{'|'.join(_TOP.split())}|xn--[\w-]+|{_COUNTRY})(?![\w-])", re.IGNORECASE
)
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\d)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9a-f:]*:[0-9a-f]*:[0-9a-f:]*(?![\w:])", re.IGNORECASE)
_SCHEME = re.compile(r"\b(h)tt(ps?|p)(?=://)|\b(f)t(ps?)(?=://)", re.IGNORECASE)


def defanged(text: str) -> str:
    """The text with its web addresses, domains and IP addresses written so that no program takes them for links."""
    text = _SCHEME.sub(
        lambda match: f"{match[1]}xx{match[2]}" if match[1] else f"{match[3]}x{match[4]}", text
    )
    text = _IPV4.sub(lambda match: match[0].replace(".", "[.]"), text)
    text = _IPV6.sub(lambda match: _written_out(match[0]), text)
    return _DOMAIN.sub(lambda match: match[0].replace(".", "[.]"), text)


def _written_out(text: str) -> str:
    """An IPv6 address with its colons in brackets; what is none, such as a time of day, as it is."""
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return text
    return text.replace(":", "[:]")
