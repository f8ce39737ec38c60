"""Our answer to an editor's questions: it follows a query's columns on its tokens, and needs nothing else."""

from __future__ import annotations

from kqlmagic_ext.kql.language_service.ours.service import OurService

__all__ = ["OurService"]
