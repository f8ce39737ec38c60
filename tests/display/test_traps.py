"""Names and values that break charts elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import pytest
import vl_convert

from kqlmagic_ext.display.chart import Drawing, bundle, draw, embedding
from kqlmagic_ext.display.chart.look import palette
from tests.display.pictures import VEGALITE, Picture, drawn, refused

HOURS = pd.date_range("2026-11-01", periods=6, freq="h", tz="UTC")
NAMES = [
    "a.b", "a[0]", "[x]", "a:Q", "a:b:c", 'say "hi"', "it's", "back\\slash", 'end\\"', "", " ", "Größe", "日本", "image", "title",
    "${x}", "{{x}}", "datum.x", "<b>bold</b>", "line\nbreak", "x", "y", "s", "__proto__", 'a"+warn(1)+"',
]  # fmt: skip


@pytest.mark.parametrize("vl_version", ["5.8", "5.20"])
@pytest.mark.parametrize("name", NAMES)
def test_a_column_of_any_name_is_drawn(name: str, vl_version: str) -> None:
    frame = pd.DataFrame({"t": HOURS, name: np.arange(6.0), f"{name}2": ["p", "q"] * 3})
    assert Picture(drawn(frame, "timechart"), vl_version).marks == {"line": 2, "symbol": 6}
    assert Picture(drawn(frame[[f"{name}2", name]], "columnchart"), vl_version).marks == {"rect": 2}
    assert Picture(drawn(frame[[f"{name}2", name]], "piechart"), vl_version).marks["arc"] == 2
    assert Picture(drawn(frame[[name, f"{name}2"]].assign(z=1.0), "scatterchart"), vl_version).marks == {
        "symbol": 6
    }
    asked = drawn(frame, "timechart", xcolumn="t", ycolumns=[name], series=[f"{name}2"])
    assert Picture(asked, vl_version).marks == {"line": 2, "symbol": 6}


@pytest.mark.parametrize("name", ["a, b", "it's", "a]b"])
def test_a_bracketed_name_is_found(name: str) -> None:
    frame = pd.DataFrame({"t": HOURS, name: np.arange(6.0), "other": 1.0})
    written = json.dumps(name)
    drawing = drawn(frame, "timechart", ycolumns=f"[{written}], other")
    assert {record["s"] for record in Picture(drawing).records} == {name, "other"}


def expressions(node: Any) -> Iterator[str]:
    """Every expression of a Vega specification."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("signal", "expr", "test", "update", "init") and isinstance(value, str):
                yield value
            yield from expressions(value)
    elif isinstance(node, list):
        for value in node:
            yield from expressions(value)


@pytest.mark.parametrize(
    "visualization", ["timechart", "columnchart", "areachart", "scatterchart", "barchart"]
)
@pytest.mark.parametrize("vl_version", ["5.8", "5.20"])
def test_no_text_of_the_data_stands_in_an_expression(visualization: str, vl_version: str) -> None:
    trap = 'TRAP"+\\'
    frame = pd.DataFrame(
        {f"t{trap}": HOURS, f"n{trap}": np.arange(6.0), f"s{trap}": [f"p{trap}", f"q{trap}"] * 3}
    )
    drawing = drawn(frame, visualization, title=trap, xtitle=trap, ytitle=trap)
    vega = vl_convert.vegalite_to_vega(Picture(drawing).spec, vl_version=vl_version)
    trapped = [text for text in expressions(vega) if "TRAP" in text]
    assert trapped  # the names of the tooltip's rows, as literals
    for text in trapped:
        assert text.count("TRAP") == text.count("TRAP\\u0022+\\u005c")


def test_html_stays_text() -> None:
    hostile = "<img src=x onerror=alert(1)>"
    frame = pd.DataFrame({"t": HOURS, hostile: np.arange(6.0), "who": [hostile, "</svg><script>"] * 3})
    drawing = drawn(frame, "timechart", title=hostile, xtitle=hostile)
    picture = Picture(drawing)
    assert {hostile, f"{hostile} (UTC), 2026-11-01", "</svg><script>"} <= set(picture.texts)
    assert drawing.shown is not None
    assert "<img" not in drawing.shown["image/svg+xml"]
    assert "<script" not in drawing.shown["image/svg+xml"]


