"""The expression that a cell's JavaScript ends with: a chart alone on the last line is to be drawn."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from kqlmagic_ext.display.browser.tokens import tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kqlmagic_ext.display.browser.tokens import Token

_DECLARES = frozenset({"let", "const", "var", "throw", "break", "continue", "debugger", "return", "using"})
_CONTINUES = frozenset({"instanceof", "in"})
_STARTS = frozenset({"{", "!", "~", "++", "--", "@"})  # none goes on with the line above


def around_last_expression(code: str) -> tuple[str, str, str]:
    """The code in three: before its last statement's expression, that expression, and behind it.

    The expression is empty when the last statement is none, or when that cannot be told for sure.
    """
    found = tokens(code)
    try:
        place = _last_expression(found or [])
    except _UnknownError:
        place = None
    if place is None:
        return code, "", ""
    start, end = place
    return code[:start], code[start:end], code[end:]


class _UnknownError(Exception):
    """The tokens are none that these rules know."""


def _last_expression(found: Sequence[Token]) -> tuple[int, int] | None:
    """Where the last statement stands in the code, if it is an expression."""
    walk = _Walk(found)
    at, last = 0, None
    while at < len(found):
        if found[at].text == ";":
            at += 1
            continue
        start = at
        at, is_expression = walk.statement(at)
        last = (start, walk.expression_end) if is_expression else None
    return None if last is None else (found[last[0]].start, found[last[1] - 1].end)


class _Walk:
    """Goes from statement to statement, over brackets as wholes."""

    def __init__(self, found: Sequence[Token]) -> None:
        self._found = found
        self.expression_end = 0

    def statement(self, at: int) -> tuple[int, bool]:
        """The position behind the statement that begins here, and whether it is an expression."""
        token = self._found[at]
        if token.text == "{":
            return self._over(at, "{"), False
        if token.text == "@":
            raise _UnknownError
        if token.kind != "name":
            return self._expression(at), True
        if token.text in _RULES:
            return _RULES[token.text](self, at), False
        if self._text(at + 1) == ":":
            return self.statement(at + 2)[0], False
        following = self._text(at + 1)
        if token.text in ("import", "export"):
            is_call = token.text == "import" and following in ("(", ".")
            return self._expression(at), is_call
        if token.text == "async" and following == "function":
            return self.function(at + 1), False
        declares = token.text in _DECLARES and (token.text != "using" or self._kind(at + 1) == "name")
        return self._expression(at), not declares and not (token.text == "await" and following == "using")

    # ------------------------------------------------------------ statements with a shape of their own

    def if_(self, at: int) -> int:
        """`if`, with its `else`."""
        at, _ = self.statement(self._over(at + 1, "("))
        return self.statement(at + 1)[0] if self._text(at) == "else" else at

    def while_(self, at: int) -> int:
        """`while`."""
        return self.statement(self._over(at + 1, "("))[0]

    def for_(self, at: int) -> int:
        """`for` and `for await`."""
        return self.while_(at + (self._text(at + 1) == "await"))

    def do(self, at: int) -> int:
        """`do … while`."""
        at, _ = self.statement(at + 1)
        if self._text(at) != "while":
            raise _UnknownError
        at = self._over(at + 1, "(")
        return at + (self._text(at) == ";")

    def switch(self, at: int) -> int:
        """`switch`."""
        return self._over(self._over(at + 1, "("), "{")

    def try_(self, at: int) -> int:
        """`try`, with its `catch` and `finally`."""
        at = self._over(at + 1, "{")
        if self._text(at) == "catch":
            at += 1
            at = self._over(self._over(at, "(") if self._text(at) == "(" else at, "{")
        return self._over(at + 1, "{") if self._text(at) == "finally" else at

    def function(self, at: int) -> int:
        """A declared function."""
        at += 1
        while self._text(at) == "*" or self._kind(at) == "name":
            at += 1
        return self._over(self._over(at, "("), "{")

    def class_(self, at: int) -> int:
        """A declared class."""
        while at < len(self._found) and self._found[at].text != "{":
            partner = self._found[at].partner
            at = at + 1 if partner is None else partner + 1
        return self._over(at, "{")

    # ------------------------------------------------------------ expressions

    def _expression(self, at: int) -> int:
        """The position behind an expression and its semicolon, by the rules that end a line without one."""
        start = at
        arrow = False  # the body of an arrow function ended just now: no operator may follow it
        while at < len(self._found):
            token = self._found[at]
            ended = at > start and self._ends(at - 1)
            if token.text == ";" and token.kind == "mark":
                break
            if token.new_line and ended and self._starts(token, arrow):
                self.expression_end = at
                return at
            if token.text in (")", "]", "}") and token.kind == "mark":
                raise _UnknownError
            arrow = token.text == "{" and self._text(at - 1) == "=>" and at > start
            at = at + 1 if token.partner is None else token.partner + 1
        self.expression_end = at
        return min(at + 1, len(self._found))

    def _ends(self, at: int) -> bool:
        """Whether an operand ends here; what closes a bracket ends one, also the body of a function."""
        token = self._found[at]
        return token.ends or (token.kind == "mark" and token.text in (")", "]", "}"))

    @staticmethod
    def _starts(token: Token, arrow: bool) -> bool:  # noqa: FBT001 - a fact about the token before it
        if token.kind == "template":
            return arrow
        if token.kind == "mark":
            return token.text in _STARTS or (arrow and token.text != ",")
        return token.text not in _CONTINUES

    # ------------------------------------------------------------ tokens

    def _text(self, at: int) -> str:
        return self._found[at].text if 0 <= at < len(self._found) else ""

    def _kind(self, at: int) -> str:
        return self._found[at].kind if at < len(self._found) else ""

    def _over(self, at: int, bracket: str) -> int:
        """The position behind the bracket that opens here."""
        if at >= len(self._found):
            raise _UnknownError
        token = self._found[at]
        if token.text != bracket or token.kind != "mark" or token.partner is None:
            raise _UnknownError
        return token.partner + 1


_RULES: Mapping[str, Callable[[_Walk, int], int]] = MappingProxyType(
    {
        "if": _Walk.if_,
        "while": _Walk.while_,
        "for": _Walk.for_,
        "do": _Walk.do,
        "switch": _Walk.switch,
        "try": _Walk.try_,
        "function": _Walk.function,
        "class": _Walk.class_,
    }
)
