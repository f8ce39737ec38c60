"""The invented freight company: its offices, people, and machines, all from the seed."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kqlmagic_ext.connections.local.demo import names
from kqlmagic_ext.connections.local.demo.texts import Ints, guid_list, hexes

DOMAIN = "meridianfreight.example"
NETBIOS = "MERIDIAN"
PEOPLE = 240


@dataclass(frozen=True)
class Place:
    """A town as sign-in logs name it; `country` is the two-letter code."""

    country: str
    city: str
    state: str
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Office:
    """A town with colleagues: `offset` is its hours east of Greenwich, `share` its part of the people."""

    code: str
    place: Place
    country: str
    offset: int
    share: float
    subnet: int


@dataclass(frozen=True)
class Account:
    """Somebody or something that can sign in; a program's account has no office of its own (`department` is "")."""

    name: str
    display: str
    given: str
    surname: str
    department: str
    title: str
    office: int
    object_id: str
    sid: str

    @property
    def upn(self) -> str:
        """The sign-in name."""
        return f"{self.name}@{DOMAIN}"


@dataclass(frozen=True)
class Host:
    """A machine; `owner` is the number of the person whose workstation it is, -1 for a server."""

    name: str
    kind: str
    office: int
    ip: str
    system: str
    owner: int
    device_id: str
    agent_id: str

    @property
    def fqdn(self) -> str:
        """The full name as Defender and the Windows logs write it."""
        return f"{self.name.lower()}.{DOMAIN}"


OFFICES = (
    Office("RTM", Place("NL", "Rotterdam", "Zuid-Holland", 51.92, 4.48), "Netherlands", 1, 0.42, 20),
    Office("HAM", Place("DE", "Hamburg", "Hamburg", 53.55, 9.99), "Germany", 1, 0.24, 30),
    Office("HOU", Place("US", "Houston", "Texas", 29.76, -95.37), "United States", -6, 0.20, 40),
    Office("SIN", Place("SG", "Singapore", "Singapore", 1.35, 103.82), "Singapore", 8, 0.14, 50),
)
_SERVERS = (("DC", "Domain controller"), ("FS", "File server"))
_CENTRAL = (
    ("SQL-01", "server"),
    ("APP-01", "server"),
    ("BKP-01", "backup"),
    ("JMP-01", "server"),
    ("PRN-01", "server"),
)
_LINUX = ("WEB-01", "WEB-02", "EDI-01", "VPN-01", "LOG-01", "GIT-01")


def plain(text: str) -> str:
    """The text in lower-case ASCII, as account names are written."""
    letters = unicodedata.normalize(
        "NFKD", text.replace("\u0131", "i")
    )  # the dotless i has no accent to drop
    return letters.encode("ascii", "ignore").decode().lower()


