"""The values of a saved query's parameters: given ones in their declared types, defaults for the rest."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import ParameterError
from kqlmagic_ext.kql.inside import INT_MAX, NotLiteral, value_inside
from kqlmagic_ext.kql.parameters import is_frame, names_in_braces
from kqlmagic_ext.kql.tokens import place
from kqlmagic_ext.packs.saved import TABLE
from kqlmagic_ext.values import LONG_MAX, Value, value_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kqlmagic_ext.packs.saved import Parameter, SavedQuery

_EXACT_REAL = 2**53


def arguments(saved: SavedQuery, given: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of the query: what is given, each in its declared type, and defaults for the rest.

    Raises
    ------
    ParameterError
        For a parameter without a value, and for a value that its declared type cannot hold.
    """
    declared = {parameter.name: parameter for parameter in saved.parameters}
    values = {
        name: typed(declared[name], value) if name in declared else value for name, value in given.items()
    }
    missing = {
        name: found.type for name, found in declared.items() if name not in values and found.default is None
    }
    braced = names_in_braces(saved.text)
    missing |= {name: "" for name in braced if name not in values and name not in declared}
    if missing:
        name = next(iter(missing))
        wanted = ", ".join(f"{name} ({kind})" if kind else name for name, kind in missing.items())
        where = place(saved.text, braced[name]) if name in braced else {}
        said = f"{saved.name} wants a value for {wanted}: -i {','.join(missing)}"
        raise ParameterError(said, name=name, **where)
    defaults = {name: found.default for name, found in declared.items() if name not in values}
    return {**defaults, **values}


def typed(parameter: Parameter, value: Any) -> Any:
    """The value in the parameter's type: itself, or what KQL converts without loss; ParameterError for any other."""
    if parameter.type == TABLE or is_frame(value):
        if parameter.type == TABLE and is_frame(value):
            return value
        found = "a frame" if is_frame(value) else f"a {value_of(value, parameter.name).type}"
        wanted = "a frame" if parameter.type == TABLE else f"a {parameter.type}"
        raise ParameterError(f"{parameter.name} wants {wanted}, and is {found}", name=parameter.name)
    found_value = value_of(value, parameter.name)
    try:
        return _as(parameter.type, found_value)
    except NotLiteral as error:
        said = f"{parameter.name} wants a {parameter.type}, and is a {found_value.type}"
        raise ParameterError(said, name=parameter.name) from error


def _as(kind: str, value: Value) -> Value:
    """The value in another type, if it is one of it; else NotLiteral."""
    plain = value.plain
    if value.type == kind:
        return value
    if plain is None:
        return Value(kind, "" if kind == "string" else None)
    if value.type in ("int", "long"):
        return Value(kind, _number(kind, plain))
    if kind == "dynamic" and value.type in ("bool", "string"):
        return Value(kind, plain)
    if value.type == "string" and kind in ("guid", "datetime", "timespan"):
        return value_inside(kind, plain)
    raise NotLiteral(kind)


def _number(kind: str, number: int) -> Any:
    """A whole number in another type."""
    if kind in ("long", "dynamic") and abs(number) <= LONG_MAX + 1:
        return number
    if kind == "int" and -INT_MAX - 1 <= number <= INT_MAX:
        return number
    if kind == "real" and abs(number) <= _EXACT_REAL:
        return float(number)
    if kind == "decimal":
        return Decimal(number)
    raise NotLiteral(kind)
