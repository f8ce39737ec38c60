"""Two kept results as multisets of rows: which rows are gone, which appeared, and, told by a key, which changed.

Rows are compared in the columns that both results have, with one KQL type; what else the columns do is said beside.
`codes.py` tells which values are equal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_UP, Context
from typing import TYPE_CHECKING, Literal

from kqlmagic_ext.errors import ParameterError
from kqlmagic_ext.record.codes import column_codes, factorized, row_codes
from kqlmagic_ext.record.matched import matched_columns, paired, unpaired
from kqlmagic_ext.record.reals import Left

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from kqlmagic_ext.record.codes import Numbers
    from kqlmagic_ext.record.matched import Columns


@dataclass(frozen=True)
class Rows:
    """Rows of one result, with all its columns: each once, in order, and how often (int64)."""

    table: pa.Table
    times: pa.Array

    @property
    def count(self) -> int:
        """How many rows these are, each as often as it is there."""
        import pyarrow.compute as pc

        return pc.sum(self.times).as_py() or 0


@dataclass(frozen=True)
class Changed:
    """Rows that a key tells to be the same: row by row before, after, and which of the compared columns differ (bool)."""

    before: pa.Table
    after: pa.Table
    differs: pa.Table

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that differ in at least one row."""
        import pyarrow.compute as pc

        return tuple(name for name in self.differs.column_names if pc.any(self.differs[name]).as_py())


@dataclass(frozen=True)
class Difference:
    """What lies between two results; `changed` is None where no key was given."""

    columns: Columns
    gone: Rows
    appeared: Rows
    changed: Changed | None

    @property
    def nothing(self) -> bool:
        """Whether both results have the same columns, and the same rows equally often."""
        changed = self.changed.before.num_rows if self.changed else 0
        return self.columns.same and not (self.gone.count or self.appeared.count or changed)


@dataclass(frozen=True)
class Verdict:
    """Whether a query that ran again gave the same.

    `gone`, `appeared`: how many rows, those left out that differ in the last bits of reals alone. `differ`: the columns whose
    values are not the same in the rows gone and appeared. `real_difference`: the largest relative one between rows that agree
    in all but reals, 0 where there is none.
    """

    word: Literal["same", "grown", "shrunk", "changed"]
    columns: Columns
    gone: int
    appeared: int
    differ: tuple[str, ...]
    real_difference: float

    def __str__(self) -> str:
        said = [self.word, *self._rows(), *self._columns()]
        if math.isinf(self.real_difference):
            said.append("a float is null, NaN or infinite in one of them alone")
        elif self.real_difference:
            said.append(f"floats differ by at most {_rounded_up(self.real_difference)}")
        return ", ".join(said)

    def _rows(self) -> Iterator[str]:
        for count, what in ((self.gone, "gone"), (self.appeared, "appeared")):
            if count:
                yield f"{count:,} {'row' if count == 1 else 'rows'} {what}"

    def _columns(self) -> Iterator[str]:
        for what, names in (("added", self.columns.added), ("removed", self.columns.removed)):
            if names:
                yield f"{what}: {' '.join(names)}"
        for name, old, new in self.columns.retyped:
            yield f"{name} was {old}, is {new}"
        if self.differ:
            yield f"other values in {' '.join(self.differ)}"
        elif self.gone and self.appeared:
            yield "the same values in other rows"


def difference(before: pa.Table, after: pa.Table, key: Sequence[str] = ()) -> Difference:
    """The rows that are gone and those that appeared; of these, by the columns of `key`, the rows that only changed.

    Where a key stands in several rows that differ, the first one gone is paired with the first that appeared, and so on.

    Raises
    ------
    ParameterError
        When a column of the key is not in both results, with one type.
    """
    import numpy as np

    split = before.num_rows
    columns = matched_columns(before, after)
    _check(key, columns)
    codes, rows, gone, came = _unmatched(columns, before, after)
    changed = None
    if key:
        whose = row_codes([codes[name] for name in key], len(rows))
        old, new = paired(whose[gone], whose[came + split])
        order = np.argsort(old)
        pairs = gone[old[order]], came[new[order]]
        gone, came = np.delete(gone, old), np.delete(came, new)
        compared = {
            name: of[pairs[0]] != of[pairs[1] + split] for name, of in codes.items() if name not in key
        }
        changed = _changed((before, after), pairs, compared)
    return Difference(columns, _rows(before, gone, rows), _rows(after, came, rows[split:]), changed)


def _check(key: Sequence[str], columns: Columns) -> None:
    for name in key:
        if name not in columns.shared:
            there = ", ".join(columns.shared) or "none"
            raise ParameterError(
                f"the key {name!r} is no column that both results have with one type; such are: {there}",
                name=name,
            )


def _unmatched(
    columns: Columns, before: pa.Table, after: pa.Table
) -> tuple[dict[str, Numbers], Numbers, Numbers, Numbers]:
    """The codes of all values by column, those of the rows, and which rows before and after have no equal one."""
    import numpy as np

    codes = {name: column_codes(name, (before, after)) for name in columns.shared}
    rows = row_codes(list(codes.values()), before.num_rows + after.num_rows)
    if not codes:  # nothing can be compared
        return codes, rows, np.arange(before.num_rows), np.arange(after.num_rows)
    return codes, rows, *unpaired(rows[: before.num_rows], rows[before.num_rows :])


def _changed(
    tables: tuple[pa.Table, pa.Table], pairs: tuple[Numbers, Numbers], differs: Mapping[str, Numbers]
) -> Changed:
    import pyarrow as pa

    before, after = (_taken(table, rows) for table, rows in zip(tables, pairs, strict=True))
    return Changed(before, after, pa.table({name: pa.array(flags) for name, flags in differs.items()}))


def _rows(table: pa.Table, positions: Numbers, rows: Numbers) -> Rows:
    """The rows at these positions, each once and counted."""
    import numpy as np
    import pyarrow as pa

    which = factorized(rows[positions])
    first = np.unique(which, return_index=True)[1]
    return Rows(_taken(table, positions[first]), pa.array(np.bincount(which), pa.int64()))


def _taken(table: pa.Table, positions: Numbers) -> pa.Table:
    """The rows at these positions, in their order."""
    import numpy as np
    import pyarrow as pa

    if not len(positions):
        return table.slice(0, 0)
    # Filtered first: taken from a long column, text of more than 2 GiB would not fit together.
    wanted = np.zeros(table.num_rows, np.bool_)
    wanted[positions] = True
    return table.filter(pa.array(wanted)).take(pa.array(np.argsort(np.argsort(positions))))


def verdict(before: pa.Table, after: pa.Table) -> Verdict:
    """Whether two answers to one query are the same, in any order of rows and columns.

    Rows that agree in all but reals are paired, the least with the least; those whose reals all lie within 1e-9 of each other,
    relative to the greater, are the same.
    """
    columns = matched_columns(before, after)
    codes, _, gone, came = _unmatched(columns, before, after)
    left = Left.of(codes, (before, after), (gone, came))
    left, near = left.settled()
    gone_now, came_now = left.split, len(left) - left.split
    word: Literal["same", "grown", "shrunk", "changed"] = "changed"
    if columns.same and not (gone_now and came_now):
        word = "grown" if came_now else "shrunk" if gone_now else "same"
    return Verdict(word, columns, gone_now, came_now, left.differ(), max(near, left.farthest()))


def _rounded_up(number: float) -> str:
    """The number with one digit, never less than it is."""
    return f"{float(Context(prec=1, rounding=ROUND_UP).create_decimal(number)):.1g}"
