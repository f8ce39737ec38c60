"""A real IPython shell, driven as a notebook drives it."""

from __future__ import annotations

from typing import Any

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
