"""HTML of a notebook's outputs with nothing but text, tables and pictures in it."""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_TAGS = frozenset(
    {
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "p",
        "div",
        "span",
        "br",
        "hr",
        "pre",
        "code",
        "blockquote",
        "ul",
        "ol",
        "li",
    }
    | {"em", "strong", "b", "i", "small", "sub", "sup", "dl", "dt", "dd", "details", "summary"}
    | {"table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption"}
)
_ATTRIBUTES = {"th": ["colspan", "rowspan"], "td": ["colspan", "rowspan"]}
_WITH_CONTENT = ("style", "script", "iframe", "object", "template", "noscript", "svg", "math", "title")
_EMPTY = ("br", "hr")


def cleaned(html: str, mask: Callable[[str], str]) -> str | None:
    """The HTML with its texts masked; None where a text to be masked runs over several elements."""
    cleaner = _Cleaner(mask)
    cleaner.feed(html)
    cleaner.close()
    whole = " ".join("".join(cleaner.texts).split())
    return None if mask(whole) != whole else "".join(cleaner.parts)


class _Cleaner(HTMLParser):
    def __init__(self, mask: Callable[[str], str]) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.texts: list[str] = []
        self._mask, self._left_out = mask, 0

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag in _WITH_CONTENT:
            self._left_out += 1
        elif tag in _TAGS and not self._left_out:
            kept = "".join(
                f' {name}="{escape(value or "")}"'
                for name, value in attrs
                if name in _ATTRIBUTES.get(tag, ()) and (value or "").isdecimal()
            )
            self.parts.append(f"<{tag}{kept}>")

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag not in _WITH_CONTENT:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in _WITH_CONTENT:
            self._left_out = max(self._left_out - 1, 0)
        elif tag in _TAGS and tag not in _EMPTY and not self._left_out:
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._left_out:
            text = self._mask(data)
            self.parts.append(escape(text))
            self.texts.append(text)
