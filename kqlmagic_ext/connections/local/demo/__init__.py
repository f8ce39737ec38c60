"""A synthetic workspace: fourteen days of an invented freight company, with one intrusion in them.

The truth that an analyst may find, in order (names, addresses and times: `Demo(end).story`):

1. **Password spray.** Three days before the end, two addresses in a country without an office try a few passwords on
   sixty accounts within forty minutes. For one account the password is right: Azure AD asks for a second step.
2. **MFA fatigue.** An hour later a third address, in another such country, signs in with that password again and
   again; its owner denies or ignores seven prompts and approves the eighth. From then on a program at that address
   renews the account's tokens about hourly, until the end.
3. **Persistence.** The intruder registers a phone as authentication method and a machine as device, reads mail, and
   makes an inbox rule that hides mail about invoices and security.
4. **Internal phishing.** Thirty hours before the end the mailbox sends a colleague in Finance or IT a document; Word
   starts an encoded PowerShell on that workstation, and a few commands look around and dump credentials.
5. **Lateral movement.** Four hours later the deployment account goes from the workstation to the office's file server
   with PsExec: explicit credentials, network logons, a service, a new local administrator.
6. **Beacon.** Workstation and server call one address about every 300 seconds until the end; an active indicator of
   Threat Intelligence names it.
7. **Exfiltration.** On the server the shared folders are packed into an archive of many parts, and about 4.2 GB leave in
   a few dozen sessions for yet another address.
8. **Alerts.** Three of some fifty are true: the spray (it names the addresses, not the account), the inbox rule, the
   PowerShell. Their incidents are new and nobody's.

What only looks like it: a colleague who often mistypes, one who travels to a new country, an administrator whose encoded
PowerShell is wanted, a backup that sends gigabytes each night, and an expired indicator that ordinary traffic matches.

Ordinary internet addresses are of 198.18.0.0/15, the intruder's of 203.0.113.0/24 and 198.51.100.0/24: nobody's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from functools import cached_property
from typing import TYPE_CHECKING

from kqlmagic_ext.connections.local.demo.company import Company
from kqlmagic_ext.connections.local.demo.internet import Internet
from kqlmagic_ext.connections.local.demo.recipe import Scene, assembled, merged, random_of
from kqlmagic_ext.connections.local.demo.rhythm import Window, microseconds
from kqlmagic_ext.connections.local.demo.story import Story, tell
from kqlmagic_ext.connections.local.demo.tables import RECIPES

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa

    from kqlmagic_ext.connections.local.demo.recipe import Facts

__all__ = ["Demo", "Story"]

FEWEST_ROWS = 2_000
FIRST_YEAR, LAST_YEAR = 1970, 2200  # what nanoseconds can count, with room
MOST_ROWS = 20_000_000  # beyond, a column of long texts would pass Arrow's 2 GB
_FEWEST = 60  # rows of everyday life in each table, so that the intrusion never stands alone


@dataclass(frozen=True)
class Demo:
    """The synthetic workspace of one end, size and seed: equal for equal ones.

    It covers the fourteen days before `end` (timezone-aware) and holds about `rows` rows in all tables together. The
    intrusion, its decoys and the tables that do not grow take 3,000 of them: a demo of less than 5,000 has a little more
    rows than asked for, and thin everyday life.
    """

    end: datetime
    rows: int = 200_000
    seed: int = 7

    def __post_init__(self) -> None:
        if not FEWEST_ROWS <= self.rows <= MOST_ROWS:
            span = f"between {FEWEST_ROWS:,} and {MOST_ROWS:,}"
            raise ValueError(f"The demo workspace has {span} rows, not {self.rows:,}.")
        if self.seed < 0:
            raise ValueError(f"The seed of the demo workspace is a number from 0 on, not {self.seed}.")
        if not FIRST_YEAR <= self.end.year <= LAST_YEAR:
            raise ValueError(
                f"The demo workspace ends in a year from {FIRST_YEAR} to {LAST_YEAR}, not {self.end.year}."
            )
        if self.end.tzinfo is None:
            raise ValueError("The end of the demo workspace needs a time zone, such as datetime.UTC.")

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables, sorted."""
        return tuple(sorted(RECIPES))

    def row_count(self, name: str) -> int:
        """The exact number of rows of a table, without making it."""
        return self._everyday_count(name) + self._story_count(name)

    def table(self, name: str) -> pa.Table:
        """The columns of a table that the demo fills, with the Arrow types of their KQL types, ordered by time."""
        recipe = RECIPES[name]
        scene = self._scene(name)
        facts = merged(recipe.everyday(scene, self._everyday_count(name)), self._story_facts(name))
        return assembled(name, scene, facts, recipe.columns(scene, facts))

    @cached_property
    def story(self) -> Story:
        """The ground truth: who, where, when."""
        return tell(self._world, self.end.astimezone(UTC))

    @cached_property
    def _world(self) -> Internet:
        return Internet(Company(self.seed))

    def _scene(self, name: str) -> Scene:
        return Scene(self._world, self.story, Window(microseconds(self.end)), random_of(self.seed, name))

    def _story_facts(self, name: str) -> Facts:
        return RECIPES[name].story(self._scene(f"story of {name}"))

    def _story_count(self, name: str) -> int:
        facts = self._story_facts(name)
        return len(facts["time"]) if facts else 0

    def _everyday_count(self, name: str) -> int:
        share = RECIPES[name].share
        return max(round(self.rows * share) - self._story_count(name), _FEWEST) if share else 0
