"""OfficeActivity: mailboxes and shared files, the intruder's inbox rule among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kqlmagic_ext.connections.local.demo import internet, names
from kqlmagic_ext.connections.local.demo.recipe import (
    Columns,
    Facts,
    Recipe,
    Scene,
    at,
    people_columns,
    stacked,
)
from kqlmagic_ext.connections.local.demo.rhythm import human_times
from kqlmagic_ext.connections.local.demo.signins import whereabouts
from kqlmagic_ext.connections.local.demo.texts import as_json, joined, picked, picked_where

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from kqlmagic_ext.connections.local.demo.story import Story


@dataclass(frozen=True)
class Action:
    """A kind of action; `file` ones name a file of a site, `parameters` is what a mailbox command was given."""

    operation: str
    workload: str
    record: str
    weight: float
    file: bool = False
    parameters: str = ""
    agent: str = ""


def _rule(name: str, *words: str, folder: str) -> str:
    given = {
        "Name": name,
        "SubjectOrBodyContainsWords": ";".join(words),
        "MoveToFolder": folder,
        "MarkAsRead": "True",
    }
    return as_json([{"Name": key, "Value": value} for key, value in given.items()])


_CLIENT = "Client=OWA;Action=ViaProxy"
ACTIONS = (
    Action("MailItemsAccessed", "Exchange", "ExchangeItemAggregated", 300, agent="Client=MSExchangeRPC"),
    Action("Send", "Exchange", "ExchangeItem", 110, agent=_CLIENT),
    Action("Create", "Exchange", "ExchangeItem", 50, agent=_CLIENT),
    Action("SoftDelete", "Exchange", "ExchangeItemGroup", 40, agent=_CLIENT),
    Action("MoveToDeletedItems", "Exchange", "ExchangeItemGroup", 50, agent=_CLIENT),
    Action("MailboxLogin", "Exchange", "ExchangeItem", 18, agent="Client=REST"),
    Action("FileAccessed", "SharePoint", "SharePointFileOperation", 240, file=True),
    Action("FileModified", "SharePoint", "SharePointFileOperation", 90, file=True),
    Action("FileDownloaded", "SharePoint", "SharePointFileOperation", 60, file=True),
    Action("FileUploaded", "SharePoint", "SharePointFileOperation", 34, file=True),
    Action("FileDeleted", "SharePoint", "SharePointFileOperation", 12, file=True),
    Action("SharingSet", "SharePoint", "SharePointSharingOperation", 8, file=True),
    Action("AnonymousLinkCreated", "SharePoint", "SharePointSharingOperation", 2, file=True),
    Action("FileSyncDownloadedFull", "OneDrive", "SharePointFileOperation", 60, file=True),
    Action("TeamsSessionStarted", "MicrosoftTeams", "MicrosoftTeams", 36),
    Action("MemberAdded", "MicrosoftTeams", "MicrosoftTeams", 3),
    Action("Set-Mailbox", "Exchange", "ExchangeAdmin", 1.2, parameters=as_json([{"Name": "Identity", "Value": "Shared Desk"}, {"Name": "MessageCopyForSentAsEnabled", "Value": "True"}])),
    Action("New-InboxRule", "Exchange", "ExchangeAdmin", 1.6, parameters=_rule("Newsletters", "unsubscribe", "newsletter", folder="Newsletters")),
    Action("New-InboxRule", "Exchange", "ExchangeAdmin", 1.1, parameters=_rule("Tracking", "arrival notice", folder="Tracking")),
    Action("Set-InboxRule", "Exchange", "ExchangeAdmin", 0.8, parameters=_rule("Team", "weekly update", folder="Team")),
)  # fmt: skip
READ, SENT, DELETED, DOWNLOADED = 0, 1, 4, 8
_FOLDERS = ("Shared Documents", "Shared Documents/Contracts", "Shared Documents/Rates", "Archive")


def everyday(scene: Scene, count: int) -> Facts:
    """Mail read and sent, files opened and shared."""
    person = scene.busy_people(count)
    time = human_times(scene.rng, scene.window, scene.company.offsets[person])
    return {
        "time": time,
        "person": person,
        "address": whereabouts(scene, person, time),
        "action": scene.choose([action.weight for action in ACTIONS], count),
        "file": scene.rng.integers(0, len(names.FILES), count),
    }


def story(scene: Scene) -> Facts:
    """The intruder in the mailbox: reads, makes the rule, reads on, sends the phishing mail and deletes it."""
    return stacked(_mailbox(scene))


def _mailbox(scene: Scene) -> Iterator[dict[str, int]]:
    told = scene.story
    whose = {"person": scene.company.account_number(told.account), "address": internet.INTRUDER, "file": 0}
    for minutes in (8, 9, 11, 15, 31, 47, 66, 95, 130, 610, 1330, 1345, 1362):
        yield {"time": at(told.success_time, minutes * 60 + 7.3), "action": READ} | whose
    for number in range(12):
        time = at(told.success_time, 9000 + number * 31)
        yield whose | {"time": time, "action": DOWNLOADED, "file": 17 * number % len(names.FILES)}
    yield {"time": at(told.inbox_rule_time), "action": len(ACTIONS)} | whose
    yield {"time": at(told.phishing_time, -2), "action": SENT} | whose
    yield {"time": at(told.phishing_time, 35), "action": DELETED} | whose


def intruders_rule(story: Story) -> Action:
    """The rule that hides answers about invoices and warnings about security."""
    words = ("invoice", "payment", "security", "phishing", "hacked")
    return Action(
        "New-InboxRule",
        "Exchange",
        "ExchangeAdmin",
        0,
        parameters=_rule(story.inbox_rule_name, *words, folder="RSS Feeds"),
    )


def columns(scene: Scene, facts: Facts) -> Columns:
    """The facts in the words of the log."""
    kinds, action = (*ACTIONS, intruders_rule(scene.story)), facts["action"]
    upn = people_columns(scene, facts["person"])["UserPrincipalName"]
    ip = picked(scene.world.ips, facts["address"])
    is_file = np.array([kind.file for kind in kinds])[action]
    in_team = np.array([kind.workload == "MicrosoftTeams" for kind in kinds])[action]
    return _file_columns(facts, is_file) | {
        "TeamName": picked_where(in_team, names.PROJECTS, facts["person"] % len(names.PROJECTS)),
        "Operation": picked([kind.operation for kind in kinds], action),
        "OfficeWorkload": picked([kind.workload for kind in kinds], action),
        "RecordType": picked([kind.record for kind in kinds], action),
        "Parameters": picked([kind.parameters for kind in kinds], action),
        "ClientInfoString": picked([kind.agent for kind in kinds], action),
        "ClientIP": ip,
        "Client_IPAddress": ip,
        "UserId": upn,
        "UserKey": picked(scene.person_pool("object_id"), facts["person"]),
        "MailboxOwnerUPN": upn,
        "UserType": "Regular",
        "ResultStatus": "Succeeded",
        "Start_Time": facts["time"],
        "OfficeId": scene.guids(len(action)),
        "OrganizationId": scene.company.tenant,
        "OrganizationName": "meridianfreight.example",
        "UserAgent": picked(
            ["Mozilla/5.0", "axios/1.7.7"], (facts["address"] == internet.INTRUDER).astype(np.int64)
        ),
        "SourceSystem": "OfficeActivityManager",
    }


def _file_columns(facts: Facts, is_file: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Columns:
    """The columns that only actions on files fill; place 0 of each pool is the empty text of all others."""
    file = np.where(is_file, facts["file"] + 1, 0)
    site = np.where(is_file, facts["person"] % len(names.PROJECTS) + 1, 0)
    sites = ["", *(f"https://meridianfreight.sharepoint.example/sites/{name}/" for name in names.PROJECTS)]
    folder = np.where(is_file, facts["file"] % len(_FOLDERS) + 1, 0)
    folders = ["", *(f"{name}/" for name in _FOLDERS)]
    file_names: pa.Array = picked(["", *names.FILES], file)
    return {
        "SourceFileName": file_names,
        "SourceFileExtension": picked(["", *(name.rpartition(".")[2] for name in names.FILES)], file),
        "SourceRelativeUrl": picked(["", *_FOLDERS], folder),
        "Site_Url": picked(sites, site),
        "OfficeObjectId": joined(picked(sites, site), picked(folders, folder), file_names),
        "ItemType": picked(["", "File"], is_file.astype(np.int64)),
        "EventSource": picked(["", "SharePoint"], is_file.astype(np.int64)),
    }


RECIPE = Recipe(everyday, story, columns, share=0.045)
