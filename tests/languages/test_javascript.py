"""JavaScript cells, as every runtime runs them: a real Node.js 20, a real newer one, and a real Deno."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kqlmagic_ext.errors import SessionDied
from kqlmagic_ext.languages import Completer
from tests.languages.javascript_lab import (
    NODES,
    RUNTIMES,
    Session,
    failure,
    interrupted,
    place,
    program,
    run,
    shown,
    start,
    started,
    value,
)


@pytest.fixture(scope="module", params=RUNTIMES)
def runtime(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook's folder, with modules."""
    folder = tmp_path_factory.mktemp("note book")
    (folder / "broken.mjs").write_text("let a = ;")
    (folder / "local.mjs").write_text("export const here = import.meta.url; export default 7;")
    (folder / "data.json").write_text('{"a": [1, 2]}')
    modern = folder / "node_modules" / "modern"
    modern.mkdir(parents=True)
    (modern / "package.json").write_text('{"name": "modern", "exports": {"import": "./it.mjs"}}')
    (modern / "it.mjs").write_text("export const modern = true;")
    old = folder / "node_modules" / "old"
    old.mkdir()
    (old / "package.json").write_text('{"name": "old", "main": "it.js"}')
    (old / "it.js").write_text("exports.old = 1;")
    return folder


@pytest.fixture(scope="module")
def session(runtime: str, folder: Path) -> Iterator[Session]:
    allow = (f"read={str(folder).replace(',', ',,')}",) if runtime == "deno" else ()
    with started(runtime, folder, allow=allow) as session:
        yield session


# ---------------------------------------------------------------- evaluation


def test_let_const_and_class_may_be_declared_again(session: Session) -> None:
    for number in ("1", "2"):
        run(session, f"let a = {number}; const b = {number}; class C {{ is = {number} }}")
        assert value(session, "[a, b, new C().is]") == f"[ {number}, {number}, {number} ]"


def test_await_stands_at_the_top(session: Session) -> None:
    assert value(session, "const waited = await Promise.resolve(3); waited + 1") == "4"
    assert value(session, "for await (const x of [Promise.resolve(1)]) waited; waited") == "3"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("1 + 1", "2"),
        ("'text'", "text"),
        ("undefined", None),
        ("let declared = 1", None),
        ("", None),
        ("// nothing", None),
        ("null", "null"),
        ("10n ** 20n", "100000000000000000000n"),
        ("({a: {b: {c: {d: {e: {}}}}}})", "{\n  a: {\n    b: { c: { d: { e: {} } } }\n  }\n}"),
        ("[1, , 3]", "[ 1, <1 empty item>, 3 ]"),
        ("Promise.resolve(5)", "Promise { 5 }"),
        ("if (true) 7", "7"),
        ("function f() {} f.name", "f"),
        ("({get broken() { throw 1 }})", "{ broken: [Getter] }"),
        ("({[Symbol.for('nodejs.util.inspect.custom')]() { throw new Error('no') }})", None),
    ],
)
def test_the_last_expression_is_shown(session: Session, code: str, text: str | None) -> None:
    got = value(session, code)
    assert got == text or (text is None and "cannot be shown" in str(got))


def test_the_last_value_is_bound_to_an_underscore(session: Session) -> None:
    run(session, "6 * 7")
    assert value(session, "_ + 1") == "43"


def test_a_long_text_is_cut_and_the_cut_is_told(session: Session) -> None:
    text = value(session, "'x'.repeat(100_123)")
    assert text is not None
    assert text.endswith("x… (123 characters more)")


def test_a_cell_may_shadow_everything_that_the_worker_uses(runtime: str) -> None:
    with started(runtime) as session:
        names = [
            "JSON",
            "Map",
            "Set",
            "Array",
            "Error",
            "Number",
            "String",
            "Math",
            "Date",
            "BigInt",
            "Symbol",
            "Uint8Array",
            "URL",
            "TextEncoder",
            "Atomics",
        ]
        run(
            session,
            f"let {', '.join(f'{name} = 1' for name in names)}; const fs = 2; var post = 3, send = 4, session = 5",
        )
        run(session, "console.log = null")
        session.push("given", [1, {"a": 2**60}])
        assert value(session, "[fs, post, send, JSON]") == "[ 2, 3, 4, 1 ]"
        assert session.pull("given").value == [1, {"a": 2**60}]
        assert {found.name for found in session.variables()} >= {"fs", "post", "given", "JSON"}
        assert place(failure(session, "\n null.x"))[:2] == (2, 7)


