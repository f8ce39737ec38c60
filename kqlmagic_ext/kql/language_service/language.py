"""The words of KQL as facts: signature, type, one sentence and Microsoft's page of each; read from `language.txt`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SITE = "https://learn.microsoft.com"
_PAGES = {
    "function": "-function",
    "window": "-function",
    "aggregate": "-aggregation-function",
    "plugin": "-plugin",
    "operator": "-operator",
    "infix": "-operator",
}
CALLED = ("function", "window", "aggregate", "plugin", "tabular")


@dataclass(frozen=True)
class Word:
    """A word of the language.

    `kind`: function, window, aggregate, plugin, tabular, operator, infix or keyword. `gives`: the KQL type of a call, or
    `same` and `second` for that of its first or second argument, `any`, `table`; empty for what is no call.
    """

    name: str
    kind: str
    signature: str
    gives: str
    sentence: str
    page: str

    @property
    def address(self) -> str:
        """The address of Microsoft's page."""
        return _SITE + (self.page if self.page.startswith("/") else f"/kusto/query/{self.page}")

    @property
    def offered(self) -> str:
        """What Tab writes: a function with its parenthesis, closed when it takes nothing."""
        if self.kind not in CALLED and "(" not in self.signature.partition(" ")[0]:
            return self.name
        return f"{self.name}()" if f"{self.name}()" in self.signature else f"{self.name}("


@cache
def language() -> Mapping[str, Mapping[str, Word]]:
    """All words, by kind and name."""
    text = files(__package__).joinpath("language.txt").read_text("utf-8")
    found: dict[str, dict[str, Word]] = {}
    for word in _read(text):
        found.setdefault(word.kind, {})[word.name] = word
    return found


@cache
def words(*kinds: str) -> Mapping[str, Word]:
    """The words of some kinds; of a name that stands in several, the first kind's."""
    merged: dict[str, Word] = {}
    for kind in kinds:
        for name, word in language()[kind].items():
            merged.setdefault(name, word)
    return merged


def _read(text: str) -> Iterator[Word]:
    kind = ""
    for line in text.splitlines():
        if line.startswith("["):
            kind = line.strip("[]")
        elif line and not line.startswith("#"):
            yield _word(kind, line)


def _word(kind: str, line: str) -> Word:
    head, _, rest = line.partition(" -- ")
    sentence, at, page = rest.rpartition(" @")
    signature, _, gives = head.partition(" -> ")
    name = signature.partition("(")[0].split()[0]
    if name == "matches":
        name = "matches regex"
    rule = name.replace("!", "not-").replace("_", "-").replace(" ", "-") + _PAGES.get(kind, "")
    return Word(name, kind, signature, gives, sentence if at else rest, page if at else rule)
