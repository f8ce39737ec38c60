"""DeviceProcessEvents: processes started, the encoded PowerShell and what follows it among them."""

from __future__ import annotations

import numpy as np

from kqlmagic_ext.connections.local.demo import programs
from kqlmagic_ext.connections.local.demo.defender import (
    account_columns,
    all_programs,
    device_columns,
    ordinary_programs,
    scripted_facts,
    step_facts,
    with_user,
    work,
)
from kqlmagic_ext.connections.local.demo.recipe import Columns, Facts, Recipe, Scene, stacked
from kqlmagic_ext.connections.local.demo.texts import SECOND, picked


def everyday(scene: Scene, count: int) -> Facts:
    """Programs that people open and machines run."""
    moments = work(scene, count, servers=0.3)
    program, account = ordinary_programs(scene, moments)
    return {
        "time": moments.time,
        "host": moments.host,
        "account": account,
        "program": program,
        "process": scene.rng.integers(250, 6000, count) * 4,
        "parent": scene.rng.integers(150, 3000, count) * 4,
    }


def story(scene: Scene) -> Facts:
    """The intruder's processes and the administrator's."""
    return stacked([*step_facts(scene), *scripted_facts(scene)])


def columns(scene: Scene, facts: Facts) -> Columns:
    """The facts in the words of the log."""
    return (
        device_columns(scene, facts["host"])
        | account_columns(scene, facts["account"])
        | _process_columns(scene, facts)
        | _parent_columns(scene, facts)
    )


def _process_columns(scene: Scene, facts: Facts) -> Columns:
    known, program = all_programs(scene), facts["program"]
    hashes = programs.hashes(scene.company.seed, [entry.file for entry in known])
    sizes = np.random.default_rng([scene.company.seed, 43]).integers(30_000, 4_000_000, len(known))
    return {
        "ActionType": "ProcessCreated",
        "FileName": picked([entry.file for entry in known], program),
        "FolderPath": picked([entry.path for entry in known], program),
        "ProcessCommandLine": with_user(scene, [entry.command for entry in known], program, facts["account"]),
        "ProcessId": facts["process"],
        "ProcessCreationTime": facts["time"],
        "ProcessIntegrityLevel": picked(["System" if entry.system else "Medium" for entry in known], program),
        "ProcessTokenElevation": picked(["TokenElevationTypeDefault"], program * 0),
        "FileSize": sizes[program],
        "MD5": picked([hashes.md5[entry.file] for entry in known], program),
        "SHA1": picked([hashes.sha1[entry.file] for entry in known], program),
        "SHA256": picked([hashes.sha256[entry.file] for entry in known], program),
        "ProcessVersionInfoCompanyName": picked([entry.maker for entry in known], program),
        "ProcessVersionInfoProductName": picked([entry.product for entry in known], program),
        "ProcessVersionInfoOriginalFileName": picked([entry.file for entry in known], program),
        "ProcessVersionInfoFileDescription": picked(
            [entry.file.partition(".")[0] for entry in known], program
        ),
        "LogonId": scene.rng.integers(100_000, 9_000_000, len(program)),
    }


def _parent_columns(scene: Scene, facts: Facts) -> Columns:
    known, program, prefix = all_programs(scene), facts["program"], "InitiatingProcess"
    hashes = programs.hashes(scene.company.seed, [entry.parent for entry in known])
    return account_columns(scene, facts["account"], prefix) | {
        f"{prefix}FileName": picked([entry.parent for entry in known], program),
        f"{prefix}CommandLine": with_user(
            scene, [entry.parent_command for entry in known], program, facts["account"]
        ),
        f"{prefix}FolderPath": picked([entry.parent_path.lower() for entry in known], program),
        f"{prefix}ParentFileName": picked([entry.grandparent for entry in known], program),
        f"{prefix}Id": facts["parent"],
        f"{prefix}SHA1": picked([hashes.sha1[entry.parent] for entry in known], program),
        f"{prefix}CreationTime": facts["time"] - scene.rng.integers(1, 7200, len(program)) * SECOND,
        f"{prefix}IntegrityLevel": picked(
            ["System" if entry.system else "Medium" for entry in known], program
        ),
    }


RECIPE = Recipe(everyday, story, columns, share=0.10)