def test_labels_that_look_alike_stay_apart() -> None:
    frame = pd.DataFrame({"k": ["", " ", "(empty)", "a" * 500, "a" * 400], "n": 1.0})
    assert [record["x"] for record in Picture(drawn(frame, "columnchart")).records] == [
        "(empty)", "“ ”", "(empty) (2)", f"{'a' * 90}…{'a' * 28}", f"{'a' * 90}…{'a' * 28} (2)"
    ]  # fmt: skip
    flags = pd.DataFrame({"k": pd.array([True, False, None], dtype="boolean"), "n": 1.0})
    assert [record["x"] for record in Picture(drawn(flags, "barchart")).records] == [
        "true",
        "false",
        "(null)",
    ]


# ---------------------------------------------------------------- values


def test_a_gap_is_drawn_as_a_gap() -> None:
    frame = pd.DataFrame({"t": HOURS, "n": pd.array([1, 2, None, 4, None, 6], dtype="Int64")})
    for vl_version in ("5.8", "5.20"):
        assert Picture(drawn(frame, "timechart"), vl_version).marks == {"line": 3, "symbol": 4}


def test_what_has_no_neighbour_is_seen_even_among_many() -> None:
    values = np.arange(400.0)
    values[[100, 102]] = np.nan
    frame = pd.DataFrame({"t": pd.date_range("2026-11-01", periods=400, freq="min", tz="UTC"), "n": values})
    records = Picture(drawn(frame, "timechart")).records
    assert [at for at, record in enumerate(records) if record["o"]] == [101]


def test_infinite_values_are_gaps_and_told() -> None:
    frame = pd.DataFrame({"t": HOURS, "n": [1.0, 2, np.inf, 4, -np.inf, 6]})
    drawing = drawn(frame, "timechart")
    assert drawing.notes == ("n: 2 infinite values drawn as a gap",)
    assert [record["y"] for record in Picture(drawing).records] == [1, 2, None, 4, None, 6]


def test_decimals_and_long_numbers_are_drawn() -> None:
    frame = pd.DataFrame({"t": HOURS, "n": [Decimal("1.5"), None, Decimal("2.25"), *[Decimal(1)] * 3]})
    assert [record["y"] for record in Picture(drawn(frame, "timechart")).records] == [
        1.5,
        None,
        2.25,
        1,
        1,
        1,
    ]
    long = pd.DataFrame({"t": HOURS, "n": pd.array([2**53 + 1] * 6, dtype="Int64")})
    assert drawn(long, "timechart").notes == ("n: numbers beyond 2^53 are drawn rounded; the frame is exact",)


@pytest.mark.parametrize(
    ("span", "title", "value"),
    [
        (pd.Timedelta(days=3), "took (days)", 3),
        (pd.Timedelta(minutes=90), "took (minutes)", 90),
        (pd.Timedelta(seconds=30), "took (seconds)", 30),
        (pd.Timedelta(milliseconds=5), "took (milliseconds)", 5),
        (pd.Timedelta(microseconds=6), "took (microseconds)", 6),
    ],
)
def test_timespans_are_numbers_of_a_named_unit(span: pd.Timedelta, title: str, value: float) -> None:
    frame = pd.DataFrame({"t": HOURS, "took": [span, span / 2, *[None] * 4]}).astype(
        {"took": "timedelta64[ns]"}
    )
    picture = Picture(drawn(frame, "timechart"))
    assert title in picture.texts
    assert [record["y"] for record in picture.records[:3]] == [value, value / 2, None]


def test_times_before_nanoseconds_are_drawn() -> None:
    times = pd.Series(["0001-01-01", "2026-01-01"]).astype("datetime64[us]").dt.tz_localize("UTC")
    records = Picture(drawn(pd.DataFrame({"t": times, "n": [1.0, 2.0]}), "timechart")).records
    assert [record["t"] for record in records] == ["0001-01-01 00:00:00", "2026-01-01 00:00:00"]


def test_one_row_is_seen() -> None:
    frame = pd.DataFrame({"t": HOURS[:1], "n": [1.0]})
    assert Picture(drawn(frame, "timechart")).marks["symbol"] == 1
    assert Picture(drawn(frame, "columnchart")).marks == {"rect": 1}


def test_a_row_without_a_time_is_told() -> None:
    frame = pd.DataFrame({"t": [*HOURS[:5], pd.NaT], "n": np.arange(6.0)})
    drawing = drawn(frame, "timechart")
    assert drawing.notes == ("not drawn: 1 row without a value of t (UTC)",)


