"""The magics: the only folder that imports IPython, and the only one that knows a shell."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING

from kqlmagic_ext.errors import KqlMagicError
from kqlmagic_ext.magics.browser import BrowserMagics
from kqlmagic_ext.magics.charts import ChartMagics
from kqlmagic_ext.magics.connections import ConnectionMagics
from kqlmagic_ext.magics.functions import FunctionMagics
from kqlmagic_ext.magics.kql import KqlMagics
from kqlmagic_ext.magics.languages import LanguageMagics
from kqlmagic_ext.magics.packs import PackMagics
from kqlmagic_ext.magics.record import RecordMagics
from kqlmagic_ext.magics.replay import ReplayMagics
from kqlmagic_ext.magics.report import ReportMagics
from kqlmagic_ext.magics.support import SupportMagics
from kqlmagic_ext.magics.window import WindowMagics

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

REGISTERED = (
    ChartMagics, ConnectionMagics, KqlMagics, RecordMagics, ReportMagics, LanguageMagics, BrowserMagics, PackMagics,
    FunctionMagics, ReplayMagics, SupportMagics, WindowMagics,
)  # fmt: skip


def load(shell: InteractiveShell) -> None:
    """Register the magics with the shell; loading again starts anew."""
    unload(shell)
    magics = KqlMagics(shell)
    languages = LanguageMagics(shell, magics.bindings)
    registered = (
        magics,
        ConnectionMagics(shell, magics.places),
        ChartMagics(shell, magics.charts),
        RecordMagics(shell, magics),
        ReportMagics(shell, magics.recording),
        ReplayMagics(shell, magics),
        PackMagics(shell, magics),
        SupportMagics(shell),
        WindowMagics(shell, magics),
        FunctionMagics(shell, magics),
        languages,
        BrowserMagics(shell, magics.bindings),
    )
    for one in registered:
        shell.register_magics(one)
    atexit.register(magics.close)
    atexit.register(languages.close)
    # A hook of our own errors, not of IPython: they show as one line unless the analyst asks for all of it.
    KqlMagicError.full_traceback = staticmethod(lambda: bool(shell.InteractiveTB.mode == "Verbose"))


def unload(shell: InteractiveShell) -> None:
    """Take the magics away, close every connection and end every session; nothing of ours stays."""
    for registered in REGISTERED:
        magics = shell.magics_manager.registry.pop(registered.__name__, None)
        if magics is None:
            continue
        for kind, names in magics.magics.items():
            for name in names:
                shell.magics_manager.magics[kind].pop(name, None)
        shell.configurables.remove(magics)
        if isinstance(magics, KqlMagics | LanguageMagics | BrowserMagics | PackMagics):
            magics.close()
            atexit.unregister(magics.close)
    KqlMagicError.full_traceback = staticmethod(lambda: False)
