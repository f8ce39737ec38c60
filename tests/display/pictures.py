"""Charts really drawn, by the Vega-Lite of vl-convert, and what is seen in them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from typing import Any

import pandas as pd
import vl_convert

from kqlmagic_ext.display.chart import Drawing, draw

VEGALITE = "application/vnd.vegalite.v5+json"
NAMESPACE = "{http://www.w3.org/2000/svg}"


def drawn(frame: pd.DataFrame, visualization: str, **properties: Any) -> Drawing:
    """The drawing of a frame, which must have become a chart."""
    drawing = draw(frame, {"visualization": visualization, **properties})
    assert drawing.failed == ""
    assert drawing.chart is not None
    return drawing


def refused(frame: pd.DataFrame, visualization: str, **properties: Any) -> str:
    """The sentence in place of a chart."""
    drawing = draw(frame, {"visualization": visualization, **properties})
    assert drawing.chart is None
    assert not drawing.is_shown
    assert drawing.failed.count("\n") == 0
    return drawing.failed


class Picture:
    """An SVG of a drawing: its marks by kind, its texts."""

    def __init__(self, drawing: Drawing, vl_version: str = "5.8") -> None:
        assert drawing.shown is not None
        self.spec: dict[str, Any] = dict(drawing.shown[VEGALITE])
        self.svg: str = vl_convert.vegalite_to_svg(self.spec, vl_version=vl_version)
        self.tree = ET.fromstring(self.svg)  # noqa: S314 - made a line above

    @property
    def marks(self) -> Counter[str]:
        """How many paths each kind of mark has; of a line or an area, how many unbroken pieces."""
        found: Counter[str] = Counter()
        for group in self.tree.iter(f"{NAMESPACE}g"):
            role = re.match(r"mark-(\w+) role-mark", group.get("class", ""))
            if role:
                found[role[1]] += sum(self._count(role[1], path) for path in group)
        return found

    @staticmethod
    def _count(kind: str, path: ET.Element) -> int:
        shape = path.get("d", "") or ("text" if path.text else "")
        return shape.count("M") if kind in ("line", "area") else int(bool(shape))

    @property
    def texts(self) -> list[str]:
        """Every text that is seen."""
        return [text for node in self.tree.iter(f"{NAMESPACE}text") if (text := "".join(node.itertext()))]

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records of all its data."""
        return [record for records in self.spec["datasets"].values() for record in records]

    @property
    def fills(self) -> set[str]:
        """The colours of its marks."""
        return {colour.upper() for colour in re.findall(r'(?:fill|stroke)="(#[0-9a-fA-F]{6})"', self.svg)}
