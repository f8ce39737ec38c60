"""What an editor asks about a query text: what may stand at the cursor, what a word means, what is wrong.

One Protocol, two answers: ours, which knows the language by tokens, and Microsoft's, where its library is there.
Offsets are counted in Python's characters from the start of the query text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Schema:
    """What a connection knows: `tables` gives each table's columns with their KQL types.

    `keys` gives, for a dynamic column, the keys that answers have shown so far.
    """

    tables: Mapping[str, Mapping[str, str]]
    keys: Mapping[str, Sequence[str]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Completion:
    """One text that may stand at the cursor.

    `text`: as it is written, a function with its parenthesis (`ago(`, `count()`), an option with its `=`, a side of a join
    with its dot, a name that is no plain one as `['a name']`. `kind`: class (a table), field (a column), function, operator, keyword, variable, property or value: the kinds that
    editors have a picture for. `type`: the KQL type of a column or variable, else empty.
    """

    text: str
    kind: str
    type: str = ""


@dataclass(frozen=True)
class Completions:
    """What may replace the text between two offsets, best first."""

    start: int
    end: int
    found: tuple[Completion, ...] = ()


@dataclass(frozen=True)
class Hover:
    """What a word is: `signature` such as `TimeGenerated: datetime`, one sentence, and the address of Microsoft's page."""

    name: str
    kind: str
    signature: str
    sentence: str = ""
    address: str = ""


@dataclass(frozen=True)
class Diagnostic:
    """What is wrong between two offsets, in one sentence; `hint`: what to do. `code`: syntax or unknown_name."""

    start: int
    end: int
    code: str
    message: str
    hint: str = ""


class LanguageService(Protocol):
    """Answers an editor's questions; safe to ask from several threads, and never raises for any text."""

    def complete(self, text: str, cursor: int, schema: Schema) -> Completions:
        """What may stand at the cursor, for the part of a word that stands before it."""

    def hover(self, text: str, cursor: int, schema: Schema) -> Hover | None:
        """What the word at the cursor is, or the function in whose parentheses it stands; None where there is nothing to say."""

    def diagnose(self, text: str, schema: Schema) -> tuple[Diagnostic, ...]:
        """What can be known to be wrong without asking; nothing where it is not sure."""
