"""`%kql_report`: the case as one file to hand on."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.display import publish_display_data

from kqlmagic_ext.connections.worker import interruptible
from kqlmagic_ext.display.receipt import receipt
from kqlmagic_ext.kql.words import did_you_mean
from kqlmagic_ext.magics import options as opt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

    from kqlmagic_ext.magics.recording import Desk, Recording
    from kqlmagic_ext.record.records import Record
    from kqlmagic_ext.record.report import Mask

_NO_PICTURE = "the chart is not shown: a picture wants the extra, pip install 'kqlmagic_ext[export]'"


@magics_class
class ReportMagics(Magics):
    """The report of a case."""

    def __init__(self, shell: InteractiveShell, recording: Recording) -> None:
        super().__init__(shell)
        self._shell, self._recording = shell, recording

    @no_var_expand
    @magic_arguments()
    @argument("--title", help="what stands above it, in quotes; the case's name without it")
    @argument(
        "--redact",
        metavar="COLUMN",
        action="append",
        default=[],
        help="hide the values of these columns wherever they stand; repeat, or separate by commas",
    )
    @argument(
        "--defang",
        action="store_true",
        help="write addresses so that nobody opens them: hxxps://evil[.]example",
    )
    @argument(
        "--notebook", action="store_true", help="tell it by the notebook's own cells, as they are saved"
    )
    @argument(
        "--of", metavar="FILE", help="with --notebook: the saved notebook, where its name cannot be found"
    )
    @argument("--replace", action="store_true", help="write over a file that is there")
    @argument("file", help="where to write it, such as case.html")
    @line_magic
    def kql_report(self, line: str) -> None:
        """Write the case as one HTML file, which opens from the disk without a network: `%kql_report case.html`.

        Notes and queries in their order, each with its text as written and as sent, its window, parameters and inputs, its
        first rows, its chart (with the extra `[export]`), and the hash of its answer. A value of four characters or more of a
        redacted column is nowhere in it. Print it from the browser for a PDF.
        """
        from kqlmagic_ext.record.report import NoExporter
        from kqlmagic_ext.record.whole_files import write_whole

        arguments = parse_argstring(self.kql_report, line)
        named = opt.variable_in(arguments.file, self._shell.user_ns) or ""
        path = Path(named.strip("\"'")).expanduser()
        if path.suffix.lower() not in (".html", ".htm"):
            raise UsageError(f"{path}: a report is an HTML file; call it NAME.html")
        if path.exists() and not arguments.replace:
            raise UsageError(f"{path} is there already; --replace writes over it")
        desk = self._recording.settled()
        records = desk.store.history()
        if not records:
            raise UsageError(f"the case {desk.store.case} has no records")
        title = (arguments.title or "").strip("\"'") or f"Case {desk.store.case}"
        hidden = [name.strip("\"'") for name in opt.listed(arguments.redact)]
        _check_columns(records, hidden)
        if arguments.of and not arguments.notebook:
            raise UsageError("--of names the notebook of --notebook, which is not given")
        own = self._own_notebook(arguments.of) if arguments.notebook else None
        report = _Report(title, tuple(hidden), arguments.defang, own)
        try:
            text = interruptible(lambda _: report.written(desk, records))
        except NoExporter as error:
            raise UsageError(str(error)) from error
        try:
            write_whole(path, text)
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror or error}") from error
        said = f"{path}: {len(records):,} record{'s' * (len(records) != 1)} of the case {desk.store.case}"
        publish_display_data(dict(receipt([said])))

    def _own_notebook(self, named: str | None) -> Path:
        """The saved notebook that is running, as JupyterLab, Notebook 7 and VS Code tell it."""
        told = (named or "").strip("\"'") or self._shell.user_ns.get("__vsc_ipynb_file__")
        path = Path(told or os.environ.get("JPY_SESSION_NAME", ""))
        if path.suffix != ".ipynb":
            raise UsageError("the notebook's file is not known here: --of NAME.ipynb names it; save it first")
        return path


def _check_columns(records: Sequence[Record], hidden: Sequence[str]) -> None:
    """Raise UsageError for a column that no answer has: nothing would be hidden."""
    known = {name for record in records for table in record.tables for name, _ in table.columns}
    for name in hidden:
        if name not in known:
            near = did_you_mean(name, known)
            said = f"--redact {name}: no answer of the case has that column"
            raise UsageError(f"{said}; {near}" if near else said)


@dataclass(frozen=True)
class _Report:
    """What a report was asked to be; `own` is the saved notebook whose cells tell it."""

    title: str
    hidden: tuple[str, ...]
    is_defanged: bool
    own: Path | None

    def written(self, desk: Desk, records: Sequence[Record]) -> str:
        """The file's text; raises NoExporter."""
        from importlib.metadata import version

        from kqlmagic_ext.record.history import history_tree
        from kqlmagic_ext.record.report import Cover, Mask, chapters, hidden_values, notices, page, withheld

        values, unread = hidden_values(desk.store, records, self.hidden)
        mask = Mask(values, is_defanged=self.is_defanged)
        records = [withheld(record) if record.id in unread else record for record in records]
        states = {record.id: desk.store.state(record) for record in records}
        cover = Cover(
            mask(self.title),
            mask(desk.store.case),
            _now(),
            f"kqlmagic_ext {version('kqlmagic_ext')}",
            tuple(notices(desk.store, records, mask, unread, of_cells=self.own is not None)),
            mask(history_tree([one.with_(text=mask.query(one.text)) for one in records], states)),
        )
        told = list(chapters(desk.store, records, mask, _picture))
        return page(cover, told, self._cells(mask))

    def _cells(self, mask: Mask) -> str | None:
        from kqlmagic_ext.record.report import notebook_cells

        return None if self.own is None else notebook_cells(self.own, mask, hides=bool(self.hidden))


def _picture(frame: pd.DataFrame, render: Mapping[str, Any]) -> tuple[str, str]:
    """A chart as a data URI, and what is said of it."""
    from kqlmagic_ext.display.chart import draw

    drawing = draw(frame, render)
    if drawing.chart is None:
        return "", drawing.failed
    notes = "; ".join(drawing.notes)
    for kind in ("image/svg+xml", "image/png"):
        if drawing.shown is not None and kind in drawing.shown:
            told = drawing.shown[kind]
            data = (
                base64.b64encode(told.encode()).decode() if kind.endswith("xml") else told.replace("\n", "")
            )
            return f"data:{kind};base64,{data}", notes
    return "", _NO_PICTURE


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
