"""`as`: a name for what a pipeline has come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.operators.added import unsupported
from kqlmagic_ext.connections.local.private_copy import lower
from kqlmagic_ext.connections.local.rewriting import NO_NAME
from kqlmagic_ext.kql.tokens import code

if TYPE_CHECKING:
    from kqlmagic_ext.connections.local.operators.added import Lowered


def read_as(node: Any) -> Lowered:
    """`as Name`: nothing, as long as the name is not used; a bare `serialize` comes as one, too."""
    name = lower._find_names(node)[-1]
    text = str(node.start.getInputStream())
    words = [word.text.strip("'\"") for word in code(text)]
    # A union's withsource shows the name, too.
    if name != NO_NAME and (words.count(name) > 1 or "withsource" in words or "with_source" in words):
        raise unsupported(node, "as")
    return []
