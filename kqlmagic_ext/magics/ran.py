"""The last query that ran well, as far as it can be saved: no frame is kept alive by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.kql.parameters import is_frame, names_in_braces
from kqlmagic_ext.kql.tokens import find_name
from kqlmagic_ext.values import Value, value_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kqlmagic_ext.magics.options import Cell
    from kqlmagic_ext.query import Query


@dataclass(frozen=True)
class Ran:
    """A query's text, the timespan of its own -t, and what it used: a value, or None for a table.

    Of a collection the type alone is kept.
    """

    text: str
    timespan: str | None
    used: Mapping[str, Value | None]

    @classmethod
    def of(cls, asked: Cell, query: Query) -> Ran:
        """What there is to save of a query."""
        braced = names_in_braces(query.text)
        used = {
            name: _kept(value, name)
            for name, value in query.inputs.items()
            if name in braced or find_name(query.text, name) is not None
        }
        return cls(query.text, asked.options.timespan, used)


def _kept(value: Any, name: str) -> Value | None:
    if is_frame(value):
        return None
    if isinstance(value, Value):
        return value
    is_collection = hasattr(value, "__len__") and not isinstance(value, str)
    return Value("dynamic", ()) if is_collection else value_of(value, name)
