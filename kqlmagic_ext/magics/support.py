"""`%kql_support`: which words of KQL the embedded workspace knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand
from IPython.display import publish_display_data

from kqlmagic_ext.display.receipt import receipt

if TYPE_CHECKING:
    import pandas as pd


@magics_class
class SupportMagics(Magics):
    """What the embedded workspace knows."""

    @no_var_expand
    @line_magic
    def kql_support(self, line: str) -> pd.DataFrame | None:
        """Whether `local://` workspaces know a word of KQL: `%kql_support bag_unpack`; alone, a frame of all words.

        yes; with limits, and which; no, and why, where there is more to say than that it is not there yet. Log Analytics
        runs all that its service knows. Source: the tables that translate a query.

        Returns
        -------
        DataFrame
            Alone: a row for each word, with the string columns `Word`, `Kind`, `State` (yes, with limits, no) and `Note`.
        """
        from kqlmagic_ext.connections.local.support import STATES, support

        wanted = line.strip().removesuffix("()").casefold()
        if not wanted:
            import pandas as pd

            rows = [(each.name, each.word.kind, STATES[each.state], each.note) for each in support()]
            return pd.DataFrame(rows, columns=["Word", "Kind", "State", "Note"], dtype="str")
        found = [each for each in support() if each.word.name.casefold() == wanted]
        if not found:
            raise UsageError(f"%kql_support: {line.strip()!r} is no word of KQL's reference{_near(wanted)}")
        for each in found:
            said = [f"{each.name} ({each.word.kind}): {each.told}", each.word.sentence]
            publish_display_data(dict(receipt(said)))
        return None


def _near(wanted: str) -> str:
    from kqlmagic_ext.connections.local.support import support
    from kqlmagic_ext.kql.words import did_you_mean

    said = did_you_mean(wanted, [each.word.name for each in support()])
    return f"; {said}" if said else ""
