"""Each kind of `render`, drawn, its marks counted."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from kqlmagic_ext.display.chart import draw
from tests.display.pictures import Picture, drawn, refused

HOURS = pd.date_range("2026-11-01", periods=6, freq="h", tz="UTC")
BY_HOUR = pd.DataFrame({"TimeGenerated": HOURS, "Attempts": pd.array([3, 1, 4, 1, 5, 9], dtype="Int64")})
BY_APP = pd.DataFrame(
    {
        "App": ["Portal", "Portal", "Teams", "Teams", "Mail"],
        "Result": ["ok", "no", "ok", "no", "ok"],
        "Attempts": pd.array([5, 2, 7, 1, 4], dtype="Int64"),
    }
)
TWO_APPS_BY_HOUR = pd.concat([BY_HOUR.assign(App="Portal"), BY_HOUR.assign(App="Teams")], ignore_index=True)


@pytest.mark.parametrize(
    ("frame", "render", "marks"),
    [
        (BY_HOUR, {"visualization": "timechart"}, {"line": 1, "symbol": 6}),
        (TWO_APPS_BY_HOUR, {"visualization": "timechart"}, {"line": 2, "symbol": 12}),
        (BY_HOUR, {"visualization": "linechart"}, {"line": 1, "symbol": 6}),
        (BY_HOUR, {"visualization": "anomalychart", "anomalycolumns": ""}, {"line": 1, "symbol": 6}),
        (BY_HOUR, {"visualization": "areachart"}, {"area": 1, "line": 1, "symbol": 6}),
        (TWO_APPS_BY_HOUR, {"visualization": "areachart", "kind": "stacked"}, {"area": 2, "symbol": 12}),
        (TWO_APPS_BY_HOUR, {"visualization": "stackedareachart"}, {"area": 2, "symbol": 12}),
        (BY_HOUR, {"visualization": "columnchart"}, {"rect": 6}),
        (BY_HOUR, {"visualization": "barchart"}, {"rect": 6}),
        (BY_APP, {"visualization": "columnchart"}, {"rect": 5}),
        (BY_APP, {"visualization": "columnchart", "kind": "stacked"}, {"rect": 5}),
        (BY_APP, {"visualization": "barchart", "kind": "stacked100"}, {"rect": 5}),
        (BY_APP, {"visualization": "barchart", "kind": "unstacked"}, {"rect": 5}),
        (BY_APP[["App", "Attempts"]], {"visualization": "piechart"}, {"arc": 3, "text": 3}),
        (BY_HOUR, {"visualization": "scatterchart"}, {"symbol": 6}),
    ],
)
@pytest.mark.parametrize("vl_version", ["5.8", "5.20"])
def test_each_kind_draws_its_marks(
    frame: pd.DataFrame, render: dict[str, Any], marks: dict[str, int], vl_version: str
) -> None:
    drawing = drawn(frame, **render)
    assert dict(Picture(drawing, vl_version).marks) == marks


def test_a_ladder_has_a_rung_a_row() -> None:
    frame = pd.DataFrame({"Host": ["a", "b", "c"], "From": HOURS[:3], "To": HOURS[3:]})
    picture = Picture(drawn(frame, "ladderchart"))
    assert picture.marks == {"rect": 3}
    assert {"a", "b", "c", "Host"} <= set(picture.texts)
    assert "two datetimes, or two numbers" in refused(frame[["From", "Host"]], "ladderchart")
    frame.loc[1, "To"] = pd.NaT
    drawing = drawn(frame, "ladderchart")
    assert Picture(drawing).marks == {"rect": 2}
    assert drawing.notes == ("not drawn: 1 row without From or To",)


def test_an_anomaly_is_marked_on_its_line() -> None:
    frame = BY_HOUR.assign(anomalies=pd.array([0, 0, 0, 0, 0, 1], dtype="Int64"))
    for named in ({}, {"anomalycolumns": "anomalies"}, {"anomalycolumns": ["anomalies"]}):
        drawing = drawn(frame, "anomalychart", **named)
        assert drawing.notes == ("1 anomaly marked",)
        assert Picture(drawing).marks == {"line": 1, "symbol": 7}
    assert "marks no anomalies" in refused(BY_APP, "anomalychart", anomalycolumns="App")


def marked(drawing: Any) -> list[float]:
    """The y of each mark, as it is drawn."""
    spec = drawing.chart.to_dict()
    parts = spec.get("vconcat") or (spec["layer"] if "layer" in spec["layer"][0] else [spec])
    layers = [layer for part in parts for layer in part["layer"] if layer["mark"]["type"] == "point"]
    return [row["y"] for layer in layers for row in spec["datasets"][layer["data"]["name"]]]


def test_a_mark_stands_on_the_line_as_it_is_drawn() -> None:
    flag = pd.array([0, 0, 1, 0, 0, 0], dtype="Int64")
    ones = pd.DataFrame({"t": HOURS, "n": 1.0, "anomalies": flag})
    assert marked(drawn(ones, "anomalychart", accumulate=True)) == [3]
    spans = pd.DataFrame(
        {"t": HOURS, "a": pd.Timedelta(days=4), "b": pd.Timedelta(hours=6), "f": 0, "g": flag}
    )
    assert marked(drawn(spans, "anomalychart", anomalycolumns="f, g")) == [0.25]  # days, as the lines
    more = pd.concat([ones.assign(who=who, n=n) for who, n in (("a", 5.0), ("b", 7.0))])
    assert marked(drawn(more, "anomalychart")) == [7, 5]  # the series, the largest first


@pytest.mark.parametrize("ysplit", ["panels", "axes"])
def test_a_split_anomalychart_keeps_its_marks(ysplit: str) -> None:
    frame = BY_HOUR.assign(Users=2.0, anomalies=[0, 0, 0, 0, 0, 1], anomalies2=[1, 1, 0, 0, 0, 0])
    drawing = drawn(frame, "anomalychart", ysplit=ysplit)
    assert drawing.notes == ("3 anomalies marked",)
    assert marked(drawing) == [9, 2, 2]
    assert Picture(drawing).marks == {"line": 2, "symbol": 15}


@pytest.mark.parametrize("visualization", ["columnchart", "barchart"])
@pytest.mark.parametrize("frame", [BY_HOUR, BY_APP[["App", "Attempts"]]])
def test_bars_split_by_axes_have_panels_that_hide_none(frame: pd.DataFrame, visualization: str) -> None:
    drawing = drawn(frame.assign(Users=1.0), visualization, ysplit="axes")
    assert drawing.notes == ("ysplit=axes would hide bars behind bars: each series has a panel",)
    assert len(drawing.chart.to_dict()["vconcat"]) == 2
    assert {"Attempts", "Users"} <= set(Picture(drawing).texts)


def test_a_series_of_make_series_is_drawn_value_by_value() -> None:
    times = [f"2026-11-01T0{hour}:00:00.0000000Z" for hour in range(6)]
    frame = pd.DataFrame(
        {"App": ["a", "b"], "n": [[1, 2, 3, 4, 5, 6], [6, 5, 4, 3, None, 1]], "TimeGenerated": [times, times]}
    )
    drawing = drawn(frame, "timechart")
    assert Picture(drawing).marks == {"line": 3, "symbol": 11}
    assert Picture(drawing).records[0]["t"] == "2026-11-01 00:00:00"
    assert list(frame.columns) == ["App", "n", "TimeGenerated"]
    assert len(frame) == 2


def test_a_map_is_a_plain_grid_of_places() -> None:
    frame = pd.DataFrame(
        {"City": ["Oslo", "Bonn", "Nowhere"], "Latitude": [59.9, 50.7, 95.0], "Longitude": [10.7, 7.1, 0.0]}
    )
    drawing = drawn(frame, "scatterchart", kind="map")
    assert Picture(drawing).marks == {"symbol": 2}
    assert drawing.notes == ("not drawn: 1 row without a place on earth",)
    assert {"longitude", "latitude", "10°"} <= set(Picture(drawing).texts)
    assert {(record["x"], record["y"]) for record in Picture(drawing).records} == {(10.7, 59.9), (7.1, 50.7)}
    points = pd.DataFrame({"p": [{"type": "Point", "coordinates": [10.7, 59.9]}, None], "n": [1.0, 2.0]})
    assert Picture(drawn(points, "piechart", kind="map")).marks == {"symbol": 1}
    assert "wants a longitude and a latitude" in refused(BY_APP, "scatterchart", kind="map")
    assert "kind=map is a kind of scatterchart" in refused(BY_HOUR, "timechart", kind="map")


def test_a_card_shows_the_first_row_and_escapes_it() -> None:
    frame = pd.DataFrame({"Host<b>": ["<script>alert(1)</script>"], "n": pd.array([1234567], dtype="Int64")})
    drawing = draw(frame, {"visualization": "card", "title": "<i>T"})
    assert drawing.chart is None
    assert drawing.shown is not None
    assert drawing.shown["text/plain"] == "<i>T\nHost<b>: <script>alert(1)</script>\nn: 1,234,567"
    assert "<script>" not in drawing.shown["text/html"]
    assert "<b>" not in drawing.shown["text/html"]
    assert "&lt;script&gt;" in drawing.shown["text/html"]
    assert draw(BY_HOUR, {"visualization": "card"}).notes == ("the first of 6 rows shown",)


def test_a_pivotchart_is_its_table() -> None:
    drawing = draw(BY_APP, {"visualization": "pivotchart"})
    assert drawing.table is not None
    assert drawing.table.loc["Portal"].tolist() == [5, 2]
    assert drawing.table.loc["Mail", "ok"] == 4
    assert drawing.table.loc["Mail", "no"] is pd.NA
    assert drawing.notes == ("the table of the pivotchart: sums of Attempts; the frame is as it came",)
    counted = draw(BY_APP[["App", "Result"]], {"visualization": "pivotchart"}).table
    assert counted is not None
    assert counted.loc["Teams"].tolist() == [1, 1]


def test_a_table_is_the_frame_without_a_word() -> None:
    drawing = draw(BY_HOUR, {"visualization": "table"})
    assert not drawing.is_shown
    assert (drawing.failed, drawing.notes) == ("", ())


# ---------------------------------------------------------------- properties


def encoding(drawing: Any, channel: str) -> dict[str, Any]:
    spec = drawing.chart.to_dict()
    spec = spec.get("layer", [spec])[0]
    found: dict[str, Any] = spec["encoding"][channel]
    return found


def test_titles_stand_where_they_belong() -> None:
    drawing = drawn(BY_HOUR, "timechart", title="T", xtitle="X", ytitle="Y")
    assert {"T", "X (UTC), 2026-11-01", "Y"} <= set(Picture(drawing).texts)


def test_columns_play_the_roles_that_the_clause_names() -> None:
    frame = BY_APP.assign(Other=1.5, n=[1, 2, 3, 4, 5])
    drawing = drawn(frame, "columnchart", xcolumn="Result", ycolumns="Other, n", series="App")
    labels = {record["s"] for record in Picture(drawing).records}
    assert labels == {f"{app}: {y}" for app in ("Portal", "Teams", "Mail") for y in ("Other", "n")}
    assert {record["x"] for record in Picture(drawing).records} == {"ok", "no"}
    assert Picture(drawn(frame, "columnchart", xcolumn="Result", ycolumns=["n"], series=["App"])).marks == {
        "rect": 5
    }


def test_the_first_datetime_is_x_numbers_are_y_and_the_first_text_splits() -> None:
    frame = TWO_APPS_BY_HOUR.assign(Result="ok")[["App", "Attempts", "TimeGenerated", "Result"]]
    drawing = drawn(frame, "columnchart")
    assert {record["s"] for record in Picture(drawing).records} == {"Portal", "Teams"}
    assert drawing.notes == ("App alone tells the series apart, not Result; series= names others",)


def test_the_legend_can_be_hidden() -> None:
    assert "App" in Picture(drawn(TWO_APPS_BY_HOUR, "timechart")).texts
    assert "App" not in Picture(drawn(TWO_APPS_BY_HOUR, "timechart", legend="hidden")).texts


def test_accumulate_adds_all_before() -> None:
    for asked in ("true", True):
        drawing = drawn(BY_HOUR, "linechart", accumulate=asked)
        assert [record["y"] for record in Picture(drawing).records] == [3, 4, 8, 9, 14, 23]


def test_axes_can_be_logarithmic_and_bounded() -> None:
    drawing = drawn(BY_HOUR, "linechart", yaxis="log", ymin="1", ymax=100.0)
    assert encoding(drawing, "y")["scale"] == {"type": "log", "domainMin": 1.0, "domainMax": 100.0}
    drawing = drawn(BY_HOUR.assign(Attempts=[0, 1, -2, 3, 4, 5]), "timechart", yaxis="log")
    assert drawing.notes == ("a logarithmic axis has no place for 2 values not above 0",)
    assert Picture(drawing).marks["symbol"] == 4
    numbers = pd.DataFrame({"x": [1.0, 10.0, 100.0], "y": [1.0, 2.0, 3.0]})
    assert encoding(drawn(numbers, "scatterchart", xaxis="log"), "x")["scale"]["type"] == "log"
    assert Picture(drawn(BY_APP, "columnchart", kind="stacked", yaxis="log")).marks == {"rect": 5}
    nan = drawn(BY_HOUR, "timechart", ymin="NaN", ymax="NaN")
    assert "domainMin" not in encoding(nan, "y").get("scale", {})


def test_ysplit_gives_each_series_its_panel_or_axis() -> None:
    frame = BY_HOUR.assign(Users=[1.0, 2, 3, 4, 5, 6])
    panels = drawn(frame, "timechart", ysplit="panels")
    assert len(panels.chart.to_dict()["vconcat"]) == 2
    assert Picture(panels).marks == {"line": 2, "symbol": 12}
    axes = drawn(frame, "timechart", ysplit="axes")
    assert axes.chart.to_dict()["resolve"] == {"scale": {"y": "independent"}}
    assert {"Attempts", "Users"} <= set(Picture(axes).texts)
    many = BY_HOUR.assign(**{f"c{at}": 1.0 for at in range(7)})
    assert drawn(many, "timechart", ysplit="panels").notes == ("ysplit shows 5 of 8 series",)
    assert Picture(drawn(frame, "columnchart", ysplit="panels")).marks == {"rect": 12}


@pytest.mark.parametrize(
    ("frame", "render", "said"),
    [
        (BY_HOUR, {"visualization": "treemap"}, "a notebook draws no treemap: there are anomalychart, "),
        (BY_HOUR, {"visualization": "timechat"}, "a notebook draws no timechat: did you mean timechart?"),
        (BY_HOUR, {"visualization": "3Dchart"}, "a notebook draws no 3dchart: there are anomalychart, "),
        (BY_HOUR, {"visualization": "timechart", "titel": "x"}, "render has no property titel: did you mean title?"),
        (BY_HOUR, {"visualization": "timechart", "kind": "stackd"}, "render: kind cannot be stackd: did you mean stacked?"),
        (BY_HOUR, {"visualization": "timechart", "ycolumns": "zz"}, "ycolumns names zz: there are TimeGenerated, Attempts"),
        (BY_HOUR, {"visualization": "timechart", "colour": "red"}, "render has no property colour: there are accumulate, "),
        (BY_HOUR, {"visualization": "timechart", "kind": "round"}, "render: kind cannot be round: there are default, "),
        (BY_HOUR, {"visualization": "timechart", "ymin": "low"}, "ymin=low is no number"),
        (BY_HOUR, {"visualization": "timechart", "ymin": 5, "ymax": 5}, "ymin=5 is not below ymax=5"),
        (BY_HOUR, {"visualization": "timechart", "ycolumns": "Attempt"}, "ycolumns names Attempt: did you mean Attempts?"),
        (BY_HOUR, {"visualization": "timechart", "xcolumn": "Attempts"}, "cannot have Attempts as its x: it takes time"),
        (BY_APP, {"visualization": "timechart"}, "wants a datetime column, and none of App, Result, Attempts is one"),
        (BY_APP[["App", "Result"]], {"visualization": "columnchart"}, "wants a numeric column beside x, and the columns are App, Result"),
        (BY_APP, {"visualization": "columnchart", "ycolumns": "Result"}, "cannot draw Result: it holds no numbers"),
        (BY_HOUR[:0], {"visualization": "timechart"}, "the answer has no rows to draw"),
        (pd.DataFrame({"a": [str(at) for at in range(400)], "n": 1}), {"visualization": "piechart"}, "a piechart of 400 slices is not readable"),
        (pd.DataFrame({"a": ["x", "y"], "n": [1, -1]}), {"visualization": "piechart"}, "cannot draw values below 0"),
        (BY_HOUR.assign(Attempts=float("nan")), {"visualization": "timechart"}, "every value is null"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_one_sentence(frame: pd.DataFrame, render: dict[str, Any], said: str) -> None:
    assert said in refused(frame, **render)


def test_a_whole_table_is_drawn_by_the_time_of_its_events_and_says_what_to_write() -> None:
    texts = {f"Text{at}": "x" for at in range(60)}
    rows = pd.DataFrame(
        {"Tenant": "a", "Created": HOURS - pd.Timedelta(days=9), "TimeGenerated": HOURS, "n": 1.0, **texts}
    )
    drawing = drawn(rows, "timechart")
    assert "TimeGenerated (UTC), 2026-11-01" in Picture(drawing).texts
    [note] = drawing.notes
    assert note == (
        "a whole table is drawn: x is TimeGenerated, y n, series Tenant; xcolumn=, ycolumns= and series= name others, "
        "summarize count() by bin(TimeGenerated, 1h) counts rows"
    )
    assert refused(rows.drop(columns="n"), "timechart") == (
        "render timechart wants a numeric column beside x, and the columns are Tenant, Created, TimeGenerated, Text0, Text1 "
        "and 58 more; summarize count() by bin(TimeGenerated, 1h) gives one"
    )
    ordered = rows[["Created", "TimeGenerated", "n"]]  # the first column is x, as Kusto documents it
    assert "Created (UTC), 2026-10-23" in Picture(drawn(ordered, "timechart")).texts
    by_text = rows[["Tenant", "TimeGenerated", "n"]]
    assert {record["s"] for record in Picture(drawn(by_text, "piechart")).records} == {"a"}


@pytest.mark.parametrize("visualization", ["timechart", "columnchart", "barchart", "stackedareachart"])
def test_small_whole_numbers_have_ticks_at_whole_numbers(visualization: str) -> None:
    for most in (1, 2, 4):
        texts = Picture(drawn(BY_HOUR.assign(Attempts=[most, 1, 1, 1, 0, 0]), visualization)).texts
        numbers = [text for text in texts if text.replace(".", "").isdecimal()]
        assert numbers == [str(number) for number in range(most + 1)]


def test_a_rung_of_no_length_is_seen() -> None:
    frame = pd.DataFrame({"Host": ["a", "b"], "From": HOURS[:2], "To": [HOURS[0], HOURS[5]]})
    drawing = drawn(frame, "ladderchart")
    first = Picture(drawing).records[0]
    assert (first["w"] - first["b"]) / (Picture(drawing).records[1]["e"] - first["b"]) == pytest.approx(
        1 / 200
    )
    assert first["t"] == first["u"]  # what is told stays exact
    moment = Picture(drawn(frame[:1], "ladderchart")).records[0]
    assert moment["w"] > moment["b"]


def test_many_columns_have_labels_that_are_readable() -> None:
    many = pd.DataFrame({"who": [f"somebody{at}@example.com" for at in range(100)], "n": 1.0})
    axis = drawn(many, "columnchart").chart.to_dict()["encoding"]["x"]["axis"]
    assert axis["labelAngle"] == -90
    nodes = Picture(drawn(many, "columnchart")).tree.iter("{http://www.w3.org/2000/svg}text")
    names = [node for node in nodes if "somebody" in "".join(node.itertext())]
    assert 40 < sum(node.get("opacity") != "0" for node in names) < 100


def test_a_pivotchart_has_its_title() -> None:
    drawing = draw(BY_APP, {"visualization": "pivotchart", "title": "By <b>"})
    assert drawing.table is not None
    assert drawing.shown is not None
    assert "By &lt;b&gt;" in drawing.shown["text/html"]
