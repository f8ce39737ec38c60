"""What two results have in common: columns by name and type, rows by the numbers that stand for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kqlmagic_ext.frames import kql_type, refuse_twins

if TYPE_CHECKING:
    import pyarrow as pa

    from kqlmagic_ext.record.codes import Numbers


@dataclass(frozen=True)
class Columns:
    """The columns of two results by name: those in both with one type, in one alone, with another type (name, before, after)."""

    shared: tuple[str, ...]
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    retyped: tuple[tuple[str, str, str], ...] = ()

    @property
    def same(self) -> bool:
        """Whether both results have the same columns, of the same types."""
        return not (self.added or self.removed or self.retyped)


def matched_columns(before: pa.Table, after: pa.Table) -> Columns:
    """The columns of two results, matched by name whatever their order.

    Raises QueryError when a result has two columns of one name.
    """
    refuse_twins(before.column_names)
    refuse_twins(after.column_names)
    old = {field.name: kql_type(field) for field in before.schema}
    new = {field.name: kql_type(field) for field in after.schema}
    return Columns(
        shared=tuple(name for name in old if new.get(name) == old[name]),
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        retyped=tuple((n, old[n], new[n]) for n in old if n in new and new[n] != old[n]),
    )


def paired(before: Numbers, after: Numbers) -> tuple[Numbers, Numbers]:
    """The positions of rows with the same number, pair by pair: the first before with the first after, and so on."""
    import numpy as np

    size = 1 + int(max(before.max(initial=0), after.max(initial=0)))
    old, new = np.bincount(before, minlength=size), np.bincount(after, minlength=size)
    sides = []
    for rows, ours, others in ((before, old, new), (after, new, old)):
        order = np.argsort(rows, kind="stable")
        nth = np.arange(len(rows)) - np.repeat(np.cumsum(ours) - ours, ours)
        sides.append(order[nth < np.repeat(others, ours)])
    return sides[0], sides[1]


def unpaired(before: Numbers, after: Numbers) -> tuple[Numbers, Numbers]:
    """The positions of the rows that have no partner, in order."""
    import numpy as np

    old, new = paired(before, after)
    return (
        np.setdiff1d(np.arange(len(before)), old, assume_unique=True),
        np.setdiff1d(np.arange(len(after)), new, assume_unique=True),
    )
