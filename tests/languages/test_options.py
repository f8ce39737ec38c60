"""The options of language cells, and where their code begins."""

from __future__ import annotations

from tests.notebook import Notebook


def test_a_shift_at_the_head_of_the_code_is_no_output(notebook: Notebook) -> None:
    notebook.value("%%node\nvar bits = 3")
    notebook.value("%%node\nbits << 2")
    assert notebook.receipt == "12"
