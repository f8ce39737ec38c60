"""The cells of a saved notebook as HTML for a report, by nbconvert; with its scripts and frames left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kqlmagic_ext.record.report.clean import cleaned

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kqlmagic_ext.record.report.masks import Mask

_FRAME = "data-kqlmagic"  # how a browser cell's output begins
_PICTURES = ("image/svg+xml", "image/png", "image/jpeg")
_LEFT_OUT = {
    "drawing": "[the drawing of a browser cell is left out]",
    "picture": "[a picture is left out: what it shows cannot be hidden]",
}


class NoExporter(Exception):  # noqa: N818 - what is missing, in a word
    """nbconvert is not there, or the file is no notebook; the sentence says what to do."""


def notebook_cells(path: Path, mask: Mask, *, hides: bool) -> str:
    """The HTML of a notebook's cells.

    `hides`: whether `mask` hides values: then no picture is shown. Raises NoExporter.
    """
    try:
        import nbformat
        from nbconvert import HTMLExporter
    except ImportError as error:
        raise NoExporter(
            "a report of the notebook's own cells wants nbconvert: pip install nbconvert"
        ) from error
    try:
        notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]  # nbformat's own
    except (OSError, ValueError) as error:
        raise NoExporter(f"{path} cannot be read as a notebook: {error}") from error
    for cell in notebook.cells:
        cell.source = mask.query(cell.source) if cell.cell_type == "code" else mask(cell.source)
        cell.attachments = {}
        if cell.cell_type == "code":
            cell.outputs = [_shown(output, mask, hides=hides) for output in cell.outputs]
    notebook.metadata.pop("widgets", None)
    exporter = HTMLExporter(template_name="basic", sanitize_html=True, exclude_anchor_links=True)  # type: ignore[no-untyped-call]  # nbconvert's own
    exporter.register_filter("clean_html", lambda html: cleaned(str(html), str))  # type: ignore[no-untyped-call]  # nbconvert's own
    body, _ = exporter.from_notebook_node(notebook)
    return f'<div class="notebook">{body}</div>'


def _shown(output: Any, mask: Mask, *, hides: bool) -> Any:
    """An output with what a report may show of it."""
    if output.output_type == "stream":
        output.text = mask(output.text)
    elif output.output_type == "error":
        output.traceback = [mask(line) for line in output.traceback]
        output.ename, output.evalue = mask(output.ename), mask(output.evalue)
    else:
        output.data = _data(output.data, mask, hides=hides)
        output.metadata = {}
    return output


def _data(data: Mapping[str, Any], mask: Mask, *, hides: bool) -> dict[str, Any]:
    if _FRAME in data.get("text/html", ""):
        return {"text/plain": _LEFT_OUT["drawing"]}
    pictures = {kind: data[kind] for kind in _PICTURES if kind in data}
    if pictures:
        return {"text/plain": _LEFT_OUT["picture"]} if hides else pictures
    if "text/html" in data and (told := cleaned(data["text/html"], mask.within)) is not None:
        return {"text/html": told}
    return {"text/plain": mask(data.get("text/plain", ""))}
