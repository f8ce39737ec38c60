"""The text of a function of the analyst's own: what it uses, whether it can be a let, and how it is written as one."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from kqlmagic_ext.kql.tokens import Token, code, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

_EDGE = Token("mark", "", 0)
_BEFORE_A_TABLE = ("", ";", "{", "union", "join", "lookup")
_TAKING_TABLES = ("union", "join", "lookup", "in", "toscalar", "materialize", "view")
_SETTINGS = ("kind", "isfuzzy", "withsource", "strategy", "remote", "shufflekey")
_OPENING, _CLOSING = "([{", ")]}"


def used_names(text: str, names: set[str]) -> Iterator[str]:
    """Those of the names that a text calls, or that stand where a table does."""
    words = [_EDGE, _EDGE, _EDGE, *code(text), _EDGE]
    seen: set[str] = set()
    for at, word in enumerate(words):
        if word.kind != "name" or word.text not in names or word.text in seen:
            continue
        before, after = words[at - 1].text, words[at + 1].text
        is_called = after == "(" and before != "."
        if is_called or (after not in ("=", ":", ".", "(") and _is_table(words, at)):
            seen.add(word.text)
            yield word.text


def _is_table(words: list[Token], at: int) -> bool:
    """Whether a table may stand at a word, by what is before it; a column may not."""
    third, second, before = words[at - 3 : at]
    if before.text in ("=", "(", ","):
        is_bound = before.text == "=" and third.text == "let"
        is_opened = before.text == "(" and (second.kind != "name" or second.text in _TAKING_TABLES)
        return is_bound or is_opened or (before.text == "," and _in_union(words[:at]))
    return before.text in _BEFORE_A_TABLE or (second.text == "=" and third.text in _SETTINGS)


def _in_union(words: list[Token]) -> bool:
    """Whether the words end inside a list of a union's tables."""
    depth = 0
    for word in reversed(words):
        depth += (word.text == ")") - (word.text == "(")
        if depth < 0 or (depth == 0 and word.text in ("|", ";", "{")):
            return False
        if depth == 0 and word.text == "union":
            return True
    return False


def own_names(text: str) -> set[str]:
    """The names of a text's lets and of its parameters."""
    words = [*code(text), _EDGE]
    lets = {name.text for word, name in pairwise(words) if word.text == "let"}
    return lets | {name.text for name, mark in pairwise(words) if name.kind == "name" and mark.text == ":"}


def has_parameters(words: list[Token]) -> bool:
    """Whether the text begins with `(…) {`."""
    depth = 0
    for word, behind in zip(words, [*words[1:], Token("mark", "", 0)], strict=True):
        if word.kind == "mark":
            depth += (word.text in _OPENING) - (word.text in _CLOSING)
        if depth == 0:
            return word.text == ")" and behind.text == "{"
    return False


def unbalanced(text: str) -> int | None:
    """Where the text has a closing bracket too many, or its last token when one is missing; None when all is well."""
    opened: list[str] = []
    words = code(text)
    for word in words:
        if word.kind != "mark":
            continue
        if word.text in _OPENING:
            opened.append(_CLOSING[_OPENING.index(word.text)])
        elif word.text in _CLOSING and (not opened or opened.pop() != word.text):
            return word.start
    return words[-1].start if opened else None


def without_last_semicolon(text: str) -> str:
    """The text with the semicolon at its end blanked."""
    last = code(text)[-1]
    return f"{text[: last.start]} {text[last.end :]}" if last.text == ";" else text


def on_one_line(text: str) -> str:
    r"""The text without comments and line breaks; a string of several lines is written with `\n`."""
    parts = []
    for token in tokens(text.replace("\r\n", "\n")):
        if token.kind in ("comment", "space"):
            parts.append(" ")
        elif token.kind == "string" and "\n" in token.text:
            parts.append(_escaped(token.text.lstrip("hH")))
        else:
            parts.append(token.text)
    return "".join(parts).strip()


def _escaped(written: str) -> str:
    """A string of several lines, written in backticks, tildes or with @, as one in quotes."""
    if written.startswith("@"):
        quote = written[1]
        inner = written[2:-1].replace(quote * 2, quote)
    else:
        inner = written[3:-3]
    inner = inner.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{inner}"'
