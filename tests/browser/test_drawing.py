"""A browser cell draws, tells its errors, and holds what it is given: in a real browser, from a file on disk."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Page

from kqlmagic_ext.display.browser import page as page_module
from tests.browser.drawn import Pages, html_of
from tests.browser.lab import cell_frames

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

HOSTS = pd.DataFrame({"Host": ["web1", "web2", "db1"], "Attempts": [3, 5, 4]})
HOSTILE = [
    "</script><script>window.ran = 1</script>", "<!--<script>", "<img src=x onerror='window.ran = 1'>", "]]>", "\u202egnp.exe",
    "' \" &quot; &amp;quot; `${1}`", "\u2028\u2029\x00\x1f", "\\u003c", "</iframe>", "😀", "</textarea></style></title>",
]  # fmt: skip


def rects(frame: Any) -> int:
    count: int = frame.locator("svg rect").count()
    return count


def test_a_chart_alone_on_the_last_line_is_drawn(pages: Pages) -> None:
    frame = pages.draw('Plot.plot({marks: [Plot.barY(hosts, {x: "Host", y: "Attempts"})]})', {"hosts": HOSTS})
    assert rects(frame) == 3
    assert pages.outside == []


def test_what_the_code_puts_into_element_is_drawn_once(pages: Pages) -> None:
    code = """
const svg = d3.create("svg")
svg.selectAll("rect").data(hosts).join("rect").attr("width", row => row.Attempts)
element.append(svg.node())
svg.node()"""
    assert rects(pages.draw(code, {"hosts": HOSTS})) == 3


def test_a_promise_of_an_element_is_drawn_when_it_is_kept(pages: Pages) -> None:
    frame = pages.draw("(async () => { await 1; return document.createElement('hr') })()")
    frame.wait_for_selector("hr", state="attached")


def test_an_element_that_has_its_place_is_left_there(pages: Pages) -> None:
    frame = pages.draw(
        "const p = document.createElement('p'); p.append('a'); element.before(p); p.firstChild"
    )
    assert frame.locator("#element").text_content() == ""


def test_the_top_level_may_await_and_declare_the_names_of_inputs_again(pages: Pages) -> None:
    code = "const name = await Promise.resolve(status.length);\nelement.append(name)"
    assert pages.draw(code, {"status": HOSTS, "name": 1}).locator("#element").text_content() == "3"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("let y = ;", "SyntaxError: Unexpected token ';' (line 1, column 9)\n    let y = ;\n            ^"),
        ("\n  foo.bar()", "ReferenceError: foo is not defined (line 2, column 3)\n      foo.bar()\n      ^"),
        ("const x = null\nx; x.y", "TypeError: Cannot read properties of null (reading 'y') (line 2, column 6)"),
        ("await 1;\nthrow new RangeError('r')", "RangeError: r (line 2, column 7)"),
        ("setTimeout(() => {\n  null.f })", "TypeError: Cannot read properties of null (reading 'f') (line 2, column 8)"),
        ("Promise.reject(new Error('late'))", "Error: late (line 1, column 16)"),
        ("'😀😀'; null.f", "(line 1, column 12)"),
        ("d3.select(5).append(7)", "(line 1, column 14)\n    d3.select(5).append(7)\n                 ^"),
        ("(a,\nb)", "ReferenceError: a is not defined (line 1, column 2)"),
        ("foo(", "SyntaxError: the cell ends too early: something that was opened in it is not closed"),
        ("throw 'words'", "thrown: words"),
        ("const a = 1; const a = 2; a", "SyntaxError: Identifier 'a' has already been declared (line 1, column 20)"),
        ("JSON.parse('{')", "(line 1, column 6)"),
        ("throw new Error('\\u202egnp')", "Error: \\u{202e}gnp"),
        ("output('picked', 1)", "TypeError: output: the cell does not name picked: it has no -o (line 1, column 1)"),
    ],
)  # fmt: skip
def test_an_error_tells_its_place_in_the_cell(pages: Pages, code: str, told: str) -> None:
    assert told in pages.said(code)


def test_the_place_counts_what_stands_above_and_before_the_code(pages: Pages) -> None:
    assert "(line 2, column 1)" in pages.said("foo", place=(1, 0))
    assert "(line 1, column 12)" in pages.said("foo", place=(0, 11))


def test_code_that_a_wrong_guess_would_break_runs_as_it_stands(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "around_last_expression", lambda code: ("", code, ""))
    frame = pages.draw("const x = 'whole'; element.append(x)")
    frame.wait_for_function("() => document.getElementById('element').textContent === 'whole'")
    assert frame.locator("#said").text_content() == ""


def test_hostile_text_arrives_as_it_is_and_runs_nothing(pages: Pages) -> None:
    frame = pd.DataFrame({"Text": HOSTILE, "</script>": range(len(HOSTILE))})
    code = """
