"""Functions over rows in order: row_number(), row_cumsum(), row_rank_*(), row_window_session(), prev(), next().

KQL counts in the order of the rows that the operator is given. That order is made a number of each row as the operator
reads them, and every window is ordered by it; the operator's rows leave in the same order.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.functions import in_python
from kqlmagic_ext.connections.local.functions.forms import add_special
from kqlmagic_ext.connections.local.operators.added import filled, listed
from kqlmagic_ext.connections.local.private_copy import errors, ir, naming, translate
from kqlmagic_ext.connections.local.sql import quote_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kqlmagic_ext.connections.local.operators.added import Columns

_NUMBER = "the number of the row"
_N = quote_name(_NUMBER)
_SESSIONS = "kql_row_sessions"
# The arguments that each takes at least and at most.
_COUNTS = {
    "prev": (1, 3),
    "next": (1, 3),
    "row_number": (0, 2),
    "row_cumsum": (1, 2),
    "row_rank_dense": (1, 2),
    "row_rank_min": (1, 2),
    "row_window_session": (3, 4),
}


def rendered(operator: Any, source: str, given: Columns | None, render: Callable[..., str]) -> str:
    """The SQL of an operator, by `render`, over rows that have the values of its functions over rows as columns."""
    calls = _calls(operator)
    if not calls:
        return render(operator, source, given)
    if given is None:
        raise errors.KqlSchemaError(calls[0].name, hint="its columns are not known here")
    if not isinstance(operator, (ir.Extend, ir.Project, ir.Where)):
        hint = "give it a name by extend, and use that name here"
        raise errors.KqlUnsupportedError(f"{calls[0].name}() in this operator", hint=hint)
    named, shown = _named(operator, given)
    rows = _Rows(f"SELECT *, row_number() OVER () AS {_N} FROM {source}", [*given, _NUMBER])
    lifted = rows.lifted(named)
    if isinstance(lifted, ir.Project):
        lifted = ir.Project((*lifted.expressions, ir.NamedExpr(ir.ColumnRef(_NUMBER), _NUMBER)))
    return f"SELECT {listed(shown)} FROM ({render(lifted, f'({rows.sql})', rows.columns)}) ORDER BY {_N}"


def _named(operator: Any, given: Columns) -> tuple[Any, Columns]:
    """The operator with the names that its columns have without our changes, and the columns that it gives."""
    if isinstance(operator, ir.Where):
        return operator, given
    is_project = isinstance(operator, ir.Project)
    names = (
        naming.project_names(operator.expressions)
        if is_project
        else naming.extend_names(operator.expressions, given)
    )
    expressions = tuple(
        replace(expression, name=name) for expression, name in zip(operator.expressions, names, strict=True)
    )
    shown = names if is_project else [*given, *(name for name in names if name not in given)]
    return replace(operator, expressions=expressions), shown


def _calls(operator: Any) -> list[Any]:
    """The calls in an operator's own expressions."""
    if not is_dataclass(operator):
        return []
    found: list[Any] = []
    stack = [getattr(operator, part.name) for part in fields(operator)]
    seen: set[int] = set()
    while stack:
        node = stack.pop()
        if isinstance(node, (tuple, list)):
            stack.extend(node)
        elif _is_inside(node) and id(node) not in seen:
            seen.add(id(node))
            found += [node] if isinstance(node, ir.FunctionCall) and node.name in _COUNTS else []
            stack.extend(getattr(node, part.name) for part in fields(node))
    return found


def _is_inside(node: Any) -> bool:
    """Whether it is a node of the operator's own, not of a query or an operator inside it."""
    return is_dataclass(node) and not isinstance(node, (type, ir.Query, ir.Operator))


@dataclass
class _Rows:
    """Rows, and the columns that are computed over them one after another."""

    sql: str
    columns: Columns
    done: dict[int, Any] = field(default_factory=dict)
    kept: list[Any] = field(default_factory=list)

    def add(self, sql: str) -> str:
        """One more column, by its SQL over those that are there; its name in SQL."""
        name = f"over rows {len(self.columns)}"
        self.sql = f"SELECT *, {sql} AS {quote_name(name)} FROM ({self.sql})"
        self.columns.append(name)
        return quote_name(name)

    def lifted(self, node: Any) -> Any:
        """The node with a column in the place of each call."""
        if isinstance(node, (tuple, list)):
            return type(node)(self.lifted(item) for item in node)
        if not (_is_inside(node) or isinstance(node, ir.Operator)):
            return node
        if id(node) not in self.done:
            self.kept.append(node)  # its id is its own as long as it lives
            self.done[id(node)] = self._lifted(node)
        return self.done[id(node)]

    def _lifted(self, node: Any) -> Any:
        parts = {part.name: self.lifted(getattr(node, part.name)) for part in fields(node)}
        changed = {name: part for name, part in parts.items() if part != getattr(node, name)}
        after = replace(node, **changed) if changed else node
        if not isinstance(after, ir.FunctionCall) or after.name not in _COUNTS:
            return after
        least, most = _COUNTS[after.name]
        if not least <= len(after.args) <= most:
            raise errors.KqlUnsupportedError(
                f"function:{after.name}", hint=f"it takes {least} to {most} arguments"
            )
        column = _COMPUTED[after.name](self, [f"({translate.render_expr(arg)})" for arg in after.args])
        return ir.ColumnRef(column[1:-1])

    def window(self, restart: Sequence[str] = ()) -> str:
        """The rows up to this one, from where `restart` was last true."""
        if not restart:
            return f"ORDER BY {_N} ROWS UNBOUNDED PRECEDING"
        begins = f"CASE WHEN {restart[0]} THEN 1 ELSE 0 END"
        part = self.add(f"sum({begins}) OVER (ORDER BY {_N} ROWS UNBOUNDED PRECEDING)")
        return f"PARTITION BY {part} ORDER BY {_N} ROWS UNBOUNDED PRECEDING"


