"""KQL's `render` as Altair charts that draw without a network; importing this room imports Altair."""

from __future__ import annotations

from kqlmagic_ext.display.chart.bundle import bundle, embedding
from kqlmagic_ext.display.chart.drawing import Drawing, draw

__all__ = ["Drawing", "bundle", "draw", "embedding"]
