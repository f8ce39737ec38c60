"""The query of a record, ready to be asked again: its values and frames, and the place that it was asked of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from kqlmagic_ext.connections.worker import interruptible
from kqlmagic_ext.magics import options as opt
from kqlmagic_ext.magics.asking import place_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kqlmagic_ext.connections import Connection
    from kqlmagic_ext.magics.places import Places
    from kqlmagic_ext.query import Query
    from kqlmagic_ext.record.records import Record
    from kqlmagic_ext.record.store import Store


def query_of(store: Store, record: Record, given: Mapping[str, Any], names: Mapping[str, Any]) -> Query:
    """The query as the record tells it, but for its times: what is given, then what the record holds or names.

    `names`: the notebook's variables. Raises NoReplay for what is missing.
    """
    from kqlmagic_ext.query import Query
    from kqlmagic_ext.record.replaying import text_of, value_in

    text = text_of(record)
    values = {name: value_in(record, name) for name in record.parameters if name not in given}
    frames = {name: _frame(store, record, name, names) for name in record.inputs if name not in given}
    options = record.options
    return Query(
        text,
        {**values, **frames, **given},
        limit=options.get("limit"),
        refresh=bool(options.get("refresh")),
        search=bool(options.get("search")),
    )


def _frame(store: Store, record: Record, name: str, names: Mapping[str, Any]) -> Any:
    from kqlmagic_ext.record.replaying import frame_in

    return interruptible(lambda _: frame_in(store, record, name, names))


def connection_of(places: Places, record: Record) -> Connection:
    """The open connection that is the record's place, by its name first; else the place opened again.

    Raises
    ------
    UsageError
        When the record tells no place, or not all of it: what stands there now may be another one.
    """
    from kqlmagic_ext.record.records import UNTOLD

    if not record.place or record.place.endswith(UNTOLD):
        raise UsageError(
            f"{record.id} was asked of {record.connection}, whose place is not kept: -c names one"
        )
    there = [one for _, _, one in places if one is not None and place_of(one) == record.place]
    named = [one for one in there if one.name == record.connection]
    return (named or there)[0] if there else places.choose(record.place)


def is_embedded(connection: Connection) -> bool:
    """Whether the place can be told which moment now() is."""
    return place_of(connection).startswith("local://")


def chosen_limit(text: str | None, query: Query) -> int | None:
    """The limit of an option, else that of the query."""
    return query.limit if text is None else opt.row_limit(text)
