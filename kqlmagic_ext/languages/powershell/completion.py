"""What may stand at the cursor, as PowerShell counts it and as Python does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kqlmagic_ext.languages.conversation import Message

    Completions = tuple[int, int, tuple[tuple[str, str], ...]]

_KINDS = {
    "Command": "function",
    "DynamicKeyword": "keyword",
    "Keyword": "keyword",
    "Method": "function",
    "Namespace": "module",
    "ParameterName": "param",
    "ParameterValue": "value",
    "Property": "property",
    "ProviderContainer": "path",
    "ProviderItem": "path",
    "Type": "class",
    "Variable": "variable",
}


def units(text: str) -> int:
    """How many UTF-16 units a text has: an emoji counts two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def characters(text: str, count: int) -> int:
    """How many characters of a text its first `count` UTF-16 units are."""
    wide = text.encode("utf-16-le", "surrogatepass")[: 2 * count]
    return len(wide.decode("utf-16-le", "ignore"))


def found(answer: Message, code: str) -> Completions:
    """Start and end in characters, and each completion with its kind."""
    start = characters(code, answer["start"])
    end = characters(code, answer["start"] + answer["length"])
    matches = ((match["text"], _KINDS.get(match["type"], "")) for match in answer["matches"])
    return start, end, tuple(matches)
