"""Files that are there whole or not at all, for their owner alone."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TEMPORARY = ".writing-"
_ABANDONED_S = 86_400
_PIECE = 1 << 20


def make_folder(folder: Path) -> None:
    """The folder and those above it; what is made here is for its owner alone."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)  # another kernel may be first


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path to write to; what stands there at the end is on the disk, then takes the place of `path`."""
    temporary = path.with_name(f"{_TEMPORARY}{uuid.uuid4().hex}")
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        yield temporary
        _sync(temporary)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_whole(path: Path, text: str) -> str:
    """Write the text; another process sees the old content or the new one. Gives the stamp of what was written."""
    with replacing(path) as temporary:
        temporary.write_text(text, "utf-8")
        return stamp_of(temporary.stat())


def stamp_of(told: os.stat_result) -> str:
    """What changes when a file is written anew; empty for an empty file."""
    return f"{told.st_mtime_ns}-{told.st_size}" if told.st_size else ""


def take(path: Path, text: str = "") -> bool:
    """Make a file that holds the text, nothing where the disk is full; False when another kernel was first.

    It outlives this process at once; that it is on the disk is not waited for.
    """
    try:
        opened = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return False
    data = text.encode()
    try:
        with suppress(OSError):
            if os.write(opened, data) < len(data):
                os.ftruncate(opened, 0)
    finally:
        os.close(opened)
    return True


def file_hash(path: Path) -> str:
    """The SHA-256 of the file's bytes, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def remove_abandoned(folder: Path) -> None:
    """Remove what a killed kernel was writing a day ago."""
    for path in folder.glob(f"{_TEMPORARY}*"):
        with suppress(OSError):  # another kernel may remove it first
            if time.time() - path.stat().st_mtime > _ABANDONED_S:
                path.unlink()


def sync_folder(folder: Path) -> None:
    """Have the names in the folder on the disk; Windows keeps them by itself."""
    if os.name != "posix":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _sync(path: Path) -> None:
    # Windows flushes only what was opened for writing.
    with path.open("r+b") as file:
        os.fsync(file.fileno())