def test_nothing_of_the_worker_is_among_the_variables(runtime: str) -> None:
    with started(runtime) as session:
        run(session, "1")
        assert session.variables() == ()
        assert session.known == ()
        assert (
            value(session, "Object.keys(globalThis).filter(name => /kql|require|Arrow|^_/.test(name))")
            == "[]"
        )


def test_what_the_worker_calls_from_cells_cannot_be_replaced(session: Session) -> None:
    assert "declared" in str(failure(session, "let __kqlmagic_ext__ = 1"))
    run(session, "__kqlmagic_ext__ = 1; __kqlmagic_ext__.at = 1")
    assert value(session, "typeof (await import('node:fs')).readFileSync") == "function"


# ---------------------------------------------------------------- what a cell imports


IMPORTS: list[tuple[str, str]] = [
    ("import path from 'node:path'; path.sep", "/"),
    ("import {join as j, sep} from \"node:path\"\nj('a', sep)", "a/"),
    ("import * as ns from 'node:path'; typeof ns.join", "function"),
    ("import d, {join} from 'node:path'; d.join === join", "true"),
    ("import e, * as all from 'node:path'; all.default === e", "true"),
    ("import {default as f3, 'join' as g3} from 'node:path'; f3.join === g3", "true"),
    ("import {\n  join as k, // one\n  sep as l,\n} from 'node:path'\nl", "/"),
    ("import 'node:path'\n5", "5"),
    ("import fs2 from 'fs'; typeof fs2.readFileSync", "function"),
    ("import seven, {here} from './local.mjs'; [seven, here.endsWith('/local.mjs')]", "[ 7, true ]"),
    ("import found from './data.json' with {type: 'json'}; found", "{ a: [ 1, 2 ] }"),
    ("(await import('./local.mjs')).default", "7"),
    ("import.meta.url.endsWith('/cell.mjs') && import.meta.dirname", "FOLDER"),
    ("`import a from 'b'` + ' import x from \"y\"'", "import a from 'b' import x from \"y\""),
    ("/import\\('x'\\)/.source // import a from 'b'", "import\\('x'\\)"),
    ("`${await import('node:path').then(m => m.sep)} import('z')`", "/ import('z')"),
    ("const o = {import: 1, export: 2, throw: 3}; o.import + o.export + o.throw", "6"),
    ("class I { import(x) { return x } throw(x) { return x } }; new I().import(3) + new I().throw(4)", "7"),
    ("let four = 4, g2 = 2, i = 1\nfour /2/g2 + `${four / 2}`.length", "2"),
    ("if (true) /import('a')/.test('x')", "false"),
    ("let post = 1; post++ / 2; /*import*/ post", "2"),
    ("(() => { return /[/'\"`]import/ })().source", "[/'\"`]import"),
    ("typeof require('node:path').join", "function"),
]


@pytest.mark.parametrize(("code", "text"), IMPORTS)
def test_imports_work_as_in_a_file_of_the_notebooks_folder(
    session: Session, folder: Path, code: str, text: str
) -> None:
    assert value(session, code) == text.replace("FOLDER", str(folder))


@pytest.mark.parametrize("runtime", NODES)
def test_packages_come_from_the_notebooks_node_modules(runtime: str, folder: Path) -> None:
    with started(runtime, folder) as session:
        code = "import {modern} from 'modern'; import {old} from 'old'; [modern, old, require('old').old]"
        assert value(session, code) == "[ true, 1, 1 ]"


def test_an_import_that_fails_names_its_place(session: Session) -> None:
    error = failure(session, "1\nimport x from './nowhere.mjs'; 2")
    assert place(error) == (2, 1, "import x from './nowhere.mjs'; 2")
    assert "nowhere.mjs" in str(error)


def test_a_name_that_a_module_does_not_export_is_told(session: Session) -> None:
    error = failure(session, "import {nope} from 'node:path'")
    assert "does not provide an export named 'nope'" in str(error)
    assert place(error) == (1, 1, "import {nope} from 'node:path'")


