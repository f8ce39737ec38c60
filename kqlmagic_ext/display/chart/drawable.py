"""Altair's charts, but that they show themselves without a network: their own mime bundle in place of a renderer's."""

from __future__ import annotations

from typing import Any

import altair as alt

from kqlmagic_ext.display.chart.bundle import bundle, embedding


class _Offline:
    """A chart, changed or not, is shown as a cell's chart is."""

    def _repr_mimebundle_(self, *_args: Any, **_kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        shown = dict(bundle(self))
        return shown, embedding(shown)


class Chart(_Offline, alt.Chart):
    """An `altair.Chart`."""


class LayerChart(_Offline, alt.LayerChart):
    """An `altair.LayerChart`."""


class VConcatChart(_Offline, alt.VConcatChart):
    """An `altair.VConcatChart`."""
