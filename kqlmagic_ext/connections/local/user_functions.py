"""Functions of the analyst's own: `functions/NAME.kql` of the opened folder, or defined for a connection by a cell.

A text is `(a: string, n: long = 5) { … }`, or plain KQL: a function without parameters. Those that a query uses, and those
that they use, are written before it as its first lets, on one line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.diagnosis import Source, translation_error
from kqlmagic_ext.connections.local.dialect import AGGREGATE_FUNCTIONS, SCALAR_FUNCTIONS
from kqlmagic_ext.connections.local.elsewhere import at_home
from kqlmagic_ext.connections.local.function_texts import (
    has_parameters,
    on_one_line,
    own_names,
    unbalanced,
    used_names,
    without_last_semicolon,
)
from kqlmagic_ext.connections.local.private_copy import errors, part
from kqlmagic_ext.errors import QueryError, UnsupportedError
from kqlmagic_ext.kql.tokens import code, find_name, names_in, position

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

FOLDER = "functions"
_BY_CELL = "defined by a cell"
_NAME = re.compile(r"[A-Za-z_]\w*")
_NAMED = re.compile(r"(\w+)\(\)|'(\w+)'")


@dataclass(frozen=True)
class UserFunction:
    """A function as it was written; `origin`: its file, or what else to call it by."""

    name: str
    text: str
    origin: str

    def refuse_broken(self, place: Source) -> None:
        """Raise QueryError, with the line of the function's text, when that cannot be read."""
        if not _NAME.fullmatch(self.name):
            raise self.error("its name is no name of KQL", 1, place)
        if self.name in SCALAR_FUNCTIONS or self.name in AGGREGATE_FUNCTIONS:
            raise self.error("KQL has a function of that name; rename it", 1, place)
        if not code(self.text):
            raise self.error("it is empty", 1, place)
        if (offset := unbalanced(self.text)) is not None:
            raise self.error("its brackets are not all closed", position(self.text, offset)[0], place)
        start, end = self._around()
        try:
            part("parser").parse(f"{start}{without_last_semicolon(self.text)}\n{end}print 0")
        except errors.KqlError as error:
            found = translation_error(error, Source(self.text, self.text), len(start))
            raise self.error(found.message, found.line, place, found.hint) from error

    def error(self, said: str, line: int | None, place: Source, hint: str | None = None) -> QueryError:
        """What is wrong with the function, at the place in the query that names it."""
        at = self.origin if line is None else f"{self.origin}, line {line}"
        return QueryError(f"the function {self.name} ({at}): {said}", hint=hint, **place.named(self.name))

    def declaration(self) -> str:
        """The function as a let on one line."""
        start, end = self._around()
        return f"{start}{on_one_line(without_last_semicolon(self.text))} {end}"

    def at_home(self, workspace: str, own: Collection[str], place: Source) -> UserFunction:
        """The function with this workspace's tables named alone."""
        try:
            return replace(self, text=at_home(Source(self.text, self.text), workspace, own).text)
        except UnsupportedError as error:
            raise self.error(error.message, error.line, place, error.hint) from error

    def line_of(self, name: str) -> int | None:
        """The line of its text that names something."""
        offset = find_name(self.text, name)
        return None if offset is None else position(self.text, offset)[0]

    def _around(self) -> tuple[str, str]:
        if has_parameters(code(self.text)):
            return f"let {self.name} = ", "; "
        return f"let {self.name} = () {{ ", "}; "


def functions_of(folder: Path | None) -> dict[str, Path]:
    """The functions of an opened folder with their files."""
    if folder is None:
        return {}
    files = sorted((folder / FOLDER).glob("*.kql"))
    return {path.stem: path for path in files if path.is_file() and not path.name.startswith(".")}


class UserFunctions:
    """The functions of a connection: those defined by a cell go before those of the folder."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._defined: dict[str, UserFunction] = {}

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted({*functions_of(self._folder), *self._defined})

    def get(self, name: str) -> UserFunction:
        """The function of that name; KeyError when there is none, QueryError when its file cannot be read."""
        if name in self._defined:
            return self._defined[name]
        path = functions_of(self._folder)[name]
        origin = self.origin(name)
        try:
            return UserFunction(name, path.read_text("utf-8-sig"), origin)
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is no UTF-8 text"
            raise QueryError(f"the function {name} ({origin}) cannot be read: {why}") from error

    def origin(self, name: str) -> str:
        """Where a function comes from."""
        return _BY_CELL if name in self._defined else f"{FOLDER}/{functions_of(self._folder)[name].name}"

    def define(self, name: str, text: str) -> None:
        """Define a function for this connection; QueryError for one that cannot be read."""
        function = UserFunction(name, text, _BY_CELL)
        function.refuse_broken(Source("", ""))
        self._defined[name] = function

    def drop(self, name: str) -> None:
        """Forget a function that was defined by a cell; KeyError when there is none."""
        del self._defined[name]

    def used_by(self, source: Source, workspace: str) -> tuple[UserFunction, ...]:
        """The functions that a query to this workspace uses, each behind those that it uses itself.

        Raises QueryError for a recursion, and UnsupportedError for what other places have alone.
        """
        names = set(self.names())
        if not names & names_in(source.text):
            return ()
        own = own_names(source.text)
        found: dict[str, UserFunction] = {}

        def add(name: str, path: tuple[str, ...]) -> None:
            if name in path:
                way = " → ".join([*path[path.index(name) :], name])
                said = f"the function {name} calls itself ({way}), which KQL does not allow"
                raise QueryError(said, **source.named(path[0]))
            if name in own:
                said = f"the function {path[-1]} uses the function {name}, which a let of the query hides"
                raise QueryError(said, hint="give the let another name", **source.named(name))
            if name not in found:
                function = self.get(name)
                for inner in used_names(function.text, names - own_names(function.text)):
                    add(inner, (*path, name))
                found[name] = function.at_home(workspace, names, source)

        for name in used_names(source.text, names - own):
            add(name, ())
        return tuple(found.values())


def function_of(error: Any, start: int, used: tuple[UserFunction, ...]) -> tuple[UserFunction | None, Any]:
    """The function in whose let, on the first line from the column `start` on, an error is, and the error there.

    None for an error of the query itself.
    """
    named = {f"function:{function.name}": function for function in used}
    construct = getattr(error, "construct", None)
    if construct in named and isinstance(error.__cause__, errors.KqlError):
        inner, why = function_of(error.__cause__, start, used)
        return inner or named[construct], why
    span = getattr(error, "span", None)
    if span is not None and span.line == 1 and span.column >= start and construct not in named:
        for function in used:
            start += len(function.declaration())
            if span.column < start:
                return function, error
    return None, error


def located(error: QueryError, used: tuple[UserFunction, ...], source: Source) -> QueryError:
    """The error, told of the function that it is in when the query itself does not name what is wrong."""
    name = (error.unknown or getattr(error, "construct", None) or "").removesuffix("()")
    called: Mapping[str, UserFunction] = {function.name: function for function in used}
    of_call = getattr(error.__cause__, "construct", None) or ""
    name = name or of_call.removeprefix("function:")
    if name in called:
        said = f"{name}() cannot be called so: look at its arguments, and whether a table may stand here"
        hint = "arguments stand in their order, without names; a function that takes a table stands behind invoke"
        return QueryError(said, hint=hint, **source.named(name))
    if not name and error.line is None and (quoted := _NAMED.search(error.message)):
        name = quoted[1] or quoted[2]
    if not name or find_name(source.text, name) is not None:
        return error
    for function in used:
        if (line := function.line_of(name)) is not None:
            return function.error(error.message, line, source, error.hint)
    return error
