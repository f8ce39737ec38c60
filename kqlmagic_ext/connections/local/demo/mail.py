"""EmailEvents: mail from, to and inside the company, the internal phishing mail among it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqlmagic_ext.connections.local.demo import names
from kqlmagic_ext.connections.local.demo.company import DOMAIN
from kqlmagic_ext.connections.local.demo.recipe import Columns, Facts, Recipe, Scene, at, stacked
from kqlmagic_ext.connections.local.demo.rhythm import human_times
from kqlmagic_ext.connections.local.demo.texts import as_json, joined, picked, replaced

if TYPE_CHECKING:
    import pyarrow as pa

INBOUND, OUTBOUND, INSIDE = 0, 1, 2
_DIRECTIONS = ("Inbound", "Outbound", "Intra-org")
_SENDERS = ("booking", "invoices", "noreply", "dispatch", "j.martin", "news")
_JUNK = (
    "Parcel held - confirm address",
    "Your mailbox is almost full",
    "Voice message received",
    "Payroll update 2026",
)
# Threat, what was done, where the mail went, how it was found, weight.
_VERDICTS = (
    ("", "Delivered", "Inbox/folder", "", 93),
    ("Spam", "Junked", "Junk folder", '{"Spam":["Advanced filter"]}', 4),
    ("Phish", "Blocked", "Quarantine", '{"Phish":["URL detonation reputation"]}', 1.5),
    ("Phish", "Delivered", "Inbox/folder", '{"Phish":["Mixed analysis detection"]}', 0.12),
    ("Malware", "Blocked", "Quarantine", '{"Malware":["File detonation"]}', 0.3),
)
_AUTHENTICATED = as_json({"SPF": "pass", "DKIM": "pass", "DMARC": "pass", "CompAuth": "pass"})
_UNKNOWN = as_json({"SPF": "fail", "DKIM": "none", "DMARC": "fail", "CompAuth": "fail"})


def everyday(scene: Scene, count: int) -> Facts:
    """Mail with partners and colleagues, and the junk that comes with it."""
    rng = scene.rng
    person, direction = scene.busy_people(count), scene.choose((52, 22, 26), count)
    verdict = scene.choose([weight for *_, weight in _VERDICTS], count)
    return {
        "time": human_times(rng, scene.window, scene.company.offsets[person]),
        "direction": direction,
        "person": person,
        "colleague": scene.busy_people(count),
        "sender": rng.integers(0, len(_SENDERS), count),
        "partner": rng.integers(0, len(names.PARTNERS), count),
        "subject": rng.integers(0, len(names.SUBJECTS), count),
        "verdict": np.where(direction == INBOUND, verdict, 0),
        "attachments": scene.choose((70, 20, 8, 2), count),
        "links": scene.choose((50, 25, 15, 10), count),
    }


def story(scene: Scene) -> Facts:
    """One mail from the compromised mailbox to the phished colleague."""
    told = scene.story
    return stacked([
        {
            "time": at(told.phishing_time),
            "direction": INSIDE,
            "person": scene.company.account_number(told.account),
            "colleague": scene.company.account_number(told.phished_account),
            "sender": 0,
            "partner": 0,
            "subject": -1,
            "verdict": 0,
            "attachments": 1,
            "links": 0,
        }
    ])  # fmt: skip


def columns(scene: Scene, facts: Facts) -> Columns:
    """The facts in the words of the log."""
    count, verdict = len(facts["time"]), facts["verdict"]
    delivery = {"Action": [row[1] for row in _VERDICTS], "Location": [row[2] for row in _VERDICTS]}
    return (
        _sender_columns(scene, facts)
        | _recipient_columns(scene, facts)
        | {
            "EmailDirection": picked(_DIRECTIONS, facts["direction"]),
            "Subject": _subjects(scene, facts),
            "NetworkMessageId": _message_ids(scene, facts),
            "InternetMessageId": joined("<", scene.guids(count), "@", DOMAIN, ">"),
            "ReportId": scene.guids(count),
            "DeliveryAction": picked(delivery["Action"], verdict),
            "LatestDeliveryAction": picked(delivery["Action"], verdict),
            "DeliveryLocation": picked(delivery["Location"], verdict),
            "LatestDeliveryLocation": picked(delivery["Location"], verdict),
            "ThreatTypes": picked([row[0] for row in _VERDICTS], verdict),
            "DetectionMethods": picked([row[3] for row in _VERDICTS], verdict),
            "AuthenticationDetails": picked([_AUTHENTICATED, _UNKNOWN], (verdict > 0).astype(np.int64)),
            "AttachmentCount": facts["attachments"],
            "UrlCount": facts["links"],
            "EmailSize": (scene.rng.lognormal(10.2, 1.0, count) + 2000).clip(0, 3e7).astype(np.int64),
            "EmailLanguage": picked(["en", "nl", "de"], scene.choose((8, 1, 1), count)),
            "EmailClusterId": scene.rng.integers(10**8, 4 * 10**9, count),
            "BulkComplaintLevel": scene.rng.integers(0, 4, count),
            "IsFirstContact": scene.rng.random(count) < 0.04,  # noqa: PLR2004 - few write for the first time
            "SourceSystem": "",
        }
    )


def _message_ids(scene: Scene, facts: Facts) -> pa.Array:
    drawn = scene.guids(len(facts["time"]))
    return replaced(drawn, facts["subject"] < 0, scene.story.phishing_message_id)


def _subjects(scene: Scene, facts: Facts) -> pa.Array:
    pool = [*names.SUBJECTS, *_JUNK, scene.story.phishing_subject]
    junk = len(names.SUBJECTS) + facts["sender"] % len(_JUNK)
    code = np.where(facts["verdict"] > 0, junk, facts["subject"])
    return picked(pool, np.where(facts["subject"] < 0, len(pool) - 1, code))


def _partner_pool() -> list[str]:
    return [f"{sender}@{domain}" for domain in names.PARTNERS for sender in _SENDERS]


def _sender_columns(scene: Scene, facts: Facts) -> Columns:
    inbound = facts["direction"] == INBOUND
    people = scene.person_pool("upn")
    partner = len(people) + facts["partner"] * len(_SENDERS) + facts["sender"]
    code = np.where(inbound, partner, facts["person"])
    addresses = [*people, *_partner_pool()]
    domains = [address.partition("@")[2] for address in addresses]
    ours = scene.person_pool("object_id") + [""] * (len(addresses) - len(people))
    mail_host = np.where(inbound, facts["partner"] + 1, 0)
    ips = [scene.world.ips[0], *(scene.world.sites[16 + number].ip for number in range(len(names.PARTNERS)))]
    return {
        "SenderFromAddress": picked(addresses, code),
        "SenderMailFromAddress": picked(addresses, code),
        "SenderFromDomain": picked(domains, code),
        "SenderMailFromDomain": picked(domains, code),
        "SenderDisplayName": picked(scene.person_pool("display") + _partner_pool(), code),
        "SenderObjectId": picked(ours, code),
        "SenderIPv4": picked(ips, mail_host),
    }


def _recipient_columns(scene: Scene, facts: Facts) -> Columns:
    direction, people = facts["direction"], scene.person_pool("upn")
    partner = len(people) + facts["partner"] * len(_SENDERS) + facts["sender"]
    inside = np.where(direction == INSIDE, facts["colleague"], facts["person"])
    code = np.where(direction == OUTBOUND, partner, inside)
    addresses = [*people, *_partner_pool()]
    ours = scene.person_pool("object_id") + [""] * (len(addresses) - len(people))
    return {
        "RecipientEmailAddress": picked(addresses, code),
        "RecipientDomain": picked([address.partition("@")[2] for address in addresses], code),
        "RecipientObjectId": picked(ours, code),
        "To": picked([as_json([address]) for address in addresses], code),
    }


RECIPE = Recipe(everyday, story, columns, share=0.022)
