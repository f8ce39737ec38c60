"""The one way in which an answer is not what was sent."""

from __future__ import annotations


class BrokenAnswer(Exception):  # noqa: N818 - a thing's name, as in the error tree
    """The body of an answer is not whole, or not what its columns say; one sentence."""
