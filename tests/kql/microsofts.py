"""Microsoft's language service for tests: real, on a real .NET."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

import pytest

from kqlmagic_ext.kql.language_service.dotnet import missing

if TYPE_CHECKING:
    from kqlmagic_ext.kql.language_service.microsoft import Microsoft


def require_dotnet() -> None:
    """Skip where a part is missing, which in CI is a failure."""
    if reason := missing():
        if os.environ.get("KQLMAGIC_CI"):
            pytest.fail(f"Microsoft's language service must run in CI: {reason}")
        pytest.skip(reason)  # an optional extra; CI fails in the line above


def microsoft_or_skip() -> Microsoft:
    """The service, one a process."""
    require_dotnet()
    return _made()


@cache
def _made() -> Microsoft:
    from kqlmagic_ext.kql.language_service.microsoft import Microsoft

    return Microsoft()
