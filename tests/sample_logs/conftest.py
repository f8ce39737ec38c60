from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.sample_logs.logs import Logs


@pytest.fixture(scope="module")
def logs() -> Iterator[Logs]:
    folder = Path(__file__).parents[3] / "shared" / "sample_data"
    if not folder.is_dir():
        reason = (
            f"the sample logs are not beside the repository: no folder {folder.name} in {folder.parent.name}"
        )
        if os.environ.get("KQLMAGIC_CI"):
            pytest.fail(reason)
        pytest.skip(reason)  # the logs are not this project's to carry; CI fails in the line above
    with ExitStack() as stack:
        yield Logs(folder, stack)