def _neighbour(function: str) -> Callable[[_Rows, list[str]], str]:
    def computed(rows: _Rows, args: list[str]) -> str:
        value, offset, default = [*args, *["1", "NULL"][len(args) - 1 :]]
        found = f"{function}({value}, CAST({offset} AS BIGINT), {default}) OVER (ORDER BY {_N})"
        return rows.add(filled(rows.add(found)))

    return computed


def _row_number(rows: _Rows, args: list[str]) -> str:
    start, restart = args[0] if args else "1", args[1:]
    return rows.add(f"CAST({start} AS BIGINT) + row_number() OVER ({rows.window(restart)}) - 1")


def _row_cumsum(rows: _Rows, args: list[str]) -> str:
    return rows.add(f"sum({args[0]}) OVER ({rows.window(args[1:])})")


def _changes(rows: _Rows, args: list[str]) -> tuple[str, str, str]:
    """The window, the number of the row in it, and whether its term is another than that of the row before it."""
    window = rows.window(args[1:])
    number = rows.add(f"row_number() OVER ({window})")
    before = rows.add(f"lag({args[0]}) OVER ({window.removesuffix(' ROWS UNBOUNDED PRECEDING')})")
    return window, number, f"({number} = 1 OR {args[0]} IS DISTINCT FROM {before})"


def _row_rank_dense(rows: _Rows, args: list[str]) -> str:
    window, _, changes = _changes(rows, args)
    return rows.add(f"CAST(sum(CASE WHEN {changes} THEN 1 ELSE 0 END) OVER ({window}) AS BIGINT)")


def _row_rank_min(rows: _Rows, args: list[str]) -> str:
    window, number, changes = _changes(rows, args)
    return rows.add(f"max(CASE WHEN {changes} THEN {number} END) OVER ({window})")


def _row_window_session(rows: _Rows, args: list[str]) -> str:
    """Where a session begins depends on where the last one began, which no window of SQL says."""
    value, from_first, between, *restart = args
    time = rows.add(f"epoch_us({value})")
    begins = rows.add(restart[0] if restart else "false")
    lengths = f"epoch_us(any_value({from_first})), epoch_us(any_value({between}))"
    in_order = ", ".join(
        f"CAST(to_json(list({column} ORDER BY {_N})) AS VARCHAR)" for column in (time, begins)
    )
    sessions = f"SELECT from_json({_SESSIONS}({in_order}, {lengths}), '[\"BIGINT\"]') AS v FROM _kql_rows"
    name = f"over rows {len(rows.columns)}"
    rows.sql = (
        f"WITH _kql_rows AS MATERIALIZED ({rows.sql}) SELECT r.*, s.v AS {quote_name(name)} FROM _kql_rows AS r "
        f"JOIN (SELECT unnest(v) AS v, generate_subscripts(v, 1) AS n FROM ({sessions})) AS s ON r.{_N} = s.n"
    )
    rows.columns.append(name)
    return rows.add(f"first_value({value}) OVER (PARTITION BY {quote_name(name)} ORDER BY {_N})")


def _sessions(times: str | None, restarts: str | None, from_first: int, between: int) -> str | None:
    """The number of each row's session; a null time is in one of its own, and the next begins another."""
    if times is None or restarts is None:
        return None
    numbers, number = [], 0
    first: Any = None
    before: Any = None
    for time, restart in zip(json.loads(times), json.loads(restarts), strict=True):
        in_one = time is not None and first is not None and before is not None and not restart
        if not in_one or time >= first + from_first or time >= before + between:
            number, first = number + 1, time
        before = time
        numbers.append(number)
    return json.dumps(numbers)


_COMPUTED: dict[str, Callable[[_Rows, list[str]], str]] = {
    "prev": _neighbour("lag"),
    "next": _neighbour("lead"),
    "row_number": _row_number,
    "row_cumsum": _row_cumsum,
    "row_rank_dense": _row_rank_dense,
    "row_rank_min": _row_rank_min,
    "row_window_session": _row_window_session,
}


def _out_of_place(call: Any) -> str:
    hint = "it stands in extend, project, where or serialize"
    raise errors.KqlUnsupportedError(f"{call.name}() here", hint=hint)


def install() -> None:
    """Put them among duckdb-kql's."""
    for name in _COUNTS:
        add_special(name, _out_of_place)
    in_python.FUNCTIONS[_SESSIONS] = in_python.PythonFunction(
        _SESSIONS, ("VARCHAR", "VARCHAR", "BIGINT", "BIGINT"), "VARCHAR", _sessions
    )
