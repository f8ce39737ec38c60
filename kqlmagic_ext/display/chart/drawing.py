"""What becomes of a `render`: a chart, a card, a table, or a sentence that says why not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import altair as alt

from kqlmagic_ext.display.chart.anomalies import anomaly_columns, anomaly_note, with_anomalies
from kqlmagic_ext.display.chart.bars import bar_chart
from kqlmagic_ext.display.chart.bundle import bundle
from kqlmagic_ext.display.chart.clause import NotDrawn, read_clause
from kqlmagic_ext.display.chart.columns import NUMBER
from kqlmagic_ext.display.chart.drawable import LayerChart, VConcatChart
from kqlmagic_ext.display.chart.ladders import ladder_chart
from kqlmagic_ext.display.chart.lines import area_chart, line_chart, scatter_chart
from kqlmagic_ext.display.chart.look import finish, palette, wrapped
from kqlmagic_ext.display.chart.maps import map_chart
from kqlmagic_ext.display.chart.pies import pie_chart
from kqlmagic_ext.display.chart.points import BARS, points_of
from kqlmagic_ext.display.chart.roles import infer_roles, unrolled
from kqlmagic_ext.display.chart.tables import card, heading, pivot
from kqlmagic_ext.errors import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from kqlmagic_ext.display.chart.clause import Clause
    from kqlmagic_ext.display.chart.points import Points

_MOST_SPLITS = 5
_PANEL = 130
_BUILDERS: dict[str, Callable[[Points, Clause], Any]] = {
    "timechart": line_chart,
    "linechart": line_chart,
    "anomalychart": line_chart,
    "areachart": area_chart,
    "stackedareachart": area_chart,
    "scatterchart": scatter_chart,
    "columnchart": bar_chart,
    "barchart": bar_chart,
}
_STACKING = ("areachart", "stackedareachart", "barchart", "columnchart")


@dataclass(frozen=True)
class Drawing:
    """`chart`: an Altair chart, None where there is none. `shown`: the mime bundle to show, of the chart or of a card.

    `table`: a DataFrame to show, of a pivotchart, or below the title of a table. `notes`: sentences for the receipt. `failed`:
    why nothing is drawn, so that the frame itself is to be shown; empty where it need not be explained.
    """

    chart: Any = None
    shown: Mapping[str, Any] | None = None
    table: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()
    failed: str = ""

    @property
    def is_shown(self) -> bool:
        """Whether something stands in the place of the frame."""
        return self.shown is not None or self.table is not None


def draw(frame: pd.DataFrame, render: Mapping[str, Any]) -> Drawing:
    """The drawing of a frame as `render` asks; the frame is not changed.

    `render`: `visualization` and properties in small letters, as `Result.render` has them. Nothing about them raises:
    what cannot be drawn is told in `failed`.
    """
    try:
        clause = read_clause(render, map(str, frame.columns))
        return _drawn(frame, clause)
    except NotDrawn as why:
        return Drawing(failed=str(why))
    except Exception as error:  # noqa: BLE001 - whatever a drawing library raises, the answer must survive, and it is told
        kind = visible(str(render.get("visualization")))
        return Drawing(failed=f"render {kind} failed: {type(error).__name__}: {visible(str(error))[:300]}")


def _drawn(frame: pd.DataFrame, clause: Clause) -> Drawing:
    if clause.visualization == "table":
        return Drawing(shown=heading(clause.title), table=frame) if clause.title.strip() else Drawing()
    if clause.visualization == "card":
        shown, notes = card(frame, clause)
        return Drawing(shown=shown, notes=tuple(notes))
    if frame.empty:
        raise NotDrawn(f"render {clause.visualization}: the answer has no rows to draw")
    if clause.visualization == "pivotchart":
        table, notes = pivot(frame, clause)
        titled = heading(clause.title) if clause.title.strip() else None
        return Drawing(shown=titled, table=table, notes=tuple(notes))
    chart, notes = _chart(frame, clause)
    chart = finish(chart, clause)
    return Drawing(chart, bundle(chart, _in_plain(frame, clause)), notes=tuple(notes))


def _in_plain(frame: pd.DataFrame, clause: Clause) -> str:
    """What a viewer shows that knows neither Vega-Lite nor pictures: the rows."""
    title = f": {visible(clause.title)}" if clause.title else ""
    rows = "\n".join(map(visible, str(frame).split("\n")))
    return f"[{clause.visualization}{title}]\n{rows}"


def _chart(frame: pd.DataFrame, clause: Clause) -> tuple[Any, list[str]]:
    if clause.kind == "map":
        if clause.visualization not in ("scatterchart", "piechart"):
            raise NotDrawn(f"kind=map is a kind of scatterchart and piechart, not of {clause.visualization}")
        return map_chart(frame, clause)
    if clause.visualization == "ladderchart":
        return ladder_chart(frame, clause)
    if clause.visualization == "piechart":
        roles = infer_roles(frame, clause)
        chart, notes = pie_chart(frame, roles, clause)
        return chart, [*roles.notes, *notes]
    return _plotted(unrolled(frame), clause)


def _plotted(frame: pd.DataFrame, clause: Clause) -> tuple[Any, list[str]]:
    """A chart with an x and a y axis."""
    if clause.visualization == "anomalychart":
        clause = replace(clause, anomalycolumns=anomaly_columns(frame, clause))
    roles = infer_roles(frame, clause)
    points = points_of(frame, roles, clause, stacked=_stacks(clause))
    if points.rows["y"].isna().all():
        raise NotDrawn(f"render {clause.visualization}: every value is null, so there is nothing to draw")
    notes = [*_kind_note(points, clause), *points.notes]
    if clause.ysplit != "none" and not points.one_series:
        return _split(points, clause, notes)
    chart, said = _built(points, clause), _anomaly_notes(points, clause)
    return chart, [*notes, *said]


def _built(points: Points, clause: Clause) -> Any:
    chart = _BUILDERS[clause.visualization](points, clause)
    return with_anomalies(chart, points, clause) if clause.visualization == "anomalychart" else chart


def _anomaly_notes(points: Points, clause: Clause) -> list[str]:
    return [anomaly_note(points, clause)] if clause.visualization == "anomalychart" else []


def _stacks(clause: Clause) -> bool:
    if clause.visualization not in _STACKING:
        return False
    return clause.kind in ("stacked", "stacked100") or clause.visualization == "stackedareachart"


def _kind_note(points: Points, clause: Clause) -> list[str]:
    """What of the clause says nothing of this chart."""
    ignored = []
    if points.x_kind != NUMBER:
        ignored += ["xaxis=log"] * clause.xlog
        ignored += [f"{name}=" for name in ("xmin", "xmax") if getattr(clause, name) is not None]
    said = [f"{', '.join(ignored)} wants an x of numbers, and {points.x_title} is none"] if ignored else []
    return [*said, *_stack_notes(clause)]


def _stack_notes(clause: Clause) -> list[str]:
    if clause.kind in ("stacked", "stacked100") and clause.visualization not in _STACKING:
        return [f"kind={clause.kind} says nothing of a {clause.visualization}"]
    if clause.ylog and _stacks(clause):
        return ["a logarithmic axis has no 0 to stack on, so nothing is stacked"]
    return []


def _split(points: Points, clause: Clause, notes: list[str]) -> tuple[Any, list[str]]:
    """A panel a series, one below the other, or an axis a series."""
    names, colours = points.series[:_MOST_SPLITS], palette(_MOST_SPLITS)
    if len(points.series) > len(names):
        notes.append(f"ysplit shows {len(names)} of {len(points.series):,} series")
    if points.marks is not None:
        points = replace(points, marks=points.marks[points.marks["s"].isin(names)])
    notes += _anomaly_notes(points, clause)
    parts = [_built(points.only(name, colour), clause) for name, colour in zip(names, colours, strict=False)]
    if clause.visualization in BARS:
        return _panels_of_bars(parts, names, clause, notes)
    if clause.ysplit == "panels":
        return _panels(parts, names), notes
    for at, (part, colour) in enumerate(zip(parts, colours, strict=False)):
        # The first y axis stands left, the others right, one beside the other, each titled in its series' colour.
        away = {"orient": "right", "offset": 65 * (at - 1), "grid": False} if at else {}
        _edit_axis(part, "y", titleColor=colour, **away)
    return LayerChart(layer=parts).resolve_scale(y="independent"), notes


def _panels_of_bars(
    parts: list[Any], names: Sequence[str], clause: Clause, notes: list[str]
) -> tuple[Any, list[str]]:
    """A panel a series: bars of several axes would lie upon each other. Lying ones keep their height, for their names."""
    if clause.ysplit == "axes":
        notes.append("ysplit=axes would hide bars behind bars: each series has a panel")
    if clause.visualization == "barchart":
        return VConcatChart(vconcat=parts).resolve_scale(x="independent", y="shared"), notes
    return _panels(parts, names), notes


def _panels(parts: list[Any], names: Sequence[str]) -> Any:
    for part, name in zip(parts, names, strict=True):
        _edit_axis(part, "y", title=wrapped(name, _PANEL // 6))
    for part in parts[:-1]:
        _edit_axis(part, "x", title=None)
    return VConcatChart(vconcat=[part.properties(height=_PANEL) for part in parts]).resolve_scale(x="shared")


def _edit_axis(part: Any, channel: str, **changes: Any) -> None:
    """Change the axis of a channel in each layer of a chart that is still ours alone."""
    for layer in part.layer if isinstance(part, alt.LayerChart) else [part]:
        encoded = layer.encoding[channel]
        encoded["axis"] = alt.Axis(**{**encoded["axis"].to_dict(), **changes})
