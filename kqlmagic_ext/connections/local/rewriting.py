"""Operators that duckdb-kql's grammar rejects, written as ones that it reads; the text keeps its width and its lines.

Every token stays where it was, so that the place of an error needs no correction.
"""

from __future__ import annotations

from kqlmagic_ext.kql.tokens import Token, code

# A bare `serialize` changes nothing; `as` with a name that nothing else uses does neither, and is as long.
NO_NAME = "_order"
_END = Token("mark", ";", -1)
_CLOSING = ("|", ")", "}", ";")


def right_operators(text: str) -> str:
    """The statement with what the grammar rejects rewritten."""
    words = code(text)
    for before, word, behind in zip(words, words[1:], [*words[2:], _END], strict=False):
        if before.text == "|" and word.text == "serialize" and behind.text in _CLOSING:
            text = f"{text[: word.start]}as {NO_NAME}{text[word.end :]}"
    return text
