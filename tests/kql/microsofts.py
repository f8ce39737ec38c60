"""Microsoft's language service for tests: real, on a real .NET."""

from __future__ import annotations

import os
import time
from functools import cache
from typing import TYPE_CHECKING

import pytest

from kqlmagic_ext.kql.language_service import Schema
from kqlmagic_ext.kql.language_service.chosen import Chosen
from kqlmagic_ext.kql.language_service.dotnet import missing
from kqlmagic_ext.kql.language_service.ours import OurService

if TYPE_CHECKING:
    from kqlmagic_ext.kql.language_service.microsoft import Microsoft


def require_dotnet() -> None:
    """Skip where a part is missing, which in CI is a failure."""
    if reason := missing():
        if os.environ.get("KQLMAGIC_CI"):
            pytest.fail(f"Microsoft's language service must run in CI: {reason}")
        pytest.skip(reason)  # an optional extra; CI fails in the line above


def microsoft_or_skip() -> Microsoft:
    """Microsoft's service alone, one a process."""
    require_dotnet()
    return _made()


def microsoft_before_ours() -> Chosen:
    """What answers where Microsoft's service is there: it first, ours for what it has nothing to say of."""
    service = microsoft_or_skip()
    chosen = Chosen(OurService(), lacking=lambda: "", load=lambda: service, patience=30)
    chosen.complete("", 0, Schema({}))
    while not chosen.is_ready:
        time.sleep(0.001)
    return chosen


@cache
def _made() -> Microsoft:
    from kqlmagic_ext.kql.language_service.microsoft import Microsoft

    return Microsoft()
