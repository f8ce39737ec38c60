"""The colours of cells: KQL's tokens, which language a magic line names, and what JupyterLab is given."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kqlmagic_ext
from kqlmagic_ext.frontend.build import (
    EXTENSION,
    EXTENSION_HOME,
    LIBRARIES,
    LICENCES,
    STAMP,
    sources_hash,
    write_extension,
)
from tests.frontend.runtimes import JavaScript
from tests.frontend.test_build import copy_of_the_checkout, pip

SCRIPTS = {"cell.js", "charts.js", "kql.js", "magic.js", "plugin.js", "remoteEntry.js", "sharing.js"}
TOKENS = """
    const { kql } = await import(MODULE);
    const state = kql.startState();
    const found = [];
    for (const string of text.split("\\n")) {
      const stream = { string, pos: 0 };
      while (stream.pos < string.length) {
        const start = stream.pos;
        const kind = kql.token(stream, state);
        if (stream.pos <= start || stream.pos > string.length) throw new Error(`stuck at ${start} of ${string}`);
        found.push([string.slice(start, stream.pos), kind]);
      }
    }
    return found;
"""


def call(javascript: JavaScript, module: str, code: str, text: str = "") -> Any:
    address = (EXTENSION / "static" / module).as_uri()
    return javascript.call(code.replace("MODULE", json.dumps(address)), text)


def tokens(javascript: JavaScript, text: str) -> list[tuple[str, str | None]]:
    return [(piece, kind) for piece, kind in call(javascript, "kql.js", TOKENS, text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("T | where A", "T variableName, | operator, where keyword, A variableName"),
        ("T\n|\nmv-expand x", "T variableName, | operator, mv-expand keyword, x variableName"),
        ("a-b", "a variableName, - operator, b variableName"),
        ("| project-away x", "| operator, project-away keyword, x variableName"),
        ("count() by count", "count call, ( paren, ) paren, by keyword, count variableName"),
        ("| count", "| operator, count keyword"),
        ("bin (x, 1h)", "bin call, ( paren, x variableName, , punctuation, 1h number, ) paren"),
        ("x in~ (y)", "x variableName, in~ operatorKeyword, ( paren, y variableName, ) paren"),
        ("x !has_cs y", "x variableName, !has_cs operatorKeyword, y variableName"),
        ("x !in (y)", "x variableName, !in operatorKeyword, ( paren, y variableName, ) paren"),
        ("x has_any (y)", "x variableName, has_any keyword, ( paren, y variableName, ) paren"),
        ("x=~y", "x variableName, =~ operator, y variableName"),
        ("1d 5m 1.5e3 0x1F 10ms 3ticks", "1d number, 5m number, 1.5e3 number, 0x1F number, 10ms number, 3ticks number"),
        ("1..3", "1 number, .. operator, 3 number"),
        ("4xx Has5m", "4xx variableName, Has5m variableName"),
        ("datetime(2026-01-01 10:00)", "datetime scalarType, ( paren, 2026-01-01 10:00 number, ) paren"),
        ("datetime(null)", "datetime scalarType, ( paren, null atom, ) paren"),
        ("timespan()", "timespan scalarType, ( paren, ) paren"),
        ("dynamic([1])", "dynamic scalarType, ( paren, [ squareBracket, 1 number, ] squareBracket, ) paren"),
        ("(x:string)", "( paren, x variableName, : punctuation, string scalarType, ) paren"),
        ("time > real", "time variableName, > operator, real variableName"),
        ('"a\\"b" c', '"a\\"b" string, c variableName'),
        ("'a\\'b' c", "'a\\'b' string, c variableName"),
        ('@"C:\\" c', '@"C:\\" string, c variableName'),
        ('@"a""b" c', '@"a""b" string, c variableName'),
        ('h@"a" H\'b\' h"c"', "h@\"a\" string, H'b' string, h\"c\" string"),
        ('"open\nc', '"open string, c variableName'),
        ('@"a\nb" c', '@"a string, b" string, c variableName'),
        ('@"a""\nb" c', '@"a"" string, b" string, c variableName'),
        ("```a\nb``` c", "```a string, b``` string, c variableName"),
        ('x // "no\ny', 'x variableName, // "no lineComment, y variableName'),
        ('"http://x" y', '"http://x" string, y variableName'),
        ("let a = 1; let b", "let keyword, a declared, = operator, 1 number, ; punctuation, let keyword, b declared"),
        ("{{ user }} {x}", "{{ user }} placeholder, { brace, x variableName, } brace"),
        ("$left.A == $right.B", "$left side, . derefOperator, A propertyName, == operator, $right side, . derefOperator, B propertyName"),
        ('["a b"]', '[ squareBracket, "a b" propertyName, ] squareBracket'),
        ("x.where.f()", "x variableName, . derefOperator, where propertyName, . derefOperator, f call, ( paren, ) paren"),
        ("| join kind = inner (T)", "| operator, join keyword, kind keyword, = operator, inner atom, ( paren, T variableName, ) paren"),
        ("kind == inner", "kind variableName, == operator, inner variableName"),
        ("| render timechart with (", "| operator, render keyword, timechart atom, with keyword, ( paren"),
        ("on (where x | top 1 by y)", "on keyword, ( paren, where keyword, x variableName, | operator, top keyword, 1 number, by keyword, y variableName, ) paren"),
        ("f(top, 1)", "f call, ( paren, top variableName, , punctuation, 1 number, ) paren"),
        ("range x from 1 to 2 step 1", "range keyword, x variableName, from keyword, 1 number, to keyword, 2 number, step keyword, 1 number"),
        ("print range(1, 2)", "print keyword, range call, ( paren, 1 number, , punctuation, 2 number, ) paren"),
        ("größe == true", "größe variableName, == operator, true atom"),
    ],
)  # fmt: skip
def test_a_piece_of_kql_has_its_kind(javascript: JavaScript, text: str, expected: str) -> None:
    assert ", ".join(f"{piece} {kind}" for piece, kind in tokens(javascript, text) if kind) == expected


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("ab1d|.,:;=~!<>@hH\"'`{}[]()/\\$-_ \n\tleti𝒳é"), max_size=60))
def test_no_text_stops_the_tokenizer_and_none_is_left_out(javascript: JavaScript, text: str) -> None:
    assert "".join(piece for piece, _ in tokens(javascript, text)) == text.replace("\n", "")


def test_a_long_line_and_a_long_cell_are_read_in_linear_time(javascript: JavaScript) -> None:
    code = """
        const { kql } = await import(MODULE);
        const cost = (lines) => {
          const start = performance.now();
          const state = kql.startState();
          for (const string of lines) {
            for (const stream = { string, pos: 0 }; stream.pos < string.length; ) kql.token(stream, state);
          }
          return performance.now() - start;
        };
        const piece = `| where A has "b" and C:string @"d""e" datetime(2026) // `.slice(0, -3);
        cost(Array(2000).fill(piece));
        const best = (lines) => Math.min(cost(lines), cost(lines), cost(lines));
        const long = (times) => [piece.repeat(times)];
        const quotes = (times) => ['@"' + '""'.repeat(times)];
        return [long, quotes].map((text) => best(text(20_000)) / best(text(2_000)));
    """
    for ratio in call(javascript, "kql.js", code):
        assert ratio < 50  # ten times the text; a hundred if it were quadratic


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("%%kql\nT", "kql 0-5"),
        ("%%kql -o x\nT", "kql 0-10"),
        ("\n  \n%%kql\nT", "kql 4-9"),
        ("  %%kql\nT", "kql 2-7"),
        ("%%kql", "kql 0-5"),
        ("%%kql  \nT", "kql 0-7"),
        ("\n" * 5000 + "%%kql\nT", "kql 5000-5005"),
        ("%%kql" + " " * 5000 + "\nT", "kql 0-5005"),
        ("%%powershell\n", "powershell 0-12"),
        ("%%pwsh -i a\n", "powershell 0-11"),
        ("%%node\n", "javascript 0-6"),
        ("%%node -i a --ts\n", "typescript 0-16"),
        ("%%node -o a--tsx\n", "javascript 0-16"),
        ("%%browser --ts\n", "javascript 0-14"),
        ("%%javascript\n", "javascript 0-12"),
        ("%%js\n", "javascript 0-4"),
        ("", None),
        ("   \n\n", None),
        ("# a comment\n%%kql\nT", None),
        ("%kql T", None),
        ("%%kqlx\nT", None),
        ("%%kql?\n", None),
        ("%%toString\n", None),
        ("x = '''\n%%kql\n'''", None),
    ],
)
def test_the_magic_line_names_the_language_as_ipython_reads_it(
    javascript: JavaScript, cell: str, expected: str | None
) -> None:
    code = """
        const { findMagicLine } = await import(MODULE);
        const found = findMagicLine((from, to) => text.slice(from, to), text.length);
        return found && `${found.language} ${found.from}-${found.to}`;
    """
    assert call(javascript, "magic.js", code, cell) == expected


def test_the_copy_that_the_page_uses_is_taken_and_marked(javascript: JavaScript) -> None:
    code = """
        const { sharedModule } = await import(MODULE);
        const copy = (name, loaded) => ({ loaded, get: async () => () => name });
        const scope = {
          a: { "6.9.0": copy("old"), "6.10.0": copy("new"), "6.2.0": copy("older") },
          b: { "6.9.0": copy("in use", 1), "6.10.0": copy("newer") },
        };
        const told = [await sharedModule(scope, "a"), await sharedModule(scope, "b")];
        scope.a["6.11.0"] = copy("late");
        return [...told, await sharedModule(scope, "a")];
    """
    assert call(javascript, "sharing.js", code) == ["new", "in use", "new"]


def test_a_page_that_shares_too_little_gets_no_plugin_and_a_warning(javascript: JavaScript) -> None:
    code = """
        globalThis.window = {};
        const said = [];
        const warn = console.warn;
        console.warn = (...words) => said.push(words.join(" "));
        try {
          await import(MODULE);
          const container = window._JUPYTERLAB["kqlmagic-ext"];
          await container.init({ "@codemirror/state": { "6.0.0": { get: async () => () => ({}) } } });
          const module = (await container.get("./extension"))();
          return [module.__esModule, module.default, said];
        } finally {
          console.warn = warn;
          delete globalThis.window;
        }
    """
    is_module, plugins, [said] = call(javascript, "remoteEntry.js", code)
    assert is_module is True
    assert plugins == []
    assert "no shared module @codemirror/language" in said


def test_another_codemirror_costs_the_colours_and_no_editor(javascript: JavaScript) -> None:
    code = """
        const { makePlugins } = await import(MODULE);
        const said = [];
        const warn = console.warn;
        console.warn = (...words) => said.push(words.join(" "));
        const names = ["@codemirror/language", "@codemirror/state", "@codemirror/view", "@lezer/common", "@lezer/highlight"];
        const lab = { IEditorExtensionRegistry: 1, IEditorLanguageRegistry: 2 };
        const share = (module) => ({ "6.0.0": { get: async () => () => module } });
        const scope = Object.fromEntries(names.map((name) => [name, share({})]));
        const added = [];
        try {
          const [plugin] = await makePlugins({ ...scope, "@jupyterlab/codemirror": share(lab) });
          plugin.activate({}, { addExtension: (one) => added.push(one.name) }, { findByName: () => ({}) });
          return [plugin.requires, added, said];
        } finally {
          console.warn = warn;
        }
    """
    requires, added, [said] = call(javascript, "plugin.js", code)
    assert requires == [1, 2]
    assert added == []
    assert "CodeMirror is another" in said


def files(folder: Path) -> dict[str, bytes]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.fixture
def made(tmp_path: Path) -> dict[str, bytes]:
    write_extension(tmp_path / "made", kqlmagic_ext.__version__)
    return files(tmp_path / "made")


def test_the_extension_is_of_the_packages_version_and_says_how_it_goes(made: dict[str, bytes]) -> None:
    package = json.loads(made["package.json"])
    assert package["version"] == kqlmagic_ext.__version__
    assert package["license"] == "MIT"
    assert package["jupyterlab"]["_build"]["load"] in made
    install = json.loads(made["install.json"])
    assert install["packageManager"] == "python"
    assert install["packageName"] == package["name"] == "kqlmagic-ext"


def test_the_scripts_are_the_sources_at_an_address_that_changes_with_them(
    made: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = {name: text for name, text in made.items() if name.startswith("static/")}
    [address] = {name.rpartition("/")[0] for name in scripts}
    assert scripts == {f"{address}/{name}": (EXTENSION / "static" / name).read_bytes() for name in SCRIPTS}
    changed = shutil.copytree(EXTENSION, tmp_path / "changed")
    (changed / "static" / "kql.js").write_bytes((changed / "static" / "kql.js").read_bytes() + b"//")
    monkeypatch.setattr("kqlmagic_ext.frontend.build.EXTENSION", changed)
    write_extension(tmp_path / "again", kqlmagic_ext.__version__)
    assert not any(name.startswith(address) for name in files(tmp_path / "again"))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git holds, with stand-ins for what else is fetched."""
    folder = copy_of_the_checkout(tmp_path_factory.mktemp("checkout") / "kqlmagic_ext")
    libraries = folder / "kqlmagic_ext" / "frontend" / "built"
    libraries.mkdir()
    for name in (*LIBRARIES, LICENCES):
        (libraries / name).write_text("")
    (libraries / STAMP).write_text(sources_hash())
    return folder


