"""What duckdb-kql's grammar rejects, written as what it reads; the text keeps its width and its lines.

Every token stays where it was, so that the place of an error needs no correction.
"""

from __future__ import annotations

from kqlmagic_ext.kql.tokens import Token, code

# A bare `serialize` changes nothing; `as` with a name that nothing else uses does neither, and is as long.
NO_NAME = "_order"
OF_TYPE = "of "  # the type of what extract() gives, in the place of typeof()
# `table(x)` with a name: what the grammar reads as a function that is called.
TABLE = "tablE"
_END = Token("mark", ";", -1)
_CLOSING = ("|", ")", "}", ";")


def right_operators(text: str) -> str:
    """The statement with what the grammar rejects rewritten."""
    words = [*code(text), _END, _END, _END, _END]
    counts = {name.text: number.text for _, name, number in _counts(words)}
    for at, word in enumerate(words[:-4]):
        behind = words[at + 1]
        if word.text == "|" and behind.text == "serialize" and words[at + 2].text in _CLOSING:
            text = _replaced(text, behind.start, behind.end, f"as {NO_NAME}")
        elif word.text == "." and word.kind == "mark" and behind.text == "[":
            text = _replaced(text, word.start, word.end, "")
        elif [word.text, behind.text, words[at + 2].text, words[at + 3].text] == [":", "(", "*", ","]:
            # `evaluate bag_unpack(d) : (*, a:string)`: the star is told by the plugin's last letter.
            plugin = [other for other in words[:at] if other.text == "bag_unpack"][-1:]
            for name in plugin:
                text = _replaced(text, words[at + 2].start, words[at + 3].end, "")
                text = _replaced(text, name.start, name.end, "bag_unpacK")
        elif [word.text, behind.text, words[at + 2].text] == ["parse", "-", "kv"]:
            text = _parse_kv(text, words[at + 3 :])
        elif word.text == "notcontains":
            text = _replaced(text, word.start, word.end, "!contains")
        elif word.text == "table" and behind.text == "(" and words[at + 3].text == ")":
            text = _table(text, words[at : at + 4])
        elif word.text in ("top", "take", "limit") and len(counts.get(behind.text, behind.text + "0")) <= len(
            behind.text
        ):
            text = _replaced(text, behind.start, behind.end, counts[behind.text])
    return _with_types_as_texts(text, words)


def _table(text: str, words: list[Token]) -> str:
    """`table("T")` as the name of the table, `table(x)` as the call of a function."""
    table, _, name, end = words
    if name.kind != "string":
        return _replaced(text, table.start, table.end, TABLE)
    named = f"[{text[name.start : name.end]}]"
    return _replaced(text, table.start, end.end, named.rjust(end.end - table.start))


def _parse_kv(text: str, words: list[Token]) -> str:
    """`parse-kv e as (k: string) with (regex=…)`: the grammar knows no `as` there, and takes `regex` for a keyword."""
    depth, names = 0, {"as": "", "regex": "regeX"}
    for word in words:
        depth += {"(": 1, ")": -1}.get(word.text, 0)
        if depth < 0 or (depth == 0 and word.text in ("|", ";")):
            break
        if word.text in names and (depth == 0) == (word.text == "as"):
            text = _replaced(text, word.start, word.end, names[word.text])
    return text


def _replaced(text: str, start: int, end: int, new: str) -> str:
    """The text with a span of it replaced, in the same width."""
    return text[:start] + new.ljust(end - start) + text[end:]


def _texts(words: list[Token], kind: str) -> list[str]:
    """The words, with `kind` in the place of each of that kind."""
    return [kind if word.kind == kind else word.text for word in words]


def _counts(words: list[Token]) -> list[list[Token]]:
    """`let n = 5;` where an operator wants a number that is written out: `top n by …`."""
    shape = ["let", "", "=", "number", ";"]
    spans = [words[at : at + 5] for at, word in enumerate(words) if word.text == "let"]
    return [
        [span[0], span[1], span[3]]
        for span in spans
        if len(span) == len(shape)
        and [*_texts(span, "number")[:1], "", *_texts(span, "number")[2:]] == shape
        and span[3].text.isdigit()
    ]


def _with_types_as_texts(text: str, words: list[Token]) -> str:
    """`extract(…, typeof(long))` with its type as a text, which `typed.py` reads; a string is what it gives anyway."""
    functions: list[str] = []
    for at, word in enumerate(words):
        if word.text == "(":
            functions.append(words[at - 1].text if at else "")
        elif word.text == ")" and functions:
            functions.pop()
        shape = [other.text for other in words[at : at + 5]]
        is_type = len(shape) == 5 and [*shape[:3], shape[4]] == [",", "typeof", "(", ")"]  # noqa: PLR2004 - the words of it
        if is_type and functions[-1:] in (["extractjson"], ["extract_json"], ["extract"]):
            written = "" if shape[3] == "string" else f",'{OF_TYPE}{shape[3]}'"
            text = _replaced(text, word.start, words[at + 4].end, written)
    return text
