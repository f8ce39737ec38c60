"""The `render` clause: which chart, and its properties, read and checked."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import visible
from kqlmagic_ext.kql.parameters import RESERVED
from kqlmagic_ext.kql.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

VISUALIZATIONS = (
    "anomalychart", "areachart", "barchart", "card", "columnchart", "ladderchart", "linechart", "piechart", "pivotchart",
    "scatterchart", "stackedareachart", "table", "timechart",
)  # fmt: skip
_OTHERS = (
    "3dchart",
    "graph",
    "list",
    "plotly",
    "timeline",
    "timepivot",
    "treemap",
)  # Kusto has them, a notebook not
_CHOICES: dict[str, tuple[str, ...]] = {
    "kind": ("default", "unstacked", "stacked", "stacked100", "map"),
    "legend": ("visible", "hidden"),
    "xaxis": ("linear", "log"),
    "yaxis": ("linear", "log"),
    "ysplit": ("none", "axes", "panels"),
    "accumulate": ("false", "true"),
}
_COLUMNS = ("xcolumn", "ycolumns", "series", "anomalycolumns")
_BOUNDS = ("xmin", "xmax", "ymin", "ymax")
_TEXTS = ("title", "xtitle", "ytitle")
_OF_THE_SERVICE = ("visualization", "isquerysorted")
_NAMES = re.compile(r"""\s*(\[\s*'(?:[^'\\]|\\.)*'\s*\]|\[\s*"(?:[^"\\]|\\.)*"\s*\]|[^,]*)\s*(?:,|$)""")


class NotDrawn(Exception):  # noqa: N818 - what happened, in the words of the receipt
    """There is no chart; its text is the sentence that says why."""


@dataclass(frozen=True)
class Clause:
    """What `render` asks. `kind`: default, unstacked, stacked, stacked100 or map; an empty title is none."""

    visualization: str
    kind: str = "default"
    title: str = ""
    xtitle: str = ""
    ytitle: str = ""
    xcolumn: str | None = None
    ycolumns: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    anomalycolumns: tuple[str, ...] = ()
    legend: bool = True
    accumulate: bool = False
    xlog: bool = False
    ylog: bool = False
    ysplit: str = "none"
    xmin: float | None = None
    xmax: float | None = None
    ymin: float | None = None
    ymax: float | None = None

    @property
    def is_bounded(self) -> bool:
        """Whether something may lie beyond the axes, and is to be cut off there."""
        return any(bound is not None for bound in (self.xmin, self.xmax, self.ymin, self.ymax))


def read_clause(render: Mapping[str, Any], columns: Iterable[str]) -> Clause:
    """The clause of a result's `render`, for a frame with these columns.

    Raises NotDrawn for a chart, a property, a value or a column that there is not.
    """
    visualization = str(render.get("visualization", "")).lower()
    if visualization not in VISUALIZATIONS:
        raise NotDrawn(f"a notebook draws no {_unknown(visualization, VISUALIZATIONS)}")
    given = {name: value for name, value in render.items() if name not in _OF_THE_SERVICE}
    known_names = {*_CHOICES, *_COLUMNS, *_BOUNDS, *_TEXTS}
    for name, value in given.items():
        if name not in known_names:
            raise NotDrawn(f"render has no property {_unknown(name, sorted(known_names))}")
        _check_parameter(name, value)
    chosen = {name: _choice(name, given[name]) for name in _CHOICES if name in given}
    names = list(columns)
    named = {name: _names(name, given[name], names) for name in _COLUMNS if name in given}
    bounds = {name: _bound(name, given[name]) for name in _BOUNDS if name in given}
    _check_order(bounds)
    return Clause(
        visualization,
        kind=chosen.get("kind", "default"),
        title=str(given.get("title", "")),
        xtitle=str(given.get("xtitle", "")),
        ytitle=str(given.get("ytitle", "")),
        xcolumn=next(iter(named.get("xcolumn", ())), None),
        ycolumns=named.get("ycolumns", ()),
        series=named.get("series", ()),
        anomalycolumns=named.get("anomalycolumns", ()),
        legend=chosen.get("legend") != "hidden",
        accumulate=chosen.get("accumulate") == "true",
        xlog=chosen.get("xaxis") == "log",
        ylog=chosen.get("yaxis") == "log",
        ysplit=chosen.get("ysplit", "none"),
        **bounds,
    )


def _unknown(name: str, known: Sequence[str]) -> str:
    """What is not known, with the name that was probably meant, else all there are."""
    near = None if name in _OTHERS else did_you_mean(name, known, cutoff=0.7)
    return f"{visible(name)}: {visible(near) if near else 'there are ' + listed(known)}"


def listed(names: Iterable[str], most: int = 21) -> str:
    """The first of the names, and how many more there are."""
    named = [visible(name) for name in names]
    more = f" and {len(named) - most} more" if len(named) > most else ""
    return ", ".join(named[:most]) + more


def _check_parameter(name: str, value: Any) -> None:
    """A value can stand for a text or a number, and not for a word of KQL or the name of a column."""
    if str(value).startswith(RESERVED) and name not in (*_TEXTS, *_BOUNDS):
        said = f"{{{{{visible(str(value).removeprefix(RESERVED))}}}}}"
        raise NotDrawn(f"render: {name} takes no parameter such as {said}; {', '.join(_TEXTS)} do")


def _choice(name: str, value: Any) -> str:
    text = str(value).lower()
    if text not in _CHOICES[name]:
        raise NotDrawn(f"render: {name} cannot be {_unknown(text, _CHOICES[name])}")
    return text


def _bound(name: str, value: Any) -> float | None:
    """The number; None of NaN, which the service writes where nothing is asked."""
    try:
        number = float(value)
    except ValueError as error:
        raise NotDrawn(f"render: {name}={visible(str(value))} is no number") from error
    return number if math.isfinite(number) else None


def _check_order(bounds: Mapping[str, float | None]) -> None:
    for axis in "xy":
        least, most = bounds.get(f"{axis}min"), bounds.get(f"{axis}max")
        if least is not None and most is not None and least >= most:
            raise NotDrawn(f"render: {axis}min={least:g} is not below {axis}max={most:g}")


def _names(property_name: str, value: Any, columns: list[str]) -> tuple[str, ...]:
    """The columns that a property names; the service gives a list, a query text commas."""
    listed = [str(name) for name in value] if isinstance(value, list | tuple) else _listed(str(value))
    for name in listed:
        if name not in columns:
            raise NotDrawn(f"render: {property_name} names {_unknown(name, columns)}")
    return tuple(listed)


def _listed(text: str) -> list[str]:
    return [_unquoted(found) for found in _NAMES.findall(text) if found.strip()]


def _unquoted(name: str) -> str:
    """`['a, b']` is the column `a, b`."""
    name = name.strip()
    if name[:1] != "[" or name[-1:] != "]":
        return name
    inner = name[1:-1].strip()
    if len(inner) > 1 and inner[0] == inner[-1] and inner[0] in "\"'":
        return re.sub(r"\\(.)", r"\1", inner[1:-1])
    return name
