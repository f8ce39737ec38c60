"""The whole thing through a real kernel, as Jupyter drives it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

from tests.local.test_interrupt import ENDLESS

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq", "ignore::ResourceWarning")


class Kernel:
    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager, self.client = manager, client

    def run(self, code: str, *, interrupt_after: float | None = None, watched: bool = True) -> dict[str, Any]:
        """The reply's content, with `shown`: what the cell displayed, printed and raised, in order.

        `watched`: as from a notebook that somebody looks at, not as in a headless run.
        """
        # An error would abort what is asked in the next moment.
        message = self.client.execute(code, store_history=True, allow_stdin=watched, stop_on_error=False)
        if interrupt_after is not None:
            time.sleep(interrupt_after)
            self.manager.interrupt_kernel()
        reply: dict[str, Any] = self.client.get_shell_msg(timeout=60)["content"]
        reply["shown"] = list(self._outputs(message))
        return reply

    def _outputs(self, parent: str) -> Iterator[tuple[str, str]]:
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=10)
            except Empty as error:
                raise TimeoutError("the kernel does not become idle") from error
            if message["parent_header"].get("msg_id") != parent:
                continue
            content = message["content"]
            if message["msg_type"] == "status" and content["execution_state"] == "idle":
                return
            if message["msg_type"] == "stream":
                yield content["name"], content["text"]
            elif message["msg_type"] in ("display_data", "execute_result", "update_display_data"):
                yield message["msg_type"], content["data"]["text/plain"]
            elif message["msg_type"] == "clear_output":
                yield "clear_output", ""
            elif message["msg_type"] == "error":
                yield "error", "\n".join(content["traceback"])


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    manager, client = start_new_kernel(kernel_name="python3")
    yield Kernel(manager, client)
    client.stop_channels()
    manager.shutdown_kernel(now=False)


def test_a_notebook_from_load_to_unload(kernel: Kernel) -> None:
    loaded = kernel.run("%load_ext kqlmagic_ext")
    assert (loaded["status"], loaded["shown"]) == ("ok", [])

    cell = "%%kql -o failed -t 7d\nSigninLogs\n| where ResultType != '0'\n| summarize Attempts = count() by UserPrincipalName"
    asked = kernel.run(cell)
    assert asked["status"] == "ok"
    [(kind, text)] = asked["shown"]
    assert kind == "display_data"
    assert "synthetic demo data" in text
    assert "failed: " in text
    assert "last 7 days" in text

    kernel.run("top = failed.nlargest(3, 'Attempts')['UserPrincipalName'].tolist()")
    fed = kernel.run(
        "%kql SigninLogs | where UserPrincipalName in ({{top}}) | distinct UserPrincipalName | count"
    )
    [(kind, text)] = fed["shown"]
    assert kind == "execute_result"
    assert text.split()[-1] == "3"

    wrong = kernel.run("%%kql -o failed\nSigninLogs\n| where UserPrincipleName == 'x'")
    assert wrong["status"] == "error"
    assert wrong["ename"] == "QueryError"
    [(kind, text)] = wrong["shown"]
    assert kind == "error"
    assert text.splitlines()[0].endswith("did you mean UserPrincipalName?")
    assert text.splitlines()[2].strip() == "^"
    assert "failed still holds" in text

    stopped = kernel.run(f"%%kql -o failed\n{ENDLESS}", interrupt_after=1)
    assert (stopped["status"], stopped["ename"]) == ("error", "KeyboardInterrupt")
    [(kind, text)] = stopped["shown"]
    assert kind == "error"
    assert text.startswith("KeyboardInterrupt: the query was stopped\nfailed (")
    assert text.endswith("%kql_restore failed brings it back")
    assert kernel.run("failed")["ename"] == "NameError"
    assert kernel.run("%kql_restore failed")["status"] == "ok"
    assert kernel.run("assert len(failed) > 3")["status"] == "ok"
    assert kernel.run("%kql print x = 1")["status"] == "ok"

    assert kernel.run("%unload_ext kqlmagic_ext")["status"] == "ok"
    assert kernel.run("%kql print x = 1")["status"] == "error"


def test_a_usage_error_fails_the_cell(kernel: Kernel) -> None:
    kernel.run("%load_ext kqlmagic_ext")
    assert kernel.run("%kql --nope print 1")["status"] == "error"
    assert kernel.run("%kql -o print print 1")["status"] == "error"


def test_a_kernel_that_shuts_down_amid_a_query_leaves_no_files(tmp_path: Path) -> None:
    manager, client = start_new_kernel(kernel_name="python3", env={**os.environ, "TMPDIR": str(tmp_path)})
    kernel = Kernel(manager, client)
    try:
        kernel.run("%load_ext kqlmagic_ext")
        kernel.run("%kql print 1")
        assert kernel.run(f"%%kql\n{ENDLESS}", interrupt_after=1)["ename"] == "KeyboardInterrupt"
        assert list(tmp_path.glob("kqlmagic_ext-*"))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=False)
    assert not list(tmp_path.glob("kqlmagic_ext-*"))
