"""Records by the ids that cells name, and what is said when the record of the case cannot be used."""

from __future__ import annotations

import sqlite3
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from IPython.core.error import UsageError

from kqlmagic_ext.errors import KqlMagicError
from kqlmagic_ext.magics import options as opt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kqlmagic_ext.magics.recording import Desk
    from kqlmagic_ext.record.records import Record

_Given = ParamSpec("_Given")
_Gives = TypeVar("_Gives")


def one_sentence(magic: Callable[_Given, _Gives]) -> Callable[_Given, _Gives]:
    """The magic, with one sentence in place of what the disk or the index raises."""

    @wraps(magic)
    def told(*given: _Given.args, **named: _Given.kwargs) -> _Gives:
        try:
            return magic(*given, **named)
        except (OSError, sqlite3.Error) as error:
            raise UsageError(unusable(error)) from error

    return told


def unusable(error: Exception) -> str:
    """What is said of a record that cannot be read or written."""
    where = getattr(error, "filename", None)
    said = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
    return f"the record of this case cannot be used: {said}{f' ({where})' if where else ''}"


def record_of(desk: Desk, text: str, names: Mapping[str, Any]) -> Record:
    """The record of an id, or of `{{name}}`: a variable that holds an id, or the frame of an answer.

    It is waited for until it is written. UsageError when there is none, or it cannot be read.
    """
    from kqlmagic_ext.record.records import number_of

    try:
        number = number_of(_identity(text.strip("\"',"), names, desk.store.case))
        desk.writer.flush(number=number)
        return desk.store.record(number)
    except KeyError as error:
        raise UsageError(f"there is no record {error.args[0]} in the case {desk.store.case}") from error
    except OSError as error:
        raise UsageError(unusable(error)) from error
    except ValueError as error:
        raise UsageError(f"{text}: {error}") from error


def refuse_changed(desk: Desk, text: str, record: Record, names: Mapping[str, Any]) -> None:
    """Raise UsageError for `{{name}}` whose frame is not any more what its record keeps: pandas lets the origin stay."""
    from kqlmagic_ext.frames import arrow_from_frame
    from kqlmagic_ext.record.drafts import Lineage, origin_of

    value = _variable(text.strip("\"',"), names)
    if type(value).__name__ != "DataFrame":
        return
    try:
        crossed, _ = arrow_from_frame(value, text)
    except KqlMagicError as error:
        raise UsageError(str(error)) from error
    if Lineage(desk.store).told(crossed, origin_of(value.attrs)).unchanged is False:
        raise UsageError(f"{text} was changed since {record.id}: write {record.id} for what is kept")


def _variable(text: str, names: Mapping[str, Any]) -> Any:
    """The value of the variable that `{{name}}` names; None when it is none."""
    return names.get(text[2:-2].strip()) if text.startswith("{{") and text.endswith("}}") else None


def _identity(text: str, names: Mapping[str, Any], case: str) -> str:
    """The id itself, or that of the record which a variable's frame came from."""
    from kqlmagic_ext.record.drafts import origin_of

    value = _variable(text, names)
    if type(value).__name__ != "DataFrame":
        return opt.variable_in(text, names) or ""
    origin = origin_of(value.attrs)
    if origin is None or origin.case != case:
        raise UsageError(f"{text}: its frame tells no record of the case {case}")
    return f"R{origin.number}"
