"""Which language service answers: the one place to choose it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kqlmagic_ext.kql.language_service import LanguageService


@cache
def chosen() -> LanguageService:
    """The service that answers now: ours."""
    from kqlmagic_ext.kql.language_service.ours import OurService

    return OurService()
