"""The addresses outside the company: where colleagues sign in from, what they visit, and where intruders sit.

Ordinary addresses are of 198.18.0.0/15 (set apart for benchmarks), the intruders' of 203.0.113.0/24 and
198.51.100.0/24 (set apart for documentation): nobody's in reality.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kqlmagic_ext.connections.local.demo import names
from kqlmagic_ext.connections.local.demo.company import OFFICES, PEOPLE, Company, Place
from kqlmagic_ext.connections.local.demo.texts import Ints, as_json

_EGRESS = 2  # addresses of each office
_CARRIERS = 6  # addresses of each office country's mobile network
_AWAY = 12  # addresses of hotels and airports abroad

FIRST_HOME = _EGRESS * len(OFFICES)
FIRST_CARRIER = FIRST_HOME + PEOPLE
FIRST_AWAY = FIRST_CARRIER + _CARRIERS * len(OFFICES)
TRAVEL = FIRST_AWAY + 4  # the country to which only one colleague travels
FIRST_HIDEOUT = FIRST_AWAY + _AWAY
SPRAYERS = (FIRST_HIDEOUT, FIRST_HIDEOUT + 1)
INTRUDER, BEACON, DROP = FIRST_HIDEOUT + 2, FIRST_HIDEOUT + 3, FIRST_HIDEOUT + 4

_HOME_TOWNS = (
    ("Delft", "Schiedam", "Dordrecht", "Breda"),
    ("Lübeck", "Bremen", "Stade", "Hamburg"),
    ("Katy", "Pasadena", "Galveston", "Houston"),
    ("Singapore", "Jurong", "Tampines", "Bedok"),
)
_ABROAD = (
    Place("GB", "London", "England", 51.51, -0.13),
    Place("FR", "Le Havre", "Normandie", 49.49, 0.11),
    Place("ES", "Valencia", "Comunitat Valenciana", 39.47, -0.38),
    Place("PL", "Gdynia", "Pomorskie", 54.52, 18.53),
    Place("AE", "Dubai", "Dubai", 25.20, 55.27),
    Place("JP", "Yokohama", "Kanagawa", 35.44, 139.64),
)
# Where the intruders rent machines: no office is there and nobody of the company goes there.
_HIDEOUTS = (
    Place("MD", "Chisinau", "Chisinau", 47.01, 28.86),
    Place("SC", "Victoria", "Mahe", -4.62, 55.45),
    Place("PA", "Panama City", "Panama", 8.98, -79.52),
    Place("IS", "Reykjavik", "Capital Region", 64.15, -21.94),
)

# What colleagues and machines visit: domain, category, how often.
_SERVICES = (
    ("outlook.mailhost.example", "business-and-economy", 130),
    ("login.cloudid.example", "computer-and-internet-info", 100),
    ("teams.meethub.example", "internet-communications", 110),
    ("meridianfreight.sharepoint.example", "business-and-economy", 80),
    ("updates.systemvendor.example", "computer-and-internet-info", 60),
    ("telemetry.systemvendor.example", "computer-and-internet-info", 70),
    ("definitions.endpointguard.example", "computer-and-internet-info", 45),
    ("search.webfinder.example", "search-engines", 60),
    ("cdn.fastassets.example", "content-delivery-networks", 90),
    ("news.dailyharbour.example", "news", 25),
    ("tracking.shiplocator.example", "business-and-economy", 55),
    ("portal.customsgate.example", "government", 30),
    ("api.ratesexchange.example", "business-and-economy", 25),
    ("time.clocksource.example", "computer-and-internet-info", 20),
    ("backup.coldvault.example", "online-storage-and-backup", 4),
    ("ads.bannerpool.example", "web-advertisements", 20),
)
BACKUP_SITE = "backup.coldvault.example"
ADS_SITE = "ads.bannerpool.example"  # a stale indicator still names its address


@dataclass(frozen=True)
class Address:
    """An address on the internet, the town it is said to be in, and its network's number."""

    ip: str
    place: Place
    network: int


@dataclass(frozen=True)
class Site:
    """A server that colleagues visit; `weight` says how often."""

    domain: str
    ip: str
    category: str
    weight: float