def test_a_broken_library_loses_no_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("no <canvas>")

    monkeypatch.setattr(vl_convert, "vegalite_to_svg", fail)
    said = refused(pd.DataFrame({"t": HOURS, "n": np.arange(6.0)}), "timechart")
    assert said == "render timechart failed: ValueError: no <canvas>"


# ---------------------------------------------------------------- times are UTC


def test_times_are_utc_and_say_so() -> None:
    frame = pd.DataFrame({"t": HOURS, "n": np.arange(6.0)})
    picture = Picture(drawn(frame, "timechart"))
    assert "t (UTC), 2026-11-01" in picture.texts
    assert picture.records[0]["x"] == 1793491200000
    assert picture.spec["layer"][0]["encoding"]["x"]["scale"] == {"type": "utc"}
    there = frame.assign(t=frame["t"].dt.tz_convert("America/New_York"))
    assert Picture(drawn(there, "timechart")).records == picture.records
    naive = frame.assign(t=frame["t"].dt.tz_localize(None))
    assert Picture(drawn(naive, "timechart")).records == picture.records


# ---------------------------------------------------------------- many


def test_beyond_5000_points_a_series_is_thinned_and_the_receipt_says_so() -> None:
    count = 120_000
    y = np.sin(np.arange(count) / 5000)
    y[77_777] = 9.0
    frame = pd.DataFrame({"t": pd.date_range("2026-11-01", periods=count, freq="s", tz="UTC"), "n": y})
    drawing = drawn(frame.sample(frac=1, random_state=1), "timechart")
    assert drawing.notes == ("5,000 of 120,000 points drawn",)
    records = Picture(drawing).records
    assert len(records) == 5000
    assert max(record["y"] for record in records) == 9.0  # the spike stays
    assert [record["x"] for record in records] == sorted(record["x"] for record in records)
    assert len(frame) == count


def test_a_gap_survives_thinning() -> None:
    y = np.arange(20_000.0)
    y[10_000:10_050] = np.nan
    frame = pd.DataFrame({"t": pd.date_range("2026-11-01", periods=len(y), freq="s", tz="UTC"), "n": y})
    drawing = drawn(frame, "timechart")
    assert drawing.notes == ("5,000 of 19,950 points drawn",)
    assert [record["y"] for record in Picture(drawing).records].count(None) == 1
    assert Picture(drawing).marks["line"] == 2


def test_a_stack_is_thinned_at_the_same_times() -> None:
    frame = pd.DataFrame(
        {
            "t": pd.date_range("2026-11-01", periods=8000, freq="min", tz="UTC"),
            "a": 1.0,
            "b": np.arange(8000.0),
        }
    )
    records = Picture(drawn(frame, "stackedareachart")).records
    times = {name: {record["x"] for record in records if record["s"] == name} for name in ("a", "b")}
    assert times["a"] == times["b"]
    assert len(times["a"]) == 5000


@pytest.mark.parametrize("visualization", ["columnchart", "barchart", "areachart", "stackedareachart"])
def test_bars_and_stacks_of_many_rows_keep_their_height(visualization: str) -> None:
    hours = HOURS.append(HOURS + pd.Timedelta(hours=6))
    frame = pd.DataFrame({"t": hours.repeat(2000), "n": 1.0})
    drawing = drawn(frame, visualization, kind="stacked")
    assert drawing.notes == ()
    assert [record["y"] for record in Picture(drawing).records] == [2000] * 12
    if visualization.endswith("areachart"):
        return
    both = frame.assign(who=["a", "b"] * 12_000)
    records = Picture(drawn(both, visualization)).records
    assert [(record["s"], record["y"]) for record in records] == [("a", 1000)] * 12 + [("b", 1000)] * 12


def test_a_bar_of_nulls_alone_stays_a_gap() -> None:
    frame = pd.DataFrame({"k": ["a", "a", "b", "b"], "n": [None, None, None, 3.0]})
    records = Picture(drawn(frame, "columnchart")).records
    assert [(record["x"], record["y"]) for record in records] == [("a", None), ("b", 3)]


