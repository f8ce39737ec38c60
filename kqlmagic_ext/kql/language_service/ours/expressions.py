"""An expression's KQL type, and the name that KQL gives to a column of it when the query gives none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kqlmagic_ext.kql.language_service.language import words
from kqlmagic_ext.kql.language_service.ours.scope import Columns, Function

if TYPE_CHECKING:
    from kqlmagic_ext.kql.language_service.ours.code import Code
    from kqlmagic_ext.kql.language_service.ours.scope import Names

TYPES = {
    "bool": "bool", "boolean": "bool", "int": "int", "long": "long", "real": "real", "double": "real", "decimal": "decimal",
    "string": "string", "datetime": "datetime", "date": "datetime", "timespan": "timespan", "time": "timespan",
    "guid": "guid", "dynamic": "dynamic",
}  # fmt: skip
COMPARING = frozenset(
    """and or has has_cs hasprefix hasprefix_cs hassuffix hassuffix_cs contains contains_cs startswith startswith_cs
    endswith endswith_cs in between matches has_any has_all like notlike notcontains < > ! ~""".split()  # noqa: SIM905
)
# A column made by one of these keeps the name of the column in it.
_KEEPING_NAME = frozenset(
    """bin floor startofday format_datetime split tostring toint tolong toreal todouble todatetime totimespan tobool toboolean toguid todecimal todynamic
    parse_json take_any""".split()  # noqa: SIM905
)
_PREFIXES = {
    "make_set": "set", "makeset": "set", "make_set_if": "set", "make_list": "list", "makelist": "list",
    "make_list_if": "list", "make_list_with_nulls": "list", "make_bag": "bag", "make_bag_if": "bag",
    "make_dictionary": "bag", "buildschema": "schema", "percentilew": "percentile", "percentilesw": "percentile",
    "percentiles": "percentile", "variancep": "variance", "take_anyif": "take_anyif",
}  # fmt: skip
_SIGNS = frozenset("+-*/%")
_NUMBER = re.compile(r"\d+(?:[eE]\d+)?$|0[xX][0-9a-fA-F]+$")


def type_of(code: Code, low: int, high: int, columns: Columns, names: Names) -> str:
    """The KQL type of an expression; empty where it is not known."""
    if low >= high:
        return ""
    while code.word(low) == "(" and code.closers.get(low, high) == high - 1:
        low, high = low + 1, high - 1
    level = list(code.level(low, high))
    if any(code.words[place] in COMPARING for place in level) or _is_equality(code, low, high):
        return "bool"
    kind = _type_of_operand(code, low, high, columns, names)
    signs = [
        place
        for place in level
        if place > low and code.words[place] in _SIGNS and code.words[place - 1] not in _SIGNS
    ]
    if signs and kind == "datetime" and code.words[signs[0]] == "-":
        subtracted = type_of(code, signs[0] + 1, high, columns, names)
        return "timespan" if subtracted == "datetime" else kind
    if signs and kind in ("long", "int", "real"):
        others = {_type_of_operand(code, place + 1, high, columns, names) for place in signs}
        return "real" if "real" in others else "timespan" if "timespan" in others else "long"
    return kind


def _is_equality(code: Code, low: int, high: int) -> bool:
    return any(
        code.words[place] == "=" and code.word(place + 1) in ("=", "~") for place in code.level(low, high - 1)
    )


def _type_of_operand(code: Code, low: int, high: int, columns: Columns, names: Names) -> str:
    """The type of the operand that begins at a place."""
    if low >= high:
        return ""
    while low < high - 1 and code.words[low] == "-":
        low += 1
    token = code.tokens[low]
    if token.kind == "string":
        return "string"
    if token.kind == "number":
        return _type_of_number(code, low, high)
    if token.text == "(":
        return type_of(code, low + 1, code.closers.get(low, high), columns, names)
    return _type_of_name(code, low, high, columns, names) if token.kind == "name" else ""


def _type_of_number(code: Code, low: int, high: int) -> str:
    """The type of a number: `1`, `1.5`, or a timespan such as `1d`."""
    has_fraction = low + 2 < high and code.words[low + 1] == "." and code.tokens[low + 2].kind == "number"
    if not _NUMBER.match(code.words[low + 2] if has_fraction else code.words[low]):
        return "timespan"
    return "real" if has_fraction else "long"


def _type_of_name(code: Code, low: int, high: int, columns: Columns, names: Names) -> str:
    """The type of a call, a path, a column, or what let has named."""
    name, behind = code.words[low], code.word(low + 1) if low + 1 < high else ""
    if behind == "(":
        end = code.closers.get(low + 1, high)
        is_path = end + 1 < high and code.words[end + 1] in (".", "[")
        return "dynamic" if is_path else call_type(code, low, end, columns, names)
    if behind in (".", "["):
        return "dynamic"
    if name in ("true", "false"):
        return "bool"
    if name in columns.types:
        return columns.types[name]
    bound = names.lets.get(name)
    return bound if isinstance(bound, str) else ""


def call_type(code: Code, low: int, close: int, columns: Columns, names: Names) -> str:
    """The type of a call whose name stands at `low` and whose parenthesis closes at `close`."""
    name = code.words[low]
    if name in TYPES:
        return TYPES[name]
    bound = names.lets.get(name)
    if isinstance(bound, Function):
        return bound.gives if isinstance(bound.gives, str) else ""
    word = words("function", "window", "aggregate").get(name)
    if word is None or word.gives in ("any", "table"):
        return ""
    if word.gives not in ("same", "second"):
        return word.gives
    arguments = code.split(low + 2, close, ",")
    at = 0 if word.gives == "same" else 1
    return type_of(code, *arguments[at], columns, names) if at < len(arguments) else ""


def path_name(code: Code, low: int, high: int) -> str:
    """The name of a column made of a name or a path: `a.b[0]["c d"]` gives `a_b_0_c_d`; empty for anything else."""
    name, place = code.named(low, high)
    if not name:
        return ""
    path = _path(code, place, high)
    return "" if path is None else "_".join([name, *path])


def _path(code: Code, place: int, high: int) -> list[str] | None:
    """The parts of a path such as `.b[0]["c d"]`; None when it is anything else."""
    parts: list[str] = []
    while place < high:
        if code.words[place] == "." and place + 1 < high:
            part, behind = code.named(place + 1, high)
            if not part:
                return None
            parts.append(part)
            place = behind
        elif code.words[place] == "[" and code.closers.get(place, high) == place + 2:
            parts.append(code.tokens[place + 1].text.strip("\"'"))
            place += 3
        else:
            return None
    return parts


def column_names(code: Code, low: int, high: int, number: int, columns: Columns) -> list[str]:
    """The names of the columns that an expression without a name makes; `number`: which of the step's it is, from 1."""
    path = path_name(code, low, high)
    if path:
        return [path]
    name, close = code.word(low), code.closers.get(low + 1, high)
    if code.word(low + 1) != "(" or close >= high:
        return [f"Column{number}"]
    if close == high - 1:
        return _names_of_call(code, name, code.split(low + 2, close, ","), number, columns)
    kept = _argument_name(code, low, close + 1, columns) if name in _KEEPING_NAME else ""
    behind = _path(code, close + 1, high)
    return ["_".join([kept, *behind])] if kept and behind else [f"Column{number}"]


