"""What a cell shows for `render`, and `%kql_chart`, which gives the last chart to change it."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand
from IPython.display import display, publish_display_data

if TYPE_CHECKING:
    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

    from kqlmagic_ext.display.chart import Drawing
    from kqlmagic_ext.query import Result


class Charts:
    """The charts of the cells; `last` is the chart, of `altair`, that the last `render` drew, None when it drew none."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self.last: Any = None
        self.are_asked = False

    def show(self, result: Result) -> Drawing:
        """Show what the result's `render` asks, of its last table; the drawing, with its notes for the receipt."""
        from kqlmagic_ext.display.chart import draw, embedding

        assert result.render is not None, "a result without render is not drawn"  # noqa: S101 - for the type checker
        drawing = draw(result.frames[-1], result.render)
        self.last, self.are_asked = drawing.chart, True
        if drawing.shown is not None:
            publish_display_data(dict(drawing.shown), metadata=embedding(drawing.shown))
        if drawing.table is not None:
            display(drawing.table)
        return drawing

    def stand_for(self, frame: pd.DataFrame) -> None:
        """Let the frame, the cell's value, show nothing in this cell: its chart is shown. Later it shows itself."""
        _hush(frame, self._shell)


def _hush(frame: pd.DataFrame, shell: InteractiveShell) -> None:
    """Give this one frame IPython's own hook for a display of its own, for one time and this cell."""
    cell, held = shell.execution_count, weakref.ref(frame)

    def say_nothing() -> None:
        frame = held()
        if frame is not None:
            object.__delattr__(frame, "_ipython_display_")
        if shell.execution_count != cell:
            raise NotImplementedError  # IPython then shows the frame as ever

    object.__setattr__(frame, "_ipython_display_", say_nothing)


@magics_class
class ChartMagics(Magics):
    """`%kql_chart`."""

    def __init__(self, shell: InteractiveShell, charts: Charts) -> None:
        super().__init__(shell)
        self._charts = charts

    @no_var_expand
    @line_magic
    def kql_chart(self, line: str) -> Any:
        """The chart that the last `render` drew, an Altair chart to change: `chart = %kql_chart`.

        Example::

            chart = %kql_chart
            chart.properties(width=900)
        """
        if line.strip():
            raise UsageError("%kql_chart takes nothing: chart = %kql_chart gives the last chart")
        if self._charts.last is None and self._charts.are_asked:
            raise UsageError("the last render drew no chart; its receipt says why")
        if self._charts.last is None:
            raise UsageError("no cell has drawn a chart yet: end a query with | render timechart")
        return self._charts.last