@pytest.mark.parametrize("visualization", ["columnchart", "barchart", "stackedareachart"])
def test_an_accumulated_stack_never_shrinks(visualization: str) -> None:
    frame = pd.DataFrame({"t": HOURS[[0, 0, 1, 2, 2]], "who": ["a", "b", "a", "a", "b"], "n": 1.0})
    records = Picture(drawn(frame, visualization, kind="stacked", accumulate=True)).records
    assert [(record["s"], record["y"]) for record in records] == [
        ("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 1), ("b", 2)
    ]  # fmt: skip


def test_more_series_than_colours_are_told() -> None:
    frame = pd.DataFrame(
        {
            "t": HOURS.repeat(30),
            "who": [f"u{at:02}" for at in range(30)] * 6,
            "n": [float(at) for at in range(30)] * 6,
        }
    )
    drawing = drawn(frame, "timechart")
    assert drawing.notes == ("20 of 30 series drawn, those with the largest sums",)
    stacked = drawn(frame, "columnchart", kind="stacked")
    assert stacked.notes == ("the 20 largest of 30 series drawn, and the sum of the others",)
    records = Picture(stacked).records
    assert sum(record["y"] for record in records) == frame["n"].sum()
    assert sum(record["y"] for record in records if record["s"] == "(10 others)") == 6 * sum(range(10))


def test_dots_of_too_many_series_are_all_drawn_in_one_colour() -> None:
    frame = pd.DataFrame({"lon": np.arange(30.0), "lat": 1.0, "who": [f"u{at}" for at in range(30)]})
    for render in ({}, {"kind": "map"}):
        drawing = drawn(frame, "scatterchart", **render)
        assert Picture(drawing).marks == {"symbol": 30}
        assert drawing.notes == ("who has 30 values, and 21 colours can be told apart: all dots have one",)


def test_rows_of_one_name_in_a_tooltip_hide_none() -> None:
    frame = pd.DataFrame({"t": HOURS, "n": np.arange(6.0), "who": ["a", "b"] * 3})
    spec = Picture(drawn(frame, "timechart", ytitle="who", xtitle="who")).spec
    titles = [tip["title"] for tip in spec["layer"][1]["encoding"]["tooltip"]]
    assert len({*titles}) == 3


def test_more_bars_than_readable_are_told() -> None:
    frame = pd.DataFrame({"who": [f"u{at}" for at in range(400)], "n": 1.0})
    assert drawn(frame, "barchart").notes == ("the first 100 of 400 values of who drawn",)


# ---------------------------------------------------------------- the bundle


def test_the_bundle_is_vega_lite_5_a_picture_and_a_text() -> None:
    frame = pd.DataFrame({"t": HOURS, "n": np.arange(6.0)})
    shown = drawn(frame, "timechart", title="T").shown
    assert shown is not None
    assert set(shown) == {VEGALITE, "image/svg+xml", "text/plain"}
    assert shown[VEGALITE]["$schema"] == "https://vega.github.io/schema/vega-lite/v5.json"
    assert shown[VEGALITE]["background"] == "transparent"
    assert shown["image/svg+xml"].startswith("<svg")
    assert shown["text/plain"] == f"[timechart: T]\n{frame}"
    json.dumps(shown, allow_nan=False)
    large = drawn(pd.DataFrame({"a": np.arange(3000.0), "b": np.arange(3000.0)}), "scatterchart").shown
    assert large is not None
    assert large["image/png"].startswith("iVBORw0KGgo")


def test_without_vl_convert_there_is_no_picture_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "vl_convert", None)
    shown = drawn(pd.DataFrame({"t": HOURS, "n": np.arange(6.0)}), "timechart").shown
    assert shown is not None
    assert set(shown) == {VEGALITE, "text/plain"}


def test_nothing_global_of_altair_changes_and_its_row_limit_does_not_bind() -> None:
    def settings() -> list[Any]:
        registries = (alt.data_transformers, alt.renderers, getattr(alt, "theme", None) or alt.themes)
        return [(getattr(one, "active", None), repr(getattr(one, "options", None))) for one in registries]

    before = settings()
    frame = pd.DataFrame(
        {"a": np.arange(30_000.0), "b": np.arange(30_000.0), "who": [str(at % 10) for at in range(30_000)]}
    )
    drawing = drawn(frame, "scatterchart")
    assert len(Picture(drawing).records) == 30_000
    assert settings() == before
    with pytest.raises(alt.MaxRowsError):
        alt.Chart(frame).mark_point().to_dict()


