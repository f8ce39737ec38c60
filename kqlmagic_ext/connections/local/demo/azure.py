"""AzureActivity: what was done to the company's cloud resources; the intruder never came here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqlmagic_ext.connections.local.demo.recipe import Columns, Facts, Recipe, Scene
from kqlmagic_ext.connections.local.demo.rhythm import human_times
from kqlmagic_ext.connections.local.demo.texts import as_json, joined, picked

if TYPE_CHECKING:
    from kqlmagic_ext.connections.local.demo.texts import Ints

# Operation, its words, provider, resource kind, weight.
_OPERATIONS = (
    ("MICROSOFT.COMPUTE/VIRTUALMACHINES/START/ACTION", "Start Virtual Machine", "virtualMachines", 22),
    ("MICROSOFT.COMPUTE/VIRTUALMACHINES/DEALLOCATE/ACTION", "Deallocate Virtual Machine", "virtualMachines", 20),
    ("MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE", "Create or Update Virtual Machine", "virtualMachines", 8),
    ("MICROSOFT.COMPUTE/VIRTUALMACHINES/RUNCOMMAND/ACTION", "Run Command on Virtual Machine", "virtualMachines", 1),
    ("MICROSOFT.STORAGE/STORAGEACCOUNTS/LISTKEYS/ACTION", "List Storage Account Keys", "storageAccounts", 24),
    ("MICROSOFT.STORAGE/STORAGEACCOUNTS/WRITE", "Create or Update Storage Account", "storageAccounts", 4),
    ("MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/SECURITYRULES/WRITE", "Create or Update Security Rule", "networkSecurityGroups", 3),
    ("MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/WRITE", "Create role assignment", "roleAssignments", 2),
    ("MICROSOFT.RESOURCES/DEPLOYMENTS/WRITE", "Create Deployment", "deployments", 12),
    ("MICROSOFT.KEYVAULT/VAULTS/WRITE", "Update Key Vault", "vaults", 2),
)  # fmt: skip
_GROUPS = ("rg-shiptrack-prod", "rg-shiptrack-test", "rg-security", "rg-data")
_STATUSES = (("Success", "OK", 48), ("Start", "Accepted", 46), ("Failure", "Forbidden", 6))


def everyday(scene: Scene, count: int) -> Facts:
    """Work of the IT staff."""
    people = scene.company.people
    staff = np.array([number for number, who in enumerate(people) if who.department == "IT"], np.int64)
    person = staff[scene.rng.integers(0, len(staff), count)]
    return {
        "time": human_times(scene.rng, scene.window, scene.company.offsets[person]),
        "person": person,
        "address": scene.world.egress(scene.rng, scene.company.person_offices[person]),
        "operation": scene.choose([row[3] for row in _OPERATIONS], count),
        "status": scene.choose([row[2] for row in _STATUSES], count),
        "group": scene.rng.integers(0, len(_GROUPS), count),
        "resource": scene.rng.integers(0, 12, count),
    }


def story(scene: Scene) -> Facts:  # noqa: ARG001 - the signature of every table's story
    """Nothing."""
    return {}


def columns(scene: Scene, facts: Facts) -> Columns:
    """The facts in the words of the log."""
    operation, status, count = facts["operation"], facts["status"], len(facts["time"])
    people, ips = scene.person_pool("upn"), scene.world.ips
    claims = [
        as_json({"upn": who.upn, "name": who.display, "appid": "c44b4083-3bb0-49c1-b47d-974e53cbdf3c"})
        for who in scene.company.accounts
    ]
    statuses, answers = [row[0] for row in _STATUSES], [row[1] for row in _STATUSES]
    return _resource_columns(scene, facts) | {
        "OperationName": picked([row[1] for row in _OPERATIONS], operation),
        "OperationNameValue": picked([row[0] for row in _OPERATIONS], operation),
        "ActivityStatus": picked(statuses, status),
        "ActivityStatusValue": picked(statuses, status),
        "ActivitySubstatus": picked(answers, status),
        "ActivitySubstatusValue": picked(answers, status),
        "Caller": picked(people, facts["person"]),
        "CallerIpAddress": picked(ips, facts["address"]),
        "Claims": picked(claims, facts["person"]),
        "Claims_d": picked(claims, facts["person"]),
        "HTTPRequest": joined('{"clientIpAddress":"', picked(ips, facts["address"]), '","method":"PUT"}'),
        "Category": "Administrative",
        "CategoryValue": "Administrative",
        "Level": picked(["Information", "Information", "Error"], status),
        "CorrelationId": scene.guids(count),
        "OperationId": scene.guids(count),
        "EventDataId": scene.guids(count),
        "EventSubmissionTimestamp": facts["time"] + 3_000_000,
        "SourceSystem": "Azure",
    }


def _resource_columns(scene: Scene, facts: Facts) -> Columns:
    kinds = [row[2] for row in _OPERATIONS]
    providers = [row[0].partition("/")[0] for row in _OPERATIONS]
    names = [f"{kind.lower()[:6]}{place:02d}" for kind in kinds for place in range(12)]
    group, resource = picked(_GROUPS, facts["group"]), picked(names, _named(facts))
    path = joined(
        f"/subscriptions/{scene.company.subscription}/resourcegroups/", group, "/providers/",
        picked([f"{provider}/{kind}".lower() for provider, kind in zip(providers, kinds, strict=True)], facts["operation"]),
        "/", resource,
    )  # fmt: skip
    properties = joined('{"resource":"', resource, '","entity":"', path, '"}')
    return {
        "ResourceGroup": group,
        "Resource": resource,
        "ResourceId": path,
        "_ResourceId": path,
        "ResourceProviderValue": picked(providers, facts["operation"]),
        "SubscriptionId": scene.company.subscription,
        "Properties": properties,
        "Properties_d": properties,
        "Authorization_d": joined('{"scope":"', path, '"}'),
    }


def _named(facts: Facts) -> Ints:
    return facts["operation"] * 12 + facts["resource"]


RECIPE = Recipe(everyday, story, columns, share=0.01)
