"""Ladders: what lasted from when to when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import pandas as pd

from kqlmagic_ext.display.chart.clause import NotDrawn
from kqlmagic_ext.display.chart.columns import (
    MEASURES,
    SPAN,
    TIME,
    counted,
    kinds_of,
    labels,
    labels_of,
    measure,
    milliseconds,
    time_text,
    unit_of,
    with_unit,
)
from kqlmagic_ext.display.chart.drawable import Chart
from kqlmagic_ext.display.chart.limits import MOST_CATEGORIES, MOST_SERIES
from kqlmagic_ext.display.chart.look import FIRST, WIDTH, above, palette, quoted, time_axis
from kqlmagic_ext.display.chart.records import data
from kqlmagic_ext.errors import visible

if TYPE_CHECKING:
    from kqlmagic_ext.display.chart.clause import Clause
    from kqlmagic_ext.display.chart.columns import Floats

_RUNG = 24
_MOMENTS = 200  # in the width of a chart: each two or three pixels


def ladder_chart(frame: pd.DataFrame, clause: Clause) -> tuple[Chart, list[str]]:
    """A rung a row, from its last column but one to its last; the other columns name it. And notes for the receipt."""
    start, end, kind = _ends(frame)
    names = [name for name in map(str, frame.columns) if name not in (start, end)]
    unit = unit_of([frame[start], frame[end]]) if kind == SPAN else ""
    rows = pd.DataFrame({"b": _place(frame, start, kind, unit), "e": _place(frame, end, kind, unit)})
    rows["x"] = (
        labels_of(frame, clause.ycolumns or tuple(names))
        if names
        else labels(pd.Series(range(1, len(frame) + 1)))
    )
    rows["s"] = labels_of(frame, clause.series) if clause.series else ""
    kept, notes = _kept(rows, start, end)
    shown = tuple(dict.fromkeys(kept["x"]))
    y_title = clause.ytitle or " / ".join(map(visible, clause.ycolumns or names))
    kept = kept.assign(w=_seen(kept))
    chart = Chart(data(_records(kept, kind)), width=WIDTH, height=max(_RUNG * len(shown), 60))
    y = alt.Y("x:N", scale=alt.Scale(domain=list(shown), paddingInner=0.3), axis=above(y_title))
    title = with_unit(clause.xtitle or f"{visible(start)} to {visible(end)}", unit)
    tooltip = [alt.Tooltip("x:N", title=quoted(y_title or "row")), *_told(start, end, kind, unit)]
    return chart.mark_bar(cornerRadius=2, minBandSize=2, clip=clause.is_bounded).encode(
        x=_x(kept, title, kind, clause), x2=alt.X2("w"), y=y, color=_colour(kept, clause), tooltip=tooltip
    ), notes


def _ends(frame: pd.DataFrame) -> tuple[str, str, str]:
    """The last two columns and what they hold: times, or numbers of one unit."""
    kinds = list(kinds_of(frame).items())[-2:]
    if len(kinds) == 2 and kinds[0][1] == kinds[1][1] and kinds[0][1] in (TIME, *MEASURES):  # noqa: PLR2004 - start and end
        return kinds[0][0], kinds[1][0], kinds[0][1]
    raise NotDrawn(
        "render ladderchart wants a start and an end as its last two columns: two datetimes, or two numbers"
    )


def _place(frame: pd.DataFrame, name: str, kind: str, unit: str) -> Floats:
    return milliseconds(frame[name]) if kind == TIME else measure(frame, name, unit).floats


def _kept(rows: pd.DataFrame, start: str, end: str) -> tuple[pd.DataFrame, list[str]]:
    """The rows that have both ends, of the first hundred names."""
    whole = rows.dropna(subset=["b", "e"])
    notes = []
    if len(whole) < len(rows):
        notes.append(
            f"not drawn: {counted(len(rows) - len(whole), 'row')} without {visible(start)} or {visible(end)}"
        )
    names = list(dict.fromkeys(whole["x"]))
    if len(names) > MOST_CATEGORIES:
        notes.append(f"the first {MOST_CATEGORIES} of {len(names):,} rungs drawn")
        whole = whole[whole["x"].isin(names[:MOST_CATEGORIES])]
    if not len(whole):
        raise NotDrawn("render ladderchart has no row with a start and an end")
    if whole["s"].nunique() > MOST_SERIES:
        raise NotDrawn(
            f"render ladderchart cannot tell {whole['s'].nunique():,} series apart, {MOST_SERIES} it can"
        )
    return whole, notes


def _seen(rows: pd.DataFrame) -> Any:
    """Where each rung ends as drawn: what lasted a moment, or no time at all, is seen, too."""
    span = max(rows["b"].max(), rows["e"].max()) - min(rows["b"].min(), rows["e"].min())
    moment = (rows["e"] - rows["b"]).abs() <= span / _MOMENTS
    return rows["e"].where(~moment, rows["b"] + (span / _MOMENTS or 1))


def _records(rows: pd.DataFrame, kind: str) -> list[dict[str, Any]]:
    records = [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]
    if kind == TIME:
        for record in records:
            record |= {"t": time_text(record["b"]), "u": time_text(record["e"])}
    return records


def _told(start: str, end: str, kind: str, unit: str) -> list[alt.Tooltip]:
    fields = ("t:N", "u:N") if kind == TIME else ("b:Q", "e:Q")
    return [
        alt.Tooltip(field, title=quoted(with_unit(visible(name), "UTC" if kind == TIME else unit)))
        for field, name in zip(fields, (start, end), strict=True)
    ]


def _x(rows: pd.DataFrame, title: str, kind: str, clause: Clause) -> alt.X:
    if kind != TIME:
        scale = alt.Scale(type="log") if clause.xlog else alt.Scale(zero=False)
        return alt.X("b:Q", scale=scale, axis=alt.Axis(title=title))
    both = np.concatenate([rows["b"].to_numpy(dtype=float), rows["e"].to_numpy(dtype=float)])
    return alt.X("b:T", scale=alt.Scale(type="utc"), axis=time_axis(both, f"{title} (UTC)"))


def _colour(rows: pd.DataFrame, clause: Clause) -> Any:
    if not clause.series:
        return alt.value(FIRST)
    names = list(dict.fromkeys(rows["s"]))
    legend = alt.Legend(title=" / ".join(map(visible, clause.series))) if clause.legend else None
    return alt.Color("s:N", scale=alt.Scale(domain=names, range=palette(len(names))), legend=legend)