@pytest.mark.parametrize(
    "settings", [{"name": "default", "consolidate_datasets": False}, {"name": "json"}, {"name": "vegafusion"}]
)
def test_settings_of_altair_change_nothing_in_a_chart(settings: dict[str, Any]) -> None:
    frame = pd.DataFrame({"t": HOURS, "n": np.arange(6.0)})
    expected = drawn(frame, "timechart").shown[VEGALITE]["datasets"]
    with alt.data_transformers.enable(**settings):
        assert drawn(frame, "timechart").shown[VEGALITE]["datasets"] == expected
        assert alt.data_transformers.active == settings["name"]


def test_a_changed_chart_shows_itself_offline_too() -> None:
    chart = drawn(pd.DataFrame({"t": HOURS, "n": np.arange(6.0)}), "timechart").chart
    assert isinstance(chart, alt.LayerChart)
    data, metadata = chart.properties(width=900)._repr_mimebundle_()
    assert data[VEGALITE]["width"] == 900
    assert data[VEGALITE]["$schema"].endswith("v5.json")
    assert metadata[VEGALITE]["embed_options"]["actions"]["editor"] is False
    assert set(bundle(chart)) == {VEGALITE, "image/svg+xml", "text/plain"}


def test_the_colours_can_be_told_apart() -> None:
    assert palette(7) == ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C8C"]
    assert len(set(palette(21))) == 21
    frame = pd.DataFrame({"k": list("abcdefg"), "n": 1.0, "s": list("abcdefg")})
    assert set(palette(7)) <= Picture(drawn(frame, "columnchart")).fills


