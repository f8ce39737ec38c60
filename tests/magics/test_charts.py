"""`render` in a real shell, and `%kql_chart`."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import pytest
from IPython.core.error import UsageError

from kqlmagic_ext.emulator import Emulator
from kqlmagic_ext.magics.charts import ChartMagics
from tests.notebook import Notebook

VEGALITE = "application/vnd.vegalite.v5+json"
TIMES = "range t from datetime(2026-11-01) to datetime(2026-11-02) step 1h | extend n = 1"


@pytest.fixture
def empty(notebook: Notebook) -> Notebook:
    notebook.value("%kql_connect local://")
    return notebook


def shown(notebook: Notebook) -> list[dict[str, Any]]:
    """The bundles that the last cell displayed."""
    return [output.data for output in notebook.outputs]


def printed(notebook: Notebook) -> str:
    """What the last cell's value shows, in a shell that prints it."""
    return notebook.stdout.partition(": ")[2].strip()


@pytest.mark.parametrize("cell", [f"%kql {TIMES} | render timechart", f"%%kql\n{TIMES}\n| render timechart"])
def test_render_shows_the_chart_alone_and_the_value_is_the_frame(empty: Notebook, cell: str) -> None:
    frame = empty.value(cell)
    assert [set(bundle) for bundle in shown(empty)] == [{VEGALITE, "image/svg+xml", "text/plain"}]
    assert printed(empty) == ""
    assert isinstance(frame, pd.DataFrame)
    assert frame.shape == (25, 2)
    assert empty.names["_"] is frame
    assert empty.outputs[0].metadata[VEGALITE]["embed_options"]["actions"]["editor"] is False


def test_the_frame_shows_itself_in_the_next_cell(empty: Notebook) -> None:
    empty.value(f"%kql {TIMES} | render timechart")
    empty.value("_")
    assert "24 2026-11-02 00:00:00+00:00  1" in printed(empty)
    empty.value("_")
    assert "24 2026-11-02 00:00:00+00:00  1" in printed(empty)
    assert "_ipython_display_" not in vars(empty.names["_"])


def test_an_assigned_frame_shows_itself_when_it_is_asked(empty: Notebook) -> None:
    empty.value(f"frame = %kql {TIMES} | render timechart")
    assert [VEGALITE in bundle for bundle in shown(empty)] == [True]
    assert empty.names["frame"].shape == (25, 2)
    empty.value("frame")
    assert "24 2026-11-02 00:00:00+00:00  1" in printed(empty)


def test_with_an_output_the_chart_and_a_receipt_are_shown(empty: Notebook) -> None:
    assert empty.value(f"%kql -o hours {TIMES} | render timechart") is None
    chart, receipt = shown(empty)
    assert VEGALITE in chart
    assert receipt["text/plain"].startswith("hours: 25 rows × 2 from local")
    assert empty.names["hours"].shape == (25, 2)
    empty.value("hours")
    assert "24 2026-11-02 00:00:00+00:00  1" in printed(empty)


def test_what_is_not_drawn_is_told_and_the_frame_is_shown(empty: Notebook) -> None:
    frame = empty.value("%kql print a = 'x' | render timechart")
    assert frame.shape == (1, 1)
    assert empty.receipt == "warning: render timechart wants a datetime column, and none of a is one"
    assert printed(empty) == "a\n0  x"


def test_the_receipt_tells_how_many_points_are_drawn(empty: Notebook) -> None:
    many = "range x from 1 to 20000 step 1 | extend y = x % 7"
    empty.value(f"%kql {many} | render linechart")
    assert shown(empty)[1]["text/plain"] == "5,000 of 20,000 points drawn"
    assert len(empty.names["_"]) == 20_000


def test_a_card_and_a_pivot_stand_for_the_frame(empty: Notebook) -> None:
    empty.value("%kql print n = 12345 | render card")
    [card] = shown(empty)
    assert card["text/plain"] == "n: 12,345"
    empty.value("%kql datatable(a:string, b:string) ['x','p', 'y','q'] | render pivotchart")
    table, receipt = shown(empty)
    assert "<table" in table["text/html"]
    assert "numbers of rows" in receipt["text/plain"]
    assert empty.names["_"].shape == (2, 2)
    empty.value("%kql print n = 1 | render table")
    assert shown(empty) == []
    assert printed(empty) == "n\n0  1"


