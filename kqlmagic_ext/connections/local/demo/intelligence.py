"""ThreatIntelligenceIndicator: what others say is malicious, the beacon's address among it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kqlmagic_ext.connections.local.demo import names
from kqlmagic_ext.connections.local.demo.recipe import (
    Columns,
    Facts,
    Recipe,
    Scene,
    at,
    nothing,
    nulls_where,
    stacked,
)
from kqlmagic_ext.connections.local.demo.texts import DAY, as_json, guid_list, hexes, picked

_ADDRESSES, _DOMAINS, _HASHES = 150, 110, 60
_SOURCES = ("Harbour Threat Exchange", "Open Feed One", "Freight ISAC")
_WORDS = ("invoice", "secure", "parcel", "login", "verify", "update", "docs", "mail")


@dataclass(frozen=True)
class Indicator:
    """One indicator; of `ip`, `domain` and `sha256` one is filled."""

    time: int
    kind: str
    confidence: int
    description: str
    expires: int
    active: bool = True
    ip: str = ""
    domain: str = ""
    sha256: str = ""


def indicators(scene: Scene) -> list[Indicator]:
    """The beacon's indicator, the stale one, and many that match nothing here."""
    told, window = scene.story, scene.window
    beacon = Indicator(
        at(told.beacon_start, -3 * 86_400), "C2", 88, "Command and control of a loader seen in shipping",
        window.end + 60 * DAY, ip=told.beacon_address,
    )  # fmt: skip
    stale = Indicator(
        window.start + DAY // 2, "Malware", 60, "Hosted malware in the past; cleaned since",
        window.start + 2 * DAY, active=False, ip=told.stale_indicator_address,
    )  # fmt: skip
    return [beacon, stale, *_background(scene)]


def _background(scene: Scene) -> list[Indicator]:
    rng = np.random.default_rng([scene.company.seed, 54])
    count = _ADDRESSES + _DOMAINS + _HASHES
    times = np.sort(rng.integers(scene.window.start, scene.window.end, count))
    lives = rng.integers(5, 60, count)
    kinds = ("Botnet", "C2", "Phishing", "Malware", "Proxy", "WatchList")
    values = [
        *_free_addresses(scene, rng),
        *_domains(rng),
        *({"sha256": text} for text in hexes(rng, _HASHES, 64).to_pylist()),
    ]
    values = [values[place] for place in rng.permutation(count)]
    return [
        Indicator(
            int(times[turn]),
            kinds[rng.integers(len(kinds))],
            int(rng.integers(20, 101)),
            "Reported by a feed",
            int(times[turn]) + int(lives[turn]) * DAY,
            active=bool(rng.random() < 0.9),  # noqa: PLR2004 - some are withdrawn
            **values[turn],
        )
        for turn in range(count)
    ]


def _free_addresses(scene: Scene, rng: np.random.Generator) -> list[dict[str, str]]:
    """Addresses that nobody here talks to."""
    taken = {*scene.world.ips, *(site.ip for site in scene.world.sites)}
    blocks = [f"{block}.{last}" for block in ("203.0.113", "198.51.100") for last in range(1, 255)]
    free = [ip for ip in blocks if ip not in taken]
    return [{"ip": free[place]} for place in rng.choice(len(free), _ADDRESSES, replace=False).tolist()]


def _domains(rng: np.random.Generator) -> list[dict[str, str]]:
    pairs = rng.choice(len(_WORDS) * len(names.PROJECTS), _DOMAINS, replace=False).tolist()
    return [
        {"domain": f"{_WORDS[pair % len(_WORDS)]}-{names.PROJECTS[pair // len(_WORDS)].lower()}.test"}
        for pair in pairs
    ]


def story(scene: Scene) -> Facts:
    """Every indicator once."""
    return stacked({"time": entry.time, "indicator": place} for place, entry in enumerate(indicators(scene)))


def columns(scene: Scene, facts: Facts) -> Columns:
    """The facts in the words of the log."""
    listed = indicators(scene)
    ordered = [listed[place] for place in facts["indicator"].tolist()]
    ids = guid_list(scene.rng, len(ordered))
    told = {
        "IndicatorId": ids,
        "ExternalIndicatorId": [f"indicator--{name}" for name in ids],
        "ThreatType": [entry.kind for entry in ordered],
        "Description": [entry.description for entry in ordered],
        "NetworkIP": [entry.ip for entry in ordered],
        "NetworkDestinationIP": [entry.ip for entry in ordered],
        "DomainName": [entry.domain for entry in ordered],
        "Url": [f"https://{entry.domain}/a" if entry.domain else "" for entry in ordered],
        "FileHashType": ["SHA256" if entry.sha256 else "" for entry in ordered],
        "FileHashValue": [entry.sha256 for entry in ordered],
        "Tags": [as_json([entry.kind]) for entry in ordered],
    }
    return {name: picked(texts, np.arange(len(ordered))) for name, texts in told.items()} | _judged_columns(
        scene, ordered
    )


def _judged_columns(scene: Scene, ordered: list[Indicator]) -> Columns:
    count, c2 = len(ordered), np.array([entry.kind == "C2" for entry in ordered])
    return {
        "Active": np.array([entry.active for entry in ordered]),
        "ConfidenceScore": np.array([float(entry.confidence) for entry in ordered]),
        "ExpirationDateTime": np.array([entry.expires for entry in ordered]),
        "ThreatSeverity": np.array([entry.confidence // 20 for entry in ordered]),
        "NetworkPort": nulls_where(~c2, np.full(count, 80), "int"),
        "KillChainC2": c2,
        "Action": "alert",
        "SourceSystem": picked(_SOURCES, scene.rng.integers(0, len(_SOURCES), count)),
        "TrafficLightProtocolLevel": "amber",
        "AzureTenantId": scene.company.tenant,
    }


RECIPE = Recipe(nothing, story, columns)
