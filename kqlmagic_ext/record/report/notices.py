"""What a report says of what it hides, of what it cannot hide, and of what is missing in its case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqlmagic_ext.record.records import id_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kqlmagic_ext.record.records import Record
    from kqlmagic_ext.record.report.masks import Mask
    from kqlmagic_ext.record.store import Store


def notices(
    store: Store, records: Sequence[Record], mask: Mask, unread: Sequence[str], *, of_cells: bool = False
) -> Iterator[str]:
    """The sentences; `unread`: the records with a hidden column whose answers cannot be read; `of_cells`: cells are shown."""
    if mask.columns:
        yield from _hidden(records, mask, unread)
    if mask.columns and of_cells:
        yield (
            "The notebook's own cells are searched for the hidden values as they are written; a value that is cut, split or put "
            "together otherwise is not found."
        )
    yield from _missing(store, records)


def _hidden(records: Sequence[Record], mask: Mask, unread: Sequence[str]) -> Iterator[str]:
    letters = ", ".join(f"⟦{mask.letter(name)}…⟧ stands for values of {mask(name)}" for name in mask.columns)
    yield (
        f"Hidden: {letters}: what stands in such a column of a kept answer, and what a query compares with such a column. "
        "Other values, such as those of answers that were never recorded, are not known and not hidden."
    )
    yield (
        "Values shorter than four characters are hidden where they stand alone: a cell, a parameter, a string in a query. "
        "Running text is not searched for them."
    )
    forgotten = [record.id for record in records if record.kind == "forgotten"]
    if forgotten:
        yield f"Values that stood only in forgotten records ({', '.join(forgotten)}) are not known."
    bare = [record.id for record in records if record.id in unread and record.wanted == "queries"]
    if bare:
        yield (
            f"{', '.join(bare)}: recorded without answers (record mode queries), which have such a column: their values are not "
            "known, and the text of those records is left out."
        )
    if gone := [one for one in unread if one not in bare]:
        yield (
            f"The answers of {', '.join(gone)} have such a column and cannot be read: their values are not known, and the "
            "text of those records is left out."
        )


def _missing(store: Store, records: Sequence[Record]) -> Iterator[str]:
    """The numbers without a record, and why."""
    told = {record.id for record in records}
    running = [one for one in store.unfinished() if one not in told]
    damaged = [one for one in store.unreadable() if one not in told]
    last = max(int(one[1:]) for one in [*told, *running, *damaged])
    gone = [one for one in map(id_of, range(1, last)) if one not in told.union(running, damaged)]
    for ids, why in (
        (running, "asked by a kernel that runs it still, or died"),
        (damaged, "the record is damaged and cannot be read"),
        (gone, "the record's file is not there"),
    ):
        if ids:
            yield f"Missing here: {', '.join(ids)}: {why}."
