"""The tokens of JavaScript: enough to tell its code from strings, templates, regular expressions and comments."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_LINE_END = "\n\r\u2028\u2029"
_SKIPPED = re.compile(rf"(?:[\s\ufeff]|//[^{_LINE_END}]*|/\*[\s\S]*?\*/)*")
_TOKEN = re.compile(
    r"""
    (?P<name>\#?(?:[^\W\d]|[$]|[^\x00-\x7f\s\ufeff]|\\u(?:[0-9A-Fa-f]{4}|\{[0-9A-Fa-f]+\}))
        (?:[\w$]|[^\x00-\x7f\s\ufeff]|\\u(?:[0-9A-Fa-f]{4}|\{[0-9A-Fa-f]+\}))*)
  | (?P<number>0[xXbBoO]\w+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?n?)
  | (?P<string>"(?:[^"\\\n\r]|\\(?:\r\n|[\s\S]))*"|'(?:[^'\\\n\r]|\\(?:\r\n|[\s\S]))*')
  | (?P<mark>>>>=|\.\.\.|===|!==|\*\*=|<<=|>>=|>>>|&&=|\|\|=|\?\?=|=>|==|!=|<=|>=|&&|\|\||\?\?|\?\.(?!\d)|\+\+|--
      |[-+*/%&|^]=|\*\*|<<|>>|[-{}()\[\];,<>+*/%&|^!~?:=.@])
    """,
    re.VERBOSE,
)
_REGEX = re.compile(
    rf"/(?!\*)(?:[^/\\\[{_LINE_END}]|\\[^{_LINE_END}]|\[(?:[^\]\\{_LINE_END}]|\\[^{_LINE_END}])*\])+/[\w$]*"
)
_TEMPLATE = re.compile(r"(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(`|\$\{)")
_CLOSES = {")": "(", "]": "[", "}": "{"}
_BEFORE_OPERAND = frozenset(
    {"return", "typeof", "instanceof", "in", "new", "delete", "void", "throw", "case", "do", "else", "await"}
    | {"yield", "extends", "let", "const", "var", "import", "export", "default"}
)
_BEFORE_PARENTHESIS = frozenset({"if", "while", "for", "with"})
_BEFORE_BLOCK = frozenset({";", ")", "}", "=>", "else", "do", "try", "finally", ""})


@dataclass(frozen=True, slots=True)
class Token:
    """A token: its kind (name, number, string, regex, template, mark), where it stands, and what surrounds it.

    A template with `${` is one token before, between and behind what it encloses. `new_line`: a line ends before it.
    `ends`: whether an operand may end with it, so that an operator may follow. `partner`: of what opens a bracket, the
    position of what closes it, in the list of tokens.
    """

    kind: str
    text: str
    start: int
    end: int
    new_line: bool
    ends: bool
    partner: int | None = None


def tokens(code: str) -> list[Token] | None:
    """The tokens of a script; None when a string, a comment or a bracket does not end: it is no JavaScript."""
    reader = _Reader(code)
    while reader.read():
        pass
    return reader.found if reader.whole else None


class _Reader:
    """Reads token by token; knows which brackets are open, since only they tell a division from a regular expression."""

    def __init__(self, code: str) -> None:
        self._code = code
        self._start = self._end = 0  # of the token that is read
        self._new_line = False
        self._open: list[tuple[int, bool]] = []  # where it opened, and whether an operand ends when it closes
        self.found: list[Token] = []
        self.whole = False

    def read(self) -> bool:
        """Read one token; False at the end, and at what cannot be read."""
        skipped = _SKIPPED.match(self._code, self._end)
        self._start = skipped.end() if skipped else self._end
        self._new_line = any(char in _LINE_END for char in self._code[self._end : self._start])
        if self._start == len(self._code):
            self.whole = not self._open
            return False
        first = self._code[self._start]
        if first == "`" or (first == "}" and self._in_template()):
            return self._read_template(first)
        if first == "/" and not self._ended():
            match = _REGEX.match(self._code, self._start)
            return match is not None and self._add("regex", match.end(), ends=True)
        match = _TOKEN.match(self._code, self._start)
        if match is None or match.lastgroup is None:
            return False
        if match.lastgroup == "mark":
            return self._read_mark(match[0], match.end())
        ends = match.lastgroup != "name" or match[0] not in _BEFORE_OPERAND or self._last() in (".", "?.")
        return self._add(match.lastgroup, match.end(), ends=ends)

    def _read_mark(self, text: str, end: int) -> bool:
        if text in ("(", "[", "{"):
            self._open.append((len(self.found), self._opens_value(text)))
            return self._add("mark", end, ends=False)
        if text in _CLOSES:
            if not self._open or self.found[self._open[-1][0]].text != _CLOSES[text]:
                return False
            return self._close("mark", end, ends=self._open[-1][1])
        is_postfix = text in ("++", "--") and self._ended() and not self._new_line
        return self._add("mark", end, ends=is_postfix)

    def _opens_value(self, text: str) -> bool:
        """Whether the bracket that opens here makes an operand: no condition of an `if`, and no block."""
        before = self._last()
        if text == "(":
            return not (before in _BEFORE_PARENTHESIS and self.found[-1].kind == "name")
        if text == "[":
            return True
        is_first_in_block = before == "{" and not self._open[-1][1]
        return not (self._ended() or before in _BEFORE_BLOCK or is_first_in_block)

    def _read_template(self, first: str) -> bool:
        match = _TEMPLATE.match(self._code, self._start + 1)
        if match is None:
            return False
        is_last = match[1] == "`"
        if first == "}" and is_last:
            return self._close("template", match.end(), ends=True)
        if first == "`" and not is_last:
            self._open.append((len(self.found), True))
        return self._add("template", match.end(), ends=is_last)

    def _in_template(self) -> bool:
        return bool(self._open) and self.found[self._open[-1][0]].kind == "template"

    def _close(self, kind: str, end: int, *, ends: bool) -> bool:
        opened, _ = self._open.pop()
        self.found[opened] = replace(self.found[opened], partner=len(self.found))
        return self._add(kind, end, ends=ends)

    def _add(self, kind: str, end: int, *, ends: bool) -> bool:
        text = self._code[self._start : end]
        self.found.append(Token(kind, text, self._start, end, self._new_line, ends))
        self._end = end
        return True

    def _ended(self) -> bool:
        return bool(self.found) and self.found[-1].ends

    def _last(self) -> str:
        return self.found[-1].text if self.found else ""