@pytest.mark.parametrize("code", ["1\n  export const x = 1", "1\n  export default 5", "1\n  export {x}"])
def test_an_export_is_refused_by_a_sentence(session: Session, code: str) -> None:
    error = failure(session, code)
    assert "leave out `export`" in str(error)
    assert place(error)[:2] == (2, 3)


# ---------------------------------------------------------------- errors


ERRORS: list[tuple[str, tuple[int, int], str]] = [
    ("let fine = 1\n  null.oops", (2, 8), "TypeError: Cannot read properties of null"),
    ("let z = ;\n", (1, 9), "SyntaxError: Unexpected token ';'"),
    ("1\n2\nlet s = 'x\n", (3, 9), "SyntaxError: Invalid or unexpected token"),
    ("function f() {\n  throw new RangeError('deep')\n}\nf()", (2, 9), "RangeError: deep"),
    ("await Promise.resolve()\n  await Promise.reject(new TypeError('late'))", (2, 24), "TypeError: late"),
    (
        "async function g() {\n  await null\n  undefinedName\n}\nawait g()",
        (3, 3),
        "ReferenceError: undefinedName",
    ),
    ("1\n throw {code: 5}", (2, 2), "Uncaught { code: 5 }"),
    ("for (const x of [1]) {\n  throw null\n}", (2, 3), "Uncaught null"),
    ("'😀😀'; null.x", (1, 12), "TypeError"),
    ("'\\r'\r\nnull.x", (2, 6), "TypeError"),
    ("import a from 'node:path', {b} from 'x'", (1, 1), "SyntaxError"),
    ("import p, {join as q} from 'node:path'; null.x", (1, 46), "TypeError"),
    ("1\n  import no1 from 'nowhere1'\n2", (2, 3), "nowhere1"),
    ("1; import * as no2 from './nowhere2.mjs'", (1, 4), "nowhere2.mjs"),
    ("if (true)\n  await import('nowhere3')", (2, 9), "nowhere3"),
    ("import 'https://127.0.0.1:9/nowhere4.mjs'", (1, 1), ""),
    ("import './broken.mjs'", (1, 1), "Error"),
    ("require('nowhere5')", (1, 1), ""),
    ("const t = await import('node:path'); null.x", (1, 43), "TypeError"),
    ("JSON.parse('{')", (1, 6), "SyntaxError"),
    ("new Error('\\n    at cell-1.js:9:9'); null.x", (1, 43), "TypeError"),
    ("let u = 1; let u = 2", (1, 16), "SyntaxError: Identifier 'u' has already been declared"),
]


@pytest.mark.parametrize(("code", "where", "said"), ERRORS, ids=[code[:30] for code, _, _ in ERRORS])
def test_an_error_names_its_place_in_the_cell(
    session: Session, code: str, where: tuple[int, int], said: str
) -> None:
    error = failure(session, code)
    assert said in str(error)
    if said != "SyntaxError" or "import" not in code:
        assert place(error) == (*where, code.split("\n")[where[0] - 1].removesuffix("\r"))


def test_an_import_in_an_earlier_cells_function_has_no_place_in_this_one(session: Session) -> None:
    run(session, "\n\nasync function loader() {\n  return import('nowhere6') }")
    assert place(failure(session, "await loader()"))[0] in (None, 1)  # a stack may tell the call


def test_a_message_of_several_lines_is_shown_as_such_and_of_the_worker_nothing(session: Session) -> None:
    lines = failure(session, "throw new Error('one\\ntwo\u202e')").lines()
    assert lines[0] == "LanguageError: line 1, column 7: Error: one"
    assert lines[3] == "    two\\u202e"
    assert "cell.mjs" not in str(failure(session, "require('nowhere7')"))
    assert "cell.mjs" not in str(failure(session, "import no8 from 'nowhere8'"))


def test_an_error_of_an_earlier_cells_function_says_which_cell(session: Session) -> None:
    run(session, "function thrower() {\n  throw new RangeError('deep')\n}")
    error = failure(session, "1\n  thrower()")
    assert place(error) == (2, 3, "  thrower()")
    assert "in thrower of an earlier cell, number" in str(error)
    assert "throw new RangeError('deep')" in str(error)
    assert [note.strip() for note in error.__notes__] == [
        "thrower: throw new RangeError('deep')",
        "cell: thrower()",
    ]


