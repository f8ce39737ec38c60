"""The mime bundle of a chart: the specification that JupyterLab draws, a picture for viewers without Vega, a text."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.display.chart.look import LOOK, WIDTH

if TYPE_CHECKING:
    from collections.abc import Mapping

VEGALITE = "application/vnd.vegalite.v5+json"
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"  # what JupyterLab and Notebook 7 draw; a name, never fetched
_SVG_MOST = 200_000  # characters; a larger drawing is a PNG
_SVG_RECORDS = 2_000
_NO_PICTURE = "pip install 'kqlmagic-ext[export]' keeps a picture here"
_PNG_SCALE = 2.0
_PADDING = {
    "left": 60,
    "right": 60,
    "top": 20,
    "bottom": 20,
}  # pixels, for fonts wider than those it was measured by
_TILTED = {"left": 24, "right": 5, "top": 5, "bottom": 5}
_VERSION = "5.20"  # of the Vega-Lite that draws the picture
_WHOLE = WIDTH + 160  # pixels, with axis and legend
_FIT = {"type": "fit-x", "contains": "padding"}
_PANEL_ROOM = {"name": "width", "value": WIDTH}
_ROOM = {"name": "width", "value": _WHOLE}
_WIDTH = f"containerSize()[0] > 0 ? clamp(containerSize()[0], 420, {_WHOLE}) : {_WHOLE}"  # a narrower output scrolls
# The change to the Vega that Vega-Lite makes of a chart: Vega-Lite has no words for a width that follows another.
_FOLLOWING = {
    "op": "add",
    "path": "/signals/-",
    "value": {"name": "width", "init": _WIDTH, "on": [{"events": "window:resize", "update": _WIDTH}]},
}


def bundle(chart: Any, text: str = "") -> Mapping[str, Any]:
    """The mime bundle of an Altair chart: Vega-Lite 5, `text` as text/plain, and with the extra `export` an SVG or a PNG.

    Altair's global settings change nothing in it, and are as before: data stand in the chart, however many.
    """
    spec = specification(chart)
    plain, picture = text or "a chart, drawn where Vega-Lite is shown", _picture(spec)
    if not picture:
        plain += f"\n[{_NO_PICTURE}]"
    return {VEGALITE: _fitting(spec), **picture, "text/plain": plain}


def embedding(shown: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of a bundle: how JupyterLab embeds it. Its menu offers no online editor, which would send the data away."""
    if VEGALITE not in shown:
        return {}
    actions = {"export": True, "source": False, "compiled": False, "editor": False}
    spec = shown[VEGALITE]
    renderer = "svg" if _count(spec) <= _SVG_RECORDS else "canvas"
    patch = [_FOLLOWING] if _ROOM in spec.get("params", ()) else []
    if _PANEL_ROOM in spec.get("params", ()):
        patch = [{"op": "add", "path": "/autosize", "value": _FIT}, _FOLLOWING]
    return {VEGALITE: {"embed_options": {"actions": actions, "renderer": renderer, "patch": patch}}}


def _fitting(spec: dict[str, Any]) -> dict[str, Any]:
    """The specification with a width that an output can make smaller, unless its width or sizing is the analyst's own.

    Not by `"width": "container"`, which hangs a JupyterLab whose page lacks our style (`highlighting/static/charts.js`).
    Vega fits panels, too, and Vega-Lite does not know it.
    """
    params = spec.get("params", [])
    widths = {part.get("width") for part in spec.get("vconcat", [spec])}
    if widths != {WIDTH} or "autosize" in spec or any(one["name"] == "width" for one in params):
        return spec
    if "vconcat" in spec:
        return {**spec, "params": [*params, _PANEL_ROOM]}
    axis = spec.get("encoding", {}).get("x", {}).get("axis") or {}
    padding = (
        {"padding": _TILTED} if axis.get("labelAngle") else {}
    )  # Vega fits once, and then these labels stand elsewhere
    return {
        **padding,
        **spec,
        "autosize": _FIT,
        "params": [*params, _ROOM],
    }


def specification(chart: Any) -> dict[str, Any]:
    """The chart as Vega-Lite 5."""
    import altair as alt

    with alt.data_transformers.enable("default", consolidate_datasets=True):
        spec: dict[str, Any] = chart.to_dict()
    return {**spec, "$schema": SCHEMA, "config": _configured(spec.get("config", {}))}


def _configured(config: Mapping[str, Any]) -> dict[str, Any]:
    """The analyst's configuration before our look: Altair replaces a part such as `axis` as a whole."""
    found = {**LOOK, **config}
    for name, ours in LOOK.items():
        if isinstance(ours, dict) and isinstance(found[name], dict):
            found[name] = {**ours, **found[name]}
    return found


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