@pytest.mark.parametrize("colour", palette(7))
def test_each_colour_is_seen_on_white_and_on_black(colour: str) -> None:
    def luminance(text: str) -> float:
        parts = [int(text[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    own = luminance(colour)
    assert 1.05 / (own + 0.05) > 2
    assert (own + 0.05) / (luminance("#111111") + 0.05) > 3


def test_the_frame_is_not_changed() -> None:
    frame = pd.DataFrame({"t": HOURS, "n": pd.array([1, None, 3, 4, 5, 6], dtype="Int64")})
    frame.attrs["kql"] = {"query": "q"}
    before = frame.copy()
    for visualization in ("timechart", "columnchart", "piechart", "card", "pivotchart", "stackedareachart"):
        draw(frame, {"visualization": visualization})
    pd.testing.assert_frame_equal(frame, before)
    assert frame.attrs == {"kql": {"query": "q"}}


# ---------------------------------------------------------------- nothing is lost or changed without a word


def axis_titles(drawing: Drawing) -> str:
    """All that is written in a picture, on one line."""
    return " | ".join(Picture(drawing).texts)


def test_a_cloud_of_points_keeps_its_spread() -> None:
    """What keeps the extremes of a line showed two bands of a cloud, and nothing between."""
    at = np.arange(100_000)
    drawing = drawn(
        pd.DataFrame({"x": at.astype(float), "y": (at * 7919 % 1009).astype(float)}), "scatterchart"
    )
    y = np.array([record["y"] for record in Picture(drawing).records])
    assert drawing.notes == ("5,000 of 100,000 points drawn",)
    assert (y.min(), y.max()) == (0, 1008)
    assert np.histogram(y, bins=4, range=(0, 1009))[0].min() > 1000


def test_a_title_of_ones_own_keeps_the_unit_of_timespans() -> None:
    spans = pd.to_timedelta([5, 90], unit="ms")
    frame = pd.DataFrame({"t": HOURS[:2], "d": spans})
    assert "Latency (milliseconds)" in axis_titles(drawn(frame, "timechart", ytitle="Latency"))
    named = pd.DataFrame({"d": spans, "n": [1.0, 2.0]})
    assert "Took (milliseconds)" in axis_titles(drawn(named, "linechart", xcolumn="d", xtitle="Took"))
    rungs = pd.DataFrame({"k": ["a", "b"], "b": spans, "e": spans * 2})
    assert "b to e (milliseconds)" in axis_titles(drawn(rungs, "ladderchart"))


def test_values_that_have_no_size_are_told() -> None:
    frame = pd.DataFrame({"k": ["a", "b", "c"], "v": [1.0, np.inf, np.nan], "w": [1.0, 2.0, 3.0]})
    assert drawn(frame[["k", "v"]], "piechart").notes == ("v: not drawn are 1 infinite value and 1 null",)
    assert drawn(frame[["k", "w", "v"]], "piechart").notes[-1] == "a piechart draws one number, w, and not v"
    table = draw(frame.assign(a="x")[["k", "a", "v"]], {"visualization": "pivotchart"})
    assert table.notes[-1] == "v: 1 infinite value left out"
    places = pd.DataFrame(
        {"lon": [1.0, 1.0, 5.0, 6.0], "lat": [2.0, 2.0, 5.0, 6.0], "n": [5.0, 5.0, 1.0, None]}
    )
    drawing = drawn(places, "piechart", kind="map")
    assert sorted(record["z"] for record in Picture(drawing).records) == [1, 10]
    assert drawing.notes == ("n: not drawn is 1 null",)


def test_small_numbers_are_no_zeros() -> None:
    shown = draw(pd.DataFrame({"p": [4e-5], "q": [-4e-5]}), {"visualization": "card"}).shown
    assert shown is not None
    assert shown["text/plain"] == "p: 4e-05\nq: -4e-05"
    drawing = drawn(pd.DataFrame({"t": HOURS[:2], "p": [4e-5, 0.5]}), "timechart")
    assert drawing.shown is not None
    assert ".4~f" not in str(drawing.shown[VEGALITE])


def test_what_differs_has_labels_that_differ() -> None:
    frame = pd.DataFrame({"k": pd.Series([None, "None", "(null)", True, "true"], dtype=object), "n": 1.0})
    assert len({record["x"] for record in Picture(drawn(frame, "columnchart")).records}) == 5
    pairs = pd.DataFrame({"t": HOURS[:2], "a": ["x / y", "x"], "b": ["z", "y / z"], "n": [1.0, 2.0]})
    assert len({record["s"] for record in Picture(drawn(pairs, "timechart", series="a, b")).records}) == 2


def test_a_logarithmic_axis_without_a_value_says_why() -> None:
    frame = pd.DataFrame({"s": ["a", "b"], "n": [-3.0, 0.0]})
    assert "a logarithmic axis wants a value above 0, and there is none" in refused(
        frame, "columnchart", yaxis="log"
    )


def test_properties_that_say_nothing_of_a_chart_are_told() -> None:
    names = pd.DataFrame({"s": ["a", "b"], "n": [1.0, 2.0]})
    assert drawn(names, "barchart", xaxis="log").notes == ("xaxis=log wants an x of numbers, and s is none",)
    times = pd.DataFrame({"t": HOURS, "n": 1.0})
    assert drawn(times, "timechart", xmin=5).notes == ("xmin= wants an x of numbers, and t (UTC) is none",)


def test_each_day_of_a_week_is_told_once() -> None:
    days = pd.date_range("2026-11-19", periods=6, freq="D", tz="UTC")
    texts = Picture(drawn(pd.DataFrame({"t": days, "n": 1.0}), "timechart")).texts
    assert [text for text in texts if text.endswith("Nov")] == [f"{day} Nov" for day in range(19, 25)]


def test_the_text_of_a_chart_shows_hidden_characters() -> None:
    frame = pd.DataFrame({"k": ["a\x1b[31m", "b\u202e"], "n": [1.0, 2.0]})
    shown = drawn(frame, "columnchart").shown
    assert shown is not None
    assert not {"\x1b", "\u202e"} & set(shown["text/plain"])
    assert "\u202e" not in str(drawn(frame.rename(columns={"k": "k\u202e"}), "piechart").shown)


def test_a_chart_gives_way_to_a_narrow_output_but_not_one_whose_width_is_the_analysts() -> None:
    chart = drawn(pd.DataFrame({"t": HOURS, "n": 1.0}), "timechart").chart
    shown = bundle(chart)
    [change] = embedding(shown)[VEGALITE]["embed_options"]["patch"]
    vega = vl_convert.vegalite_to_vega(shown[VEGALITE], vl_version="5.8")
    assert vega["autosize"]["type"] == "fit-x"
    assert change["path"] == "/signals/-"
    assert vega["signals"][0] == {"name": "width", "value": 800}  # so there is a list to add to
    for changed in (chart.properties(width=900), chart.properties(autosize="pad")):
        assert embedding(bundle(changed))[VEGALITE]["embed_options"]["patch"] == []
        assert "params" not in bundle(changed)[VEGALITE]
    assert len(bundle(chart.interactive())[VEGALITE]["params"]) == 2
    assert embedding(bundle(chart.interactive()))[VEGALITE]["embed_options"]["patch"] == [change]


def test_panels_give_way_as_one_plot_does() -> None:
    frame = pd.DataFrame({"t": [*HOURS, *HOURS], "s": ["a"] * 6 + ["b"] * 6, "n": 1.0})
    shown = bundle(drawn(frame, "timechart", ysplit="panels").chart)
    assert [change["path"] for change in embedding(shown)[VEGALITE]["embed_options"]["patch"]] == [
        "/autosize",
        "/signals/-",
    ]
    vega = vl_convert.vegalite_to_vega(shown[VEGALITE], vl_version="5.8")
    assert {"name": "width", "value": 640} in vega["signals"]


def test_a_long_title_has_lines_that_a_narrow_output_shows() -> None:
    drawing = drawn(pd.DataFrame({"t": HOURS, "n": 1.0}), "timechart", title="a few words " * 8)
    assert [len(line) <= 64 for line in drawing.chart.to_dict()["title"]["text"]] == [True, True]


def test_what_is_configured_goes_before_our_look_and_leaves_the_rest_of_it() -> None:
    chart = drawn(pd.DataFrame({"t": HOURS, "n": 1.0}), "timechart").chart
    before = bundle(chart)[VEGALITE]["config"]
    after = bundle(chart.configure_axis(labelFontSize=20))[VEGALITE]["config"]
    assert after == {**before, "axis": {**before["axis"], "labelFontSize": 20}}
    after = bundle(chart.configure(font="Georgia", mark={"color": "red"}))[VEGALITE]["config"]
    assert after["font"] == "Georgia"
    assert after["mark"] == {"aria": False, "color": "red"}
    assert after["view"]["stroke"] is None
    assert after["legend"] == before["legend"]


LONG = "Sign-ins that failed because of a wrong password in one country and everywhere"


def longest(text: Any) -> int:
    return max(map(len, [text] if isinstance(text, str) else text))


def test_titles_have_lines_as_long_as_their_place() -> None:
    times = pd.DataFrame({"t": [*HOURS, *HOURS], "s": [LONG] * 6 + ["b"] * 6, "n": 1.0})
    spec = drawn(times, "timechart", ytitle=LONG).chart.to_dict()
    assert longest(spec["layer"][0]["encoding"]["y"]["axis"]["title"]) <= 44
    for panel in drawn(times, "timechart", title=LONG, ysplit="panels").chart.to_dict()["vconcat"]:
        assert longest(panel["layer"][0]["encoding"]["y"]["axis"]["title"]) <= 21
    narrow = pd.DataFrame({"a": ["x", "y"], "n": [1.0, 2.0]})
    assert longest(drawn(narrow, "columnchart", title=LONG).chart.to_dict()["title"]["text"]) <= 30
    assert longest(drawn(narrow, "piechart", title=LONG).chart.to_dict()["title"]["text"]) <= 40


def test_the_text_of_a_chart_without_a_picture_tells_what_makes_one(monkeypatch: pytest.MonkeyPatch) -> None:
    chart = drawn(pd.DataFrame({"t": HOURS, "n": 1.0}), "timechart").chart
    assert "kqlmagic-ext[export]" not in bundle(chart, "rows")["text/plain"]
    monkeypatch.setitem(__import__("sys").modules, "vl_convert", None)
    said = "[pip install 'kqlmagic-ext[export]' keeps a picture here]"
    assert bundle(chart, "rows")["text/plain"] == f"rows\n{said}"


def test_panels_share_the_axis_of_all_times() -> None:
    frame = pd.DataFrame({"t": [*HOURS, HOURS[2]], "s": ["a"] * 6 + ["b"], "n": 1.0})
    [first, last] = drawn(
        frame.assign(t=frame["t"] + pd.Timedelta(hours=20)), "columnchart", ysplit="panels"
    ).chart.to_dict()["vconcat"]
    axes = [panel["encoding"]["x"]["axis"] for panel in (first, last)]
    assert axes[1]["title"] == "t (UTC), 2026-11-01 to 2026-11-02"
    assert {**axes[0], "title": ""} == {**axes[1], "title": ""}