def test_the_causes_of_an_error_are_told(session: Session) -> None:
    error = failure(session, "throw new Error('outer', {cause: new TypeError('inner')})")
    assert "caused by TypeError: inner" in error.__notes__
    error = failure(session, "await Promise.any([Promise.reject(new Error('one')), Promise.reject(2)])")
    assert [note for note in error.__notes__ if "caused" in note] == ["caused by Error: one", "caused by 2"]


@pytest.mark.parametrize(
    "code",
    [
        "throw Object.assign(new Error('x'), {get stack() { throw 1 }})",
        "throw new (class extends Error { get message() { throw 1 } })()",
        "throw new Proxy({}, {get() { throw 1 }})",
        "const e = new Error('x'); e.stack = 7; throw e",
        "const e = new Error('x'); e.name = Symbol(); throw e",
        "Error.prepareStackTrace = () => { throw 1 }; null.x",
        "throw Symbol('s')",
    ],
)
def test_a_hostile_error_is_an_error_all_the_same(runtime: str, code: str) -> None:
    with started(runtime) as session:
        failure(session, code)
        assert value(session, "1 + 1") == "2"


def test_another_word_for_a_name_of_an_earlier_cell_is_explained(session: Session) -> None:
    run(session, "var worded = 1")
    error = failure(session, "1;\n  let worded = 2")
    assert "an earlier cell declared it with another word" in str(error)
    assert place(error) == (2, 7, "  let worded = 2")


def test_late_errors_go_to_stderr_and_the_session_goes_on(session: Session) -> None:
    wait = "await new Promise(r => setTimeout(r, 60))"
    code = f"setTimeout(() => {{ throw new Error('late') }}, 1); Promise.reject(new Error('lost')); {wait}; 5"
    text = shown(session, code).text("stderr")
    assert "Uncaught Error: late" in text
    assert "Uncaught Error: lost" in text
    assert re.search(r"line 1, column 26 below the magic of cell \d+ of this session: setTimeout", text)
    late = shown(session, f"1\n  import 'node:path'; Promise.reject(new Error('third')); {wait}").text(
        "stderr"
    )
    assert re.search(r"Error: third\n    cell: line 2, column 38 below the magic of cell \d+ of this", late)
    assert "node:internal" not in text + late
    assert value(session, "1 + 1") == "2"


def test_stacks_name_cells_and_hide_the_worker(session: Session) -> None:
    text = value(session, "function inner() { return new Error('x').stack } inner()")
    assert text is not None
    assert "at inner (cell-" in text
    assert "worker" not in text
    assert "inspector" not in text


# ---------------------------------------------------------------- what is written


def test_what_a_cell_writes_comes_in_order_and_by_stream(session: Session) -> None:
    code = """console.log('one %d', 1, {a: [2]}); console.error('two'); process.stdout.write('thr'); process.stdout.write('ee\\n')
console.warn('four'); console.info('five'); console.debug('six'); process.stderr.write(new Uint8Array([0xcf])); process.stderr.write(new Uint8Array([0x80, 10]))"""
    assert shown(session, code).joined == [
        ("stdout", "one 1 { a: [ 2 ] }\n"),
        ("stderr", "two\n"),
        ("stdout", "three\n"),
        ("stderr", "four\n"),
        ("stdout", "five\nsix\n"),
        ("stderr", "π\n"),
    ]


def test_the_whole_console_writes_live(session: Session) -> None:
    code = """console.table([{a: 1}]); console.group('g'); console.log('in'); console.groupEnd(); console.dir({a: {b: {}}}, {depth: 0})
console.count(); console.assert(1 > 2, 'asserted'); console.time('t'); console.timeEnd('t'); console.trace('traced')"""
    found = shown(session, code)
    for part in ("│ a │", "g\n  in\n", "{ a: [Object] }", "default: 1", "t: "):
        assert part in found.text("stdout")
    for part in ("Assertion failed: asserted", "Trace: traced"):
        assert part in found.text("stderr")


def test_what_is_written_between_cells_is_shown_with_the_next(session: Session) -> None:
    run(session, "globalThis.fired = false; setTimeout(() => { console.log('between'); fired = true }, 100)")
    while session.pull("fired").value is not True:
        pass
    assert shown(session, "console.log('now')").text("stdout") == "between\nnow\n"


