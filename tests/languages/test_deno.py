"""What Deno refuses, and what it is allowed; a busy cell ends its process."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from kqlmagic_ext import LanguageError
from kqlmagic_ext.languages import Settings
from kqlmagic_ext.languages.javascript import DenoSession
from tests.languages.javascript_lab import Session, ends, failure, interrupted, run, started, value


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "secret.txt").write_text("hush")
    (folder / "module.mjs").write_text("export default 1")
    (folder / "deno.json").write_text('{"imports": {"evil": "./module.mjs"}}')
    return folder


@pytest.fixture(scope="module")
def session(folder: Path) -> Iterator[Session]:
    with started("deno", folder) as session:
        yield session


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[socket.socket, int]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        yield server, server.getsockname()[1]


@pytest.mark.parametrize(
    ("code", "permission"),
    [
        ("Deno.readTextFileSync('secret.txt')", "read"),
        ("[...Deno.readDirSync('.')]", "read"),
        ("require('node:fs').readFileSync('/etc/passwd', 'utf8')", "read"),
        ("await import('./module.mjs')", "read"),
        ("Deno.writeTextFileSync('new.txt', 'x')", "write"),
        ("Deno.removeSync('secret.txt')", "write"),
        ("Deno.env.get('HOME')", "env"),
        ("process.env.HOME", "env"),
        ("await fetch('http://127.0.0.1:PORT/')", "net"),
        ("await Deno.connect({port: PORT})", "net"),
        ("await new Promise((r, j) => require('node:net').connect(PORT, '127.0.0.1').on('error', j).on('connect', r))", "net"),
        ("Deno.listen({port: 0})", "net"),
        ("new Deno.Command('true').outputSync()", "run"),
        ("Deno.hostname()", "sys"),
        ("Deno.dlopen('x.so', {})", "ffi"),
    ],
)  # fmt: skip
def test_it_refuses_and_says_how_to_allow(
    session: Session, listener: tuple[socket.socket, int], code: str, permission: str
) -> None:
    server, port = listener
    error = failure(session, code.replace("PORT", str(port)))
    assert "NotCapable" in str(error) or "Requires" in str(error)
    assert f"%config LanguageMagics.deno_allow = '{permission}'" in str(error)
    with pytest.raises(TimeoutError):
        server.accept()


@pytest.mark.parametrize(
    "code",
    ["import x from 'https://127.0.0.1:PORT/x.js'", "import x from 'npm:left-pad'", "import x from 'evil'"],
)
def test_it_loads_no_code_from_elsewhere(
    session: Session, listener: tuple[socket.socket, int], code: str
) -> None:
    server, port = listener
    failure(session, code.replace("PORT", str(port)))
    with pytest.raises(TimeoutError):
        server.accept()


def test_a_worker_of_a_cell_may_no_more_than_the_cell(session: Session) -> None:
    code = """const source = "try { Deno.readTextFileSync('secret.txt'); postMessage('read') } catch (e) { postMessage(e.name) }"
const worker = new Worker(URL.createObjectURL(new Blob([source], {type: 'text/javascript'})), {type: 'module'})
const said = await new Promise(r => worker.onmessage = e => r(e.data)); worker.terminate(); said"""
    assert value(session, code) == "NotCapable"


def test_its_own_folder_is_open_and_is_gone_at_the_end() -> None:
    with started("deno") as session:
        own = session._process.folder
        session.push("at", str(own / "x.txt"))
        assert value(session, "Deno.writeTextFileSync(at, 'mine'); Deno.readTextFileSync(at)") == "mine"
    assert not own.exists()


def test_what_is_allowed_is_possible_and_no_more(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARMLESS", "seen")
    with started("deno", folder, allow=(f"read={folder}", "env=HARMLESS", "run=true")) as session:
        assert value(session, "Deno.readTextFileSync('secret.txt')") == "hush"
        assert value(session, "Deno.env.get('HARMLESS')") == "seen"
        assert value(session, "(await import('./module.mjs')).default") == "1"
        failure(session, "Deno.readTextFileSync('/etc/passwd')")
        failure(session, "Deno.env.get('HOME')")
        failure(session, "Deno.writeTextFileSync('x', '')")


def test_a_permission_without_places_is_for_all(folder: Path) -> None:
    with started("deno", folder, allow=("read", f"read={folder}", "env")) as session:
        assert "root" in str(value(session, "Deno.readTextFileSync('/etc/passwd')"))


@pytest.mark.parametrize("word", ["all", "reed", "read=", "--allow-read", "", "net;rm", "read /etc"])
def test_a_wrong_permission_is_refused_by_a_sentence(word: str) -> None:
    with pytest.raises(
        LanguageError, match=f"Deno knows no permission {word!r}; there are env, ffi"
    ) as caught:
        DenoSession(Settings(allow=(word,)))
    assert "\n" not in str(caught.value)


def test_a_busy_cell_ends_its_process_after_the_grace() -> None:
    with started("deno", grace=0.3) as session:
        run(session, "let precious = 1")
        pid = session._child.process.pid
        interrupt, _ = interrupted(session, "while (true) {}")
        assert interrupt.__notes__ == [
            "Deno did not stop within 0.3 s, and its process was ended; gone are precious"
        ]
        assert not session.alive
        assert ends(pid)


def test_endless_output_ends_its_process_after_the_grace() -> None:
    with started("deno", grace=0.3) as session:
        interrupt, found = interrupted(session, "while (true) console.log('x'.repeat(1000))")
        assert "did not stop within 0.3 s" in interrupt.__notes__[0]
        assert found.text("stdout").count("x") > 10_000


# ---------------------------------------------------------------- where it is found


def test_the_variable_names_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    from deno import find_deno_bin

    monkeypatch.setenv("KQLMAGIC_DENO", str(find_deno_bin()))
    monkeypatch.setenv("PATH", "/nowhere")
    session = DenoSession(Settings(allow=("read",)))
    assert value(session, "Deno.execPath()") == os.path.realpath(find_deno_bin())
    session.close()


def test_the_package_is_found_where_path_has_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    session = DenoSession(Settings())
    assert session.version.startswith("Deno ")
    session.close()


def test_without_any_deno_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    monkeypatch.setattr("kqlmagic_ext.languages.javascript.runtimes.find_spec", lambda _: None)
    with pytest.raises(LanguageError, match=r"Deno is not installed: pip install deno, or"):
        DenoSession(Settings())


def test_a_program_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shutil.which("nowhere") is None
    monkeypatch.setenv("KQLMAGIC_DENO", "/nowhere/deno")
    with pytest.raises(LanguageError, match=r"KQLMAGIC_DENO=/nowhere/deno: No such file or directory"):
        DenoSession(Settings())


def test_the_advice_keeps_what_is_allowed_already(folder: Path) -> None:
    with started("deno", folder, allow=("env", "read=/nowhere")) as session:
        error = failure(session, "Deno.readTextFileSync('secret.txt')")
        assert "%config LanguageMagics.deno_allow = 'env,read=/nowhere,read' and %restart" in str(error)
    with started("deno", folder, allow=("env", "read=/nowhere", "read")) as session:
        assert value(session, "Deno.readTextFileSync('secret.txt')") == "hush"
