from __future__ import annotations

from collections.abc import Iterator

import IPython
import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.notebook import Notebook


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