def test_what_is_written_between_cells_is_bounded_and_the_rest_is_counted(session: Session) -> None:
    code = "globalThis.fired = false; setTimeout(() => { for (let i = 0; i < 30; i++) console.log('x'.repeat(9999)); fired = true }, 100)"
    run(session, code)
    while session.pull("fired").value is not True:
        pass
    found = shown(session, "1")
    assert found.text("stdout") == ("x" * 9999 + "\n") * 10
    assert found.text("stderr") == "… 200,000 characters that were written between cells are left out\n"


def test_a_cell_reads_nothing_from_stdin(session: Session) -> None:
    assert (
        value(session, "let got = ''; for await (const part of process.stdin) got += part; got.length") == "0"
    )
    assert value(session, "1 + 1") == "2"


def test_a_great_deal_of_output_arrives_whole(session: Session) -> None:
    code = "for (let i = 0; i < 2000; i++) console.log(String(i).padStart(6, '0') + 'é'.repeat(3000))"
    lines = shown(session, code).text("stdout").splitlines()
    assert [int(line[:6]) for line in lines] == list(range(2000))
    assert {line[6:] for line in lines} == {"é" * 3000}


# ---------------------------------------------------------------- TypeScript


@pytest.mark.parametrize("runtime", ["node", "deno"])
def test_types_are_taken_off(runtime: str) -> None:
    with started(runtime) as session:
        code = "type R = {a: number}\nlet r: R = {a: 1}\nimport type {X} from 'x'\nr.a as number"
        found = shown_with(session, code)
        assert found == ("1", [])
        assert place(failure(session, "let q: number = 1\n\nnull!.x", "--ts"))[:2] == (3, 7)
        error = failure(session, "let q: number = 1\n  enum A { x }", "--ts")
        assert "enum" in str(error)
        assert place(error)[:2] == (2, 3)
        assert "SyntaxError" in str(failure(session, "let q: number = ;", "--ts"))


def shown_with(session: Session, code: str) -> tuple[str | None, list[Any]]:
    pieces: list[Any] = []
    outcome = session.run(code, pieces.append, frozenset({"--ts"}))
    return outcome.value, pieces


def test_node_20_says_that_it_takes_no_types_off() -> None:
    with started("node 20") as session:
        error = failure(session, "let q: number = 1", "--ts")
        assert "--ts needs Node.js 22.13 or later, and this is Node.js 20." in str(error)
        assert f"a newer one is there: %env KQLMAGIC_NODE={program('node')} and %restart_session" in str(
            error
        )
        assert "\n" not in str(error)
        assert value(session, "1 + 1") == "2"


def test_without_a_newer_node_the_sentence_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kqlmagic_ext.languages.javascript.runtimes.find_spec", lambda _: None)
    with started("node 20") as session:
        error = str(failure(session, "let q: number = 1", "--ts"))
    assert "pip install 'kqlmagic-ext[javascript]' brings one, or use --runtime deno" in error


# ---------------------------------------------------------------- variables, completion


def test_variables_are_listed_with_type_and_size(runtime: str) -> None:
    with started(runtime) as session:
        run(
            session,
            "let n = 1, s = 'abc', a = [1, 2], m = new Map([[1, 2]]), o = {p: 1}, z = null; const big = 1n",
        )
        run(session, "class K {} function f() {} var k = new K(); globalThis.g = new Float64Array(3)")
        failure(session, "let dead = null.x")
        found = {variable.name: (variable.type, variable.size) for variable in session.variables()}
    assert found == {
        "n": ("number", ""),
        "s": ("string", "3 characters"),
        "a": ("Array", "2 items"),
        "m": ("Map", "1 item"),
        "o": ("Object", "1 property"),
        "z": ("null", ""),
        "big": ("bigint", ""),
        "K": ("class", ""),
        "f": ("function", ""),
        "k": ("K", ""),
        "g": ("Float64Array", "3 items"),
        "dead": ("without a value", ""),
    }


