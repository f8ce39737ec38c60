"""Translations that are kept: a query that is run again is not read again.

Reading KQL is dearer than many an answer. What a translation depends on is its key; the columns of its tables are asked for
anew each time, since a file may have changed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

_MOST = 256
Kept = TypeVar("Kept")


class Recent(Generic[Kept]):
    """The values that were used last, by their keys; for any thread."""

    def __init__(self) -> None:
        self._values: OrderedDict[Hashable, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Kept | None:
        """The value, which now counts as used last."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def keep(self, key: Hashable, value: Kept) -> None:
        """Keep the value; the one that was not used for longest goes."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            if len(self._values) > _MOST:
                self._values.popitem(last=False)
