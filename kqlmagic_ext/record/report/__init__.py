"""The report of a case: one file that opens from the disk, without a network and without a script."""

from __future__ import annotations

from kqlmagic_ext.record.report.chapters import Chapter, chapters, withheld
from kqlmagic_ext.record.report.hidden import hidden_values
from kqlmagic_ext.record.report.masks import Mask
from kqlmagic_ext.record.report.notebook import NoExporter, notebook_cells
from kqlmagic_ext.record.report.notices import notices
from kqlmagic_ext.record.report.page import Cover, page

__all__ = [
    "Chapter",
    "Cover",
    "Mask",
    "NoExporter",
    "chapters",
    "hidden_values",
    "notebook_cells",
    "notices",
    "page",
    "withheld",
]
