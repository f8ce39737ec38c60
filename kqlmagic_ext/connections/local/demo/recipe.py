"""How a table is made: facts of everyday life and of the story, merged by time and written as columns."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kqlmagic_ext.connections.local.demo.rhythm import Window, microseconds
from kqlmagic_ext.connections.local.demo.texts import Ints, guids, picked
from kqlmagic_ext.kql.known_tables import known_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from numpy.typing import NDArray

    from kqlmagic_ext.connections.local.demo.company import Company
    from kqlmagic_ext.connections.local.demo.internet import Internet
    from kqlmagic_ext.connections.local.demo.story import Story

ARROW = {
    "bool": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "real": pa.float64(),
    "decimal": pa.decimal128(38, 9),
    "string": pa.string(),
    "guid": pa.string(),
    "datetime": pa.timestamp("us"),
    "timespan": pa.duration("us"),
    "dynamic": pa.string(),
}

Facts = dict[str, Ints]  # one array a fact: "time" in microseconds, the rest numbers into pools
Columns = dict[str, Any]  # an Arrow or numpy array, or one value for all rows


@dataclass(frozen=True)
class Scene:
    """All that a table is made from; `rng` is the table's own."""

    world: Internet
    story: Story
    window: Window
    rng: np.random.Generator

    @property
    def company(self) -> Company:
        """The company."""
        return self.world.company

    def person_pool(self, field: str) -> list[str]:
        """One field of all accounts, to pick from by account number."""
        return [str(getattr(account, field)) for account in self.company.accounts]

    def host_pool(self, field: str) -> list[str]:
        """One field of all hosts, to pick from by host number."""
        return [str(getattr(host, field)) for host in self.company.hosts]

    def busy_people(self, count: int) -> Ints:
        """That many people, some busier than others."""
        eager = np.random.default_rng([self.company.seed, 40]).gamma(3.0, 1.0, len(self.company.people))
        return self.choose(eager, count)

    def choose(self, weights: Any, count: int) -> Ints:
        """Numbers drawn by weight."""
        cumulative = np.cumsum(weights)
        drawn = np.searchsorted(cumulative, self.rng.random(count) * cumulative[-1], side="right")
        numbers: Ints = np.minimum(drawn, len(cumulative) - 1).astype(np.int64)
        return numbers

    def guids(self, count: int) -> pa.Array:
        """Random guids."""
        return guids(self.rng, count)


@dataclass(frozen=True)
class Recipe:
    """One table: `share` is its part of all rows; without one, all its rows are the story's and it does not grow."""

    everyday: Callable[[Scene, int], Facts]
    story: Callable[[Scene], Facts]
    columns: Callable[[Scene, Facts], Columns]
    share: float = 0.0


def random_of(seed: int, name: str) -> np.random.Generator:
    """The generator that belongs to one name, the same whatever else was drawn before."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def at(time: datetime, seconds: float = 0.0) -> int:
    """A time of the story and some seconds later, in microseconds."""
    return microseconds(time) + int(seconds * 1_000_000)


def stacked(rows: Iterable[Mapping[str, int]]) -> Facts:
    """Facts given one by one, as the story's are."""
    listed = list(rows)
    return {name: np.array([row[name] for row in listed], np.int64) for name in (listed[0] if listed else ())}


def nothing(scene: Scene, count: int) -> Facts:  # noqa: ARG001 - the signature of every table's everyday life
    """No everyday facts: for the tables that do not grow."""
    return {}


def merged(everyday: Facts, story: Facts) -> Facts:
    """Both in the order of time."""
    both = {
        name: np.concatenate([facts[name] for facts in (everyday, story) if facts])
        for name in everyday or story
    }
    order = np.argsort(both["time"], kind="stable")
    return {name: facts[order] for name, facts in both.items()}


def assembled(name: str, scene: Scene, facts: Facts, columns: Columns) -> pa.Table:
    """The Arrow table of the columns, with those that every table has."""
    schema = known_tables()[name]
    always: Columns = {"TimeGenerated": facts["time"], "Type": name, "TenantId": scene.company.tenant}
    if "Timestamp" in schema:
        always["Timestamp"] = facts["time"]
    count = len(facts["time"])
    columns = always | columns
    return pa.table({name: _column(value, ARROW[schema[name]], count) for name, value in columns.items()})


def _column(value: Any, kind: pa.DataType, count: int) -> pa.Array:
    if isinstance(value, pa.Array):
        return value if value.type == kind else value.cast(kind)
    if not isinstance(value, np.ndarray):
        return pa.repeat(pa.scalar(value, kind), count)
    if pa.types.is_timestamp(kind):
        return pa.array(value.view("datetime64[us]"))
    return pa.array(value).cast(kind)


def nulls_where(missing: NDArray[np.bool_], values: Ints, kql_type: str) -> pa.Array:
    """The values as a column of the KQL type, null where `missing`; times are microseconds."""
    plain = values.view("datetime64[us]") if kql_type == "datetime" else values
    return pa.array(plain, mask=missing).cast(ARROW[kql_type])


def resource_path(scene: Scene, machine: str) -> str:
    """The `_ResourceId` of a machine."""
    group = f"/subscriptions/{scene.company.subscription}/resourcegroups/rg-servers"
    return f"{group}/providers/microsoft.hybridcompute/machines/{machine.lower()}"


def people_columns(scene: Scene, accounts: Ints) -> Columns:
    """Who signed in, as the sign-in tables name it."""
    return {
        "UserPrincipalName": picked(scene.person_pool("upn"), accounts),
        "UserDisplayName": picked(scene.person_pool("display"), accounts),
        "UserId": picked(scene.person_pool("object_id"), accounts),
    }
