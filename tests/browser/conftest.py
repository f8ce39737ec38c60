from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.drawn import Pages
from tests.browser.lab import chromium, needs_chromium


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    needs_chromium()
    with chromium() as browser:
        yield Pages(browser, tmp_path_factory.mktemp("pages"))
