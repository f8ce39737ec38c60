"""How far a query is: shown in place after a second, silent in headless runs, gone when the answer is there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from jupyter_client.manager import start_new_kernel

from kqlmagic_ext.emulator import Emulator
from tests.test_kernel import Kernel

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq", "ignore::ResourceWarning")
SLOW = "slow-first-byte=2.2"


@pytest.fixture(scope="module")
def kernel(running: Emulator) -> Iterator[Kernel]:
    manager, client = start_new_kernel(kernel_name="python3")
    kernel = Kernel(manager, client)
    kernel.run("%load_ext kqlmagic_ext")
    assert kernel.run(f"%kql_connect {running.url} --as azure")["status"] == "ok"
    yield kernel
    client.stop_channels()
    manager.shutdown_kernel(now=False)


def test_a_slow_query_tells_how_far_it_is_and_leaves_the_receipt_alone(
    kernel: Kernel, emulator: Emulator
) -> None:
    emulator.faults.set(SLOW)
    shown = kernel.run("%%kql -o a\nSigninLogs | take 5")["shown"]
    kinds = [kind for kind, _ in shown]
    assert kinds[0] == "display_data"
    assert shown[0][1].startswith("waiting for the service: 1 of at most 180 s")
    assert set(kinds[1:-2]) <= {"update_display_data"}
    assert kinds[-2:] == ["clear_output", "display_data"]
    assert shown[-1][1].startswith("a: 5 rows × ")


def test_a_line_magic_that_is_the_whole_cell_shows_it_too(kernel: Kernel, emulator: Emulator) -> None:
    emulator.faults.set(SLOW)
    kinds = [kind for kind, _ in kernel.run("%kql SigninLogs | take 5")["shown"]]
    assert kinds[0] == "display_data"
    assert kinds[-2:] == ["clear_output", "execute_result"]


def test_a_slow_query_that_fails_leaves_its_error_alone(kernel: Kernel, emulator: Emulator) -> None:
    emulator.faults.set(SLOW)
    kinds = [kind for kind, _ in kernel.run("%%kql\nSigninLogs | wher x")["shown"]]
    assert kinds[0] == "display_data"
    assert kinds[-2:] == ["clear_output", "error"]


@pytest.mark.parametrize(
    ("cell", "watched"),
    [
        ("%%kql -o a\nSigninLogs | take 5", False),
        ("print('before')\n%kql -o a SigninLogs | take 5", True),
    ],
    ids=["headless", "amid other outputs"],
)
def test_it_is_silent_where_it_would_stay_or_take_others_with_it(
    kernel: Kernel, emulator: Emulator, cell: str, watched: bool
) -> None:
    emulator.faults.set(SLOW)
    kinds = [kind for kind, _ in kernel.run(cell, watched=watched)["shown"]]
    assert [kind for kind in kinds if kind != "stdout"] == ["display_data"]


def test_a_query_that_code_runs_takes_no_other_output_away(kernel: Kernel, emulator: Emulator) -> None:
    emulator.faults.set(SLOW)
    cell = "print('evidence')\nget_ipython().run_cell_magic('kql', '-o a', 'SigninLogs | take 5')"
    assert [kind for kind, _ in kernel.run(cell)["shown"]] == ["stdout", "display_data"]


def test_a_quick_query_shows_none(kernel: Kernel, emulator: Emulator) -> None:
    assert emulator.faults
    assert [kind for kind, _ in kernel.run("%%kql -o a\nSigninLogs | take 5")["shown"]] == ["display_data"]


def test_a_kernel_that_ends_amid_a_query_goes_at_once(emulator: Emulator) -> None:
    manager, client = start_new_kernel(kernel_name="python3")
    kernel = Kernel(manager, client)
    kernel.run("%load_ext kqlmagic_ext")
    kernel.run(f"%kql_connect {emulator.url} --as azure")
    emulator.faults.set("slow-first-byte=60")
    assert kernel.run("%kql SigninLogs", interrupt_after=0.5)["ename"] == "KeyboardInterrupt"
    client.stop_channels()
    manager.shutdown_kernel(now=False)
    assert not manager.is_alive()