def test_the_last_of_several_tables_is_drawn(empty: Notebook) -> None:
    value = empty.value(f"%%kql\nprint a = 1;\n{TIMES} | render timechart")
    assert [frame.shape for frame in value] == [(1, 1), (25, 2)]
    assert VEGALITE in shown(empty)[0]


def test_kql_chart_gives_the_last_chart_to_change(empty: Notebook) -> None:
    empty.value(f"%kql {TIMES} | render timechart with (title='First')")
    empty.value(f"%kql -o other {TIMES} | render columnchart with (title='Second')")
    empty.value("%kql print 1")
    chart = empty.value("chart = %kql_chart\nchart.properties(width=900)")
    assert isinstance(chart, alt.Chart)
    assert chart.to_dict()["title"]["text"] == "Second"
    assert printed(empty) == "a chart, drawn where Vega-Lite is shown"
    bundle, _ = empty.shell.display_formatter.format(chart)
    assert set(bundle) == {VEGALITE, "image/svg+xml", "text/plain"}
    assert bundle[VEGALITE]["width"] == 900
    assert isinstance(empty.error("%kql_chart please"), UsageError)


def test_kql_chart_says_when_there_is_none(notebook: Notebook) -> None:
    assert "no cell has drawn a chart yet" in str(notebook.error("%kql_chart"))


def test_unloading_takes_kql_chart_away(notebook: Notebook) -> None:
    notebook.shell.run_line_magic("unload_ext", "kqlmagic_ext")
    assert "kql_chart" not in notebook.shell.magics_manager.magics["line"]
    assert not any(isinstance(one, ChartMagics) for one in notebook.shell.configurables)
    notebook.shell.run_line_magic("load_ext", "kqlmagic_ext")


def test_an_accepted_answer_is_drawn(notebook: Notebook) -> None:
    with Emulator("local://demo?rows=2000", faults="row-limit=20") as emulator:
        notebook.value(f"%kql_connect {emulator.url}")
        notebook.error("%kql SigninLogs | project TimeGenerated, n = 1 | render timechart")
        assert shown(notebook) == []
        frame = notebook.value("%kql_accept")
        assert VEGALITE in shown(notebook)[0]
        assert "rows are missing" in shown(notebook)[1]["text/plain"]
        assert len(frame) == 20


@pytest.mark.parametrize("place", ["local", "service"])
def test_a_parameter_may_be_a_title(notebook: Notebook, place: str) -> None:
    with Emulator("local://") as emulator:
        notebook.value(f"%kql_connect {'local://' if place == 'local' else emulator.url}")
        notebook.names |= {"said": 'Log "ins", ü = 1', "hour": 3}
        notebook.value(f"%kql {TIMES} | render timechart with (title={{{{said}}}}, ytitle={{{{hour}}}})")
        spec = shown(notebook)[0][VEGALITE]
        assert spec["title"]["text"] == 'Log "ins", ü = 1'
        assert "'title': '3'" in str(spec)


def test_a_parameter_names_no_column_and_no_kind(empty: Notebook) -> None:
    empty.names["column"] = "n"
    empty.value(f"%kql {TIMES} | render timechart with (ycolumns={{{{column}}}})")
    assert empty.receipt == (
        "warning: render: ycolumns takes no parameter such as {{column}}; title, xtitle, ytitle do"
    )


@pytest.mark.parametrize("output", ["", "-o kept "])
def test_a_table_stands_below_its_title(empty: Notebook, output: str) -> None:
    empty.value(f"%kql {output}print n = 1 | render table with (title='<b>One</b>')")
    title, table = shown(empty)[:2]
    assert "&lt;b&gt;One&lt;/b&gt;" in title["text/html"]
    assert title["text/plain"] == "<b>One</b>"
    assert "<table" in table["text/html"]
    assert empty.names["kept" if output else "_"].shape == (1, 1)


def test_a_property_that_there_is_not_is_told_with_the_one_that_was_meant(empty: Notebook) -> None:
    assert "did you mean title?" in str(empty.error("%kql print n = 1 | render card with (titel='x')"))