def built(target: str, checkout: Path, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    (artifact,) = folder.glob("kqlmagic_ext-*")
    return artifact


def test_a_wheel_puts_the_extension_where_jupyterlab_looks_and_nowhere_else(
    made: dict[str, bytes], checkout: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(built("wheel", checkout, tmp_path)) as archive:
        names = [name for name in archive.namelist() if "highlighting" in name or "labextensions" in name]
        prefix = f"kqlmagic_ext-{kqlmagic_ext.__version__}.data/data/{EXTENSION_HOME}/"
        assert {name.removeprefix(prefix): archive.read(name) for name in names} == made


@pytest.mark.slow
def test_pip_brings_the_extension_and_takes_it_away(
    made: dict[str, bytes], checkout: Path, tmp_path: Path
) -> None:
    home = tmp_path / "venv"
    venv.create(home, symlinks=True)
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    wheel = built("wheel", checkout, tmp_path)
    assert not pip("--python", python, "install", "--no-deps", "--no-index", wheel).returncode
    assert files(home / EXTENSION_HOME) == made
    assert not pip("--python", python, "uninstall", "-y", "kqlmagic-ext").returncode
    assert not (home / EXTENSION_HOME).exists()


def test_an_sdist_carries_the_sources_of_the_extension(checkout: Path, tmp_path: Path) -> None:
    with tarfile.open(built("sdist", checkout, tmp_path)) as archive:
        names = {name.partition("kqlmagic_ext/frontend/highlighting/")[2] for name in archive.getnames()}
    assert names >= {"package.json", "install.json"} | {f"static/{name}" for name in SCRIPTS}
    assert not any("labextensions" in name for name in names)
