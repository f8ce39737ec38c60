"""`%config KqlMagics.language_service`: what answers Tab and Shift-Tab."""

from __future__ import annotations

import pytest

from kqlmagic_ext.kql.language_service.chosen import Chosen
from tests.notebook import Notebook


def test_choosing_microsofts_says_at_once_what_is_missing(
    notebook: Notebook, caplog: pytest.LogCaptureFixture
) -> None:
    magics = notebook.shell.magics_manager.registry["KqlMagics"]
    magics.__dict__["_service"] = Chosen(lacking=lambda: "there is no .NET; install one")
    notebook.run('%config KqlMagics.language_service = "microsoft"')  # traitlets logs what is refused
    assert caplog.messages == ["there is no .NET; install one"]
    assert magics.language_service == "auto"


@pytest.mark.parametrize("choice", ["ours", "auto"])
def test_the_setting_needs_nothing_installed(notebook: Notebook, choice: str) -> None:
    magics = notebook.shell.magics_manager.registry["KqlMagics"]
    magics.__dict__["_service"] = Chosen(lacking=lambda: "there is no .NET")
    notebook.value(f'%config KqlMagics.language_service = "{choice}"')
    assert magics.language_service == choice
    found = magics.typing.complete("%kql SigninLogs | summ", 22)
    assert found is not None
    assert "summarize" in [one.text for one in found.found]


def test_loading_starts_no_thread_and_unloading_ends_it(notebook: Notebook) -> None:
    magics = notebook.shell.magics_manager.registry["KqlMagics"]
    assert "_service" not in vars(magics)
    chosen = magics._service
    chosen.complete("", 0, magics.typing._schemas.schema(None, {}))
    notebook.shell.run_line_magic("unload_ext", "kqlmagic_ext")
    if chosen._thread is not None:
        chosen._thread.join(30)
        assert not chosen._thread.is_alive()
    notebook.shell.run_line_magic("load_ext", "kqlmagic_ext")
