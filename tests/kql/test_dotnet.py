"""Where a .NET is looked for, and that one in the process takes nothing from it: signals, environment, a clean end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel

from kqlmagic_ext.kql.language_service import dotnet
from tests.kql.microsofts import require_dotnet
from tests.test_kernel import Kernel

ASKING = """
import sys, threading
from kqlmagic_ext.kql.language_service import Schema
from kqlmagic_ext.kql.language_service.chosen import Chosen
chosen = Chosen()
chosen.complete("T | ", 4, Schema({"T": {"a": "long"}}))
assert chosen._thread is not None, chosen.problem
"""
READY = """
while not chosen.is_ready:
    assert not chosen.problem, chosen.problem
    threading.Event().wait(0.01)
"""


def run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **variables},
    )


def fake_dotnet(root: Path, *versions: str) -> Path:
    for version in versions:
        (root / "shared" / "Microsoft.NETCore.App" / version).mkdir(parents=True)
        (root / "host" / "fxr" / version).mkdir(parents=True)
    return root


# ---------------------------------------------------------------- what is there


def test_the_runtime_that_the_analyst_names_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOTNET_ROOT", str(fake_dotnet(tmp_path / "mine", "5.0.17", "9.0.1")))
    assert dotnet.runtime() == tmp_path / "mine"


@pytest.mark.parametrize("versions", [[], ["5.0.17"]])
def test_a_place_without_a_runtime_that_is_new_enough_is_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, versions: list[str]
) -> None:
    monkeypatch.setenv("DOTNET_ROOT", str(fake_dotnet(tmp_path / "old", *versions)))
    monkeypatch.setattr(dotnet, "_folder", lambda _: None)
    (tmp_path / "bin").mkdir()
    new = fake_dotnet(tmp_path / "new", "10.0.0-rc.1")
    (new / "dotnet").write_text("#!/bin/sh\n")
    (new / "dotnet").chmod(0o755)
    (tmp_path / "bin" / "dotnet").symlink_to(new / "dotnet")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert dotnet.runtime() == new


def test_what_is_missing_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dotnet, "find_spec", lambda _: None)
    assert dotnet.missing() == (
        "kustology and pythonnet and clr_loader not installed; pip install 'kqlmagic-ext[language-service]' brings it"
    )


def test_a_missing_runtime_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    require_dotnet()
    monkeypatch.setattr(dotnet, "_roots", lambda: iter(()))
    assert dotnet.missing().startswith("there is no .NET of version 6 or newer; ")


def test_looking_for_it_imports_and_starts_nothing() -> None:
    code = (
        "import sys\nfrom kqlmagic_ext.kql.language_service import dotnet\ndotnet.missing()\n"
        "print([name for name in ('clr_loader', 'pythonnet', 'kustology', 'dnv', 'cffi') if name in sys.modules])"
    )
    assert run(code).stdout == "[]\n"


# ---------------------------------------------------------------- a process that ends


@pytest.mark.parametrize("wait", [0, 0.05, 0.1, 0.2, 0.3, 0.4])
def test_a_process_that_ends_while_it_loads_ends_in_silence(wait: float) -> None:
    require_dotnet()
    done = run(f"{ASKING}threading.Event().wait({wait})")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_process_that_ends_amid_an_answer_ends_in_silence() -> None:
    require_dotnet()
    slow = "chosen._patience = 0.01\nchosen.diagnose('T | where ' + 'a == 1 and ' * 8000, Schema({}))\n"
    done = run(f"{ASKING}{READY}{slow}assert 'did not answer' in chosen.problem")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_process_whose_chosen_was_closed_ends_in_silence() -> None:
    require_dotnet()
    done = run(f"{ASKING}{READY}chosen.close()")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_environment_of_child_processes_stays_as_it_was() -> None:
    require_dotnet()
    code = f"import os\nbefore = dict(os.environ)\n{ASKING}{READY}assert dict(os.environ) == before"
    assert run(code).stderr == ""


# ---------------------------------------------------------------- signals


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what a process does with a signal")
def test_signals_do_what_they_did_before() -> None:
    require_dotnet()
    actions = """
import ctypes, signal
def actions():
    found = []
    for name in ("SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGPIPE", "SIGCHLD", "SIGCONT", "SIGWINCH"):
        action = (ctypes.c_void_p * 64)()
        ctypes.CDLL(None).sigaction(int(getattr(signal, name)), None, action)
        found.append((name, action[0]))
    return found
before = actions()
"""
    done = run(f"{actions}{ASKING}{READY}assert actions() == before, (before, actions())")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    require_dotnet()
    manager, client = start_new_kernel(kernel_name="python3")
    yield Kernel(manager, client)
    client.stop_channels()
    manager.shutdown_kernel(now=False)
    assert not manager.has_kernel


@pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq", "ignore::ResourceWarning")
def test_an_interrupt_reaches_the_cell_while_it_loads_and_afterwards(kernel: Kernel) -> None:
    assert kernel.run("%load_ext kqlmagic_ext")["status"] == "ok"
    kernel.run("import time, signal\nbefore = signal.getsignal(signal.SIGINT)")
    service = "get_ipython().magics_manager.registry['KqlMagics']._service"
    schema = "__import__('kqlmagic_ext.kql.language_service', fromlist=['Schema']).Schema({})"
    assert kernel.run(f"service = {service}\nservice.complete('', 0, {schema})")["status"] == "ok"
    assert kernel.run("time.sleep(30)", interrupt_after=0.1)["ename"] == "KeyboardInterrupt"
    waiting = (
        "while not service.is_ready:\n    assert not service.problem, service.problem\n    time.sleep(0.01)"
    )
    assert kernel.run(waiting)["status"] == "ok"
    for _ in range(3):
        began = time.monotonic()
        assert kernel.run("time.sleep(30)", interrupt_after=0.1)["ename"] == "KeyboardInterrupt"
        assert time.monotonic() - began < 20  # it was interrupted, not waited for
    assert kernel.run("assert signal.getsignal(signal.SIGINT) is before")["status"] == "ok"
    assert kernel.run("%kql print x = 1")["status"] == "ok"
    kernel.client.complete("%kql SigninLogs | whe", 20)
    reply = kernel.client.get_shell_msg(timeout=30)["content"]
    assert "where" in reply["matches"]
    assert kernel.run("%unload_ext kqlmagic_ext")["status"] == "ok"
