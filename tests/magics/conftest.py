from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import IPython
import pytest
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from IPython.utils.capture import RichOutput, capture_output


class Notebook:
    """A real IPython shell with the extension loaded; cells run as a notebook runs them."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.names: dict[str, Any] = shell.user_ns
        self.outputs: list[RichOutput] = []
        self.stdout = self.stderr = ""

    def run(self, cell: str) -> ExecutionResult:
        with capture_output() as captured:
            result = self.shell.run_cell(cell, store_history=True)
        self.outputs, self.stdout, self.stderr = captured.outputs, captured.stdout, captured.stderr
        return result

    def value(self, cell: str) -> Any:
        result = self.run(cell)
        result.raise_error()
        return result.result

    def error(self, cell: str) -> BaseException:
        result = self.run(cell)
        error = result.error_in_exec or result.error_before_exec
        assert error is not None, f"the cell ran: {cell}"
        return error

    @property
    def receipt(self) -> str:
        """The text of what the last cell displayed."""
        return "\n".join(output.data["text/plain"] for output in self.outputs)


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory) -> InteractiveShell:
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor" if IPython.version_info >= (9,) else "NoColor"
    config.ProfileDir.location = str(tmp_path_factory.mktemp("ipython"))
    return InteractiveShell.instance(config=config)


@pytest.fixture
def notebook(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    monkeypatch.delenv("KQLMAGIC_CONNECTION", raising=False)
    shell.reset(new_session=True)
    shell.run_line_magic("load_ext", "kqlmagic_ext")
    shell.run_line_magic("reload_ext", "kqlmagic_ext")
    yield Notebook(shell)
    shell.run_line_magic("unload_ext", "kqlmagic_ext")


Ask = Callable[[str], Any]