element.append(JSON.stringify(logs.column("Text")));
const inside = document.createElement("div"); inside.id = "html";
inside.innerHTML = logs.column("Text").join("");
inside"""
    drawn = pages.draw(code, {"logs": frame, "text": HOSTILE[0]})
    seen = drawn.evaluate("() => JSON.parse(document.getElementById('element').firstChild.data)")
    assert seen == HOSTILE
    assert drawn.evaluate("() => window.ran") is None
    assert drawn.page.evaluate("() => window.ran") is None


def test_the_code_may_hold_what_ends_a_script(pages: Pages) -> None:
    code = "const a = '</script><!--<script>', b = \"</iframe>' &quot;\"; // </script>\nelement.append(a, b, `\\u003c`)"
    text = pages.draw(code).locator("#element").text_content()
    assert text == "</script><!--<script></iframe>' &quot;<"


def test_wide_integers_and_their_types_arrive_whole(pages: Pages) -> None:
    frame = pd.DataFrame({"Long": [2**62 + 1, 1], "Dynamic": [{"a": 2**60}, None]})
    drawn = pages.draw(
        "element.append(`${rows.at(0).Long} ${rows.at(0).Dynamic.a} ${one}`)",
        {"rows": frame, "one": -(2**63)},
    )
    assert drawn.locator("#element").text_content() == f"{2**62 + 1} {2**60} {-(2**63)}"


def test_a_frame_is_arrow_where_the_code_names_it(pages: Pages) -> None:
    code = "element.append(hosts.arrow.numRows, typeof Arrow.tableFromJSON([{a: 1}]).getChild, [...hosts][1].Host)"
    assert pages.draw(code, {"hosts": HOSTS}).locator("#element").text_content() == "3functionweb2"


def test_a_frame_is_as_high_as_what_is_drawn_and_follows_it(pages: Pages) -> None:
    page = pages.open(html_of("const box = document.createElement('div'); box.style.height = '400px'; box"))
    [frame] = cell_frames(page)
    assert height(page) == pytest.approx(408, abs=8)
    frame.evaluate("() => { document.querySelector('#element div').style.height = '100px'; }")
    page.wait_for_function("() => parseInt(document.querySelector('iframe').style.height) < 130")
    assert height(page) == pytest.approx(108, abs=8)


def height(page: Page) -> int:
    pixels: int = page.evaluate("() => parseInt(document.querySelector('iframe').style.height)")
    return pixels


def test_a_frame_takes_the_theme_of_the_page_and_follows_it(pages: Pages) -> None:
    page = pages.open(html_of("element.append('a')"))
    [frame] = cell_frames(page)
    assert frame.evaluate("() => document.documentElement.dataset.theme") == "light"
    page.evaluate("() => { document.body.dataset.jpThemeLight = 'false'; }")
    frame.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")


COUNT_LISTENERS = """<script>
const add = window.addEventListener;
window.heard = 0;
window.addEventListener = (kind, ...rest) => {
  window.heard += kind === "message";
  add.call(window, kind, ...rest);
};
</script>"""


def test_many_outputs_bring_one_listener(pages: Pages) -> None:
    page = pages.open(COUNT_LISTENERS, *[html_of(f"element.append({number})") for number in range(3)])
    assert len(cell_frames(page)) == 3
    assert page.evaluate("() => window.heard") == 1


def test_the_line_about_trust_goes_when_the_page_may_draw(pages: Pages) -> None:
    html = html_of("element.append('a')")
    assert "cell [1]: trust the notebook to draw" in html
    page = pages.open(html)
    cell_frames(page)
    assert "trust the notebook" not in page.inner_text("body")


def test_the_same_cell_has_another_nonce_and_token_each_time() -> None:
    assert len({html_of("1"), html_of("1")}) == 2


def test_a_link_within_the_drawing_leaves_it_there(pages: Pages) -> None:
    drawn = html_of("element.innerHTML = `<a id=link href='#there'>go</a><p id=there>kept</p>`")
    # As in a notebook, whose address is no file's: there such a link leads to another page.
    page = pages.show(f'<!doctype html><meta charset="utf-8"><base href="http://127.0.0.1:9/lab">{drawn}')
    [frame] = cell_frames(page)
    frame.click("#link")
    page.wait_for_timeout(200)
    assert frame.inner_text("#there") == "kept"
    assert frame.inner_text("#said") == ""


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("1 + 1", "2"),
        ("'words'", "words"),
        ("2n ** 64n", "18446744073709551616n"),
        ("({a: [1, 2n], m: new Map([[1, 2]])})", '{"a":[1,"2n"],"m":[[1,2]]}'),
        ("null", "null"),
        ("[...hosts].map(row => row.Attempts)", "[3,5,4]"),
        ("hosts", "Frame of 3 rows × 2 { Host: string, Attempts: long }"),
        ("Promise.resolve(7)", "7"),
        ("const o = {}; o.o = o; o", "[object Object]"),
        ("'<img src=x onerror=\"window.ran = 1\">\\u202e'", '<img src=x onerror="window.ran = 1">\\u{202e}'),
        ("Array.from({length: 103}, () => 1)", f"[{','.join('1' * 100)}] … 3 items more"),
    ],
)
def test_a_last_value_is_shown_when_nothing_was_drawn(pages: Pages, code: str, told: str) -> None:
    frame = pages.draw(code, {"hosts": HOSTS})
    frame.wait_for_function("() => document.getElementById('written').firstChild")
    assert frame.locator("#written .value").all_text_contents() == [told]
    assert frame.locator("#element").inner_html() == ""
    assert frame.evaluate("() => window.ran") is None


@pytest.mark.parametrize(
    "code", ["element.append('drawn'); 5", "document.body.append('x', document.createElement('hr')); 5"]
)
def test_a_last_value_is_not_shown_beside_a_drawing(pages: Pages, code: str) -> None:
    frame = pages.draw(f"console.log('over');\n{code}")
    frame.wait_for_function("() => document.getElementById('written').firstChild")
    assert frame.locator("#written").text_content() == "over"


def test_a_last_value_goes_when_the_cell_draws_later(pages: Pages) -> None:
    frame = pages.draw("setTimeout(() => element.append('late'), 100)")
    frame.wait_for_function("() => document.getElementById('element').textContent === 'late'")
    assert frame.locator("#written").text_content() == ""


def test_console_lines_stand_under_the_drawing_in_their_order(pages: Pages) -> None:
    code = """
