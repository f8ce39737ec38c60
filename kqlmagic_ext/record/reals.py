"""Rows that have no equal one, and whether they do but for the last bits of reals: an engine sums in any order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kqlmagic_ext.frames import kql_type
from kqlmagic_ext.record.codes import real_values, row_codes
from kqlmagic_ext.record.matched import paired

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from kqlmagic_ext.record.codes import Numbers

TOLERANCE = 1e-9  # of the greater of two reals
_MOST = 2.0  # the relative difference of x and -x


@dataclass(frozen=True)
class Left:
    """The rows gone (the first `split`) and those that appeared: `codes` of all columns, `values` of the real ones."""

    codes: Mapping[str, Numbers]
    values: Mapping[str, Numbers]
    split: int
    rows: int

    def __len__(self) -> int:
        return self.rows

    @classmethod
    def of(
        cls, codes: Mapping[str, Numbers], tables: Sequence[pa.Table], positions: Sequence[Numbers]
    ) -> Left:
        """The rows at these positions of the tables before and after, whose `codes` are of both."""
        import numpy as np

        before, after = tables
        gone, came = positions
        both = np.concatenate([gone, came + before.num_rows])
        values = {
            name: np.concatenate([real_values(name, before)[gone], real_values(name, after)[came]])
            for name in codes
            if kql_type(before.schema.field(name)) == "real"
        }
        return cls({name: of[both] for name, of in codes.items()}, values, len(gone), len(both))

    def settled(self) -> tuple[Left, float]:
        """The rows without those that have a partner within the tolerance, and the largest relative difference of these."""
        import numpy as np

        near = {name: clustered(values, self.codes[name]) for name, values in self.values.items()}
        (old, new), apart = self._pairs({**self.codes, **near})
        within = apart <= TOLERANCE
        kept = np.delete(np.arange(self.rows), np.concatenate([old[within], new[within]]))
        rest = Left(
            {name: of[kept] for name, of in self.codes.items()},
            {name: of[kept] for name, of in self.values.items()},
            self.split - int(within.sum()),
            len(kept),
        )
        return rest, float(apart[within].max(initial=0.0))

    def farthest(self) -> float:
        """The largest relative difference of reals between rows that agree in everything else; 0 where none do."""
        exact = {name: of for name, of in self.codes.items() if name not in self.values}
        return float(self._pairs(exact)[1].max(initial=0.0))

    def differ(self) -> tuple[str, ...]:
        """The columns whose values among the rows gone are not all among those that appeared, or, if these are fewer, the reverse."""
        fewer = min(self.split, self.rows - self.split)
        return tuple(
            name
            for name, of in self.codes.items()
            if len(paired(of[: self.split], of[self.split :])[0]) < fewer
        )

    def _pairs(self, codes: Mapping[str, Numbers]) -> tuple[tuple[Numbers, Numbers], Numbers]:
        """Rows with the same codes, the least reals first, and how far the reals of each pair lie apart."""
        import numpy as np

        if not self.values:
            nothing = np.zeros(0, np.int64)
            return (nothing, nothing), np.zeros(0)
        rows = row_codes(list(codes.values()), self.rows)
        old, new = (
            np.lexsort([values[side] for values in reversed([*self.values.values()])])
            for side in (slice(self.split), slice(self.split, None))
        )
        first, second = paired(rows[: self.split][old], rows[self.split :][new])
        pairs = old[first], new[second] + self.split
        each = [relative(values, self.codes[name], pairs) for name, values in self.values.items()]
        return pairs, np.max(each, axis=0)


def clustered(values: Numbers, codes: Numbers) -> Numbers:
    """A number for each real: the same wherever one lies within the tolerance of the next; by `codes` where it is not finite."""
    import numpy as np

    finite = np.isfinite(values)
    distinct = np.unique(values[finite])
    with np.errstate(over="ignore"):  # from -1e308 to 1e308 is infinitely far
        near = np.diff(distinct) <= 2 * TOLERANCE * np.maximum(abs(distinct[1:]), abs(distinct[:-1]))
    label = np.cumsum(np.concatenate([np.zeros(1, np.int64), ~near]))
    numbers = codes.astype(np.int64) + len(label)
    numbers[finite] = label[np.searchsorted(distinct, values[finite])]
    return numbers


def relative(values: Numbers, codes: Numbers, pairs: tuple[Numbers, Numbers]) -> Numbers:
    """How far the reals of each pair lie apart, relative to the greater; infinitely where one is null, NaN or infinite."""
    import numpy as np

    one, other = values[pairs[0]], values[pairs[1]]
    with np.errstate(all="ignore"):  # what is not finite is told below
        apart = np.minimum(abs(one - other) / np.maximum(abs(one), abs(other)), _MOST)
    apart[~(np.isfinite(one) & np.isfinite(other))] = np.inf
    return np.where(codes[pairs[0]] == codes[pairs[1]], 0.0, apart)
