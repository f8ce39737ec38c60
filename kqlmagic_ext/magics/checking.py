"""A query that a service refused, beside what could be known of it here: a hint and a place, never a veto."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqlmagic_ext.errors import ParameterError, QueryError, UnsupportedError
from kqlmagic_ext.kql.tokens import place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kqlmagic_ext.connections import Connection
    from kqlmagic_ext.kql.language_service import Diagnostic
    from kqlmagic_ext.magics.options import Cell


def complete(
    error: QueryError, asked: Cell, diagnose: Callable[[], Iterable[Diagnostic]], connection: Connection
) -> None:
    """Add to a refusal what it does not tell: the place in the query, and what was probably meant.

    An embedded workspace says all that itself. What was already running, or is right and cannot run, is no matter of the
    text. What we found elsewhere than the service says stands below its error.
    """
    is_local = getattr(connection, "url", "").startswith("local://")
    if is_local or error.sent or isinstance(error, UnsupportedError):
        return
    try:
        found = list(diagnose())
    except ParameterError:  # raised before anything was sent, and this is what the cell fails with
        return
    same = next((fault for fault in found if _is_told(fault, error, asked.text)), None)
    if same is None:
        for fault in found[:1]:
            error.add_note(_note(fault, asked))
        return
    if error.column is None:
        spot = place(asked.text, same.start)
        error.line, error.column, error.source = spot["line"], spot["column"], spot["source"]
    error.hint = (
        same.hint or error.hint
    )  # the connection guesses among all columns, this among those of the step


def _is_told(fault: Diagnostic, error: QueryError, text: str) -> bool:
    """Whether the service's error tells of this fault."""
    first, last = place(text, fault.start), place(text, fault.end)
    if error.line is not None and error.column is not None:
        begin, end = (first["line"], first["column"]), (last["line"], last["column"])
        return bool(begin <= (error.line, error.column) <= end)
    if error.line is not None and error.line != first["line"]:
        return False
    word = text[fault.start : fault.end]
    if error.unknown is not None:
        return fault.code == "unknown_name" and word.strip("[]'\"") == error.unknown
    return f"'{word}'" in error.message or (error.syntax and fault.code == "syntax")


def _note(fault: Diagnostic, asked: Cell) -> str:
    """A fault that the service's error does not tell of, by its place in the cell."""
    told = QueryError(fault.message, hint=fault.hint or None, **place(asked.text, fault.start))
    told.move(asked.line, asked.column)
    return f"read here, not by the service: {told}"
