"""What the choices of an operator mean, for Shift-Tab: kinds of join, charts of `render` and their properties."""

from __future__ import annotations

from kqlmagic_ext.kql.language_service import Hover
from kqlmagic_ext.kql.language_service.ours.grammar import KINDS, OPTION_NAMES

_KINDS_OF_JOIN = {
    "inner": "Each left record beside each right record that matches.",
    "innerunique": "As inner, with one left record a key.",
    "leftouter": "Every left record, beside the right ones that match, else beside empty columns.",
    "rightouter": "Every right record, beside the left ones that match, else beside empty columns.",
    "fullouter": "Every record of both tables, beside those that match, else beside empty columns.",
    "leftanti": "The left records that nothing on the right matches.",
    "rightanti": "The right records that nothing on the left matches.",
    "leftsemi": "The left records that something on the right matches, with their own columns.",
    "rightsemi": "The right records that something on the left matches, with their own columns.",
}
_CHARTS = {
    "timechart": "Lines over time, one for each series.",
    "linechart": "Lines over the first column.",
    "columnchart": "Standing bars.",
    "barchart": "Lying bars.",
    "piechart": "Shares of a whole.",
    "areachart": "Filled areas under lines.",
    "stackedareachart": "Filled areas, one on top of the other.",
    "scatterchart": "Points, or with kind=map places on a map.",
    "anomalychart": "Lines over time with the outliers marked.",
    "ladderchart": "Spans of time, from a start to an end.",
    "pivotchart": "A table to pivot.",
    "card": "The first record as large values.",
    "table": "The records as a table.",
}
_PROPERTIES = {
    "title": "The title of the chart.",
    "kind": "How series stand together, such as stacked or unstacked.",
    "xtitle": "The title of the x axis.",
    "ytitle": "The title of the y axis.",
    "xcolumn": "The column along the x axis.",
    "ycolumns": "The columns along the y axis.",
    "series": "The columns whose values split the records into series.",
    "legend": "Whether a legend is shown: visible or hidden.",
    "accumulate": "Whether each value is added to those before it.",
    "xaxis": "The scale of the x axis: linear or log.",
    "yaxis": "The scale of the y axis: linear or log.",
    "ymin": "The least value of the y axis.",
    "ymax": "The greatest value of the y axis.",
    "ysplit": "Whether several y columns share an axis: none, axes or panels.",
    "anomalycolumns": "The columns that mark outliers.",
}


def choice(name: str, option: str, operator: str, site: str, *, is_property: bool) -> Hover | None:
    """What a choice means behind `option=` of an operator, or directly behind `render`.

    `is_property`: whether the name stands in render's parentheses, where it is a property.
    """
    page = f"{site}/{operator}-operator"
    if operator == "render":
        sentence = (_PROPERTIES if is_property else _CHARTS).get(name) if not option else None
        signature = f"{name}=…" if is_property else f"render {name}"
        if sentence is None:
            return None
        return Hover(name, "property" if is_property else "value", signature, sentence, page)
    if name in KINDS.get((operator, option), ()):
        sentence = _KINDS_OF_JOIN.get(name, "") if operator in ("join", "lookup") else ""
        return Hover(name, "value", f"{operator} {option}={name}", sentence, page)
    if not option and name in OPTION_NAMES and (operator, name) in KINDS:
        return Hover(name, "property", f"{name}=…", f"One of {', '.join(KINDS[operator, name])}.", page)
    return None
