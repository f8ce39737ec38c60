"""Arrays that are made: `range()` of numbers, times and durations, and several orders of `array_sort_asc()`."""

from __future__ import annotations

from typing import Any

from kqlmagic_ext.connections.local.functions.arrays import sorted_sql
from kqlmagic_ext.connections.local.functions.forms import Forms, add_special
from kqlmagic_ext.connections.local.private_copy import errors, ir, translate

MOST_VALUES = 1_048_576  # the reference's limit: the values behind it are left out
_UPWARDS = "range() counts upwards: its step is above 0"
_HOUR = "INTERVAL 1 HOUR"


def _range(node: Any) -> str:
    """The values from the first to the last that is not above the end."""
    if len(node.args) not in (2, 3):
        raise errors.KqlUnsupportedError("function:range", hint="it takes a start, an end and a step")
    is_time = any(translate._is_timespan_expr(arg) or translate._is_datetime_expr(arg) for arg in node.args)
    given = [translate.render_expr(arg) for arg in node.args]
    given += [_HOUR if is_time else "1"] * (3 - len(given))
    spec = Forms("range", "template", "", forms={3: _of_times() if is_time else _of_numbers()})
    return spec.render(given)


def _of_numbers() -> str:
    return _counted("{0}", "{1}", "{2}", "to_json({0} + i * {2})")


def _of_times() -> str:
    at = "({0} + i * {2})"
    text = (
        f"CASE typeof({at}) WHEN 'TIMESTAMP' THEN {translate._kql_datetime_text(f'CAST({at} AS TIMESTAMP)')} "
        f"WHEN 'INTERVAL' THEN {translate._kql_timespan_text(f'CAST({at} AS INTERVAL)')} END"
    )
    return _counted("epoch_us({0})", "epoch_us({1})", "epoch_us({2})", f"to_json({text})")


def _counted(start: str, end: str, step: str, value: str) -> str:
    count = f"least(greatest(floor(({end} - {start}) / {step}) + 1, 0), {MOST_VALUES})"
    values = f"list_transform(range(CAST({count} AS BIGINT)), lambda i: {value})"
    known = f"{start} IS NOT NULL AND {end} IS NOT NULL"
    return f"CASE WHEN {step} > 0 AND {known} THEN to_json({values}) WHEN {step} <= 0 THEN error('{_UPWARDS}') END"


def _sort(name: str, order: str) -> None:
    """One array in order; a written flag says whether its nulls go last."""

    def render(node: Any) -> str:
        flag = node.args[1] if len(node.args) == 2 else ir.Literal(True, "bool")  # noqa: FBT003, PLR2004 - array, flag
        is_written = isinstance(flag, ir.Literal) and flag.kind == "bool"
        if not node.args or len(node.args) > 2 or not is_written:  # noqa: PLR2004
            hint = "it takes one array, and true or false for its nulls"
            raise errors.KqlUnsupportedError(f"function:{name}", hint=hint)
        is_last = str(flag.value).lower() == "true"
        spec = Forms(name, "template", "", forms={1: sorted_sql(order, nulls_last=is_last)})
        return spec.render([translate.render_expr(node.args[0])])

    add_special(name, render)


def install() -> None:
    """Put them among duckdb-kql's."""
    add_special("range", _range)
    _sort("array_sort_asc", "ASC")
    _sort("array_sort_desc", "DESC")