@dataclass(frozen=True)
class Internet:
    """The world outside as the company meets it; the number of an address or site is its place in the tuple."""

    company: Company

    @cached_property
    def addresses(self) -> tuple[Address, ...]:
        """Offices, homes, mobile networks, hotels abroad, and the intruders' hideouts, in this order."""
        places = [*self._near(), *(_ABROAD[turn % len(_ABROAD)] for turn in range(_AWAY))]
        rng = np.random.default_rng([self.company.seed, 20])
        drawn = rng.choice(np.arange(256, 65_280), len(places), replace=False)
        networks = {place.country: 64_500 + turn for turn, place in enumerate(dict.fromkeys(places))}
        near = [
            Address(f"198.18.{number >> 8}.{number & 255}", place, networks[place.country])
            for number, place in zip(drawn.tolist(), places, strict=True)
        ]
        return (*near, *self._hideouts(rng))

    def _near(self) -> list[Place]:
        rng = np.random.default_rng([self.company.seed, 21])
        places = [office.place for office in OFFICES for _ in range(_EGRESS)]
        for person in self.company.people:
            towns = _HOME_TOWNS[person.office]
            near = OFFICES[person.office].place
            town = towns[rng.integers(len(towns))]
            places.append(Place(near.country, town, near.state, near.latitude, near.longitude))
        places += [office.place for office in OFFICES for _ in range(_CARRIERS)]
        return places

    def _hideouts(self, rng: np.random.Generator) -> list[Address]:
        spray, intruder, beacon, drop = (_HIDEOUTS[turn] for turn in rng.permutation(len(_HIDEOUTS)))
        last = rng.choice(np.arange(10, 250), 5, replace=False).tolist()
        return [
            Address(f"203.0.113.{last[0]}", spray, 65_540),
            Address(f"198.51.100.{last[1]}", spray, 65_541),
            Address(f"198.51.100.{last[2]}", intruder, 65_542),
            Address(f"203.0.113.{last[3]}", beacon, 65_543),
            Address(f"198.51.100.{last[4]}", drop, 65_544),
        ]

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """The servers visited: the big services, partners, and a long tail."""
        rng = np.random.default_rng([self.company.seed, 22])
        partners = [(f"www.{domain}", "business-and-economy", 8) for domain in names.PARTNERS]
        words = [name.lower() for name in names.PROJECTS]
        tail = [
            (f"{word}-{end}.example", "unknown", 2) for end in ("shop", "blog", "forum") for word in words
        ]
        listed = [*_SERVICES, *partners, *tail]
        drawn = rng.choice(np.arange(256, 65_280), len(listed), replace=False).tolist()
        return tuple(
            Site(domain, f"198.19.{number >> 8}.{number & 255}", category, weight)
            for (domain, category, weight), number in zip(listed, drawn, strict=True)
        )

    def site(self, domain: str) -> int:
        """The number of the site of this domain."""
        return next(number for number, site in enumerate(self.sites) if site.domain == domain)

    def visits(self, rng: np.random.Generator, count: int) -> Ints:
        """The sites of that many ordinary visits."""
        weights = np.cumsum([site.weight for site in self.sites])
        sites: Ints = np.searchsorted(weights, rng.random(count) * weights[-1], side="right").astype(np.int64)
        return sites

    @staticmethod
    def egress(rng: np.random.Generator, offices: Ints) -> Ints:
        """For each office one of its own addresses."""
        return offices * _EGRESS + rng.integers(0, _EGRESS, len(offices))

    @staticmethod
    def carriers(rng: np.random.Generator, offices: Ints) -> Ints:
        """For each office one address of its country's mobile network."""
        return FIRST_CARRIER + offices * _CARRIERS + rng.integers(0, _CARRIERS, len(offices))

    @staticmethod
    def abroad(rng: np.random.Generator, count: int) -> Ints:
        """Addresses of ordinary business trips."""
        return FIRST_AWAY + rng.integers(0, TRAVEL - FIRST_AWAY, count)

    @cached_property
    def ips(self) -> list[str]:
        """The text of each address."""
        return [address.ip for address in self.addresses]

    @cached_property
    def countries(self) -> list[str]:
        """The country code of each address."""
        return [address.place.country for address in self.addresses]

    @cached_property
    def networks(self) -> list[str]:
        """Each address as the `NetworkLocationDetails` of a sign-in: only the offices' are trusted."""
        office = as_json([{"networkType": "trustedNamedLocation", "networkNames": ["Offices"]}])
        return [office if number < FIRST_HOME else "[]" for number in range(len(self.addresses))]

    @cached_property
    def location_details(self) -> list[str]:
        """Each address as the `LocationDetails` of a sign-in."""
        return [_details(address.place) for address in self.addresses]


def _details(place: Place) -> str:
    coordinates = {"latitude": place.latitude, "longitude": place.longitude}
    return as_json(
        {
            "city": place.city,
            "state": place.state,
            "countryOrRegion": place.country,
            "geoCoordinates": coordinates,
        }
    )
