"""YAML as nodes that know their line: texts as they are written, values in the KQL type that is declared for them.

YAML's own guesses (`yes`, `010`, `1:30`, times of six digits) are not made: what stands there is the text, and a declared
type reads it exactly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.kql.inside import NotLiteral, value_inside
from kqlmagic_ext.kql.reading import literal_value
from kqlmagic_ext.packs.saved import wrong
from kqlmagic_ext.values import Value

if TYPE_CHECKING:
    from kqlmagic_ext.errors import QueryError

LITERAL = "!kql"  # the tag of a text that is a KQL literal
_NULLS = ("", "~", "null")
_WORDS = {"true": True, "false": False, **dict.fromkeys(_NULLS)}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_MOST_DIGITS = 400


@dataclass(frozen=True)
class Entry:
    """A node of a YAML text; `above`: how many lines of the file stand above that text."""

    node: Any
    file: str
    above: int = 0

    @property
    def line(self) -> int:
        """The line of the file, from 1."""
        return int(self.node.start_mark.line) + self.above + 1

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return str(self.node.id) == "sequence"

    @property
    def is_mapping(self) -> bool:
        """Whether it has keys."""
        return str(self.node.id) == "mapping"

    @property
    def is_null(self) -> bool:
        """Whether nothing stands there, or `null`."""
        return self.node.id == "scalar" and self.node.style is None and self.node.value in _NULLS

    def wrong(self, said: str) -> QueryError:
        """The error for this node."""
        return wrong(self.file, self.line, said)

    def items(self, *known: str, what: str = "") -> dict[str, Entry]:
        """What stands under each key; where keys are named, there is no other. Raises QueryError for a key that stands twice."""
        if self.is_null:
            return {}
        if not self.is_mapping:
            raise self.wrong(f"{what or 'this'} wants lines of the form `key: value`")
        found: dict[str, Entry] = {}
        for key_node, node in self.node.value:
            key = Entry(key_node, self.file, self.above)
            name = key.text()
            if name in found:
                raise key.wrong(f"the key {name!r} stands twice")
            if known and name not in known:
                raise key.wrong(f"there is no key {name!r}; there is {', '.join(known)}")
            found[name] = Entry(node, self.file, self.above)
        return found

    def listed(self) -> list[Entry]:
        """The items of a list; of anything else, it alone; of nothing, none."""
        if self.is_null:
            return []
        nodes = self.node.value if self.is_list else [self.node]
        return [Entry(node, self.file, self.above) for node in nodes]

    def text(self) -> str:
        """The text, as it is written."""
        if self.node.id != "scalar":
            raise self.wrong("a text is wanted here, and no list and no keys")
        return "" if self.is_null else str(self.node.value)

    def texts(self) -> tuple[str, ...]:
        """A list of texts, or one text alone."""
        return tuple(item.text() for item in self.listed())

    def flag(self) -> bool:
        """True or false."""
        text = self.text()
        if text not in ("true", "false"):
            raise self.wrong(f"true or false is wanted here, and no {text!r}")
        return text == "true"

    def value(self, kind: str) -> Value:
        """The value in a KQL type; a null string is "". Raises QueryError when the type has no such value."""
        try:
            return self._value(kind)
        except NotLiteral as error:
            raise self.wrong(f"{str(self.node.value)[:80]!r} is no {kind}") from error
        except RecursionError as error:
            raise self.wrong("it is nested too deeply") from error

    def _value(self, kind: str) -> Value:
        if self.node.tag == LITERAL:
            value = literal_value(self.text())
            if value.type != kind:
                raise self.wrong(f"that is a {value.type}, and a {kind} is wanted")
            return value
        if kind == "dynamic":
            return Value(kind, self._plain())
        text = self.text()
        if kind == "string":
            return Value(kind, text)
        return Value(kind, None) if self.is_null else value_inside(kind, text)

    def _plain(self) -> Any:
        """A dynamic value: what JSON would tell, and a KQL literal where it stands under its tag."""
        if self.is_mapping:
            return {key: entry._plain() for key, entry in self.items().items()}  # noqa: SLF001 - one of its own
        if self.is_list:
            return [entry._plain() for entry in self.listed()]  # noqa: SLF001 - one of its own
        text = str(self.node.value)
        if self.node.tag == LITERAL:
            return literal_value(text)
        if self.node.style is not None:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if len(text) > _MOST_DIGITS or not _NUMBER.fullmatch(text):
            return text
        return int(text) if _INTEGER.fullmatch(text) else float(text)


def read_yaml(text: str, file: str, above: int = 0) -> Entry | None:
    """The root of a YAML text, None when it is empty.

    Raises
    ------
    QueryError
        For text that is no YAML or several documents, and for an alias (`*name`); names the file and the line.
    """
    import yaml

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + above + 1
        raise wrong(file, line, f"this is no YAML: {error.problem or error.context}") from error
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + above + 1
        raise wrong(
            file, line, f"YAML has no character U+{error.character:04X}; write it as an escape"
        ) from error
    except RecursionError as error:
        raise wrong(file, None, "it is nested too deeply") from error
    if node is None:
        return None
    _refuse_aliases(Entry(node, file, above), set())
    return Entry(node, file, above)


def _refuse_aliases(entry: Entry, seen: set[int]) -> None:
    """An alias gives one node two places, and a few of them a file that never ends."""
    if id(entry.node) in seen:
        raise entry.wrong("what stands here is used again by an alias (*name), which is not read")
    seen.add(id(entry.node))
    if entry.node.id == "scalar":
        return
    for item in entry.node.value:
        for node in item if entry.is_mapping else [item]:
            _refuse_aliases(Entry(node, entry.file, entry.above), seen)
