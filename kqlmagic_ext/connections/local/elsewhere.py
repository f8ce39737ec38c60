"""Names of other places in a query: `workspace("…").Table` of this very workspace is the table; all else is refused by name."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from kqlmagic_ext.connections.local.diagnosis import Source
from kqlmagic_ext.errors import UnsupportedError
from kqlmagic_ext.kql.tokens import Token, code

if TYPE_CHECKING:
    from collections.abc import Collection

_DEFENDER = "a function of Microsoft Defender, whose data is not on this machine"
_AS_INPUT = "ask there, and give the answer by -i"
_AS_FUNCTION = "remove it, or define a function of that name of your own by %%kql_function"
_ELSEWHERE = {
    "FileProfile": (_DEFENDER, _AS_FUNCTION),
    "DeviceFromIP": (_DEFENDER, _AS_FUNCTION),
    "arg": ("Azure Resource Graph, which is not on this machine", _AS_INPUT),
    "adx": ("a cluster of Azure Data Explorer, which is not on this machine", _AS_INPUT),
    "cluster": ("a cluster of Azure Data Explorer, which is not on this machine", _AS_INPUT),
    "app": ("a resource of Application Insights, which is not on this machine", _AS_INPUT),
    "resource": ("a resource of Azure, which is not on this machine", _AS_INPUT),
}
_EDGE = Token("mark", "", 0)


def at_home(source: Source, name: str, own: Collection[str]) -> Source:
    """The text with `workspace("name").` blanked; `own`: functions of the analyst's own, which are none of another place.

    Raises UnsupportedError for another workspace, and for what only Azure or Defender has.
    """
    text = source.text
    words = [_EDGE, *code(text), *[_EDGE] * 4]
    lets = {behind.text for word, behind in pairwise(words) if word.text == "let"}
    for at, word in enumerate(words[:-4]):
        is_call = word.kind == "name" and words[at + 1].text == "(" and words[at - 1].text not in (".", "let")
        if not is_call or word.text in lets or word.text in own:
            continue
        if word.text in _ELSEWHERE:
            what, hint = _ELSEWHERE[word.text]
            said = f"{word.text}() is {what}"
            raise UnsupportedError(said, construct=f"{word.text}()", hint=hint, **source.place(word.start))
        if word.text == "workspace":
            end = _end_of_home(words[at + 2 : at + 5], name, source, word)
            text = f"{text[: word.start]}{' ' * (end - word.start)}{text[end:]}"
    return Source(text, source.shown)


def _end_of_home(words: list[Token], name: str, source: Source, call: Token) -> int:
    """Where `workspace("name").` ends; UnsupportedError when it names another one."""
    alias, closing, dot = words
    given = alias.text.strip("@'\"")
    if (
        alias.kind == "string"
        and (closing.text, dot.text) == (")", ".")
        and given.casefold() == name.casefold()
    ):
        return dot.end
    told = f"workspace({alias.text})" if alias.kind == "string" else "workspace()"
    said = f"{told} is another workspace, and a query here reads one alone, which is {name}"
    hint = f'name the table alone, or write workspace("{name}"); or ask there, and give the answer by -i'
    raise UnsupportedError(said, construct="workspace()", hint=hint, **source.place(call.start))
