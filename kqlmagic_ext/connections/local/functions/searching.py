"""Finding and replacing in texts: positions, several words at once, letter by letter."""

from __future__ import annotations

import json

from kqlmagic_ext.connections.local.functions.in_python import add_in_python
from kqlmagic_ext.connections.local.private_copy import functions, translate


def _indexof(
    text: str | None,
    word: str | None,
    start: int | None = 0,
    length: int | None = -1,
    occurrence: int | None = 1,
) -> int | None:
    """The position of an occurrence that lies in `length` letters from the start, or from the one before; -1 for none.

    A negative start counts from the end.
    """
    if text is None or word is None or start is None or length is None or occurrence is None:
        return None
    if length < -1 or occurrence < 1:
        return None
    at = max(0, len(text) + start) if start < 0 else start
    found = -1
    for _ in range(occurrence):
        end = len(text) if length < 0 else at + length
        found = text.find(word, at, end) if at <= len(text) else -1
        if found < 0:
            return -1
        at = found + max(1, len(word))
    return found


def _replace_strings(text: str | None, words: str | None, replacements: str | None) -> str | None:
    """The text with each word replaced; what an earlier word has replaced, a later one does not touch."""
    old, new = json.loads(words or "null"), json.loads(replacements or "null")
    if text is None or not isinstance(old, list) or not isinstance(new, list):
        return text
    pieces: list[tuple[str, bool]] = [(text, False)]
    for word, replacement in zip(old, new, strict=False):
        if isinstance(word, str) and word:
            stays = replacement if isinstance(replacement, str) else word
            pieces = [each for piece in pieces for each in _replaced(piece, word, stays)]
    return "".join(piece for piece, _ in pieces)


def _replaced(piece: tuple[str, bool], word: str, replacement: str) -> list[tuple[str, bool]]:
    """A piece that is not yet replaced, as the pieces around the word and those in its place."""
    text, done = piece
    if done:
        return [piece]
    parts = [(part, False) for part in text.split(word)]
    return [parts[0], *(each for part in parts[1:] for each in ((replacement, True), part))]


def _translate(search: str | None, replacement: str | None, text: str | None) -> str | None:
    """Each letter of the search list as the one of the same place; the last one stands for those that are missing."""
    if search is None or replacement is None or text is None:
        return None
    if not replacement:
        return text.translate(dict.fromkeys(map(ord, search)))
    padded = replacement.ljust(len(search), replacement[-1])
    return text.translate({ord(a): b for a, b in reversed(list(zip(search, padded, strict=False)))})


def install() -> None:
    """Put them among duckdb-kql's."""
    add_in_python(
        "indexof",
        dict.fromkeys((2, 3, 4, 5), _indexof),
        takes=("VARCHAR", "VARCHAR", "BIGINT", "BIGINT", "BIGINT"),
        gives="BIGINT",
        texts=(0, 1),
    )
    add_in_python("translate", {3: _translate}, takes=("VARCHAR",) * 3, gives="VARCHAR", texts=(0, 1, 2))
    add_in_python(
        "replace_strings", {3: _replace_strings}, takes=("VARCHAR",) * 3, gives="VARCHAR", texts=(0,)
    )
    functions.SCALAR_FUNCTIONS["extractall"] = functions.SCALAR_FUNCTIONS["extract_all"]
    translate._SPECIAL_FORMS["extractall"] = translate._SPECIAL_FORMS["extract_all"]
