"""Functions that give several columns: `extend series_stats(x)`, `project (a, b) = series_fit_line(x)`.

Each becomes one call that gives an array, and one expression for each column that reads it. The reference: `extend` shows
the columns that have names in front of the call, `project` the others as well, under their own names.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.functions.forms import add, add_special
from kqlmagic_ext.connections.local.functions.over_series import add_over_series
from kqlmagic_ext.connections.local.private_copy import errors, ir

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PREFIX = "kql_several_"
_PARTS = {
    "real": "TRY_CAST(json_extract_string({0}, '$[' || CAST({1} AS VARCHAR) || ']') AS DOUBLE)",
    "long": "TRY_CAST(json_extract_string({0}, '$[' || CAST({1} AS VARCHAR) || ']') AS BIGINT)",
    "dynamic": "json_extract({0}, '$[' || CAST({1} AS VARCHAR) || ']')",
}


@dataclass(frozen=True)
class Output:
    """One of the columns: how the name of an unnamed one ends, and its type."""

    name: str
    type: str


_OUTPUTS: dict[str, tuple[Output, ...]] = {}


def add_of_columns(
    name: str, call: Callable[..., Any], counts: Sequence[int], outputs: Sequence[tuple[str, str]]
) -> None:
    """Put a function that gives several columns among duckdb-kql's; `call` gives them as a list."""
    _OUTPUTS[name] = tuple(Output(*output) for output in outputs)
    add_over_series(_PREFIX + name, call, counts, under=name)
    add_special(name, _out_of_place)


def _out_of_place(call: Any) -> str:
    hint = "it gives several columns: put it in an extend of its own, and use their names here"
    raise errors.KqlUnsupportedError(f"{call.name}() here", hint=hint)


def spread(operator: Any) -> Any:
    """The operator with one expression for each column."""
    if not isinstance(operator, (ir.Extend, ir.Project)):
        return operator
    expressions = operator.expressions
    if not any(_gives_several(each) for each in expressions):
        return operator
    all_ = isinstance(operator, ir.Project)
    spreading = [
        part for each in expressions for part in (_columns(each, all_) if _gives_several(each) else [each])
    ]
    return replace(operator, expressions=tuple(spreading))


def _gives_several(named: Any) -> bool:
    return isinstance(named.expr, ir.FunctionCall) and named.expr.name in _OUTPUTS


def _columns(named: Any, all_: bool) -> list[Any]:  # noqa: FBT001 - whether the unnamed ones are shown, too
    call = named.expr
    outputs = _OUTPUTS[call.name]
    names = [*([named.name] if named.name else []), *getattr(named, "more", ())]
    if len(names) > len(outputs):
        raise errors.KqlUnsupportedError(
            f"{call.name}() with {len(names)} names", hint=f"it gives {len(outputs)} columns"
        )
    if not names or (all_ and len(names) < len(outputs)):
        names += [f"{call.name}_{_argument(call)}_{output.name}" for output in outputs[len(names) :]]
    array = ir.FunctionCall(_PREFIX + call.name, call.args)
    return [
        ir.NamedExpr(ir.FunctionCall(f"{_PREFIX}{output.type}", (array, ir.Literal(at, "long"))), name)
        for at, (output, name) in enumerate(zip(outputs, names, strict=False))
    ]


def _argument(call: Any) -> str:
    """The column in whose name the unnamed columns are named."""
    if call.args and isinstance(call.args[0], ir.ColumnRef):
        return str(call.args[0].name)
    hint = f"name its columns, as in (a, b) = {call.name}(…), or give it a column"
    raise errors.KqlUnsupportedError(f"{call.name}() of an expression without names", hint=hint)


def install() -> None:
    """Put the readers of one column among duckdb-kql's."""
    for kind, sql in _PARTS.items():
        add(_PREFIX + kind, {2: sql})
