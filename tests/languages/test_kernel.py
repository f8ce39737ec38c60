"""Cells of other languages in a real kernel: interrupts, endless output, many cells, two kernels, no orphans."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from jupyter_client.manager import start_new_kernel

from tests.magics.test_languages import alive
from tests.test_kernel import Kernel

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq", "ignore::ResourceWarning")
START_S = 20


@contextmanager
def started() -> Iterator[Kernel]:
    manager, client = start_new_kernel(kernel_name="python3")
    kernel = Kernel(manager, client)
    kernel.run("%load_ext kqlmagic_ext")
    yield kernel
    client.stop_channels()
    if manager.is_alive():
        manager.shutdown_kernel(now=False)


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    with started() as kernel:
        yield kernel


def number(kernel: Kernel, name: str) -> int:
    [(_, text)] = kernel.run(name)["shown"]
    return int(text)


def gone(pid: int) -> bool:
    deadline = time.monotonic() + START_S
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(pid)


def test_output_comes_while_the_cell_runs(kernel: Kernel) -> None:
    message = kernel.client.execute(
        "%%node\nconsole.log('early'); await new Promise(r => setTimeout(r, 3000)); console.log('late')"
    )
    began = time.monotonic()
    texts = []
    for kind, text in kernel._outputs(message):
        texts.append((kind, text.strip(), time.monotonic() - began))
    kernel.client.get_shell_msg(timeout=10)
    assert [text for _, text, _ in texts] == ["early", "late"]
    assert texts[1][2] - texts[0][2] > 1


@pytest.mark.parametrize(
    "endless",
    ["while (true) {}", "await new Promise(() => {})", "while (true) console.log('x'.repeat(1000))"],
    ids=["busy", "waiting", "writing"],
)
def test_an_interrupt_stops_a_cell_and_keeps_its_variables(kernel: Kernel, endless: str) -> None:
    kernel.run("%%node\nlet kept = 41")
    kernel.run("%%node -o out\nvar out = 1")
    stopped = kernel.run(f"%%node -o out\n{endless}", interrupt_after=1.5)
    assert stopped["status"] == "error"
    assert stopped["ename"] == "KeyboardInterrupt"
    said = stopped["shown"][-1][1]
    assert "variables of Node.js are kept" in said
    assert "%kql_restore out" in said
    assert kernel.run("%%node\nkept + 1")["shown"] == [("display_data", "42")]


def test_an_interrupted_loop_in_deno_ends_its_process_and_says_what_is_gone(kernel: Kernel) -> None:
    kernel.run("%config LanguageMagics.grace = 0.5")
    kernel.run("%restart_session deno")
    kernel.run("%%node --runtime deno\nlet precious = 1")
    stopped = kernel.run("%%node --runtime deno\nwhile (true) {}", interrupt_after=1)
    assert "did not stop within 0.5 s" in stopped["shown"][-1][1]
    assert "precious" in stopped["shown"][-1][1]
    after = kernel.run("%%node --runtime deno\n6 * 7")["shown"]
    assert after[0] == ("display_data", "42")
    assert "gone are precious" in after[1][1]


def test_a_full_heap_ends_the_process_and_not_the_kernel(kernel: Kernel) -> None:
    kernel.run("import os; os.environ['NODE_OPTIONS'] = '--max-old-space-size=64'")
    kernel.run("%restart_session node")
    died = kernel.run("%%node\nconst all = []; while (true) all.push(new Array(1000).fill({}))")
    kernel.run("del os.environ['NODE_OPTIONS']")
    assert died["ename"] == "SessionDied"
    assert kernel.run("%%node\n6 * 7")["shown"][0] == ("display_data", "42")


@pytest.mark.slow
def test_five_hundred_alternating_cells(kernel: Kernel) -> None:
    kernel.run("total = 0")
    loop = """for step in range(250):
    get_ipython().run_cell_magic("node", "-i total -o total", "var total = total + 1")
    get_ipython().run_cell_magic("node", "-i total -o total --runtime deno", "var total = total + 1")"""
    assert kernel.run(loop)["status"] == "ok"
    assert number(kernel, "total") == 500


def test_two_kernels_have_sessions_of_their_own(kernel: Kernel) -> None:
    with started() as other:
        kernel.run("%%node -o pid\nvar whose = 'mine', pid = process.pid")
        other.run("%%node -o pid\nvar pid = process.pid")
        assert other.run("%%node\ntypeof whose")["shown"] == [("display_data", "undefined")]
        mine, theirs = number(kernel, "pid"), number(other, "pid")
        assert mine != theirs
    assert gone(theirs)
    assert alive(mine)


@pytest.mark.parametrize("runtime", ["node", "deno"])
def test_a_killed_kernel_leaves_no_child(runtime: str) -> None:
    with started() as kernel:
        setup = f"%%node --runtime {runtime} -o pid\nvar pid = typeof Deno === 'undefined' ? process.pid : Deno.pid"
        kernel.run(setup)
        pid = number(kernel, "pid")
        kernel.client.execute(f"%%node --runtime {runtime}\nwhile (true) {{}}")
        time.sleep(0.5)
        assert alive(pid)
        own = number_of_kernel(kernel)
        os.kill(own, signal.SIGKILL)
        assert gone(pid)
        kernel.manager.shutdown_kernel(now=True)


def number_of_kernel(kernel: Kernel) -> int:
    provisioner = kernel.manager.provisioner
    assert provisioner is not None
    return int(provisioner.process.pid)  # type: ignore[attr-defined]