@pytest.mark.parametrize(
    ("code", "start", "wanted"),
    [
        ("alph", 0, ("alpha", "variable")),
        ("alpha.", 6, ("two", "function")),
        ("x = alpha.on", 10, ("one", "property")),
        ("'😀'; alpha.three.to", 17, ("toFixed", "function")),
        ("`${alpha?.t", 10, ("two", "function")),
        ("aw", 0, ("await", "keyword")),
        ("Math.ab", 5, ("abs", "function")),
    ],
)
def test_tab_knows_names_and_properties(
    session: Session, code: str, start: int, wanted: tuple[str, str]
) -> None:
    assert isinstance(session, Completer)
    run(session, "let alpha = {one: 1, two() {}, three: 3}")
    begin, end, found = session.complete(code, len(code), 5)
    assert (begin, end) == (start, len(code))
    assert wanted in found


@pytest.mark.parametrize("code", ["'alpha.", "// alpha.", "f().", "nowhere.", "alpha[0].x", "/alpha."])
def test_tab_is_silent_in_text_and_behind_calls(session: Session, code: str) -> None:
    run(session, "let called = 0; let alpha = {get bomb() { called++; return {x: 1} }}")
    assert session.complete(code, len(code), 5)[2] == ()


def test_tab_runs_nothing_that_has_an_effect(session: Session) -> None:
    run(session, "let called = 0; let bombs = {get bomb() { called++; return {x: 1} }}")
    assert session.complete("bombs.bomb.", 11, 5)[2] == ()
    assert value(session, "called") == "0"


# ---------------------------------------------------------------- life and death


def test_an_interrupted_wait_keeps_the_variables(session: Session) -> None:
    run(session, "let kept = 41")
    interrupt, _ = interrupted(session, "await new Promise(() => {})")
    assert "variables" in interrupt.__notes__[0]
    assert "kept" in interrupt.__notes__[0]
    assert value(session, "kept + 1") == "42"


def test_cells_that_were_stopped_survive_the_collection_of_garbage(runtime: str) -> None:
    with started(runtime) as session:
        interrupted(session, "await new Promise(() => {})", after=0.2)
        fill = "for (let i = 0; i < 40; i++) { new Array(1e6).fill(i); await new Promise(r => setTimeout(r)) }; 'alive'"
        assert value(session, fill) == "alive"


def test_an_exit_ends_the_session_and_says_what_is_gone(runtime: str) -> None:
    with started(runtime) as session:
        run(session, "let precious = 1")
        with pytest.raises(SessionDied) as died:
            run(session, "console.log('last'); process.exit(7)")
        assert (died.value.exit_code, died.value.lost) == (7, ("precious",))
        assert not session.alive
        with pytest.raises(SessionDied):
            run(session, "1")


def test_a_full_heap_ends_the_session_with_its_reason(runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_OPTIONS", "--max-old-space-size=64")
    monkeypatch.setenv("DENO_V8_FLAGS", "--max-old-space-size=64")
    with started(runtime) as session, pytest.raises(SessionDied) as died:
        run(session, "const all = []; while (true) all.push(new Array(1000).fill({}))")
    assert died.value.exit_code not in (0, None)
    assert "heap" in str(died.value)


def test_closing_twice_is_closing_once(runtime: str) -> None:
    session = start(runtime)
    own = session._process.folder
    assert own.is_dir()
    assert own.stat().st_mode & 0o777 == 0o700
    session.close()
    session.close()
    assert not session.alive
    assert not own.exists()


def test_two_sessions_live_side_by_side(runtime: str) -> None:
    with started(runtime) as one, started(runtime) as two:
        run(one, "let whose = 'one'")
        run(two, "let whose = 'two'")
        assert (value(one, "whose"), value(two, "whose")) == ("one", "two")
        one.close()
        assert value(two, "whose") == "two"


def test_five_hundred_alternating_cells() -> None:
    with started("node") as one, started("deno") as two:
        total = 0
        for _ in range(250):
            for session in (one, two):
                session.push("total", total)
                run(session, "total = total + 1")
                total = session.pull("total").value
    assert total == 500


def test_no_secret_reaches_a_command_line(session: Session) -> None:
    line = Path(f"/proc/{session._child.process.pid}/cmdline").read_bytes()
    assert session._conversation is not None
    assert b"\x1e" not in line
    assert json.dumps(line.decode()).count("worker.mjs") == 1
