"""The mime bundle of a chart: the specification that JupyterLab draws, a picture for viewers without Vega, a text."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

VEGALITE = "application/vnd.vegalite.v5+json"
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"  # what JupyterLab and Notebook 7 draw; a name, never fetched
_SVG_MOST = 200_000  # characters; a larger drawing is a PNG
_SVG_RECORDS = 2_000
_PNG_SCALE = 2.0
_PADDING = {
    "left": 60,
    "right": 60,
    "top": 20,
    "bottom": 20,
}  # pixels, for fonts wider than those it was measured by
_VERSION = "5.20"  # of the Vega-Lite that draws the picture


def bundle(chart: Any, text: str = "") -> Mapping[str, Any]:
    """The mime bundle of an Altair chart: Vega-Lite 5, `text` as text/plain, and with the extra `export` an SVG or a PNG.

    Altair's global settings change nothing in it, and are as before: data stand in the chart, however many.
    """
    spec = specification(chart)
    plain = text or "a chart, drawn where Vega-Lite is shown"
    return {VEGALITE: spec, **_picture(spec), "text/plain": plain}


def embedding(shown: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of a bundle: how JupyterLab embeds it. Its menu offers no online editor, which would send the data away."""
    if VEGALITE not in shown:
        return {}
    actions = {"export": True, "source": False, "compiled": False, "editor": False}
    renderer = "svg" if _count(shown[VEGALITE]) <= _SVG_RECORDS else "canvas"
    return {VEGALITE: {"embed_options": {"actions": actions, "renderer": renderer}}}


def specification(chart: Any) -> dict[str, Any]:
    """The chart as Vega-Lite 5."""
    import altair as alt

    with alt.data_transformers.enable("default", consolidate_datasets=True):
        spec: dict[str, Any] = chart.to_dict()
    spec["$schema"] = SCHEMA
    return spec


def _picture(spec: dict[str, Any]) -> dict[str, str]:
    """A picture on white, so that it is readable on any page; none without vl-convert."""
    try:
        import vl_convert
    except ImportError:
        return {}
    on_white = {**spec, "background": "white", "padding": _PADDING}
    if _count(spec) <= _SVG_RECORDS:
        svg: str = vl_convert.vegalite_to_svg(on_white, vl_version=_VERSION)
        if len(svg) <= _SVG_MOST:
            return {"image/svg+xml": svg}
    png = vl_convert.vegalite_to_png(on_white, vl_version=_VERSION, scale=_PNG_SCALE)
    return {"image/png": base64.b64encode(png).decode("ascii")}


def _count(spec: Mapping[str, Any]) -> int:
    """The records of a specification."""
    return sum(len(records) for records in spec.get("datasets", {}).values())
