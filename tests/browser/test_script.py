"""What is known of a cell's JavaScript before it runs: the names it uses, and the expression that it ends with."""

from __future__ import annotations

import pytest

from kqlmagic_ext.display.browser.names import libraries_in, names_in, refuse_name
from kqlmagic_ext.display.browser.script import around_last_expression
from kqlmagic_ext.display.browser.tokens import tokens

LAST = {
    "Plot.plot({marks: [1]})": "Plot.plot({marks: [1]})",
    "const x = 1\nPlot.plot(x) // `hi": "Plot.plot(x)",
    "x\n  .map(y)\n\n;": "x\n  .map(y)",
    "a; b /* ; c */": "b",
    "const f = x => {\n}\n(1)": "(1)",
    "function f() {}\n(1)": "(1)",
    "async function f() {}\nf()": "f()",
    "class A extends f({}) { x() { return /}/ } }\nnew A()": "new A()",
    "if (a) { b() } else { c() } d()": "d()",
    "if (x) /re/.test(y); z": "z",
    "do x(); while (y) z()": "z()",
    "switch (x) { case 1: {} }\ny": "y",
    "try { a } catch { b } finally { c }\nd3.x": "d3.x",
    'import x from "y"\nx()': "x()",
    'import("z").then(f)': 'import("z").then(f)',
    "a / b / c": "a / b / c",
    "/a\\/[/]`b/.test(x)": "/a\\/[/]`b/.test(x)",
    "`a${`b${c}`}d`": "`a${`b${c}`}d`",
    "const s = `;${'}'}`\ns": "s",
    "await draw()": "await draw()",
    "({a: 1})": "({a: 1})",
    "async () => 1": "async () => 1",
    "a\n++b": "++b",
    "x = 'it\\'s; \\\n no end'; y": "y",
    "a, b": "a, b",
    "x => ({}) / 2": "x => ({}) / 2",
    "价格 = 1\n价格.x": "价格.x",
    "a\u2028b": "b",
}
NONE = [
    "", "// only words", "let x = 5", "const f = function () {}\n(1)", "const s = Math.max(1, 2)\n/2/1", "if (a) b()\nelse c()",
    "for (const x of y) z(x)", "for await (const x of y) z(x)", "while (x) y()", "do x(); while (y)", "{a: 1}", "foo: bar()",
    "const a = `x`\n`${b}`", "@d class A {}", "throw new Error()", "export const a = 1", "await using x = f()", "class A {}",
    "function f() { x }", "try { x() } catch {}", "switch (x) { default: y }",
]  # fmt: skip
BROKEN = [
    "f('",
    "f(",
    "f)",
    "`${",
    "/*",
    "x = [1, (2]",
    "class",
    "function",
    "do x",
    "try",
    "if",
    "const x = '\n'",
]


@pytest.mark.parametrize("code", LAST)
def test_the_last_statement_is_told_when_it_is_an_expression(code: str) -> None:
    before, expression, after = around_last_expression(code)
    assert expression == LAST[code]
    assert before + expression + after == code


@pytest.mark.parametrize("code", [*NONE, *BROKEN])
def test_code_that_ends_in_no_expression_stays_untouched(code: str) -> None:
    assert around_last_expression(code) == (code, "", "")


def test_the_tokens_cover_all_but_space_and_comments() -> None:
    code = "const a = {b: `c${d /* } */ + `e`}f`}; // g\na?.b ?? 0x1Fn >>> .5e-3; /[/\"]/u.test('h\\'')"
    found = tokens(code)
    assert found is not None
    covered = "const a={b:`c${d+`e`}f`};a?.b??0x1Fn>>>.5e-3;/[/\"]/u.test('h\\'')"
    assert "".join(token.text for token in found) == covered.replace(" ", "")


def test_libraries_are_those_that_the_code_names_outside_strings_and_comments() -> None:
    assert libraries_in("element.append('Plot and d3') // Arrow") == ()
    assert libraries_in("`${Plot.plot()}`") == ("d3", "plot")
    assert libraries_in("d3.select(element)") == ("d3",)
    assert libraries_in("failed.arrow") == ("arrow",)


def test_of_what_is_no_javascript_every_word_is_a_name() -> None:
    assert {"Plot", "x"} <= names_in("Plot.plot('x")


@pytest.mark.parametrize("name", ["class", "await", "element", "output", "location", "top", "d3", "null"])
def test_a_name_that_the_browser_needs_is_no_input(name: str) -> None:
    assert refuse_name(name)


def test_any_other_name_is() -> None:
    assert not any(map(refuse_name, ["failed", "name", "status", "length", "价格", "parent"]))
