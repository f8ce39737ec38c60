"""Which column is x, which are y, and which tell the series apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from kqlmagic_ext.display.chart.clause import NotDrawn, listed
from kqlmagic_ext.display.chart.columns import ARRAY, MEASURES, NUMBER, SPAN, TEXT, TIME, kinds_of
from kqlmagic_ext.errors import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kqlmagic_ext.display.chart.clause import Clause

_EVENT_TIMES = ("TimeGenerated", "Timestamp")  # of Log Analytics, of Defender
_MOST_NAMED = 5  # columns in a sentence
_CATEGORIES = (TEXT, NUMBER, SPAN)
# What may be x when no column is a time, in the order of preference; the first of the best kind that leaves a y is taken.
_X_KINDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "timechart": ((TIME,),),
    "anomalychart": ((TIME,), (NUMBER, SPAN)),
    "linechart": ((TIME,), (NUMBER, SPAN), (TEXT,)),
    "areachart": ((TIME,), (NUMBER, SPAN), (TEXT,)),
    "stackedareachart": ((TIME,), (NUMBER, SPAN), (TEXT,)),
    "scatterchart": ((TIME, NUMBER, SPAN), (TEXT,)),
    "columnchart": ((TIME,), _CATEGORIES, (TEXT,)),
    "barchart": ((TIME,), _CATEGORIES, (TEXT,)),
    "piechart": ((TEXT, TIME), _CATEGORIES),
}


@dataclass(frozen=True)
class Roles:
    """The names of the columns; `series` may be empty. `notes`: columns that were left out."""

    x: str
    ys: tuple[str, ...]
    series: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def infer_roles(frame: pd.DataFrame, clause: Clause) -> Roles:
    """The roles that the clause names, and for the rest those that Kusto's documentation tells.

    x is the first datetime column, else the first column of a kind that suits; every other number or timespan is a y; the
    first other text splits them. Raises NotDrawn when a role stays empty.
    """
    kinds = {name: kind for name, kind in kinds_of(frame).items() if name not in clause.anomalycolumns}
    x = clause.xcolumn or _x(kinds, clause)
    _check_x(x, kinds, clause)
    left = {name: kind for name, kind in kinds.items() if name != x and name not in clause.series}
    ys = clause.ycolumns or tuple(name for name, kind in left.items() if kind in MEASURES)
    _check_ys(ys, kinds, clause)
    texts = [name for name, kind in left.items() if kind == TEXT and name not in ys]
    if clause.series:
        return Roles(x, ys, clause.series)
    return Roles(x, ys, tuple(texts[:1]), tuple(_notes(x, ys, texts, kinds)))


def _notes(x: str, ys: Sequence[str], texts: Sequence[str], kinds: Mapping[str, str]) -> Iterator[str]:
    """Which columns tell nothing; of a whole table, what was taken and what gives a count."""
    if len(texts) > _MOST_NAMED:
        yield (
            f"a whole table is drawn: x is {visible(x)}, y {listed(ys, _MOST_NAMED)}, series {visible(texts[0])}; xcolumn=, ycolumns= and "
            f"series= name others, summarize count() by {_bin(x, kinds)} counts rows"
        )
    elif texts[1:]:
        spare = listed(texts[1:])
        yield f"{visible(texts[0])} alone tells the series apart, not {spare}; series= names others"


def _bin(name: str, kinds: Mapping[str, str]) -> str:
    return f"bin({visible(name)}, 1h)" if kinds[name] == TIME else visible(name)


def _x(kinds: Mapping[str, str], clause: Clause) -> str:
    named = {*clause.ycolumns, *clause.series}
    for suitable in _X_KINDS[clause.visualization]:
        for name, kind in kinds.items():
            if kind in suitable and name not in named and (clause.ycolumns or _leaves_y(kinds, name, named)):
                return (_event_time(kinds) or name) if kind == TIME else name
    if clause.visualization == "timechart" and TIME not in kinds.values():
        raise NotDrawn(f"render timechart wants a datetime column, and none of {_listed(kinds)} is one")
    raise NotDrawn(_no_number(kinds, clause))


def _event_time(kinds: Mapping[str, str]) -> str | None:
    """The time of the event, of rows that nothing has summarized; None of others.

    Kusto's x is the first column. Where that is no time, a whole table may be drawn, whose columns stand in no order.
    """
    if TIME in list(kinds.values())[:1]:
        return None
    return next((name for name in _EVENT_TIMES if kinds.get(name) == TIME), None)


def _leaves_y(kinds: Mapping[str, str], x: str, named: set[str]) -> bool:
    return any(kind in MEASURES for name, kind in kinds.items() if name != x and name not in named)


def _check_x(x: str, kinds: Mapping[str, str], clause: Clause) -> None:
    suitable = [kind for kinds_ in _X_KINDS[clause.visualization] for kind in kinds_]
    if kinds.get(x) not in suitable:
        raise NotDrawn(
            f"render {clause.visualization} cannot have {visible(x)} as its x: it takes {' or '.join(dict.fromkeys(suitable))}"
        )


def _check_ys(ys: Sequence[str], kinds: Mapping[str, str], clause: Clause) -> None:
    if not ys:
        raise NotDrawn(_no_number(kinds, clause))
    for name in ys:
        if kinds.get(name) not in MEASURES:
            raise NotDrawn(f"render {clause.visualization} cannot draw {visible(name)}: it holds no numbers")


def _no_number(kinds: Mapping[str, str], clause: Clause) -> str:
    """That there is none, and what gives one."""
    times = [name for name, kind in kinds.items() if kind == TIME]
    by = _bin(_event_time(kinds) or (times or list(kinds))[0], kinds)
    there = f"and the columns are {_listed(kinds)}"
    return f"render {clause.visualization} wants a numeric column beside x, {there}; summarize count() by {by} gives one"


def _listed(names: Mapping[str, str]) -> str:
    return listed(names, _MOST_NAMED)


# ---------------------------------------------------------------- arrays


def unrolled(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a value of the arrays that `make-series` gives: those of one length a row, numbers and times among them.

    A frame without such arrays is given back as it is. Texts that are ISO times become datetimes.
    """
    arrays = [name for name, kind in kinds_of(frame).items() if kind == ARRAY]
    alike = [name for name in arrays if _lengths(frame, name) == _lengths(frame, arrays[0])]
    if len(alike) < 2:  # noqa: PLR2004 - x and y
        return frame
    long = frame.explode(alike, ignore_index=True)
    for name in alike:
        long[name] = _typed(long[name])
    kinds = kinds_of(long)
    if not any(kinds[name] == NUMBER for name in alike):
        return frame
    # Beside series of numbers, a single number of a row, such as the slope of a fitted line, is no series.
    singles = [name for name, kind in kinds.items() if kind in MEASURES and name not in alike]
    return long.drop(columns=singles)


def _lengths(frame: pd.DataFrame, name: str) -> list[int]:
    return [len(value) if isinstance(value, list) else -1 for value in frame[name]]


def _typed(column: pd.Series[Any]) -> pd.Series[Any]:
    """Values of an array as times where each is an ISO time, as numbers where each is one."""
    present = [value for value in column if value is not None and value == value]  # noqa: PLR0124 - NaN differs from itself
    if present and all(type(value) in (int, float) for value in present):
        return pd.to_numeric(column)
    if present and all(isinstance(value, str) and value[4:5] == "-" for value in present):
        return pd.to_datetime(column, utc=True, format="ISO8601", errors="coerce")
    return column
