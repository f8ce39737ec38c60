"""Functions that SQL cannot say, in Python: over distinct values, and never the death of a query.

Each takes and gives plain values, None for null. What it cannot do with a value (`ValueError`) is null.
"""

from __future__ import annotations

import functools
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.functions.forms import add

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa
    from duckdb import DuckDBPyConnection

_PREFIX = "kql_py_"
_KEPT, _LONGEST = (
    4_096,
    4_096,
)  # answers of one function that are remembered, of texts up to so many characters


@dataclass(frozen=True)
class PythonFunction:
    """A function of SQL, by the name `sql_name`: its DuckDB types, and what it does with one row's values."""

    sql_name: str
    takes: tuple[str, ...]
    gives: str
    call: Callable[..., Any]

    def register(self, connection: DuckDBPyConnection) -> None:
        """Make it known on the connection and all its cursors."""
        from duckdb.func import ARROW, SPECIAL

        connection.create_function(
            self.sql_name,
            self._with_parameters(),
            list(self.takes),
            self.gives,
            type=ARROW,
            null_handling=SPECIAL,
        )

    def _with_parameters(self) -> Callable[..., pa.Array]:
        """A function of as many parameters as there are types: DuckDB counts them."""

        def over_columns(*columns: pa.ChunkedArray) -> pa.Array:
            return self._over_columns(columns)

        kind = inspect.Parameter.POSITIONAL_ONLY
        named = [inspect.Parameter(f"column{at}", kind) for at in range(len(self.takes))]
        over_columns.__signature__ = inspect.Signature(named)  # type: ignore[attr-defined]  # what inspect looks for
        return over_columns

    def _over_columns(self, columns: Sequence[pa.ChunkedArray]) -> pa.Array:
        import pyarrow as pa

        answers = [self.call(*row) for row in zip(*(column.to_pylist() for column in columns), strict=True)]
        return pa.array(answers, _arrow_type(self.gives))


FUNCTIONS: dict[str, PythonFunction] = {}


def python_sql(name: str, call: Callable[..., Any], takes: tuple[str, ...], gives: str) -> str:
    """The SQL name under which a function of Python can be called in templates.

    `takes`, `gives`: of VARCHAR, BIGINT, DOUBLE and BOOLEAN; a dynamic value travels as its JSON text.
    """
    sql_name = _PREFIX + name
    FUNCTIONS[sql_name] = PythonFunction(sql_name, takes, gives, remembered(call))
    return sql_name


def add_in_python(
    name: str,
    forms: Mapping[int, Callable[..., Any]],
    *,
    takes: tuple[str, ...],
    gives: str,
    texts: tuple[int, ...] = (),
) -> None:
    """Put a function of Python among duckdb-kql's: the number of arguments → what is called with them.

    `takes`: DuckDB's type of each argument, of which a form with fewer takes the first; `gives`: its answer's, or `dynamic` for
    JSON text; `texts`: the arguments that are strings, so that a dynamic one is unwrapped.
    """
    is_dynamic = gives == "dynamic"
    templates = {}
    for count, call in forms.items():
        called = python_sql(f"{name}_{count}", call, takes[:count], "VARCHAR" if is_dynamic else gives)
        given = ", ".join(f"CAST({{{at}}} AS {kind})" for at, kind in enumerate(takes[:count]))
        templates[count] = f"CAST({called}({given}) AS JSON)" if is_dynamic else f"{called}({given})"
    add(name, templates, texts=texts, gives_text=gives == "VARCHAR")


def remembered(call: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its last answers kept, since logs say the same over and over; None where it raises ValueError."""

    def answer(*values: Any) -> Any:
        try:
            return call(*values)
        except (ValueError, OverflowError):
            return None

    kept = functools.lru_cache(_KEPT, typed=True)(answer)

    def kept_if_short(*values: Any) -> Any:
        is_long = any(isinstance(value, str) and len(value) > _LONGEST for value in values)
        return answer(*values) if is_long else kept(*values)

    return kept_if_short


def _arrow_type(name: str) -> pa.DataType:
    import pyarrow as pa

    return {"VARCHAR": pa.string(), "BIGINT": pa.int64(), "DOUBLE": pa.float64(), "BOOLEAN": pa.bool_()}[name]
