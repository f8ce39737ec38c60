"""Whatever the disk does: the cell is answered, and the history says what was lost."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from kqlmagic_ext.record.store import Store
from kqlmagic_ext.record.writer import Writer
from tests.notebook import Notebook
from tests.record.drafted import history, noise, numbers, written


def mount(*arguments: str) -> bool:
    """Whether it could be mounted: only root may."""
    command = ["mount", *arguments]
    return (
        sys.platform == "linux" and not subprocess.run(command, capture_output=True, check=False).returncode
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)):
        assert not os.environ.get("KQLMAGIC_CI"), "CI mounts as root"
        pytest.skip("no small disk can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)  # noqa: S607 - where it lies differs


def test_on_a_full_disk_the_cell_is_answered_and_the_history_says_what_is_not_kept(
    case: Notebook, small_disk: Path
) -> None:
    case.run(f"%config KqlMagics.cases_folder = {str(small_disk)!r}")
    case.run("%kql print first_one = 1")
    assert history(case)["kept"].tolist() == ["kept"]
    case.names["noise"] = noise(200_000)
    case.run("%kql -i noise -o big noise")
    case.run("%kql print last_one = 1")
    assert len(case.names["big"]) == 200_000
    told = history(case)
    kept = told["kept"].tolist()
    assert kept[::2] == ["kept", "kept"]
    assert "No space left on device" in kept[1]
    assert (told["rows"][1], told["inputs"][1]) == (200_000, "noise origin unknown")
    assert not list((small_disk / "contoso").rglob(".writing-*"))


def test_a_disk_that_is_full_to_the_last_byte_loses_the_record_and_says_so(
    case: Notebook, small_disk: Path
) -> None:
    case.run(f"%config KqlMagics.cases_folder = {str(small_disk)!r}")
    case.run("%kql print first_one = 1")
    assert history(case)["kept"].tolist() == ["kept"]
    with suppress(OSError), (small_disk / "ballast").open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    case.run("%kql print second_one = 2")
    kept = history(case)["kept"].tolist()
    assert kept[0] == "kept"
    assert "No space left on device" in kept[1]
    case.run("%kql print third_one = 3")
    assert "the record could not keep all (OSError: No space left on device)" in case.receipt
    (small_disk / "ballast").unlink()
    case.run("%kql print fourth_one = 4")
    assert history(case).set_index("id")["kept"]["R4"] == "kept"


def test_a_folder_that_is_read_only_records_nothing_is_read_and_says_so(
    case: Notebook, small_disk: Path
) -> None:
    case.run(f"%config KqlMagics.cases_folder = {str(small_disk)!r}")
    case.run("%kql print first_one = 1")
    assert history(case)["kept"].tolist() == ["kept"]
    assert mount("-o", "remount,ro", str(small_disk))
    assert case.value("%kql print second_one = 2").shape == (1, 1)
    assert "this query is not recorded: Read-only file system" in case.receipt
    assert history(case)["kept"].tolist() == ["kept"]
    assert "queries of this kernel without a record: 1; the last: Read-only file system" in case.receipt
    case.run("%kql_open R1 -o again")
    assert case.names["again"]["first_one"].tolist() == [1]


@pytest.mark.parametrize("step", range(1, 9))
def test_a_disk_that_fails_at_any_step_leaves_nothing_half(
    store: Store, writer: Writer, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """A record with its answer takes six steps: each of two files is written, named, and its name written."""
    taken = 0

    def failing(real: Callable[..., None]) -> Callable[..., None]:
        def one_step(*arguments: Any, **named: Any) -> None:
            nonlocal taken
            taken += 1
            if taken == step:
                raise OSError(errno.EIO, "Input/output error")
            real(*arguments, **named)

        return one_step

    assert written(writer, store, numbers(1)) == ["kept"]
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing(os.fsync))
        patch.setattr(Path, "replace", failing(Path.replace))
        states = written(writer, store, numbers(2))
        assert states[1] == ("kept" if step > 6 else "not kept: OSError: Input/output error")
    assert written(writer, store, numbers(3))[::2] == ["kept", "kept"]
    on_disk = {path.name for path in (store.folder / "results").iterdir()}
    kept = [record for record in store.history() if store.state(record) == "kept"]
    assert on_disk == {f"{record.sha256}.parquet" for record in kept}
    assert all(store.table(record.tables[0]).num_rows == 10 for record in kept)
    assert all(store.record(record.number) == record for record in store.history())
    assert not list((store.folder / "records").glob(".writing-*"))


def test_a_file_in_place_of_the_folder_is_said_and_the_cell_answered(case: Notebook, cases: Path) -> None:
    cases.write_text("")
    assert case.value("%kql print 1").shape == (1, 1)
    assert "this query is not recorded: " in case.receipt
    assert history(case).empty
    assert "queries of this kernel without a record: 1" in case.receipt
