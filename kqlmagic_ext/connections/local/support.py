"""Which words of KQL the embedded workspace knows, from the tables that its translation uses.

`python -m kqlmagic_ext.connections.local.support` writes the page `SUPPORT.md` beside this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from kqlmagic_ext.kql.language_service.language import CALLED, Word, language

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PAGE = Path(__file__).with_name("SUPPORT.md")
STATES = {"yes": "yes", "limits": "with limits", "no": "no"}
_TITLES = {
    "operator": "Operators and statements",
    "plugin": "Plugins of evaluate",
    "tabular": "Functions that give a table",
    "function": "Functions",
    "window": "Functions over rows in order",
    "aggregate": "Aggregates",
    "infix": "Operators of texts and values",
}
_ABOUT = (
    "Written by `python -m kqlmagic_ext.connections.local.support` from the tables that translate a query. Log Analytics runs all "
    "that its service knows. In a notebook, `%kql_support NAME` tells one word."
)
# What duckdb-kql reads by itself, beside its tables of functions.
_READ_BY_BASE = frozenset((
    "count", "datatable", "evaluate", "extend", "filter", "getschema", "graph-match", "graph-to-table",
    "invoke", "join", "limit", "lookup", "make-graph", "mv-expand", "order", "parse", "parse-where",
    "print", "project", "project-away", "project-rename", "range", "render", "sort", "summarize", "take",
    "top", "union", "where", "materialize", "table", "toscalar", "mvexpand", "mvapply",
))  # fmt: skip
_READ_HERE = frozenset(("externaldata", "find", "_GetWatchlist"))
_NODES = frozenset(
    ("bin", "case", "datetime_add", "datetime_diff", "datetime_part")
)  # functions that are nodes of their own
_SPREAD = frozenset(("percentiles", "percentiles_array"))  # aggregates that become several


@dataclass(frozen=True)
class Support:
    """A word, its state (yes, limits or no), and a sentence about it, if there is something to say."""

    word: Word
    state: str
    note: str = ""

    @property
    def name(self) -> str:
        """The word, with parentheses where it is called."""
        return f"{self.word.name}()" if self.word.kind in CALLED else self.word.name

    @property
    def told(self) -> str:
        """The state in words, and the note."""
        return f"{STATES[self.state]}: {self.note}" if self.note else STATES[self.state]


@cache
def support() -> tuple[Support, ...]:
    """Every word of the reference, by kind and name."""
    known, notes = _known(), _notes()
    return tuple(
        _of(word, word.name in known[kind], notes)
        for kind in _TITLES
        for word in sorted(language()[kind].values(), key=lambda word: word.name.casefold())
    )


def _of(word: Word, is_known: bool, notes: Mapping[str, Mapping[str, str]]) -> Support:  # noqa: FBT001 - what the state says
    if not is_known:
        return Support(word, "no", notes["no"].get(word.name, ""))
    limits = notes["limits"].get(word.name, "")
    return Support(word, "limits" if limits else "yes", limits)


def _known() -> Mapping[str, frozenset[str]]:
    """The words that are there, of each kind."""
    from kqlmagic_ext.connections.local import dialect
    from kqlmagic_ext.connections.local.operators import READERS
    from kqlmagic_ext.connections.local.operators.plugins import plugins

    here = frozenset(word for word, _ in READERS.values()) | _READ_BY_BASE | _READ_HERE
    called = frozenset(dialect.SCALAR_FUNCTIONS) | _NODES
    return {
        "operator": here,
        "tabular": here,
        "plugin": frozenset(plugins()),
        "function": called,
        "window": called,
        "aggregate": frozenset(dialect.AGGREGATE_FUNCTIONS) | _SPREAD,
        "infix": frozenset(language()["infix"]),
    }


def _notes() -> Mapping[str, Mapping[str, str]]:
    notes: dict[str, dict[str, str]] = {}
    section = ""
    for line in files(__package__).joinpath("support.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
            notes[section] = {}
        elif line and not line.startswith("#"):
            word, _, sentence = line.partition(" -- ")
            notes[section][word] = sentence
    return notes


def page() -> str:
    """The page of all words, in Markdown."""
    parts = [
        "# What the embedded workspace knows of KQL",
        _ABOUT,
    ]
    for kind, title in _TITLES.items():
        listed = [each for each in support() if each.word.kind == kind]
        there = sum(each.state != "no" for each in listed)
        parts += [f"## {title}: {there} of {len(listed)}", _table(listed)]
    return "\n\n".join(parts) + "\n"


def _table(listed: Sequence[Support]) -> str:
    rows = [f"| [`{each.name}`]({each.word.address}) | {each.told} |" for each in listed]
    return "\n".join(["| word | here |", "|---|---|", *rows])


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