console.log("one", 1, {a: null}, undefined)
console.warn("<b>two</b>")
console.error(new TypeError("three\\u202e"))
setTimeout(() => console.info("late"), 20)
Plot.plot({marks: [Plot.barY(hosts, {x: "Host", y: "Attempts"})]})"""
    frame = pages.draw(code, {"hosts": HOSTS})
    frame.wait_for_function("() => document.querySelectorAll('#written div').length === 4")
    read = "() => [...document.getElementById('written').children].map(line => [line.className, line.textContent])"
    assert frame.evaluate(read) == [
        ["log", 'one 1 {"a":null} undefined'],
        ["warn", "<b>two</b>"],
        ["error", "TypeError: three\\u{202e}"],
        ["info", "late"],
    ]
    assert rects(frame) == 3
    below = "() => document.getElementById('written').getBoundingClientRect().top - document.querySelector('svg').getBoundingClientRect().bottom"
    assert frame.evaluate(below) >= 0
    height = "() => document.documentElement.getBoundingClientRect().height"
    frame.page.wait_for_function(
        "at_least => document.querySelector('iframe[data-kqlmagic]').clientHeight >= at_least",
        arg=int(frame.evaluate(height)),
    )


def test_endless_console_lines_are_cut(pages: Pages) -> None:
    frame = pages.draw("for (let i = 0; i < 5000; i++) console.log(i); console.log('x'.repeat(20_000))")
    frame.wait_for_function("() => document.querySelectorAll('#written div').length === 1001")
    assert frame.locator("#written div").last.text_content() == "… further lines are left out"