def _argument_name(code: Code, low: int, high: int, columns: Columns) -> str:
    """The name that an argument lends to its call; empty when it has none."""
    if high <= low:
        return ""
    name = column_names(code, low, high, 0, columns)[0]
    return "" if name == "Column0" else name


def _names_of_call(
    code: Code, name: str, arguments: list[tuple[int, int]], number: int, columns: Columns
) -> list[str]:
    first = _argument_name(code, *arguments[0], columns)
    if name in ("arg_max", "arg_min", "argmax", "argmin", "take_any", "any"):
        return _names_of_records(code, name, arguments, columns)
    if name in _KEEPING_NAME:
        return [first or f"Column{number}"]
    if name in ("percentiles", "percentilesw"):
        wanted = arguments[1:] if name == "percentiles" else arguments[2:]
        return [f"percentile_{first}_{code.slice(*percentile).replace('.', '_')}" for percentile in wanted]
    if name == "percentile" and len(arguments) > 1:
        return [f"percentile_{first}_{code.slice(*arguments[1]).replace('.', '_')}"]
    if name == "strlen" and first:
        return [f"strlen_{first}"]
    if name in words("aggregate"):
        return [f"{_PREFIXES.get(name, name)}_{first if name != 'countif' else ''}"]
    return [f"Column{number}"]


def _names_of_records(code: Code, name: str, arguments: list[tuple[int, int]], columns: Columns) -> list[str]:
    """The columns of arg_max and take_any: their arguments' names; `*` stands for all."""
    found: list[str] = []
    kept = name in ("arg_max", "arg_min", "take_any")
    for at, (low, high) in enumerate(arguments):
        if code.slice(low, high) == "*":
            found += [column for column in columns.types if column not in found]
        else:
            given, behind = code.named(low, high)
            if given and code.assigns(behind, high):
                found.append(given)
                continue
            path = path_name(code, low, high)
            prefix = "max" if name.endswith("max") else "min"
            plain = path or (f"{prefix}_" if at == 0 and name != "take_any" else f"Column{at + 1}")
            found.append(plain if kept else f"{name}_{plain}" if name == "any" else f"{prefix}_{plain}")
    return found