@dataclass(frozen=True)
class Company:
    """Meridian Freight: equal for equal seeds; the number of a person, account or host is its place in the tuple."""

    seed: int

    def _rng(self, part: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, part])

    @cached_property
    def tenant(self) -> str:
        """The guid of the workspace and of the directory."""
        return guid_list(self._rng(1), 1)[0]

    @cached_property
    def subscription(self) -> str:
        """The guid of the Azure subscription."""
        return guid_list(self._rng(2), 1)[0]

    @cached_property
    def people(self) -> tuple[Account, ...]:
        """The colleagues; the first two are the executives."""
        rng = self._rng(3)
        pairs = rng.choice(len(names.GIVEN) * len(names.SURNAME), PEOPLE, replace=False)
        offices = rng.choice(len(OFFICES), PEOPLE, p=[office.share for office in OFFICES])
        offices[: len(names.EXECUTIVES)] = 0
        posts = [self._post(rng, number) for number in range(PEOPLE)]
        ids = guid_list(rng, PEOPLE)
        return tuple(
            self._person(number, int(pair), posts[number], int(offices[number]), ids[number])
            for number, pair in enumerate(pairs)
        )

    def _post(self, rng: np.random.Generator, number: int) -> tuple[str, str]:
        if number < len(names.EXECUTIVES):
            return "Executive", names.EXECUTIVES[number]
        shares = np.array([share for _, share, _ in names.DEPARTMENTS], float)
        department, _, titles = names.DEPARTMENTS[rng.choice(len(shares), p=shares / shares.sum())]
        place = int(rng.beta(1, 2) * len(titles))  # more of the first title than of the last
        return department, titles[place]

    def _person(self, number: int, pair: int, post: tuple[str, str], office: int, object_id: str) -> Account:
        given, surname = names.GIVEN[pair % len(names.GIVEN)], names.SURNAME[pair // len(names.GIVEN)]
        return Account(
            name=f"{plain(given)}.{plain(surname)}",
            display=f"{given} {surname}",
            given=given,
            surname=surname,
            department=post[0],
            title=post[1],
            office=office,
            object_id=object_id,
            sid=f"{self.domain_sid}-{1100 + number}",
        )

    @cached_property
    def domain_sid(self) -> str:
        """The domain's security identifier, before an account's own number."""
        return "S-1-5-21-" + "-".join(str(part) for part in self._rng(4).integers(10**9, 4 * 10**9, 3))

    @cached_property
    def services(self) -> tuple[Account, ...]:
        """The accounts of programs."""
        ids = guid_list(self._rng(5), len(names.SERVICES))
        return tuple(
            Account(
                name,
                purpose,
                "",
                "",
                "",
                "Service account",
                0,
                ids[place],
                f"{self.domain_sid}-{1900 + place}",
            )
            for place, (name, purpose, _) in enumerate(names.SERVICES)
        )

    @cached_property
    def accounts(self) -> tuple[Account, ...]:
        """All that can sign in to a machine: people, then services, then the machine itself (SYSTEM)."""
        system = Account("system", "SYSTEM", "", "", "", "", 0, "", "S-1-5-18")
        return (*self.people, *self.services, system)

    def account_number(self, name: str) -> int:
        """The place in `accounts` of the account of this name or UPN."""
        return self._account_numbers[name.partition("@")[0]]

    @cached_property
    def _account_numbers(self) -> dict[str, int]:
        return {account.name: number for number, account in enumerate(self.accounts)}

    @cached_property
    def hosts(self) -> tuple[Host, ...]:
        """The machines: the workstation of each person under the person's number, then the servers."""
        named = [*self._workstations(), *self._servers()]
        devices = hexes(self._rng(6), len(named), 40).to_pylist()
        agents = guid_list(self._rng(7), len(named))
        return tuple(
            Host(*facts, device_id, agent_id)
            for facts, device_id, agent_id in zip(named, devices, agents, strict=True)
        )

    def _workstations(self) -> list[tuple[str, str, int, str, str, int]]:
        seats = dict.fromkeys(range(len(OFFICES)), 0)
        rows = []
        for number, person in enumerate(self.people):
            office, seat = OFFICES[person.office], seats[person.office]
            seats[person.office] += 1
            ip = f"10.{office.subnet}.{16 + seat // 100}.{20 + seat % 100}"
            name = f"{office.code}-WS-{seat + 101:03d}"
            rows.append((name, "workstation", person.office, ip, "Windows 11", number))
        return rows

    def _servers(self) -> list[tuple[str, str, int, str, str, int]]:
        listed = [(office, f"{kind}-01", kind) for office in range(len(OFFICES)) for kind, _ in _SERVERS]
        listed += [(0, name, kind) for name, kind in _CENTRAL]
        listed += [(0, name, "linux") for name in _LINUX]
        return [
            (
                f"{OFFICES[office].code}-{name}",
                kind,
                office,
                f"10.{OFFICES[office].subnet}.1.{10 + place}",
                "Linux" if kind == "linux" else "Windows Server 2022",
                -1,
            )
            for place, (office, name, kind) in enumerate(listed)
        ]

    def host_number(self, name: str) -> int:
        """The place in `hosts` of the machine of this name."""
        return self._host_numbers[name]

    @cached_property
    def _host_numbers(self) -> dict[str, int]:
        return {host.name: number for number, host in enumerate(self.hosts)}

    def hosts_of(self, *kinds: str) -> Ints:
        """The numbers of the hosts of these kinds."""
        return np.array([number for number, host in enumerate(self.hosts) if host.kind in kinds], np.int64)

    @cached_property
    def person_offices(self) -> Ints:
        """The office of each person."""
        return np.array([person.office for person in self.people], np.int64)

    @cached_property
    def offsets(self) -> Ints:
        """The hours east of Greenwich of each person."""
        return np.array([OFFICES[person.office].offset for person in self.people], np.int64)
