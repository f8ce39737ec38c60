"""Where PowerShell is, and how its bridge is started with it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from kqlmagic_ext.errors import LanguageError
from kqlmagic_ext.languages.process import not_installed

NAME, TITLE = "powershell", "PowerShell"
VARIABLE = "KQLMAGIC_PWSH"
_BRIDGE = Path(__file__).with_name("bridge.ps1")
_ON_WINDOWS = sys.platform == "win32"
_PROGRAMS = ("pwsh", "pwsh-preview", *(("powershell",) if _ON_WINDOWS else ()))
_HOW = (
    "install PowerShell 7 by the package manager of this system (winget, brew, snap, apt, dnf) or by "
    f"`dotnet tool install --global PowerShell`, or set {VARIABLE} to the path of its program"
)


def find_powershell(program: str | None) -> str:
    """The path of a PowerShell: the program that is asked for, KQLMAGIC_PWSH, or what the PATH offers.

    Raises LanguageError, which says how to get it.
    """
    for source, name in (("the program asked for", program), (VARIABLE, os.environ.get(VARIABLE))):
        if name:
            return _named(source, name)
    for name in _PROGRAMS:
        if path := shutil.which(name):
            return str(path)
    raise not_installed(NAME, TITLE, _HOW)


def _named(source: str, name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise not_installed(NAME, TITLE, f"{source} is {name!r}, and no such program is there; {_HOW}")
    return path


def command(program: str) -> list[str]:
    """What starts the bridge."""
    policy = ["-ExecutionPolicy", "RemoteSigned"] if _ON_WINDOWS else []
    return [program, "-NoLogo", "-NoProfile", "-NonInteractive", *policy, "-File", str(_BRIDGE)]


def failed(message: str) -> LanguageError:
    """An error of this language."""
    return LanguageError(message, language=NAME)
