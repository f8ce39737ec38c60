from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import IPython
import pytest
from hypothesis import HealthCheck, settings
from IPython.core.interactiveshell import InteractiveShell

from tests.notebook import Notebook

# A shell lets what it starts in the background ignore Ctrl-C, and then every test of it would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in every run of CI; elsewhere new ones each time.
# How long one takes says how much else the machine does.
settings.register_profile("usual", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("usual"), derandomize=True)
settings.load_profile("usual")
if os.environ.get("KQLMAGIC_CI"):
    settings.load_profile("ci")


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory) -> InteractiveShell:
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor" if IPython.version_info >= (9,) else "NoColor"
    config.ProfileDir.location = str(tmp_path_factory.mktemp("ipython"))
    return InteractiveShell.instance(config=config)


@pytest.fixture(autouse=True, scope="session")
def _no_record() -> Iterator[None]:
    """The tests of the record ask for one; no other test, nor a kernel that it starts, leaves any."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KQLMAGIC_RECORD", "off")
        yield


@pytest.fixture
def notebook(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    monkeypatch.delenv("KQLMAGIC_CONNECTION", raising=False)
    shell.reset(new_session=True)
    shell.run_line_magic("load_ext", "kqlmagic_ext")
    shell.run_line_magic("reload_ext", "kqlmagic_ext")
    yield Notebook(shell)
    shell.run_line_magic("unload_ext", "kqlmagic_ext")
