"""DeviceFileEvents: files made, changed and renamed, the archive of the shared folders among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqlmagic_ext.connections.local.demo import names, programs
from kqlmagic_ext.connections.local.demo.defender import (
    all_programs,
    device_columns,
    initiating_columns,
    process_id,
    step_number,
    with_user,
    work,
)
from kqlmagic_ext.connections.local.demo.recipe import Columns, Facts, Recipe, Scene, at, stacked
from kqlmagic_ext.connections.local.demo.texts import hexes, joined, picked

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

_ACTIONS = ("FileCreated", "FileModified", "FileRenamed", "FileDeleted")
CREATED = 0
PARTS = 27  # of the archive
_PART_BYTES = 157_286_400
_WRITERS = (
    "WINWORD.EXE",
    "EXCEL.EXE",
    "msedge.exe",
    "OUTLOOK.EXE",
    "svchost.exe",
    "robocopy.exe",
    "ShipTrack.exe",
)
_DESK_FOLDERS = (
    r"C:\Users\{user}\Documents",
    r"C:\Users\{user}\Downloads",
    r"C:\Users\{user}\AppData\Local\Temp",
)
_SERVER_FOLDERS = (r"D:\Shares\Finance", r"D:\Shares\Contracts", r"D:\Shares\Operations", r"E:\Mirror")
_STAGING = r"C:\ProgramData"
_DOWNLOADS = 1  # the place of that folder
_OTHERS = ("cache_0001.tmp", "labels.log", "update.cab", "session.dat", "thumbs.db", "export.csv")


def everyday(scene: Scene, count: int) -> Facts:
    """Documents written at desks and shares mirrored on servers."""
    rng, moments = scene.rng, work(scene, count, servers=0.3)
    desk = moments.host < len(scene.company.people)
    entries = programs.EVERYDAY
    writers = [
        entry.weight * (entry.file in _WRITERS and entry.where != programs.SERVERS) for entry in entries
    ]
    servers = [entry.weight * (entry.file in _WRITERS and entry.where != programs.DESK) for entry in entries]
    return {
        "time": moments.time,
        "host": moments.host,
        "account": moments.account,
        "program": np.where(desk, scene.choose(writers, count), scene.choose(servers, count)),
        "process": rng.integers(250, 6000, count) * 4,
        "parent": rng.integers(150, 3000, count) * 4,
        "action": scene.choose((52, 30, 12, 6), count),
        "folder": np.where(desk, rng.integers(0, 3, count), rng.integers(3, 7, count)),
        "file": scene.choose([1] * len(names.FILES) + [80] * len(_OTHERS), count),
        "size": (rng.lognormal(11, 1.6, count) + 120).clip(0, 5e8).astype(np.int64),
    }


def story(scene: Scene) -> Facts:
    """The parts of the archive and the tools put in place for it."""
    return stacked([*_tools(scene), *_parts(scene)])


def _parts(scene: Scene) -> Iterator[dict[str, int]]:
    """The archive's parts: as large together as what is sent away."""
    told = scene.story
    rest = told.exfiltration_bytes
    for part in range(PARTS):
        size = min(_PART_BYTES, rest)
        rest -= size
        place = len(names.FILES) + len(_OTHERS) + part
        time = at(told.archive_time, part * 128 + 11)
        yield _server_row(scene, "archive") | {"time": time, "file": place, "size": size}


def _tools(scene: Scene) -> Iterator[dict[str, int]]:
    told, first = scene.story, len(names.FILES) + len(_OTHERS) + PARTS
    service = _server_row(scene, "service") | {"folder": len(_DESK_FOLDERS + _SERVER_FOLDERS) + 1}
    yield service | {"time": at(told.lateral_time, 0.6), "file": first, "size": 383_872}
    yield _server_row(scene, "server shell") | {
        "time": at(told.archive_time, -190),
        "file": first + 1,
        "size": 1_299_968,
    }


def _server_row(scene: Scene, step: str) -> dict[str, int]:
    return {
        "host": scene.company.host_number(scene.story.server),
        "account": len(scene.company.accounts) - 1,
        "program": step_number(scene, step),
        "process": process_id(scene, step),
        "parent": process_id(scene, "remote shell"),
        "action": CREATED,
        "folder": len(_DESK_FOLDERS + _SERVER_FOLDERS),
    }


def columns(scene: Scene, facts: Facts) -> Columns:
    """The facts in the words of the log."""
    count, file, told = len(facts["time"]), facts["file"], scene.story
    parts = [f"{told.archive_name}.7z.{part + 1:03d}" for part in range(PARTS)]
    pool = [*names.FILES, *_OTHERS, *parts, "PSEXESVC.exe", "7z.exe"]
    name = picked(pool, file)
    return (
        device_columns(scene, facts["host"])
        | initiating_columns(scene, facts, all_programs(scene))
        | {
            "ActionType": picked(_ACTIONS, facts["action"]),
            "FileName": name,
            "FolderPath": joined(_folders(scene, facts), "\\", name),
            "FileSize": facts["size"],
            "SHA1": hexes(scene.rng, count, 40),
            "SHA256": hexes(scene.rng, count, 64),
            "MD5": hexes(scene.rng, count, 32),
            "PreviousFileName": picked(
                ["", "~draft.tmp"], (facts["action"] == _ACTIONS.index("FileRenamed")).astype(np.int64)
            ),
            "FileOriginUrl": _origins(scene, facts),
            "RequestProtocol": "Local",
        }
    )


def _folders(scene: Scene, facts: Facts) -> pa.Array:
    return with_user(
        scene, [*_DESK_FOLDERS, *_SERVER_FOLDERS, _STAGING, r"C:\Windows"], facts["folder"], facts["account"]
    )


def _origins(scene: Scene, facts: Facts) -> pa.Array:
    urls = ["", *(f"https://{site.domain}/download" for site in scene.world.sites)]
    return picked(
        urls,
        np.where(facts["folder"] == _DOWNLOADS, scene.world.visits(scene.rng, len(facts["folder"])) + 1, 0),
    )


RECIPE = Recipe(everyday, story, columns, share=0.035)
