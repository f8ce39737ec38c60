"""What a cell's JavaScript names, and which names it may be given."""

from __future__ import annotations

import re

from kqlmagic_ext.display.browser.tokens import tokens

_LIBRARIES = {"d3": {"d3"}, "plot": {"Plot"}, "arrow": {"Arrow", "arrow"}}  # `frame.arrow` needs it, too
_OWN = frozenset({"element", "output", "kqlmagic", "d3", "Plot", "Arrow"})
_BROWSER = frozenset({"window", "document", "location", "top", "Infinity", "NaN", "undefined"})
_WORDS = """
arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for
function if implements import in instanceof interface let new null package private protected public return static super switch
this throw true try typeof var void while with yield
"""
_RESERVED = frozenset(_WORDS.split())
_NAME = re.compile(r"[^\W\d][\w$]*")


def names_in(code: str) -> frozenset[str]:
    """The names outside strings and comments; every word of a text that is no JavaScript."""
    found = tokens(code)
    if found is None:
        return frozenset(_NAME.findall(code))
    return frozenset(token.text for token in found if token.kind == "name")


def libraries_in(code: str) -> tuple[str, ...]:
    """The libraries that the code names, in the order in which they must be loaded."""
    names = names_in(code)
    wanted = {library for library, words in _LIBRARIES.items() if words & names}
    return tuple(
        library for library in _LIBRARIES if library in wanted or (library == "d3" and "plot" in wanted)
    )


def refuse_name(name: str) -> str | None:
    """Why an input cannot have that name in the browser; None when it can."""
    if name in _OWN:
        return f"{name} is what the cell itself is given"
    if name in _RESERVED or name == "__proto__":
        return f"{name} is JavaScript's own word"
    return f"{name} is the browser's own" if name in _BROWSER else None
