"""A scalar function of KQL as SQL: one template for each number of arguments."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.private_copy import functions, translate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


_ARGS = "_kql_args"
_PLAIN = re.compile(r"""("[^"]*"|'[^']*')""")
_PARAMETERS = re.compile(r"\blambda (\w+)(?:, (\w+))?:")
_QUOTED = re.compile(r"""('[^']*'|"[^"]*")""")


@dataclass(frozen=True)
class Forms(functions.FunctionSpec):  # type: ignore[misc]  # duckdb-kql's classes are untyped
    """`forms`: the number of arguments → the SQL, in which `{0}` is the first; `any_number`: the SQL of any list of them."""

    forms: Mapping[int, str] = field(default_factory=dict)
    any_number: Callable[[list[str]], str] | None = None

    def render(self, args: list[str]) -> str:
        """The SQL; ValueError for a wrong number of arguments."""
        if self.any_number is None and len(args) not in self.forms:
            raise ValueError(f"{self.name}() takes {' or '.join(map(str, self.forms))} arguments")
        if self.any_number is not None and not args:
            raise ValueError(f"{self.name}() takes an argument")
        body = apart(self._body([f"{_ARGS}.a{number}" for number in range(len(args))]))
        if all(map(_PLAIN.fullmatch, args)) or not ("lambda " in body or "TRY(" in body):
            return apart(self._body(args))
        # Each once, and outside of TRY, which takes no query inside it.
        given = ", ".join(f"a{number} := {arg}" for number, arg in enumerate(args))
        return once(f"struct_pack({given})", _ARGS, body)

    def _body(self, args: list[str]) -> str:
        return self.forms[len(args)].format(*args) if self.any_number is None else self.any_number(args)


def add(
    name: str, forms: Mapping[int, str], *, texts: tuple[int, ...] = (), gives_text: bool = False
) -> None:
    """Put a function among duckdb-kql's; `texts`: the arguments that are strings, so that a dynamic one is unwrapped."""
    functions.SCALAR_FUNCTIONS[name] = Forms(name, "template", "", forms=forms)
    translate._SPECIAL_FORMS.pop(name, None)
    if texts:
        translate._STRING_ARG_POSITIONS[name] = texts
    if gives_text:
        translate._STRING_RETURNING |= {name}


def add_of_any_number(name: str, sql: Callable[[list[str]], str]) -> None:
    """Put a function of any number of arguments among duckdb-kql's."""
    functions.SCALAR_FUNCTIONS[name] = Forms(name, "template", "", any_number=sql)


def add_special(name: str, render: Callable[[Any], str]) -> None:
    """Put a function that reads its arguments' nodes among duckdb-kql's."""
    functions.SCALAR_FUNCTIONS[name] = Forms(name, "template", "")
    translate._SPECIAL_FORMS[name] = render


def once(value: str, name: str, body: str) -> str:
    """SQL that computes a value once and reads it in `body` by a name."""
    return f"(list_transform([{value}], lambda {name}: {body}))[1]"


def apart(sql: str) -> str:
    """The SQL with its lambdas' parameters under names that no column has: DuckDB takes one for the other.

    duckdb-kql's own are called `t`, `k`, `i` and so on, and hid the columns of such names without a word.
    """
    names = {
        name for found in _PARAMETERS.findall(sql) for name in found if name and not name.startswith("_kql")
    }
    if not names:
        return sql
    parameter = re.compile(rf"(?<![\w.])({'|'.join(sorted(names))})(?!\w| :=)")
    pieces = _QUOTED.split(sql)
    return "".join(
        piece if piece.startswith(("'", '"')) else parameter.sub(r"_kql_\1", piece) for piece in pieces
    )
