"""An answer of Log Analytics as it arrives: gunzip, cut at row ends, decode, Arrow. The text never exists whole."""

from __future__ import annotations

from kqlmagic_ext.connections.log_analytics.decode.broken import BrokenAnswer
from kqlmagic_ext.connections.log_analytics.decode.decoder import Answer, AnswerDecoder

__all__ = ["Answer", "AnswerDecoder", "BrokenAnswer"]
